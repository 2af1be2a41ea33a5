//! What serde says of a value that does not fit, as a sentence for whoever wrote the value.

/// The sentence for a text of serde's, which names Rust's types and repeats the value.
pub(super) fn of(text: &str) -> String {
    if let Some((_, expected)) = text.split_once(", expected ") {
        return format!("Must be {}.", named(expected));
    }
    if text.starts_with("UUID parsing failed") {
        return "Must be a UUID.".to_owned();
    }
    if text.starts_with("missing field") {
        return "A member is missing.".to_owned();
    }
    "This value is not valid.".to_owned()
}

fn named(expected: &str) -> String {
    let words = expected.replace('`', "");
    match words.as_str() {
        "a string" | "a boolean" => words,
        // A word of an enumeration.
        "string or map" => "a string".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        _ if words.starts_with("struct ") => "an object".to_owned(),
        _ if words.starts_with("a UUID") || words.starts_with("a formatted UUID") => {
            "a UUID".to_owned()
        }
        "u8" | "u16" | "u32" | "u64" | "i16" | "i32" | "i64" | "usize" => {
            "a whole number within its limits".to_owned()
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::of;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        One,
        Two,
    }

    #[test]
    fn types_of_rust_are_not_named_and_values_not_repeated() {
        let list = serde_json::from_value::<Vec<u16>>(7.into()).unwrap_err();
        assert_eq!(of(&list.to_string()), "Must be a list.");
        for (sentence, expected) in [
            (
                of("invalid type: integer `7`, expected a string"),
                "Must be a string.",
            ),
            (
                of("invalid value: integer `-1`, expected u16"),
                "Must be a whole number within its limits.",
            ),
            (of("UUID parsing failed: invalid length"), "Must be a UUID."),
            (
                of("unknown variant `x`, expected `one` or `two`"),
                "Must be one or two.",
            ),
            (
                of("unknown variant `x`, expected one of `a`, `b`, `c`"),
                "Must be one of a, b, c.",
            ),
            (of("something else"), "This value is not valid."),
        ] {
            assert_eq!(sentence, expected);
        }
        let unknown = serde_json::from_value::<Word>("three".into()).unwrap_err();
        assert_eq!(of(&unknown.to_string()), "Must be one or two.");
        let no_id = serde_json::from_value::<Uuid>("x".into()).unwrap_err();
        assert_eq!(of(&no_id.to_string()), "Must be a UUID.");
        let number = serde_json::from_value::<Uuid>(7.into()).unwrap_err();
        assert_eq!(of(&number.to_string()), "Must be a UUID.");
    }
}
