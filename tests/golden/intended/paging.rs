//! Lists are read back as well as forward.

use serde_json::Value;

/// The link that every answer has, after those of its list.
const OF_ALL: &str = "</openapi.json>";

/// A page after another one names the page before it.
pub(super) fn named_before(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let ask = answer["ask"].as_str().unwrap_or_default();
        let has_rows = answer["answer"]["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty());
        let path = ask
            .strip_prefix("GET ")
            .map(|path| path.replace(':', "%3A"));
        let path = path.filter(|path| path.contains("cursor=") && has_rows);
        if let (Some(path), Value::String(link)) = (path, &mut answer["headers"]["link"]) {
            *link = link.replace(OF_ALL, &format!("<<api>{path}>; rel=\"prev\", {OF_ALL}"));
        }
    }
    answers
}
