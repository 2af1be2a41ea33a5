//! JSON that waits to be stored.

use std::{fmt, io};

use serde::Serialize;
use serde_json::Value;

/// JSON as text. A page's objects wait to be stored as this: as trees they would take several times
/// the memory.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// Writes a value down.
    ///
    /// # Panics
    /// When the value cannot be JSON, such as a map whose keys are not texts.
    #[must_use]
    pub fn of(value: &(impl Serialize + ?Sized)) -> Self {
        let text = serde_json::to_string(value).expect("what comes from JSON can be JSON again");
        Self(text.into_boxed_str())
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }

    /// The value that was written down.
    #[must_use]
    pub fn value(&self) -> Value {
        // It was written by `of`, the only way to make one.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many bytes a value has as JSON.
pub(super) fn length_of(value: &Value) -> usize {
    struct Length(usize);

    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).expect("what comes from JSON can be JSON again");
    length.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was() {
        let value = json!({"b": [1, "x\u{0}\\u0000", null], "a": {"deep": 1.5}});
        assert_eq!(JsonText::of(&value).value(), value);
        assert_eq!(JsonText::of(&value).as_str().len(), length_of(&value));
    }
}
