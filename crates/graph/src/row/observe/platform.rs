//! Which platform an object is for, in the registry's words.

use serde_json::Value;

/// Beginnings of Graph's words and type names, in lower case, and the registry's word for each.
const BEGINNINGS: [(&str, &str); 14] = [
    ("windows", "windows"),
    ("win32", "windows"),
    ("winget", "windows"),
    ("officesuite", "windows"),
    ("microsoftstore", "windows"),
    ("ios", "iOS"),
    ("managedios", "iOS"),
    ("ipad", "iOS"),
    ("macos", "macOS"),
    ("android", "android"),
    ("managedandroid", "android"),
    ("aosp", "android"),
    ("linux", "linux"),
    ("chromeos", "chromeOS"),
];

/// The platform that the object names itself, or that its kind stands for. Several are joined by
/// commas. `None` when it does not say.
pub(super) fn of(object: &Value) -> Option<String> {
    let named = ["platforms", "platform"]
        .iter()
        .find_map(|property| object.get(*property).and_then(Value::as_str))
        .and_then(of_flags);
    named.or_else(|| {
        let kind = object.get("@odata.type")?.as_str()?;
        word(kind.rsplit('.').next()?).map(str::to_owned)
    })
}

/// Graph writes several flags as one text with commas.
fn of_flags(flags: &str) -> Option<String> {
    let mut words: Vec<&str> = flags
        .split(',')
        .filter_map(|flag| word(flag.trim()))
        .collect();
    words.sort_unstable();
    words.dedup();
    (!words.is_empty()).then(|| words.join(","))
}

fn word(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    BEGINNINGS
        .iter()
        .find(|(beginning, _)| text.starts_with(beginning))
        .map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_objects_own_word_goes_before_its_kind() {
        for (object, platform) in [
            (json!({"platforms": "windows10"}), Some("windows")),
            (
                json!({"platforms": "macOS,windows10,windows10X"}),
                Some("macOS,windows"),
            ),
            (json!({"platform": "androidForWork"}), Some("android")),
            (
                json!({"platform": "iOS", "@odata.type": "#microsoft.graph.macOSLobApp"}),
                Some("iOS"),
            ),
            (
                json!({"@odata.type": "#microsoft.graph.macOSLobApp"}),
                Some("macOS"),
            ),
            (
                json!({"@odata.type": "#microsoft.graph.managedIOSStoreApp"}),
                Some("iOS"),
            ),
            (json!({"@odata.type": "#microsoft.graph.webApp"}), None),
            (json!({"platforms": "none"}), None),
            (json!({"platforms": ["windows10"]}), None),
            (json!({}), None),
        ] {
            assert_eq!(of(&object).as_deref(), platform, "{object}");
        }
    }
}
