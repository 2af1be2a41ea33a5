//! Ids in paths.

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
