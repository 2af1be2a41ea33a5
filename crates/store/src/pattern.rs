//! Patterns of LIKE.

/// A pattern that matches what contains the text, with its own wildcards taken as letters.
pub(crate) fn containing(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(containing(r"50%_\x"), r"%50\%\_\\x%");
    }

    #[test]
    fn wildcards_in_a_search_text_are_letters() {
        assert_eq!(containing(r"50%_\"), r"%50\%\_\\%");
    }
}
