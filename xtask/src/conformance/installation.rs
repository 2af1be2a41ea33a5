//! The live server: two tenants with a user each, and everything that syncs them.

use std::process::Command;

use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Administration, Programs};
use atlas_services::random;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

use crate::processes::{Processes, Setup};

/// Graph takes a while for each answer, so that a run can be cancelled before it has ended.
const SIMULATOR: [&str; 6] = ["--size", "200", "--groups", "20", "--latency", "20ms"];

/// Nobody is to wait for a quota; pages of another origin are allowed, as they are in most installations.
const API: [(&str, &str); 2] = [
    ("ATLAS_RATE_LIMIT", "1000000"),
    ("ATLAS_CORS_ORIGINS", "https://app.example"),
];

/// All of it. It stops with the value.
pub(super) struct Installation {
    // Stops before what it uses.
    processes: Processes,
    services: Services,
    users: [User; 2],
}

/// The owner of a tenant.
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) tenant: String,
    pub(super) token: String,
}

impl Installation {
    /// The first user also operates the installation.
    pub(super) fn start(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let programs = Programs::build_for_tests(workspace, interrupt)?;
        let services = Services::start(workspace, Durability::Disposable, interrupt)?;
        let (database_url, directory) = (services.database_url(), services.directory());
        let operator = Administration::begin(&programs, database_url, directory, interrupt)?;
        let mark = random::hex()?[..6].to_owned();
        let user = |name: &'static str| -> anyhow::Result<User> {
            let tenant = operator.add_tenant(&format!("{name} {mark}"))?;
            let email = email(name, &mark);
            let token = operator.add_user(&email, "owner", std::slice::from_ref(&tenant))?;
            Ok(User {
                name,
                tenant,
                token,
            })
        };
        let users = [user("contoso")?, user("fabrikam")?];
        operator.make_operator(&email(users[0].name, &mark))?;
        let setup = Setup {
            keys_file: operator.keys_file(),
            queue_namespace: &format!("conformance-{mark}"),
            workers: 1,
            simulator: &SIMULATOR,
            api: &API,
        };
        let processes = Processes::start(&programs, &services, &setup, interrupt)?;
        Ok(Self {
            processes,
            services,
            users,
        })
    }

    /// Fails when a program has ended, with the end of its log.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.services.check()?;
        self.processes.check()
    }

    /// The owners of two tenants.
    pub(super) const fn users(&self) -> &[User; 2] {
        &self.users
    }

    /// Describes it in the environment of a command.
    pub(super) fn describe(&self, command: &mut Command) {
        let [user, other] = &self.users;
        command
            .env("CONFORMANCE_URL", self.processes.url())
            .env("CONFORMANCE_TENANT", &user.tenant)
            .env("CONFORMANCE_TOKEN", &user.token)
            .env("CONFORMANCE_OTHER_TENANT", &other.tenant)
            .env("CONFORMANCE_OTHER_TOKEN", &other.token);
    }
}

fn email(name: &str, mark: &str) -> String {
    format!("{name}-{mark}@conformance.example")
}
