//! Advice that is worded anew.

use serde_json::Value;

const NOT_REACHABLE: &str =
    "Start it again in a moment; if it keeps failing, Redis is not reachable.";
const TAKES_NO_MESSAGES: &str = "Start it again in a moment; if it keeps failing, Redis takes no \
                                 messages, and the API's /readyz says why.";

pub(super) fn any_fault_of_redis(mut value: Value) -> Value {
    replace(&mut value, NOT_REACHABLE, TAKES_NO_MESSAGES);
    value
}

fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text == old => new.clone_into(text),
        Value::Object(members) => members.values_mut().for_each(|it| replace(it, old, new)),
        Value::Array(elements) => elements.iter_mut().for_each(|it| replace(it, old, new)),
        _ => {}
    }
}
