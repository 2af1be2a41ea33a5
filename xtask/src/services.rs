//! PostgreSQL and Redis for one command: found where they are, or started privately.
//!
//! The sources are tried in a fixed order: the variable that names a running service, programs on
//! this machine, Debian packages unpacked into the target directory, a Docker engine. A source that
//! fails says why, and the next one is tried. What was started ends with the value.

mod account;
mod debian;
mod docker;
mod given;
mod postgres;
mod programs;
mod redis;
mod wire;

use std::sync::Arc;

use anyhow::anyhow;

use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process::Service;
use crate::workspace::Workspace;

/// What becomes of the data when the machine loses power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It may be lost: nothing waits for the disk.
    Disposable,
}

/// A service that can be used.
#[derive(Debug)]
pub(crate) struct Running {
    url: String,
    process: Option<Service>,
    source: String,
}

/// Both services. Those that were started stop with the value.
#[derive(Debug)]
pub(crate) struct Services {
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
    pub(crate) fn start(
        workspace: &Workspace,
        durability: Durability,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let directory = Arc::new(PrivateDirectory::create()?);
        let place = Place {
            workspace,
            directory: &directory,
            durability,
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
    pub(crate) fn database_url(&self) -> &str {
        &self.postgres.url
    }

    /// `redis://…`.
    pub(crate) fn redis_url(&self) -> &str {
        &self.redis.url
    }

    /// Where logs and data are, for whatever else the command runs.
    pub(crate) fn directory(&self) -> &Arc<PrivateDirectory> {
        &self.directory
    }

    /// Prints both addresses as a shell reads them.
    pub(crate) fn print_exports(&self) {
        println!("export DATABASE_URL='{}'", self.database_url());
        println!("export REDIS_URL='{}'", self.redis_url());
    }

    /// Fails when one that was started has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
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
    interrupt: &'a Interrupt,
}

fn postgres_sources<'a>(place: &'a Place<'a>) -> Vec<Source<'a>> {
    let start = |programs: &programs::Postgres| {
        postgres::start(programs, place.durability, place.directory, place.interrupt)
    };
    vec![
        Source {
            name: "DATABASE_URL",
            attempt: Box::new(given::postgres),
        },
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
                docker::postgres(place.durability, place.directory, place.interrupt)
            }),
        },
    ]
}

fn redis_sources<'a>(place: &'a Place<'a>) -> Vec<Source<'a>> {
    let start =
        |programs: &programs::Redis| redis::start(programs, place.directory, place.interrupt);
    vec![
        Source {
            name: "REDIS_URL",
            attempt: Box::new(given::redis),
        },
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
    ]
}

fn first(service: &str, advice: &str, sources: Vec<Source<'_>>) -> anyhow::Result<Running> {
    for Source { name, attempt } in sources {
        match attempt() {
            Ok(running) => {
                eprintln!("{service}: {}", running.source);
                return Ok(running);
            }
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => eprintln!("{service}: not from {name}: {error:#}"),
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
    fn an_interruption_is_no_failed_source() {
        let sources = vec![fails("a", || Interrupted.into()), works("b")];
        assert!(
            first("Service", "install it", sources)
                .unwrap_err()
                .is::<Interrupted>()
        );
    }
}
