//! `compose-secrets.sh`, the first step of `docker-compose.yml`, run in a directory of its own.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use atlas_domain::vault::Keyring;
use serde_yaml_ng::Value;

fn run(directory: &Path) -> Output {
    let script = directory.join("compose-secrets.sh");
    std::fs::copy(crate::root().join("compose-secrets.sh"), &script).unwrap();
    Command::new("sh").arg(script).output().unwrap()
}

fn written(directory: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory.join("secrets")).unwrap();
    let files = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    files.collect()
}

#[test]
fn it_writes_every_secret_that_compose_mounts_and_they_fit_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path());
    assert!(output.status.success(), "{output:?}");
    let files = written(directory.path());
    let compose: Value = serde_yaml_ng::from_str(&crate::read("docker-compose.yml")).unwrap();
    for name in compose["secrets"].as_mapping().unwrap().keys() {
        assert!(files.contains_key(name.as_str().unwrap()), "{name:?}");
    }
    let line = |name: &str| files[name].strip_suffix('\n').unwrap().to_owned();
    let (postgres, redis) = (line("postgres_password"), line("redis_password"));
    assert!(postgres.len() >= 32 && redis.len() >= 32 && postgres != redis);
    let environment = &compose["services"]["postgres"]["environment"];
    let (user, database) = (&environment["POSTGRES_USER"], &environment["POSTGRES_DB"]);
    let (user, database) = (user.as_str().unwrap(), database.as_str().unwrap());
    let url = format!("postgres://{user}:{postgres}@postgres:5432/{database}");
    assert_eq!(line("database_url"), url);
    assert_eq!(line("redis_url"), format!("redis://:{redis}@redis:6379"));
    assert_eq!(line("redis_conf"), format!("requirepass {redis}"));
    let keys = Keyring::parse(&files["secret_keys"]).unwrap();
    assert_eq!(keys.current_key_id(), "k1");
}

#[test]
fn containers_can_read_the_files_and_other_users_of_the_machine_cannot() {
    let directory = tempfile::tempdir().unwrap();
    assert!(run(directory.path()).status.success());
    let secrets = directory.path().join("secrets");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&secrets), 0o700);
    for name in written(directory.path()).keys() {
        assert_eq!(mode(&secrets.join(name)), 0o444, "{name}");
    }
}

#[test]
fn what_is_there_stays_and_what_cannot_stand_in_a_url_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let secrets = directory.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("postgres_password"), "ofOurs7\n").unwrap();
    assert!(run(directory.path()).status.success());
    let first = written(directory.path());
    assert!(first["database_url"].contains(":ofOurs7@"));
    assert!(run(directory.path()).status.success());
    assert_eq!(written(directory.path()), first);

    std::fs::remove_file(secrets.join("redis_password")).unwrap();
    std::fs::write(secrets.join("redis_password"), "p@ss word\n").unwrap();
    let refused = run(directory.path());
    assert!(!refused.status.success());
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("secrets/redis_password"), "{text}");
    assert!(!text.contains("p@ss"), "{text}");
}

#[test]
fn neither_git_nor_an_image_takes_the_secrets() {
    let ignored = crate::read(".gitignore");
    assert!(ignored.lines().any(|line| line == "/secrets/"));
    let ignored = crate::read(".dockerignore");
    assert!(ignored.lines().any(|line| line == "secrets"));
}
