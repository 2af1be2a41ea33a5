//! TenantAtlas's own programs, run as an operator runs them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::directory::{PrivateDirectory, write_private};
use crate::http;
use crate::interrupt::Interrupt;
use crate::process::{self, Service};
use crate::random;
use crate::workspace::{FOR_TESTS, Workspace, without_settings};

/// How long a program may take until it is ready.
pub const START_LIMIT: Duration = Duration::from_secs(60);
/// The application that the simulator knows, and its secret, as `atlas-graph-sim --help` says.
const CLIENT_ID: &str = "00000000-0000-4000-8000-00000000c11e";
const CLIENT_SECRET: &str = "simulator-secret";

/// The programs that an installation runs.
const NAMES: [&str; 4] = ["atlas", "atlas-api", "atlas-worker", "atlas-graph-sim"];

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

impl Programs {
    /// Builds them and finds them. Unoptimised they are built together with the tests, so that most
    /// is compiled once.
    pub fn build(
        workspace: &Workspace,
        release: bool,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        if release {
            let what = [
                "build",
                "--release",
                "--workspace",
                "--exclude",
                "xtask",
                "--exclude",
                "atlas-bench",
                "--bins",
            ];
            Self::build_as(workspace, &what, "release", interrupt)
        } else {
            let what = ["build", "--workspace", "--all-targets"];
            Self::build_as(workspace, &what, "debug", interrupt)
        }
    }

    /// Builds them as fault tests need them: such programs are for nothing else. They are kept where
    /// a later build of others does not replace them while the tests run.
    pub fn build_for_tests(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let what = [&["build", "--workspace", "--all-targets"][..], &FOR_TESTS].concat();
        let built = Self::build_as(workspace, &what, "debug", interrupt)?;
        let kept = workspace.target.join("programs-for-tests");
        fs::create_dir_all(&kept)?;
        for name in NAMES {
            // Cargo makes a new file when it builds again, so a link goes on naming this one.
            let unfinished = kept.join(format!("{name}.{}", std::process::id()));
            fs::hard_link(built.0.join(name), &unfinished)
                .or_else(|_| fs::copy(built.0.join(name), &unfinished).map(drop))
                .and_then(|()| fs::rename(&unfinished, kept.join(name)))
                .with_context(|| format!("cannot keep {name}"))?;
            // Renaming one link over another of the same file leaves both.
            let _ = fs::remove_file(&unfinished);
        }
        Ok(Self(kept))
    }

    fn build_as(
        workspace: &Workspace,
        what: &[&str],
        profile: &str,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let ended = process::run(&mut workspace.cargo(what), interrupt)?;
        if !ended.success() {
            bail!("the programs do not build: cargo ended with {ended}");
        }
        Ok(Self(workspace.target.join(profile)))
    }

    /// The directory that holds them.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// One of them, without the settings that the caller's shell may carry.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.0.join(name));
        without_settings(&mut command);
        command
    }
}

/// Administration of an installation, through the `atlas` command.
#[derive(Debug)]
pub struct Administration<'a> {
    programs: Programs,
    database_url: String,
    keys_file: PathBuf,
    secret_file: PathBuf,
    interrupt: &'a Interrupt,
}

impl<'a> Administration<'a> {
    /// Migrates the database and makes a key for the tenants' secrets.
    pub fn begin(
        programs: &Programs,
        database_url: &str,
        directory: &PrivateDirectory,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let private = directory.subdirectory("secrets")?;
        let administration = Self {
            programs: programs.clone(),
            database_url: database_url.to_owned(),
            keys_file: private.join("keys"),
            secret_file: private.join("client-secret"),
            interrupt,
        };
        administration.run(&["migrate"])?;
        let key = administration.run(&["keys", "generate"])?;
        write_private(&administration.keys_file, &key)?;
        write_private(&administration.secret_file, CLIENT_SECRET)?;
        Ok(administration)
    }

    /// File with the key.
    pub fn keys_file(&self) -> &Path {
        &self.keys_file
    }

    /// Adds a tenant that the simulator serves, and gives its id.
    pub fn add_tenant(&self, name: &str) -> anyhow::Result<String> {
        let secret_file = self
            .secret_file
            .to_str()
            .context("a path that is no text")?;
        self.run(&[
            "tenant",
            "add",
            "--name",
            name,
            "--directory-id",
            &directory_id()?,
            "--client-id",
            CLIENT_ID,
            "--client-secret-file",
            secret_file,
        ])
    }

    /// Adds a user with a role in these tenants, and gives a token.
    pub fn add_user(&self, email: &str, role: &str, tenants: &[String]) -> anyhow::Result<String> {
        self.run(&[
            "user",
            "add",
            "--email",
            email,
            "--name",
            &format!("The {role}"),
        ])?;
        for tenant in tenants {
            self.run(&[
                "member", "set", "--tenant", tenant, "--user", email, "--role", role,
            ])?;
        }
        self.add_token(email)
    }

    /// Lets an existing user operate the installation.
    pub fn make_operator(&self, email: &str) -> anyhow::Result<()> {
        self.run(&["user", "operator", email]).map(drop)
    }

    /// Makes a token for an existing user, and returns it.
    pub fn add_token(&self, email: &str) -> anyhow::Result<String> {
        self.run(&["token", "create", "--user", email, "--name", "xtask"])
    }

    /// Gives what the command prints, without the line end.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.programs.command("atlas");
        command.args(arguments);
        command.env("DATABASE_URL", &self.database_url);
        command.env("ATLAS_SECRET_KEYS_FILE", &self.keys_file);
        let shown = || format!("atlas {}", arguments[..2.min(arguments.len())].join(" "));
        let printed = process::output(&mut command, self.interrupt).with_context(shown)?;
        Ok(printed.trim_end().to_owned())
    }
}

/// A running API. It stops with the value.
#[derive(Debug)]
pub struct Api {
    service: Service,
    address: SocketAddr,
}

impl Api {
    /// Starts one on a free port and waits until it is ready.
    pub fn start(
        name: &str,
        mut command: Command,
        directory: &Arc<PrivateDirectory>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let address_file = directory.path().join(format!("{name}.address"));
        command
            .env("ATLAS_LISTEN", "127.0.0.1:0")
            .env("ATLAS_ADDRESS_FILE", &address_file);
        let mut service = Service::start(name, &mut command, None, directory)?;
        let address =
            service.wait_until(START_LIMIT, interrupt, || written_address(&address_file))?;
        service.wait_until(START_LIMIT, interrupt, || {
            http::get(address, "/readyz", "")
                .context("/readyz")
                .map(drop)
        })?;
        Ok(Self { service, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Fails when it has ended, with the end of its log.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.service.check()
    }
}

/// Reads an address that a program wrote for others to find it.
pub fn written_address(path: &Path) -> anyhow::Result<SocketAddr> {
    let text = fs::read_to_string(path).context("the address is not written yet")?;
    let text = text.trim();
    ensure!(!text.is_empty(), "the address is not written yet");
    let address = text
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse();
    address.with_context(|| format!("{text:?} is no address"))
}

/// A fresh id, in the form of a random UUID.
fn directory_id() -> anyhow::Result<String> {
    let hex = random::hex()?;
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..],
    );
    Ok(format!("{a}-{b}-4{c}-8{d}-{e}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn a_directory_id_has_the_form_of_a_random_uuid() {
        let id = directory_id().unwrap();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!((&id[14..15], &id[19..20]), ("4", "8"), "{id}");
    }

    #[test]
    fn an_address_is_read_when_it_is_whole() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(written_address(file.path()).is_err());
        fs::write(file.path(), "127.0.0.1:8085\n").unwrap();
        assert_eq!(written_address(file.path()).unwrap().port(), 8085);
    }
}
