//! `docker-compose.yml` and `Dockerfile` against the programs that they run.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::programs;

fn compose() -> Value {
    let mut document: Value = serde_yaml_ng::from_str(&crate::read("docker-compose.yml")).unwrap();
    document.apply_merge().unwrap();
    document
}

fn services() -> Vec<(String, Value)> {
    let document = compose();
    let services = document["services"].as_mapping().unwrap();
    services
        .iter()
        .map(|(name, service)| (name.as_str().unwrap().to_owned(), service.clone()))
        .collect()
}

fn service(name: &str) -> Value {
    services()
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap()
        .1
}

fn words(value: &Value) -> Vec<String> {
    let list = value.as_sequence().into_iter().flatten();
    list.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Our services: the program, and the arguments that select what it does.
fn commands() -> Vec<(String, String, Vec<String>)> {
    services()
        .into_iter()
        .filter(|(_, service)| service["image"] == "tenantatlas")
        .map(|(name, service)| {
            let mut line = words(&service["entrypoint"]);
            line.extend(words(&service["command"]));
            (name, line[0].clone(), line[1..].to_vec())
        })
        .collect()
}

/// What the program and all of its commands say about themselves, and the command's own page.
fn help(program: &str, arguments: &[String]) -> String {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if program == "atlas" && arguments.is_empty() {
        // The service stands for every command of the command line.
        return [
            &["tenant", "add"][..],
            &["inventory", "list"],
            &["keys", "rotate"],
        ]
        .iter()
        .map(|command| programs::help(program, command))
        .collect();
    }
    programs::help(program, &arguments)
}

fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == name)
}

#[test]
fn the_services_are_those_of_the_architecture() {
    let names: BTreeSet<_> = services().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "api",
        "atlas",
        "graph-sim",
        "migrate",
        "postgres",
        "redis",
        "worker",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
}

#[test]
fn every_program_is_run_by_a_service_and_built_into_the_image() {
    let run: BTreeSet<_> = commands()
        .into_iter()
        .map(|(_, program, _)| program)
        .collect();
    assert_eq!(run, programs::NAMES.map(str::to_owned).into());
    let dockerfile = crate::read("Dockerfile");
    for program in programs::NAMES {
        let path = format!("target/release/{program}");
        assert!(
            dockerfile.split_whitespace().any(|word| word == path),
            "{path}"
        );
    }
}

#[test]
fn every_variable_that_is_set_is_one_that_the_program_documents() {
    for (name, program, arguments) in commands() {
        let help = help(&program, &arguments);
        let environment = service(&name)["environment"].as_mapping().unwrap().clone();
        for variable in environment.keys() {
            let variable = variable.as_str().unwrap();
            assert!(
                mentions(&help, variable),
                "{name}: {program} knows no {variable}:\n{help}"
            );
        }
    }
}

#[test]
fn every_program_gets_what_it_cannot_run_without() {
    let required = [
        ("api", &["DATABASE_URL", "REDIS_URL", "ATLAS_LISTEN"][..]),
        (
            "worker",
            &["DATABASE_URL", "REDIS_URL", "ATLAS_SECRET_KEYS"],
        ),
        ("migrate", &["DATABASE_URL"]),
        ("atlas", &["DATABASE_URL", "ATLAS_SECRET_KEYS", "ATLAS_URL"]),
        ("graph-sim", &["ATLAS_SIM_LISTEN"]),
    ];
    for (name, variables) in required {
        for variable in variables {
            let value = &service(name)["environment"][*variable];
            assert!(
                value.as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {variable}"
            );
        }
    }
}

#[test]
fn only_the_api_has_a_port_outside_and_it_is_the_one_that_it_listens_on() {
    for (name, service) in services() {
        let ports = words(&service["ports"]);
        if name != "api" {
            assert!(ports.is_empty(), "{name} has ports");
            continue;
        }
        let listen = service["environment"]["ATLAS_LISTEN"]
            .as_str()
            .unwrap()
            .to_owned();
        let (_, port) = listen.rsplit_once(':').unwrap();
        assert_eq!(ports.len(), 1);
        assert_eq!(ports[0].rsplit(':').next(), Some(port));
    }
}

#[test]
fn workers_can_be_many() {
    let worker = service("worker");
    assert!(worker.get("container_name").is_none() && worker.get("ports").is_none());
    assert!(worker.get("hostname").is_none() && worker.get("volumes").is_none());
}

#[test]
fn what_stays_up_says_whether_it_is_well() {
    for name in ["postgres", "redis", "api", "worker"] {
        let test = words(&service(name)["healthcheck"]["test"]);
        assert_eq!(test[0], "CMD", "{name}");
        if programs::NAMES.contains(&test[1].as_str()) {
            let help = programs::help(&test[1], &[&test[2]]);
            assert!(help.contains("Usage"), "{name}: {test:?}");
        }
    }
}

#[test]
fn a_program_waits_for_the_schema() {
    for name in ["api", "worker"] {
        let condition = &service(name)["depends_on"]["migrate"]["condition"];
        assert_eq!(condition, "service_completed_successfully", "{name}");
    }
}

#[test]
fn no_secret_stands_in_the_file() {
    for (name, service) in services() {
        let Some(environment) = service["environment"].as_mapping() else {
            continue;
        };
        for (variable, value) in environment {
            let variable = variable.as_str().unwrap();
            let secret = ["PASSWORD", "SECRET", "TOKEN"]
                .iter()
                .any(|part| variable.contains(part));
            let from_outside = value.as_str().is_none_or(|text| text.starts_with("${"));
            assert!(!secret || from_outside, "{name}: {variable}");
        }
    }
}

#[test]
fn the_programs_run_without_rights() {
    let dockerfile = crate::read("Dockerfile");
    let user = dockerfile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("USER "))
        .unwrap();
    assert!(user.parse::<u32>().is_ok_and(|uid| uid > 0), "USER {user}");
    for (name, _, _) in commands() {
        let service = service(&name);
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
    }
}
