//! What is answered at addresses and for methods that no handler knows: actix says 404 to both, the
//! description distinguishes them.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use crate::problem::{Problem, ProblemKind};

/// Pages for people and probes for machines: answered to GET, not in the description.
const UNDESCRIBED: [&str; 11] = [
    "/console",
    "/healthz",
    "/readyz",
    "/version",
    "/openapi.json",
    "/docs",
    "/docs/",
    "/docs/{file}",
    "/problems",
    "/problems/{slug}",
    "/view/operation-runs/{run_id}",
];

/// All addresses with the methods that they know.
pub(crate) struct RouteTable {
    routes: Vec<(Vec<String>, Vec<&'static str>)>,
}

impl RouteTable {
    /// Reads the document's paths and adds those that are not in it.
    pub(crate) fn new(document: &Value) -> Self {
        let described = document["paths"].as_object().into_iter().flatten();
        let mut routes: Vec<_> = described
            .map(|(path, item)| {
                let mut methods = Vec::new();
                if item.get("get").is_some() {
                    methods.extend(["GET", "HEAD"]);
                }
                for (member, method) in [
                    ("post", "POST"),
                    ("put", "PUT"),
                    ("patch", "PATCH"),
                    ("delete", "DELETE"),
                ] {
                    if item.get(member).is_some() {
                        methods.push(method);
                    }
                }
                (segments(path), methods)
            })
            .collect();
        routes.extend(
            UNDESCRIBED
                .iter()
                .map(|path| (segments(path), vec!["GET", "HEAD"])),
        );
        Self { routes }
    }

    fn methods(&self, path: &str) -> Option<String> {
        let path = segments(path);
        let (_, methods) = self.routes.iter().find(|(route, _)| fits(route, &path))?;
        Some(methods.join(", "))
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn fits(route: &[String], path: &[String]) -> bool {
    route.len() == path.len()
        && route
            .iter()
            .zip(path)
            .all(|(route, given)| (route.starts_with('{') && !given.is_empty()) || route == given)
}

/// 404, or 405 with the methods that the address knows.
pub(crate) async fn answer(
    request: HttpRequest,
    table: web::Data<RouteTable>,
) -> Result<HttpResponse, Problem> {
    match table.methods(request.path()) {
        None => Err(Problem::not_found()),
        Some(methods) => Err(not_allowed(&methods)),
    }
}

/// With the methods that the address knows.
pub(crate) fn not_allowed(methods: &str) -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        format!("This address knows {methods}."),
    )
    .allowing(methods.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn methods_are_found_by_the_shape_of_the_address() {
        let table = RouteTable::new(&json!({"paths": {
            "/runs/{id}": {"get": {}},
            "/runs/{id}/start": {"post": {}},
            "/schedule": {"get": {}, "put": {}, "delete": {}},
        }}));
        let all = "GET, HEAD, PUT, DELETE";
        assert_eq!(table.methods("/schedule").as_deref(), Some(all));
        assert_eq!(table.methods("/runs/7").as_deref(), Some("GET, HEAD"));
        assert_eq!(table.methods("/runs/7/start").as_deref(), Some("POST"));
        assert_eq!(table.methods("/runs/"), None);
        assert_eq!(table.methods("/other"), None);
    }
}
