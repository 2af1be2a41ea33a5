//! Ids, numbers and words in paths.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::problem::Problem;

/// The id in the path under this name. Text that is no id names nothing: 404.
pub(crate) fn path_id<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    request
        .match_info()
        .get(name)
        // Uuids have spellings; an address has one.
        .filter(|text| text.len() == 36)
        .and_then(|text| text.parse().ok())
        .ok_or_else(Problem::not_found)
}

/// The number in the path under this name, from 1. Anything else names nothing: 404.
pub(crate) fn path_number(request: &HttpRequest, name: &str) -> Result<i32, Problem> {
    request
        .match_info()
        .get(name)
        // Numbers have spellings, too.
        .filter(|text| text.starts_with(|first: char| first.is_ascii_digit() && first != '0'))
        .and_then(|text| text.parse().ok())
        .ok_or_else(Problem::not_found)
}

/// The word in the path under this name. Any other word names nothing: 404.
pub(crate) fn path_word<T: FromStr>(request: &HttpRequest, name: &str) -> Result<T, Problem> {
    let text = request.match_info().get(name);
    let word = text.and_then(|text| text.parse().ok());
    word.ok_or_else(Problem::not_found)
}
