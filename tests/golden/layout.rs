//! JSON as it stands in the recorded files: keys sorted, what fits on a line on one line, else one
//! member or element a line, so that differences between two recordings can be read.

use serde_json::Value;

/// The longest line that holds a whole array or object.
const WIDTH: usize = 100;

/// The value as text, with a line break at the end.
pub(crate) fn text(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let line = on_one_line(value);
    let (open, close, parts): (char, char, Vec<(String, &Value)>) = match value {
        Value::Object(members) if line.len() > WIDTH => {
            let mut parts: Vec<_> = members
                .iter()
                .map(|(name, member)| (format!("{}: ", quoted(name)), member))
                .collect();
            parts.sort_by(|one, other| one.0.cmp(&other.0));
            ('{', '}', parts)
        }
        Value::Array(elements) if line.len() > WIDTH => {
            let parts = elements.iter().map(|element| (String::new(), element));
            ('[', ']', parts.collect())
        }
        _ => {
            text.push_str(&line);
            return;
        }
    };
    text.push(open);
    for (at, (name, part)) in parts.into_iter().enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(depth + 1));
        text.push_str(&name);
        write(part, depth + 1, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(depth));
    text.push(close);
}

/// The value with sorted keys, without line breaks.
pub(crate) fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, member)| format!("{}: {}", quoted(name), on_one_line(member)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(on_one_line).collect();
            format!("[{}]", elements.join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
