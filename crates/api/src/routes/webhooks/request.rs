//! What callers say about a webhook.

use atlas_domain::event::EventType;
use atlas_domain::webhook::is_delivered;
use atlas_webhooks::{Address, PermittedNetworks};

use crate::problem::{FieldProblem, Problem};

/// Types that may be named at most.
const MAX_TYPES: usize = 50;

/// The address, unless it is refused. A name that leads to a private network is found when something is
/// sent.
pub(super) fn address(
    url: &str,
    networks: &PermittedNetworks,
    errors: &mut Vec<FieldProblem>,
) -> Option<Address> {
    let refused = match url.parse::<Address>() {
        Ok(address) => match address.check(networks) {
            Ok(()) => return Some(address),
            Err(refused) => format!(
                "Nothing is sent to this address: it is {}.",
                refused.network
            ),
        },
        Err(error) => {
            let text = error.to_string();
            let mut rest = text.chars();
            let first = rest.next().map(|first| first.to_ascii_uppercase());
            format!("{}{}.", first.unwrap_or_default(), rest.as_str())
        }
    };
    errors.push(FieldProblem::at_pointer("/url", "refused_address", refused));
    None
}

/// The types, each once and in order.
pub(super) fn event_types(types: Vec<String>, errors: &mut Vec<FieldProblem>) -> Vec<String> {
    if types.len() > MAX_TYPES {
        let detail = format!("At most {MAX_TYPES} types.");
        errors.push(FieldProblem::at_pointer("/event_types", "too_many", detail));
        return Vec::new();
    }
    for (at, word) in types.iter().enumerate() {
        if !word.parse().is_ok_and(is_delivered) {
            let known = EventType::ALL
                .into_iter()
                .filter(|known| is_delivered(*known));
            let known: Vec<&str> = known.map(EventType::as_str).collect();
            let detail = format!(
                "Not a type that is delivered. These are: {}.",
                known.join(", ")
            );
            let pointer = format!("/event_types/{at}");
            errors.push(FieldProblem::at_pointer(pointer, "invalid_value", detail));
        }
    }
    let mut types = types;
    types.sort_unstable();
    types.dedup();
    types
}

/// The value, when nothing is wrong.
pub(super) fn checked<T>(value: Option<T>, errors: Vec<FieldProblem>) -> Result<T, Problem> {
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(Problem::invalid(errors)),
    }
}
