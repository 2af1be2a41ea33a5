//! PostgreSQL and Redis for one command: found where they are, or started privately.
//!
//! The sources are tried in a fixed order: the variable that names a running service, programs on
//! this machine, Debian packages unpacked into the target directory, a Docker engine. A source that
//! fails says why, and the next one is tried. What was started ends with the value.

mod account;
pub mod browser;
mod debian;
mod docker;
pub mod german;
mod given;
pub mod pgbouncer;
mod postgres;
mod programs;
mod redis;
mod redis_counts;
mod wire;
pub mod wrk;
pub mod wrong_clock;

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use self::account::Account;
use self::programs::DoesNotStart;
pub use self::redis_counts::RedisCounts;
use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process::Service;
use crate::room::NoRoom;
use crate::workspace::Workspace;

/// What becomes of the data when the machine loses power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It may be lost: nothing waits for the disk.
    Disposable,
    /// It must be there, as in production. Taken for measurements, which also need a PostgreSQL
    /// and a Redis of their own: what the environment names is left alone.
    Durable,
}

/// A service that can be used.
#[derive(Debug)]
pub struct Running {
    url: String,
    process: Option<Service>,
    source: String,
    /// What it was started with, when this is one that was started.
    tools: Option<Tools>,
}

/// The programs of a service.
#[derive(Debug, Clone)]
enum Tools {
    Postgres(programs::Postgres),
    Redis(programs::Redis),
}

/// Both services. Those that were started stop with the value.
#[derive(Debug)]
pub struct Services {
    postgres: Running,
    redis: Running,
    directory: Arc<PrivateDirectory>,
}

/// One place to take a service from: what it is called, and the attempt.
struct Source<'a> {
    name: &'static str,
    attempt: Box<dyn FnOnce() -> anyhow::Result<Running> + 'a>,
}

impl Services {
    /// Finds or starts both and waits until they answer.
    pub fn start(
        workspace: &Workspace,
        durability: Durability,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        Self::start_with(workspace, durability, &[], interrupt)
    }

    /// The same; a PostgreSQL that is started gets further settings, each as `name=value`.
    pub fn start_with(
        workspace: &Workspace,
        durability: Durability,
        settings: &[&str],
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let directory = Arc::new(PrivateDirectory::create()?);
        let place = Place {
            workspace,
            directory: &directory,
            durability,
            settings,
            interrupt,
        };
        let postgres = first(
            "PostgreSQL",
            "install PostgreSQL 15 or newer, or name a running one in DATABASE_URL",
            postgres_sources(&place),
        )?;
        let redis = first(
            "Redis",
            "install Redis 6 or newer, or name a running one in REDIS_URL",
            redis_sources(&place),
        )?;
        Ok(Self {
            postgres,
            redis,
            directory,
        })
    }

    /// `postgres://…`, with a user who may create databases.
    pub fn database_url(&self) -> &str {
        &self.postgres.url
    }

    /// `redis://…`.
    pub fn redis_url(&self) -> &str {
        &self.redis.url
    }

    /// Where logs and data are, for whatever else the command runs.
    pub fn directory(&self) -> &Arc<PrivateDirectory> {
        &self.directory
    }

    /// The servers' programs, as the variables that fault tests read: they start some of their own,
    /// to break them. Those that were started, else what this machine has, else Debian's; tests for
    /// which there is none fail and say so.
    pub fn programs(
        &self,
        workspace: &Workspace,
        interrupt: &Interrupt,
    ) -> Vec<(&'static str, OsString)> {
        let mut variables = Vec::new();
        let postgres = match &self.postgres.tools {
            Some(Tools::Postgres(started)) => Some(started.clone()),
            _ => programs::postgres_candidates()
                .into_iter()
                .find(|candidate| candidate.version(interrupt).is_ok())
                .or_else(|| debian::postgres(workspace, &self.directory, interrupt).ok()),
        };
        if let Some(postgres) = postgres {
            variables.push(("ATLAS_POSTGRES_BIN", postgres.directory.into()));
            let libraries = postgres.libraries;
            variables.extend(libraries.map(|paths| ("ATLAS_POSTGRES_LIBRARIES", paths)));
            let account = Account::unprivileged().ok().and_then(Account::ids);
            variables.extend(account.map(|ids| ("ATLAS_POSTGRES_ACCOUNT", ids.into())));
        }
        let redis = match &self.redis.tools {
            Some(Tools::Redis(started)) => Some(started.clone()),
            _ => programs::redis_candidates()
                .into_iter()
                .find(|candidate| candidate.version(interrupt).is_ok())
                .or_else(|| debian::redis(workspace, interrupt).ok()),
        };
        if let Some(redis) = redis {
            variables.push(("ATLAS_REDIS_SERVER", redis.server.into()));
            let libraries = redis.libraries;
            variables.extend(libraries.map(|paths| ("ATLAS_REDIS_LIBRARIES", paths)));
        }
        variables
    }

    /// Prints both addresses as a shell reads them.
    pub fn print_exports(&self) {
        println!("export DATABASE_URL='{}'", self.database_url());
        println!("export REDIS_URL='{}'", self.redis_url());
    }

    /// pgbench, connected to the PostgreSQL that was started.
    pub fn pgbench(&self) -> anyhow::Result<Command> {
        self.pgbench_of(self.database_url())
    }

    /// pgbench, connected to another database of that PostgreSQL.
    pub fn pgbench_of(&self, url: &str) -> anyhow::Result<Command> {
        let Some(Tools::Postgres(tools)) = &self.postgres.tools else {
            bail!("pgbench is only there beside a PostgreSQL that was started");
        };
        let mut command = tools.command("pgbench");
        // A connection string as the database's name; the password is not in the arguments.
        let (scheme, rest) = url.split_once("://").context("DATABASE_URL")?;
        let (login, place) = rest.split_once('@').context("DATABASE_URL names no user")?;
        let (user, password) = login
            .split_once(':')
            .context("DATABASE_URL has no password")?;
        command.env("PGPASSWORD", password);
        command.arg(format!("{scheme}://{user}@{place}"));
        Ok(command)
    }

    /// Deletes everything in the Redis that was started.
    pub fn empty_redis(&self) -> anyhow::Result<()> {
        let (host, port, password) = self.started_redis()?;
        wire::empty_redis(&host, port, password)
    }

    /// What the Redis that was started has counted.
    pub fn redis_counts(&self) -> anyhow::Result<RedisCounts> {
        let (host, port, password) = self.started_redis()?;
        RedisCounts::read(&wire::redis_info(&host, port, password)?)
    }

    /// Host, port and password.
    fn started_redis(&self) -> anyhow::Result<(String, u16, &str)> {
        let url = self.redis_url();
        let (host, port) = given::address(url, 6379)?;
        let password = url
            .split_once("://:")
            .and_then(|(_, rest)| rest.split_once('@'));
        let (password, _) = password.context("the Redis is none that was started")?;
        Ok((host, port, password))
    }

    /// Fails when one that was started has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        [&mut self.postgres, &mut self.redis]
            .into_iter()
            .filter_map(|running| running.process.as_mut())
            .try_for_each(Service::check)
    }
}

/// What every source needs.
struct Place<'a> {
    workspace: &'a Workspace,
    directory: &'a Arc<PrivateDirectory>,
    durability: Durability,
    /// Further ones of PostgreSQL.
    settings: &'a [&'a str],
    interrupt: &'a Interrupt,
}

impl Place<'_> {
    /// Every setting of a PostgreSQL that is started here.
    fn postgres_settings(&self) -> Vec<&str> {
        let settings = postgres::settings(self.durability).iter().copied();
        settings.chain(self.settings.iter().copied()).collect()
    }
}

fn postgres_sources<'a>(place: &'a Place<'a>) -> Vec<Source<'a>> {
    let start = |programs: &programs::Postgres| {
        let settings = place.postgres_settings();
        postgres::start(programs, &settings, place.directory, place.interrupt)
    };
    let given = Source {
        name: "DATABASE_URL",
        attempt: Box::new(given::postgres),
    };
    let started = [
        Source {
            name: "programs on this machine",
            attempt: Box::new(move || {
                programs::each(programs::postgres_candidates(), place.interrupt, start)
            }),
        },
        Source {
            name: "Debian packages",
            attempt: Box::new(move || {
                let tree = debian::postgres(place.workspace, place.directory, place.interrupt)?;
                start(&tree)
            }),
        },
        Source {
            name: "Docker",
            attempt: Box::new(|| {
                let settings = place.postgres_settings();
                docker::postgres(&settings, place.directory, place.interrupt)
            }),
        },
    ];
    with_given(place, given, started)
}

fn redis_sources<'a>(place: &'a Place<'a>) -> Vec<Source<'a>> {
    let start =
        |programs: &programs::Redis| redis::start(programs, place.directory, place.interrupt);
    let given = Source {
        name: "REDIS_URL",
        attempt: Box::new(given::redis),
    };
    let started = [
        Source {
            name: "programs on this machine",
            attempt: Box::new(move || {
                programs::each(programs::redis_candidates(), place.interrupt, start)
            }),
        },
        Source {
            name: "Debian packages",
            attempt: Box::new(move || start(&debian::redis(place.workspace, place.interrupt)?)),
        },
        Source {
            name: "Docker",
            attempt: Box::new(|| docker::redis(place.directory, place.interrupt)),
        },
    ];
    with_given(place, given, started)
}

fn with_given<'a>(
    place: &Place<'_>,
    given: Source<'a>,
    started: [Source<'a>; 3],
) -> Vec<Source<'a>> {
    let given = (place.durability == Durability::Disposable).then_some(given);
    given.into_iter().chain(started).collect()
}

/// The first source that works. A full disk is that for all of them.
fn first(service: &str, advice: &str, sources: Vec<Source<'_>>) -> anyhow::Result<Running> {
    let mut advice = advice;
    for Source { name, attempt } in sources {
        match attempt() {
            Ok(running) => {
                eprintln!("{service}: {}", running.source);
                return Ok(running);
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) if error.is::<NoRoom>() => {
                return Err(error.context(format!("there is no {service} to use")));
            }
            Err(error) => {
                if error.is::<DoesNotStart>() {
                    advice = "what is here does not start, for the reason above";
                }
                eprintln!("{service}: not from {name}: {error:#}");
            }
        }
    }
    Err(anyhow!("there is no {service} to use: {advice}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn works(name: &'static str) -> Source<'static> {
        let attempt = move || {
            Ok(Running {
                url: name.into(),
                process: None,
                source: name.into(),
                tools: None,
            })
        };
        Source {
            name,
            attempt: Box::new(attempt),
        }
    }

    fn fails(name: &'static str, error: fn() -> anyhow::Error) -> Source<'static> {
        Source {
            name,
            attempt: Box::new(move || Err(error())),
        }
    }

    #[test]
    fn a_source_that_fails_gives_way_to_the_next() {
        let sources = vec![fails("a", || anyhow!("broken")), works("b"), works("c")];
        assert_eq!(first("Service", "install it", sources).unwrap().url, "b");
    }

    #[test]
    fn without_a_source_the_advice_is_given() {
        let error = first(
            "Service",
            "install it",
            vec![fails("a", || anyhow!("broken"))],
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "there is no Service to use: install it"
        );
    }

    #[test]
    fn nobody_is_advised_to_install_what_is_there_and_does_not_start() {
        let starts_not = || anyhow!("port taken").context(DoesNotStart);
        let sources = vec![fails("a", starts_not), fails("b", || anyhow!("no dpkg"))];
        assert_eq!(
            first("Service", "install it", sources)
                .unwrap_err()
                .to_string(),
            "there is no Service to use: what is here does not start, for the reason above"
        );
    }

    #[test]
    fn a_full_disk_ends_the_search_and_is_named() {
        let full = || match crate::room::ensure(&std::env::temp_dir(), u64::MAX) {
            Ok(()) => anyhow!("there was room"),
            Err(full) => full.into(),
        };
        let sources = vec![fails("a", full), works("b")];
        let error = first("Service", "install it", sources).unwrap_err();
        let text = format!("{error:#}");
        let beginning = "there is no Service to use: the disk is full: ";
        assert!(text.starts_with(beginning), "{text}");
        assert!(!text.contains("install"), "{text}");
    }

    #[test]
    fn an_interruption_is_no_failed_source() {
        let sources = vec![fails("a", || Interrupted.into()), works("b")];
        assert!(
            first("Service", "install it", sources)
                .unwrap_err()
                .is::<Interrupted>()
        );
    }
}
