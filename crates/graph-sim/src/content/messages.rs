//! Payloads of templates of messages to users, and of the messages.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::{Rng, Row};

const LOCALES: [&str; 4] = ["en-us", "de-de", "fr-fr", "ja-jp"];

/// A template.
pub(super) fn template(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "defaultLocale": "en-US",
        "brandingOptions": "includeCompanyLogo,includeCompanyName",
        "localizedNotificationMessages": rng.percent(50).then(|| json!([{
            "id": format!("{}_en-us", row.id()),
            "locale": "en-us",
            "subject": "Your device needs attention",
            "messageTemplate": "Please update it.",
            "isDefault": true,
        }])),
    })
}

/// How many languages it has messages in or had.
pub(super) fn message_count(row: &Row<'_>) -> usize {
    1 + row.rng(Purpose::Values).below(LOCALES.len())
}

/// Its messages by language. Edits: part 0 of the subject, 1 of the text.
pub(super) fn messages(row: &Row<'_>) -> Vec<Value> {
    let (_, modified) = row.times();
    let edits = row.edits();
    LOCALES
        .iter()
        .take(message_count(row))
        .enumerate()
        .map(|(place, locale)| (edits.at(place), place, locale))
        .filter(|(edits, _, _)| !edits.is_removed())
        .map(|(edits, place, locale)| {
            let edited = |text: &str, part: usize| match edits.of(part) {
                0 => text.to_owned(),
                times => format!("{text} ({times})"),
            };
            json!({
                "id": format!("{}_{locale}", row.id()),
                "lastModifiedDateTime": modified,
                "locale": locale,
                "subject": edited("Your device needs attention", 0),
                "messageTemplate": edited("Please update it.", 1),
                "isDefault": place == 0,
            })
        })
        .collect()
}
