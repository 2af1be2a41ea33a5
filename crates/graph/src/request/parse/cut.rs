//! Cutting JSON into its parts without reading them.
//!
//! Serde refuses a whole page for one byte that is wrong in one row. What is cut here are bytes: a
//! part may hold text that is not Unicode, or no JSON at all, and its neighbours are unharmed.

/// More members than stand around the rows of any page.
const MOST_MEMBERS: usize = 1_000;

/// The members of the object that `text` is, in order, as key and value. Keys are as they stand
/// between their quotation marks. `None` when `text` is not one whole object, or one of more than
/// [`MOST_MEMBERS`].
pub(crate) fn members(text: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut members = Vec::new();
    let mut cutter = Cutter { text, at: 0 };
    cutter.enter(b'{')?;
    if !cutter.leave(b'}') {
        loop {
            let key = cutter.value().filter(|key| key.first() == Some(&b'"'))?;
            cutter.enter(b':')?;
            members.push((&key[1..key.len() - 1], cutter.value()?));
            if members.len() > MOST_MEMBERS {
                return None;
            }
            if cutter.leave(b'}') {
                break;
            }
            cutter.enter(b',')?;
        }
    }
    cutter.ended().then_some(members)
}

/// The first elements, at most so many, of the array that `text` is. `None` when it is not one whole
/// array.
pub(crate) fn elements(text: &[u8], most: usize) -> Option<Vec<&[u8]>> {
    let mut elements = Vec::new();
    let mut cutter = Cutter { text, at: 0 };
    cutter.enter(b'[')?;
    if !cutter.leave(b']') {
        loop {
            let element = cutter.value()?;
            if elements.len() < most {
                elements.push(element);
            }
            if cutter.leave(b']') {
                break;
            }
            cutter.enter(b',')?;
        }
    }
    cutter.ended().then_some(elements)
}

struct Cutter<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cutter<'a> {
    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        let blanks = rest.iter().take_while(|byte| b" \t\r\n".contains(byte));
        self.at += blanks.count();
        self.text.get(self.at).copied()
    }

    fn leave(&mut self, byte: u8) -> bool {
        let there = self.next() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn enter(&mut self, byte: u8) -> Option<()> {
        self.leave(byte).then_some(())
    }

    fn ended(&mut self) -> bool {
        self.next().is_none()
    }

    /// A value from its first byte to its last.
    fn value(&mut self) -> Option<&'a [u8]> {
        let first = self.next()?;
        let from = self.at;
        match first {
            b'"' => self.string()?,
            b'{' | b'[' => self.nested()?,
            _ => self.word()?,
        }
        self.text.get(from..self.at)
    }

    /// Goes behind the quotation mark that ends the string.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Goes behind the bracket that closes the one here, however many there are in between.
    fn nested(&mut self) -> Option<()> {
        let mut open = Vec::new();
        loop {
            match self.text.get(self.at)? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' => open.push(b'}'),
                b'[' => open.push(b']'),
                byte @ (b'}' | b']') if open.pop() != Some(*byte) => return None,
                _ => {}
            }
            self.at += 1;
            if open.is_empty() {
                return Some(());
            }
        }
    }

    /// Goes behind a number or a literal, or what stands in the place of one.
    fn word(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let word = rest
            .iter()
            .take_while(|byte| !b" \t\r\n,:]}".contains(byte));
        let length = word.count();
        self.at += length;
        (length > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(parts: Option<Vec<&[u8]>>) -> Option<Vec<String>> {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        parts.map(|parts| parts.into_iter().map(text).collect())
    }

    #[test]
    fn parts_are_cut_whatever_they_hold() {
        let cut = |text: &str| texts(elements(text.as_bytes(), 9));
        assert_eq!(cut(" [ ] "), Some(Vec::new()));
        assert_eq!(
            cut(r#"[{"a": "]\"}\\", "b": [[]]}, NaN ,"x,y", -1E999, null]"#).unwrap(),
            [
                r#"{"a": "]\"}\\", "b": [[]]}"#,
                "NaN",
                r#""x,y""#,
                "-1E999",
                "null"
            ]
        );
        let object = members(b"{\"a\": 1, \"b\\n\": {\"c\": \"\xE9\"}}").unwrap();
        assert_eq!(object[0], (b"a".as_slice(), b"1".as_slice()));
        assert_eq!(object[1].0, b"b\\n");
        assert_eq!(object[1].1, b"{\"c\": \"\xE9\"}");
        let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(elements(deep.as_bytes(), 9).unwrap().len(), 1);
    }

    #[test]
    fn what_is_not_whole_is_not_cut() {
        for text in [
            "",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[1 2]",
            "[,1]",
            "[\"a",
            "[\"a\\\"]",
            "[{]",
            "[{\"a\": 1]",
            "[}]",
            "[1] 2",
            "{}",
        ] {
            assert_eq!(elements(text.as_bytes(), 9), None, "{text}");
        }
        for text in [
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{a: 1}",
            "{\"a\": 1,}",
            "[]",
            "{}}",
        ] {
            assert_eq!(members(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_beginning_of_a_page_is_refused() {
        let page = br#"{"@odata.context": "c", "value": [{"id": "0", "x": "\"[{"}, null]}"#;
        assert_eq!(members(page).unwrap().len(), 2);
        for end in 0..page.len() {
            assert_eq!(members(&page[..end]), None, "{end}");
        }
    }
}
