//! From a `.sql` file to the text that PostgreSQL prepares, at compile time.
//!
//! Files use the words of psql: `\ir pieces/x.sql`, alone on a line, stands for the text of another
//! file; `:name` for a parameter, which becomes `$1`, `$2` and so on; and `:'name'` for a constant,
//! which becomes a literal. What is not declared, and what is declared and not used, does not
//! compile. Nothing is replaced within literals, quoted names, dollar quotes and comments.

mod scan;

use scan::{
    between, find_constant, find_parameter, find_piece, line_end, name_end, skip, skip_opaque,
    starts_with,
};

/// Text that grows; of size 0 it only counts.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    const fn push(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }

    const fn push_all(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            self.push(bytes[at]);
            at += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(b'0' + (number % 10) as u8);
    }

    /// How long the text is.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The text.
    pub(crate) const fn as_str(&self) -> &str {
        assert!(self.len == N, "the text does not fit");
        match std::str::from_utf8(&self.bytes) {
            Ok(text) => text,
            Err(_) => panic!("a name cuts a character in two"),
        }
    }
}

/// More names than any statement has.
const MOST: usize = 64;

/// Names that a text may use, and which of them it has used.
struct Names {
    used: [bool; MOST],
}

impl Names {
    const fn new() -> Self {
        Self {
            used: [false; MOST],
        }
    }

    const fn mark(&mut self, at: usize) {
        self.used[at] = true;
    }

    /// The first of so many names that was not used.
    const fn unused(&self, count: usize) -> Option<usize> {
        let mut at = 0;
        while at < count {
            if !self.used[at] {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

/// Ends the build with a message and the name that it is about.
const fn refuse(message: &str, name: &[u8]) -> ! {
    let mut text = Text::<200>::new();
    text.push_all(message.as_bytes());
    text.push_all(b": ");
    text.push_all(name);
    let len = if text.len < 200 { text.len } else { 200 };
    match std::str::from_utf8(text.bytes.split_at(len).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("{}", message),
    }
}

/// Puts pieces in the place of the lines that name them, also in pieces.
pub(crate) const fn join<const N: usize>(text: &str, pieces: &[(&str, &str)]) -> Text<N> {
    let (mut joined, mut names) = (Text::new(), Names::new());
    join_into(&mut joined, &mut names, text.as_bytes(), pieces);
    if let Some(unused) = names.unused(pieces.len()) {
        let name = pieces[unused].0.as_bytes();
        refuse("a piece is declared and not included", name);
    }
    joined
}

const fn join_into<const N: usize>(
    joined: &mut Text<N>,
    names: &mut Names,
    bytes: &[u8],
    pieces: &[(&str, &str)],
) {
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let word = skip(bytes, at, b' ');
        if starts_with(bytes, word, b"\\ir ") {
            let Some(piece) = find_piece(bytes, word + 4, end, pieces) else {
                let name = between(bytes, word + 4, end);
                refuse("a statement includes a piece that is not declared", name);
            };
            names.mark(piece);
            join_into(joined, names, pieces[piece].1.as_bytes(), pieces);
        } else {
            while at < end {
                joined.push(bytes[at]);
                at += 1;
            }
            if end < bytes.len() {
                joined.push(b'\n');
            }
        }
        at = end + 1;
    }
}

/// Puts numbers in the place of parameters, and literals in the place of constants.
pub(crate) const fn number<const N: usize>(
    text: &str,
    parameters: &[&str],
    constants: &[(&str, &str)],
) -> Text<N> {
    let bytes = text.as_bytes();
    let mut numbered = Text::new();
    let (mut parameter_names, mut constant_names) = (Names::new(), Names::new());
    let mut at = 0;
    while at < bytes.len() {
        let after = skip_opaque(bytes, at);
        if after > at {
            while at < after {
                numbered.push(bytes[at]);
                at += 1;
            }
        } else if starts_with(bytes, at, b"::") {
            numbered.push_all(b"::");
            at += 2;
        } else if starts_with(bytes, at, b":'") {
            let end = name_end(bytes, at + 2);
            let Some(constant) = find_constant(bytes, at + 2, end, constants) else {
                let name = between(bytes, at + 2, end);
                refuse("a statement uses a constant that is not declared", name);
            };
            assert!(
                starts_with(bytes, end, b"'"),
                "a constant's name has no end"
            );
            constant_names.mark(constant);
            numbered.push(b'\'');
            numbered.push_all(constants[constant].1.as_bytes());
            numbered.push(b'\'');
            at = end + 1;
        } else if bytes[at] == b':' && name_end(bytes, at + 1) > at + 1 {
            let end = name_end(bytes, at + 1);
            let Some(parameter) = find_parameter(bytes, at + 1, end, parameters) else {
                let name = between(bytes, at + 1, end);
                refuse("a statement uses a parameter that is not declared", name);
            };
            parameter_names.mark(parameter);
            numbered.push(b'$');
            numbered.push_number(parameter + 1);
            at = end;
        } else {
            numbered.push(bytes[at]);
            at += 1;
        }
    }
    if let Some(unused) = parameter_names.unused(parameters.len()) {
        let name = parameters[unused].as_bytes();
        refuse("a parameter is declared and not used", name);
    }
    if let Some(unused) = constant_names.unused(constants.len()) {
        let name = constants[unused].0.as_bytes();
        refuse("a constant is declared and not used", name);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a statement; lengths are counted first, as at compile time.
    fn text(
        file: &str,
        pieces: &[(&str, &str)],
        names: &[&str],
        constants: &[(&str, &str)],
    ) -> String {
        const ROOM: usize = 4096;
        let joined = join::<ROOM>(file, pieces);
        assert_eq!(joined.len, join::<0>(file, pieces).len());
        let joined = std::str::from_utf8(&joined.bytes[..joined.len]).unwrap();
        let numbered = number::<ROOM>(joined, names, constants);
        assert_eq!(numbered.len, number::<0>(joined, names, constants).len());
        std::str::from_utf8(&numbered.bytes[..numbered.len])
            .unwrap()
            .to_owned()
    }

    #[test]
    fn parameters_become_numbers_by_their_place_in_the_declaration() {
        let names: Vec<String> = (1..=12).map(|n| format!("p{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let used = names
            .iter()
            .map(|name| format!(":{name}"))
            .collect::<Vec<_>>()
            .join(", ");
        assert_eq!(
            text(&format!("SELECT {used}, :p1::text"), &[], &names, &[]),
            "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $1::text"
        );
    }

    #[test]
    fn what_is_no_parameter_stays_as_it_is() {
        let file = "SELECT ':a', \":a\", $$ :a $$, x::int, y[1:2] -- :a\n/* :a */, 'it''s :a', :a";
        assert_eq!(
            text(file, &[], &["a"], &[]),
            file.strip_suffix(":a").unwrap().to_owned() + "$1"
        );
    }

    #[test]
    fn constants_become_literals_and_pieces_take_the_place_of_their_lines() {
        let file = "SELECT 1\n  \\ir a/piece.sql\nWHERE s = :'source' AND :x";
        let pieces = [("a/piece", "FROM t\n\\ir b.sql\n"), ("b", "-- from :x\n")];
        assert_eq!(
            text(file, &pieces, &["x"], &[("source", "queued")]),
            "SELECT 1\nFROM t\n-- from :x\nWHERE s = 'queued' AND $1"
        );
    }

    #[test]
    #[should_panic(expected = "a parameter is declared and not used: a")]
    fn a_parameter_that_is_not_used_is_refused() {
        number::<0>("SELECT 1", &["a"], &[]);
    }

    #[test]
    #[should_panic(expected = "a parameter that is not declared: ab")]
    fn a_parameter_that_is_not_declared_is_refused() {
        number::<0>("SELECT :ab", &["a"], &[]);
    }

    #[test]
    #[should_panic(expected = "a constant that is not declared: a")]
    fn a_constant_that_is_not_declared_is_refused() {
        number::<0>("SELECT :'a'", &["a"], &[]);
    }

    #[test]
    #[should_panic(expected = "a piece is declared and not included: a")]
    fn a_piece_that_is_not_included_is_refused() {
        join::<0>("SELECT 1", &[("a", "")]);
    }

    #[test]
    #[should_panic(expected = "a piece that is not declared: b.sql")]
    fn a_piece_that_is_not_declared_is_refused() {
        join::<0>("\\ir b.sql", &[("a", "")]);
    }
}
