//! Clients that are made from the document, and schemathesis, at a live server.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use atlas_services::interrupt::Interrupt;
use atlas_services::workspace::Workspace;
use serde_json::json;

use super::installation::Installation;
use super::room::Room;
use super::{Verdict, all_succeed, fetched};

const FRONT_ENDS: &str = "docs/FRONT-ENDS.md";
const INTEGRATORS: &str = "docs/INTEGRATORS.md";

/// openapi-fetch and orval, compiled under `strict`.
pub(super) fn typescript(
    workspace: &Workspace,
    installation: &Installation,
    interrupt: &Interrupt,
) -> anyhow::Result<Verdict> {
    let room = Room::furnish(workspace, "typescript")?;
    room.write_code(FRONT_ENDS, "ts", "src/front-ends.ts")?;
    room.write_code(INTEGRATORS, "ts webhooks", "src/webhooks.ts")?;
    let mut install = room.command("npm", &["ci", "--no-audit", "--no-fund"]);
    if !fetched("the packages of npm", &mut install, interrupt)? {
        return Ok(Verdict::Skipped);
    }
    let scripts = ["generate", "build", "test"].map(|script| {
        let mut command = room.command("npm", &["run", "--silent", script]);
        installation.describe(&mut command);
        command
    });
    all_succeed(scripts, interrupt)
}

/// openapi-python-client and pydantic, checked by `mypy --strict`.
pub(super) fn python(
    workspace: &Workspace,
    installation: &Installation,
    interrupt: &Interrupt,
) -> anyhow::Result<Verdict> {
    let room = Room::furnish(workspace, "python")?;
    room.write_code(INTEGRATORS, "py", "integrators.py")?;
    room.write_code(INTEGRATORS, "py webhooks", "webhooks.py")?;
    let Some(environment) = Environment::make(&room, interrupt)? else {
        return Ok(Verdict::Skipped);
    };
    let client = "generate --path openapi.json --config generator.yaml --meta none \
                  --output-path tenantatlas --overwrite --fail-on-warning";
    let models = "--input openapi.json --input-file-type openapi --output models.py \
                  --output-model-type pydantic_v2.BaseModel --target-python-version 3.11 \
                  --use-annotated --use-standard-collections --use-union-operator \
                  --enum-field-as-literal all --disable-warnings";
    let commands = [
        ("openapi-python-client", client),
        ("datamodel-codegen", models),
        ("mypy", "--strict follow.py webhooks_test.py"),
        ("python", "webhooks_test.py"),
        ("python", "follow.py"),
    ];
    let commands = commands.map(|(program, arguments)| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = environment.command(&room, program, &arguments);
        installation.describe(&mut command);
        command
    });
    all_succeed(commands, interrupt)
}

/// All checks in all phases, but for the exceptions that `exceptions.py` names.
pub(super) fn schemathesis(
    workspace: &Workspace,
    installation: &Installation,
    interrupt: &Interrupt,
) -> anyhow::Result<Verdict> {
    let room = Room::furnish(workspace, "schemathesis")?;
    let users = installation.users();
    let entries = users.each_ref().map(|user| {
        let value = format!("Bearer {}", user.token);
        json!({"name": user.name, "fixedHeaders": [{"name": "Authorization", "value": value}]})
    });
    let entries = json!({"schema_version": "0.2.0", "auth": entries});
    room.write("users.json", &entries.to_string())?;
    // As fuzzers write their dictionaries.
    room.write("tenants.txt", &format!("\"{}\"\n", users[0].tenant))?;
    let Some(environment) = Environment::make(&room, interrupt)? else {
        return Ok(Verdict::Skipped);
    };
    let mut run = environment.command(&room, "schemathesis", &["run", "openapi.json"]);
    installation.describe(&mut run);
    all_succeed([run], interrupt)
}

/// Where the packages of a `requirements.txt` are installed.
struct Environment {
    programs: PathBuf,
}

impl Environment {
    /// None, with the reason printed, where they are not to be had.
    fn make(room: &Room<'_>, interrupt: &Interrupt) -> anyhow::Result<Option<Self>> {
        let programs = room.file("venv/bin");
        let mut make = room.command("python3", &["-m", "venv", "venv"]);
        if !fetched("Python", &mut make, interrupt)? {
            return Ok(None);
        }
        let arguments = ["install", "--quiet", "--requirement", "requirements.txt"];
        let mut install = room.command(programs.join("pip"), &arguments);
        let there = fetched("the packages of PyPI", &mut install, interrupt)?;
        Ok(there.then_some(Self { programs }))
    }

    /// One of its programs, which find each other by `PATH`.
    #[allow(
        clippy::disallowed_methods,
        reason = "where the system's programs are is no setting"
    )]
    fn command(&self, room: &Room<'_>, program: &str, arguments: &[&str]) -> Command {
        let mut command = room.command(self.programs.join(program), arguments);
        let mut path = OsString::from(&self.programs);
        if let Some(others) = std::env::var_os("PATH") {
            path.push(":");
            path.push(others);
        }
        command.env("PATH", path);
        command
    }
}
