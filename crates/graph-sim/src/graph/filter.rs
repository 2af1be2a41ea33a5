//! The part of OData's `$filter` that inventories use: comparisons, `in`, `startswith`, `contains`,
//! `isof`, `not`, `and`, `or` and parentheses.

use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::Value;

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 32;

/// A condition on a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    Equal(Vec<String>, Value),
    /// The member stands in one of these orders to the value.
    Ordered(Vec<String>, &'static [Ordering], Value),
    OneOf(Vec<String>, Vec<Value>),
    StartsWith(Vec<String>, String),
    /// A word of the member, compared without regard to case.
    Contains(Vec<String>, String),
    IsOf(String),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

impl Filter {
    /// Reads a `$filter`; `None` when it is not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            at: 0,
            depth: 0,
        };
        let filter = parser.or()?;
        (parser.at == tokens.len()).then_some(filter)
    }

    /// Reads a `$search` of one clause, `"displayName:words"`.
    pub(super) fn search(text: &str) -> Option<Self> {
        let clause = text.trim().strip_prefix('"')?.strip_suffix('"')?;
        let (property, words) = clause.split_once(':')?;
        let words = words.replace("\\\"", "\"").replace("\\\\", "\\");
        Some(Self::Contains(
            vec![property.to_owned()],
            words.to_lowercase(),
        ))
    }

    /// Whether the row meets it. A member that is not there is null.
    pub(super) fn holds(&self, row: &Value) -> bool {
        match self {
            Self::Equal(path, value) => {
                let own = member(row, path);
                own == value || order(own, value) == Some(Ordering::Equal)
            }
            Self::Ordered(path, orders, value) => {
                order(member(row, path), value).is_some_and(|order| orders.contains(&order))
            }
            Self::OneOf(path, values) => values.contains(member(row, path)),
            Self::StartsWith(path, prefix) => member(row, path)
                .as_str()
                .is_some_and(|text| text.to_lowercase().starts_with(&prefix.to_lowercase())),
            Self::Contains(path, words) => member(row, path)
                .as_str()
                .is_some_and(|text| text.to_lowercase().contains(words)),
            Self::IsOf(kind) => row["@odata.type"]
                .as_str()
                .is_some_and(|own| own.trim_start_matches('#') == kind),
            Self::Not(inner) => !inner.holds(row),
            Self::And(left, right) => left.holds(row) && right.holds(row),
            Self::Or(left, right) => left.holds(row) || right.holds(row),
        }
    }
}

fn member<'a>(row: &'a Value, path: &[String]) -> &'a Value {
    path.iter()
        // A cast to a derived type: its members are null on rows of other types.
        .filter(|segment| !segment.starts_with("microsoft.graph."))
        .fold(row, |value, segment| &value[segment.as_str()])
}

/// How two values are ordered: times as times, whatever digits their seconds have.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => {
            let time = |text| DateTime::parse_from_rfc3339(text).ok();
            match (time(one), time(other)) {
                (Some(one), Some(other)) => Some(one.cmp(&other)),
                (None, None) => Some(one.cmp(other)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' => {
                tokens.push(Token::Open);
                1
            }
            ')' => {
                tokens.push(Token::Close);
                1
            }
            ',' => {
                tokens.push(Token::Comma);
                1
            }
            '\'' => {
                let (value, length) = quoted(rest)?;
                tokens.push(Token::Text(value));
                length
            }
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "(),'".contains(c))
                    .unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// A text in quotes, in which two quotes stand for one, and how long it is with them.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            value.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            return Some((value, at + 1));
        }
    }
    None
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn eat(&mut self, expected: &Token) -> Option<()> {
        let eaten = self.tokens.get(self.at) == Some(expected);
        self.at += usize::from(eaten);
        eaten.then_some(())
    }

    fn eat_word(&mut self, word: &str) -> Option<()> {
        self.eat(&Token::Word(word.to_owned()))
    }

    fn or(&mut self) -> Option<Filter> {
        let mut left = self.and()?;
        while self.eat_word("or").is_some() {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Filter> {
        let mut left = self.unary()?;
        while self.eat_word("and").is_some() {
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let filter = if self.eat_word("not").is_some() {
            Filter::Not(Box::new(self.unary()?))
        } else if self.eat(&Token::Open).is_some() {
            let inner = self.or()?;
            self.eat(&Token::Close)?;
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Some(filter)
    }

    fn comparison(&mut self) -> Option<Filter> {
        let Token::Word(word) = self.next()? else {
            return None;
        };
        match word.as_str() {
            "isof" => {
                self.eat(&Token::Open)?;
                let Token::Text(kind) = self.next()? else {
                    return None;
                };
                self.eat(&Token::Close)?;
                self.compared_with_bool(Filter::IsOf(kind))
            }
            "startswith" | "startsWith" | "contains" => {
                self.eat(&Token::Open)?;
                let Token::Word(path) = self.next()? else {
                    return None;
                };
                self.eat(&Token::Comma)?;
                let Token::Text(prefix) = self.next()? else {
                    return None;
                };
                self.eat(&Token::Close)?;
                let path = split(&path);
                self.compared_with_bool(match word.as_str() {
                    "contains" => Filter::Contains(path, prefix.to_lowercase()),
                    _ => Filter::StartsWith(path, prefix),
                })
            }
            path => {
                let Token::Word(operator) = self.next()? else {
                    return None;
                };
                let path = split(path);
                if operator == "in" {
                    return Some(Filter::OneOf(path, self.values()?));
                }
                let value = self.value()?;
                let orders: &[Ordering] = match operator.as_str() {
                    "eq" => return Some(Filter::Equal(path, value)),
                    "ne" => return Some(Filter::Not(Box::new(Filter::Equal(path, value)))),
                    "gt" => &[Ordering::Greater],
                    "ge" => &[Ordering::Greater, Ordering::Equal],
                    "lt" => &[Ordering::Less],
                    "le" => &[Ordering::Less, Ordering::Equal],
                    _ => return None,
                };
                Some(Filter::Ordered(path, orders, value))
            }
        }
    }

    /// Literals in parentheses.
    fn values(&mut self) -> Option<Vec<Value>> {
        self.eat(&Token::Open)?;
        let mut values = vec![self.value()?];
        while self.eat(&Token::Comma).is_some() {
            values.push(self.value()?);
        }
        self.eat(&Token::Close)?;
        Some(values)
    }

    /// A literal; those of enumerations may have their type in front of them.
    fn value(&mut self) -> Option<Value> {
        let token = self.next()?;
        let typed = matches!(&token, Token::Word(word) if word.starts_with("microsoft.graph."));
        literal(if typed { self.next()? } else { token })
    }

    /// A function's result may be compared with `true` or `false`.
    fn compared_with_bool(&mut self, filter: Filter) -> Option<Filter> {
        if self.eat_word("eq").is_none() {
            return Some(filter);
        }
        match literal(self.next()?)? {
            Value::Bool(true) => Some(filter),
            Value::Bool(false) => Some(Filter::Not(Box::new(filter))),
            _ => None,
        }
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn literal(token: Token) -> Option<Value> {
    match token {
        Token::Text(text) => Some(Value::String(text)),
        Token::Word(word) => match word.as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            other => match other.parse::<i64>() {
                Ok(number) => Some(Value::from(number)),
                Err(_) => {
                    let time = DateTime::parse_from_rfc3339(other).ok();
                    time.map(|_| Value::from(other))
                }
            },
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use serde_json::json;

    use super::*;

    #[test]
    fn the_filters_that_inventories_send_are_understood() {
        let row = json!({"@odata.type": "#microsoft.graph.win32LobApp", "isAssigned": true,
            "displayName": "O'Neil's app", "size": 4, "at": "2026-01-01T00:00:00Z", "templateReference": {"templateFamily": "none"}});
        for (filter, holds) in [
            ("templateReference/templateFamily eq 'none'", true),
            ("templateReference/templateFamily ne 'none'", false),
            ("isof('microsoft.graph.win32LobApp')", true),
            (
                "not isof('microsoft.graph.win32LobApp') and isAssigned eq true",
                false,
            ),
            ("isof('microsoft.graph.webApp') eq false", true),
            ("displayName eq 'O''Neil''s app'", true),
            ("startswith(displayName,'o''n')", true),
            (
                "(microsoft.graph.managedApp/appAvailability eq null or \
                 microsoft.graph.managedApp/appAvailability eq 'lineOfBusiness' or isAssigned eq true)",
                true,
            ),
            ("displayName in ('a','O''Neil''s app')", true),
            ("contains(displayName,'neil')", true),
            ("size gt 3 and size le 4 and not (size lt 4)", true),
            ("at ge 2026-01-01T00:00:00Z", true),
            ("at ge 2026-01-01T00:00:00.1Z", false),
            ("at eq 2026-01-01T00:00:00.0000000Z", true),
            ("displayName ge 2026-01-01T00:00:00Z", false),
            (
                "isAssigned eq false or (isAssigned eq true and isBuiltIn eq null)",
                true,
            ),
        ] {
            let parsed = Filter::parse(filter).unwrap();
            assert_eq!(parsed.holds(&row), holds, "{filter}");
        }
    }

    #[test]
    fn other_filters_are_refused() {
        let deep = "(".repeat(100);
        for filter in [
            "",
            "a",
            "a eq",
            "a gt",
            "a gt b",
            "a in ()",
            "a in ('x'",
            "a has 'x'",
            "a eq 'x",
            "(a eq 1",
            "a eq 1 b eq 2",
            &deep,
        ] {
            assert_eq!(Filter::parse(filter), None, "{filter}");
        }
    }
}
