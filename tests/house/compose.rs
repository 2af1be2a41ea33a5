//! `docker-compose.yml` and `Dockerfile` against the programs that they run.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::{dockerfile, programs};

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

fn is_ours(service: &Value) -> bool {
    let image = service["image"].as_str().unwrap();
    image.starts_with("tenantatlas")
}

/// Our services: the program, and the arguments that select what it does.
fn commands() -> Vec<(String, String, Vec<String>)> {
    services()
        .into_iter()
        .filter(|(_, service)| is_ours(service))
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
fn every_program_is_run_by_a_service() {
    let run: BTreeSet<_> = commands()
        .into_iter()
        .map(|(_, program, _)| program)
        .collect();
    assert_eq!(run, programs::NAMES.map(str::to_owned).into());
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
        (
            "api",
            &["DATABASE_URL_FILE", "REDIS_URL_FILE", "ATLAS_LISTEN"][..],
        ),
        (
            "worker",
            &[
                "DATABASE_URL_FILE",
                "REDIS_URL_FILE",
                "ATLAS_SECRET_KEYS_FILE",
            ],
        ),
        ("migrate", &["DATABASE_URL_FILE"]),
        (
            "atlas",
            &["DATABASE_URL_FILE", "ATLAS_SECRET_KEYS_FILE", "ATLAS_URL"],
        ),
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

/// What the file takes from the environment: `VARIABLE`, and the operator with the rest, if any.
fn interpolated() -> Vec<(String, String)> {
    let text = crate::read("docker-compose.yml");
    let parts = text.split("${").skip(1).map(|rest| {
        let (inside, _) = rest.split_once('}').unwrap();
        let end = inside
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(inside.len());
        (inside[..end].to_owned(), inside[end..].to_owned())
    });
    parts.collect()
}

#[test]
fn no_variable_has_to_be_set_and_each_that_may_be_is_explained() {
    // Variables are filled in for every command, so one that has to be set would refuse also the
    // build of the image.
    for (variable, default) in interpolated() {
        assert!(default.starts_with(":-"), "{variable} has no default");
    }
    let text = crate::read("docker-compose.yml");
    let instructions = text.lines().take_while(|line| line.starts_with('#'));
    let instructions: Vec<_> = instructions.collect();
    let explained = |variable: &str| instructions.iter().any(|line| mentions(line, variable));
    let passed_on = services().into_iter().flat_map(|(_, service)| {
        let environment = service["environment"].as_mapping().cloned();
        let absent = environment.unwrap_or_default().into_iter();
        absent.filter_map(|(variable, value)| value.is_null().then_some(variable))
    });
    let passed_on = passed_on.map(|variable| variable.as_str().unwrap().to_owned());
    let filled_in = interpolated().into_iter().map(|(variable, _)| variable);
    for variable in passed_on.chain(filled_in) {
        assert!(explained(&variable), "{variable}");
    }
}

#[test]
fn secrets_come_from_files_alone() {
    for (variable, _) in interpolated() {
        assert!(!is_secret(&variable), "{variable}");
    }
    let document = compose();
    let declared = document["secrets"].as_mapping().unwrap();
    for (name, service) in services() {
        let mounted = words(&service["secrets"]);
        for secret in &mounted {
            let file = declared[secret.as_str()]["file"].as_str();
            assert_eq!(file, Some(format!("./secrets/{secret}").as_str()));
        }
        let Some(environment) = service["environment"].as_mapping() else {
            continue;
        };
        for (variable, value) in environment {
            let variable = variable.as_str().unwrap();
            if !is_secret(variable) {
                continue;
            }
            // The token is of whoever runs the command line.
            let Some(path) = value.as_str() else {
                assert_eq!(variable, "ATLAS_TOKEN", "{name}");
                continue;
            };
            assert!(variable.ends_with("_FILE"), "{name}: {variable}");
            let secret = path.strip_prefix("/run/secrets/").unwrap();
            assert!(mounted.iter().any(|mounted| mounted == secret), "{path}");
        }
    }
}

#[test]
fn only_workers_and_the_command_line_get_the_keys() {
    for (name, service) in services() {
        let mounted = words(&service["secrets"]);
        let has_keys = mounted.iter().any(|secret| secret == "secret_keys");
        assert_eq!(
            has_keys,
            ["atlas", "worker"].contains(&name.as_str()),
            "{name}"
        );
    }
}

fn is_secret(variable: &str) -> bool {
    ["PASSWORD", "SECRET", "TOKEN", "DATABASE_URL", "REDIS_URL"]
        .iter()
        .any(|part| variable.contains(part))
}

#[test]
fn redis_demands_its_password() {
    let redis = service("redis");
    let command = words(&redis["command"]);
    assert_eq!(command[..2], ["redis-server", "/run/secrets/redis_conf"]);
    let test = words(&redis["healthcheck"]["test"]).join(" ");
    assert!(test.contains("NOAUTH"), "{test}");
}

#[test]
fn every_service_has_a_limit_of_memory() {
    for (name, service) in services() {
        let limit = service["mem_limit"].as_str().unwrap_or_default();
        let number = limit.trim_end_matches(['m', 'g']);
        assert!(number.parse::<u32>().is_ok(), "{name}: {limit:?}");
        assert!(limit.len() > number.len(), "{name}: {limit} has no unit");
    }
}

#[test]
fn images_of_others_have_a_whole_version() {
    let images = services().into_iter().filter(|(_, one)| !is_ours(one));
    let images = images.map(|(_, one)| one["image"].as_str().unwrap().to_owned());
    let dockerfile = crate::read("Dockerfile");
    let bases = dockerfile::stages(&dockerfile);
    let bases = bases
        .into_iter()
        .map(|stage| stage.base)
        .filter(|base| base.contains(':'));
    for image in images.chain(bases) {
        let (_, tag) = image.split_once(':').unwrap();
        let version = tag.split('-').next().unwrap();
        let parts: Vec<_> = version.split('.').collect();
        let whole = parts.len() >= 2 && parts.iter().all(|part| part.parse::<u32>().is_ok());
        assert!(whole, "{image}");
    }
}

#[test]
fn each_service_of_ours_is_built_by_the_stage_that_holds_its_program() {
    let text = crate::read("Dockerfile");
    let stages = dockerfile::stages(&text);
    for (name, program, _) in commands() {
        let target = service(&name)["build"]["target"]
            .as_str()
            .map(str::to_owned);
        let stage = match &target {
            Some(target) => stages.iter().find(|stage| stage.name == *target).unwrap(),
            None => stages.last().unwrap(),
        };
        assert!(
            stage.programs(&stages).contains(&program),
            "{name}: {program}"
        );
    }
}

#[test]
fn the_image_of_an_installation_has_stripped_programs_and_no_simulator() {
    let text = crate::read("Dockerfile");
    let stages = dockerfile::stages(&text);
    let image = stages.last().unwrap();
    let programs = image.programs(&stages);
    assert_eq!(
        programs,
        ["atlas", "atlas-api", "atlas-worker"]
            .map(str::to_owned)
            .into()
    );
    for program in programs {
        let described = format!("/sbom/{program}.cdx.json");
        assert!(
            image.text.split_whitespace().any(|word| word == described),
            "{described}"
        );
    }
    let build = stages.iter().find(|stage| stage.name == "build").unwrap();
    assert!(
        build
            .text
            .contains("strip --strip-all -o \"/programs/$program\"")
    );
    assert!(!build.text.contains("cp target/release"));
    let user = dockerfile::user(image, &stages).unwrap();
    assert!(user.parse::<u32>().is_ok_and(|uid| uid > 0), "USER {user}");
}

#[test]
fn the_programs_run_without_rights() {
    for (name, _, _) in commands() {
        let service = service(&name);
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
    }
}
