//! What an operator sets up once: schema, key, tenants, users, roles and tokens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::directory::write_private;
use crate::interrupt::Interrupt;
use crate::process;
use crate::random;
use crate::services::Services;
use crate::workspace::{Workspace, without_settings};

/// The application that the simulator knows, and its secret, as `atlas-graph-sim --help` says.
const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";
const CLIENT_SECRET: &str = "simulator-secret";
const TENANTS: [&str; 2] = ["Contoso", "Fabrikam"];
const ROLES: [&str; 4] = ["owner", "manager", "operator", "readonly"];

/// A tenant of the demonstration.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Its id in TenantAtlas.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

/// Somebody who may ask the API.
#[derive(Debug)]
pub(super) struct User {
    /// What the user is in both tenants.
    pub(super) role: &'static str,
    /// The user's name on the command line.
    pub(super) email: String,
    /// An API token, in clear text: it ends with the demonstration.
    pub(super) token: String,
}

/// A database that is ready for the API and the workers.
#[derive(Debug)]
pub(super) struct Installation {
    /// Tenants with credentials for the simulator.
    pub(super) tenants: Vec<Tenant>,
    /// One user for each role.
    pub(super) users: Vec<User>,
    /// File with the key that encrypts the tenants' secrets.
    pub(super) keys_file: PathBuf,
    /// What this installation's keys in Redis start with.
    pub(super) queue_namespace: String,
    atlas: Atlas,
}

impl Installation {
    /// Uses `atlas` as an operator would.
    pub(super) fn prepare(
        workspace: &Workspace,
        services: &Services,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let private = services.directory().subdirectory("secrets")?;
        let keys_file = private.join("keys");
        let secret_file = private.join("client-secret");
        write_private(&secret_file, CLIENT_SECRET)?;
        let atlas = Atlas {
            program: workspace.programs(false).join("atlas"),
            database_url: services.database_url().to_owned(),
            keys_file: keys_file.clone(),
        };
        let run = |arguments: &[&str]| atlas.run(arguments, interrupt);

        run(&["migrate"])?;
        write_private(&keys_file, &run(&["keys", "generate"])?)?;
        // Somebody's own database may hold an earlier demonstration: names must be new.
        let mark = random::hex()?[..6].to_owned();
        let secret_file = secret_file
            .to_str()
            .context("the temporary directory is no text")?;
        let mut tenants = Vec::new();
        for name in TENANTS {
            let name = format!("{name} {mark}");
            let id = run(&[
                "tenant",
                "add",
                "--name",
                &name,
                "--directory-id",
                &directory_id()?,
                "--client-id",
                CLIENT_ID,
                "--client-secret-file",
                secret_file,
            ])?;
            tenants.push(Tenant { id, name });
        }
        let mut users = Vec::new();
        for role in ROLES {
            let email = format!("{role}-{mark}@demo.example");
            run(&[
                "user",
                "add",
                "--email",
                &email,
                "--name",
                &format!("Demo {role}"),
            ])?;
            for Tenant { id, .. } in &tenants {
                run(&[
                    "member", "set", "--tenant", id, "--user", &email, "--role", role,
                ])?;
            }
            let token = run(&["token", "create", "--user", &email, "--name", "demo"])?;
            users.push(User { role, email, token });
        }
        let queue_namespace = format!("demo-{mark}");
        Ok(Self {
            tenants,
            users,
            keys_file,
            queue_namespace,
            atlas,
        })
    }

    /// Who presses sync: somebody who may, and owns nothing.
    pub(super) fn initiator(&self) -> &User {
        &self.users[2]
    }

    /// Presses sync for both tenants and follows the runs with a progress bar each; whether all
    /// succeeded.
    pub(super) fn sync(&self, api: &str, interrupt: &Interrupt) -> anyhow::Result<bool> {
        let mut command = Command::new(&self.atlas.program);
        without_settings(&mut command);
        command
            .args(["sync", "--follow"])
            .args(self.tenants.iter().map(|tenant| &tenant.id));
        command
            .env("ATLAS_URL", api)
            .env("ATLAS_TOKEN", &self.initiator().token);
        Ok(process::run(&mut command, interrupt)?.success())
    }
}

/// The operator's command line.
#[derive(Debug)]
struct Atlas {
    program: PathBuf,
    database_url: String,
    keys_file: PathBuf,
}

impl Atlas {
    /// Gives what it prints, without the line end.
    fn run(&self, arguments: &[&str], interrupt: &Interrupt) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        without_settings(&mut command);
        command.args(arguments);
        command.env("DATABASE_URL", &self.database_url);
        command.env("ATLAS_SECRET_KEYS_FILE", &self.keys_file);
        let printed = process::output(&mut command, interrupt)
            .with_context(|| format!("atlas {}", arguments[..2.min(arguments.len())].join(" ")))?;
        Ok(printed.trim_end().to_owned())
    }
}

/// A fresh id, in the form of a random UUID.
fn directory_id() -> anyhow::Result<String> {
    let hex = random::hex()?;
    let id = format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    );
    Ok(id)
}

/// Reads an address that a program wrote for others to find it.
pub(super) fn address_in(text: &str) -> anyhow::Result<SocketAddr> {
    let text = text.trim();
    if text.is_empty() {
        bail!("the address is not written yet");
    }
    text.trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()
        .with_context(|| format!("{text:?} is no address"))
}
