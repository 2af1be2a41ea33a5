//! Names of files that every file system takes: ASCII letters, digits, `-` and `_`, short, and different
//! also where letters of both cases are the same.

use atlas_domain::hex::hex;
use sha2::{Digest, Sha256};

/// Characters of a name at most.
const LONGEST_NAME: usize = 80;
/// Characters of a policy type, or of an id, at most.
const LONGEST_ID: usize = 64;
/// Characters of an id before the digest that stands for it.
const LONGEST_BEGINNING: usize = 40;
/// Bytes of the digest.
const DIGEST: usize = 8;

/// The file of an item in the directory of an export: `type/name--id.json`.
pub(super) fn path(policy_type: &str, name: &str, external_id: &str) -> String {
    let policy_type = plain(policy_type, LONGEST_ID);
    let name = plain(name, LONGEST_NAME);
    format!("{policy_type}/{name}--{}.json", id(external_id))
}

/// The text with one `-` for each run of other characters. A dot is one of them: some file systems
/// reserve names by what stands before the first one.
fn plain(text: &str, longest: usize) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        if plain.len() >= longest {
            break;
        }
        if character.is_ascii_alphanumeric() || character == '_' {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    let plain = plain.trim_end_matches('-');
    if plain.is_empty() {
        "unnamed".to_owned()
    } else {
        plain.to_owned()
    }
}

/// The id when it is plain, as nearly all are; else its beginning, and a digest of it.
fn id(external_id: &str) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let fits = (1..=LONGEST_ID).contains(&external_id.len());
    if fits && external_id.bytes().all(is_plain) {
        return external_id.to_owned();
    }
    let mut short = plain(external_id, LONGEST_BEGINNING).to_ascii_lowercase();
    short.push('-');
    short.push_str(&hex(&Sha256::digest(external_id)[..DIGEST]));
    short
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

    use super::*;

    #[test]
    fn a_usual_item_has_its_name_and_its_id() {
        let guid = "c6a7f0b2-3f2d-4d8e-9c54-1b2a3c4d5e6f";
        assert_eq!(
            path("deviceCompliancePolicy", "Windows: baseline (v1.2)", guid),
            format!("deviceCompliancePolicy/Windows-baseline-v1-2--{guid}.json")
        );
    }

    #[test]
    fn whatever_an_item_is_called_its_file_is_short_plain_and_in_the_directory() {
        let long = "ä/x".repeat(3_000);
        for hostile in [
            "",
            ".",
            "..",
            "../../etc",
            "CON.txt",
            "a\\b\0c\n",
            "日本",
            "-",
            &long,
        ] {
            let path = path(hostile, hostile, hostile);
            let (directory, file) = path.split_once('/').unwrap();
            let stem = file.strip_suffix(".json").unwrap();
            for part in [directory, stem] {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                assert!(part.chars().all(is_plain), "{path}");
                assert!(
                    !part.starts_with('-') && (1..=150).contains(&part.len()),
                    "{path}"
                );
            }
            assert!(stem.contains("--"), "{path}");
        }
    }

    #[test]
    fn different_ids_have_different_files_also_where_case_does_not_count() {
        let ids = [
            "T_a",
            "t_a",
            "T_A",
            "t.a",
            "t:a",
            &"a".repeat(65),
            &"a".repeat(66),
        ];
        let files: std::collections::BTreeSet<_> = ids
            .iter()
            .map(|id| path("t", "n", id).to_ascii_lowercase())
            .collect();
        assert_eq!(files.len(), ids.len());
    }
}
