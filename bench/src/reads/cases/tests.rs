//! That every read and every filter of the API is measured.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
use serde_json::Value;

use super::*;

const DOCUMENT: &str = include_str!("../../../../openapi/tenantatlas.json");

/// Paths of all GET operations, with the names of their query parameters.
fn reads(document: &Value) -> Vec<(&String, Vec<&str>)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .filter_map(|(path, operations)| {
            let parameters = operations.get("get")?["parameters"].as_array();
            let parameters = parameters.into_iter().flatten().map(|parameter| {
                parameter["$ref"].as_str().map_or(parameter, |reference| {
                    document.pointer(reference.trim_start_matches('#')).unwrap()
                })
            });
            let queries = parameters.filter(|parameter| parameter["in"] == "query");
            let names = queries.map(|parameter| parameter["name"].as_str().unwrap());
            Some((path, names.collect()))
        })
        .collect()
}

fn of<'a>(path: &'a str) -> impl Iterator<Item = (&'static Case, &'static str)> + 'a {
    ALL.iter().filter_map(move |case| {
        let (own, query) = case.path.split_once('?').unwrap_or((case.path, ""));
        (own.replace("{usual_tenant}", "{tenant_id}") == path).then_some((case, query))
    })
}

#[test]
fn every_read_and_every_filter_of_the_api_is_measured() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let reads = reads(&document);
    assert!(reads.len() > 20, "{}", reads.len());
    let is_stream = |path: &str| STREAMS.contains(&path);
    for (path, parameters) in reads.into_iter().filter(|(path, _)| !is_stream(path)) {
        assert!(
            of(path).count() > 0,
            "GET {path} is not measured: add it to ALL"
        );
        for name in parameters {
            let measured = match name {
                "limit" => true,
                // Of results and members there are few pages.
                "cursor" => of(path).any(|(case, _)| {
                    case.deep || path.ends_with("/results") || path.ends_with("/members")
                }),
                filter => of(path).any(|(_, query)| {
                    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                    pairs.any(|(name, _)| name == filter)
                }),
            };
            assert!(
                measured,
                "GET {path} is not measured with {name}: add it to ALL"
            );
        }
    }
}

#[test]
fn no_two_lines_have_one_name() {
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|case| case.name(1)).collect();
    assert_eq!(names.len(), ALL.len());
}
