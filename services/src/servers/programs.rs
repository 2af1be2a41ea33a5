//! Programs that this machine has: what is on PATH, and where distributions keep PostgreSQL.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, bail};

use super::Running;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::room::NoRoom;

/// The oldest PostgreSQL that the migrations and statements are tried against.
const POSTGRES_AT_LEAST: u32 = 15;
/// Older ones lack commands that the queue's scripts use.
const REDIS_AT_LEAST: u32 = 6;
/// Where PostgreSQL is when it is not on PATH; `*` stands for one path segment.
const POSTGRES_PLACES: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
];

/// A server that is there, and new enough, does not start: another one would not help.
#[derive(Debug, Clone, Copy)]
pub(super) struct DoesNotStart;

impl fmt::Display for DoesNotStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not start")
    }
}

/// A directory that has PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Postgres {
    /// Holds `initdb` and `postgres`.
    pub(super) directory: PathBuf,
    /// The value of `LD_LIBRARY_PATH`, for programs that are not installed.
    pub(super) libraries: Option<OsString>,
}

/// A Redis server, or Valkey, which is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Redis {
    pub(super) server: PathBuf,
    /// As for PostgreSQL.
    pub(super) libraries: Option<OsString>,
}

impl Postgres {
    /// One of the directory's programs.
    pub(super) fn command(&self, name: &str) -> Command {
        command(&self.directory.join(name), self.libraries.as_ref())
    }

    /// Its version, when both programs run and it is new enough.
    pub(super) fn version(&self, interrupt: &Interrupt) -> anyhow::Result<String> {
        process::output(self.command("initdb").arg("--version"), interrupt)?;
        let text = process::output(self.command("postgres").arg("--version"), interrupt)?;
        new_enough(&text, "(PostgreSQL) ", POSTGRES_AT_LEAST)
    }
}

impl Redis {
    /// The server.
    pub(super) fn command(&self) -> Command {
        command(&self.server, self.libraries.as_ref())
    }

    /// Its version, when it runs and is new enough.
    pub(super) fn version(&self, interrupt: &Interrupt) -> anyhow::Result<String> {
        let text = process::output(self.command().arg("--version"), interrupt)?;
        new_enough(&text, " v=", REDIS_AT_LEAST)
    }
}

/// PostgreSQL's directories, those on PATH first, then the newest first.
pub(super) fn postgres_candidates() -> Vec<Postgres> {
    let beside = |directory: PathBuf| -> Option<Postgres> {
        // A link on PATH leads to the directory where the other programs are.
        let server = fs::canonicalize(directory.join("postgres")).ok()?;
        let directory = server.parent()?.to_owned();
        directory.join("initdb").is_file().then_some(Postgres {
            directory,
            libraries: None,
        })
    };
    let mut known: Vec<PathBuf> = POSTGRES_PLACES
        .iter()
        .flat_map(|(parent, below)| {
            let found = fs::read_dir(parent).into_iter().flatten().flatten();
            found
                .map(|entry| entry.path().join(below))
                .collect::<Vec<_>>()
        })
        .collect();
    known.sort_by_key(|path| std::cmp::Reverse(number_in(path)));
    without_repetition(
        path_directories()
            .into_iter()
            .chain(known)
            .filter_map(beside),
    )
}

/// Redis and Valkey on PATH and in the directories that a user's PATH may lack.
pub(super) fn redis_candidates() -> Vec<Redis> {
    let more = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from);
    let directories: Vec<_> = path_directories().into_iter().chain(more).collect();
    let found = ["redis-server", "valkey-server"].iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
            .filter(|path| path.is_file())
    });
    without_repetition(found.map(|server| Redis {
        server,
        libraries: None,
    }))
}

/// Starts the first candidate that works.
pub(super) fn each<T: fmt::Debug>(
    candidates: Vec<T>,
    interrupt: &Interrupt,
    start: impl Fn(&T) -> anyhow::Result<Running>,
) -> anyhow::Result<Running> {
    let mut failures = Vec::new();
    let mut does_not_start = false;
    for candidate in candidates {
        interrupt.check()?;
        match start(&candidate) {
            Ok(running) => return Ok(running),
            Err(error) if error.is::<Interrupted>() || error.is::<NoRoom>() => return Err(error),
            Err(error) => {
                does_not_start |= error.is::<DoesNotStart>();
                failures.push(format!("{error:#}"));
            }
        }
    }
    if failures.is_empty() {
        bail!("there are none");
    }
    let all = anyhow!("{}", failures.join("; "));
    Err(match does_not_start {
        true => all.context(DoesNotStart),
        false => all,
    })
}

pub(super) fn command(program: &Path, libraries: Option<&OsString>) -> Command {
    let mut command = Command::new(program);
    // Messages and sort order must not depend on who runs this.
    command.env("LC_ALL", "C");
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// Where a program is, when it is on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let mut candidates = path_directories()
        .into_iter()
        .map(|directory| directory.join(name));
    candidates.find(|candidate| candidate.is_file())
}

#[allow(
    clippy::disallowed_methods,
    reason = "PATH is no setting of TenantAtlas"
)]
fn path_directories() -> Vec<PathBuf> {
    std::env::var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}

fn without_repetition<T: Clone + Ord>(candidates: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    candidates
        .filter(|candidate| seen.insert(candidate.clone()))
        .collect()
}

/// The first number in a path, as in `/usr/lib/postgresql/15/bin`; 0 without one.
fn number_in(path: &Path) -> u32 {
    let text = path.to_string_lossy();
    let digits: String = text
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0)
}

fn new_enough(text: &str, before: &str, at_least: u32) -> anyhow::Result<String> {
    let version: String = text
        .split_once(before)
        .map(|(_, after)| after)
        .with_context(|| format!("{:?} shows no version", text.trim()))?
        .chars()
        .take_while(|c| !c.is_whitespace())
        .collect();
    let major: String = version.chars().take_while(char::is_ascii_digit).collect();
    let major: u32 = major
        .parse()
        .with_context(|| format!("version {version}"))?;
    if major < at_least {
        bail!("version {version} is older than {at_least}");
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        let postgres = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(new_enough(postgres, "(PostgreSQL) ", 15).unwrap(), "15.18");
        assert_eq!(
            new_enough("postgres (PostgreSQL) 18beta1\n", "(PostgreSQL) ", 15).unwrap(),
            "18beta1"
        );
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64\n";
        assert_eq!(new_enough(redis, " v=", 6).unwrap(), "7.0.15");
        assert!(new_enough("postgres (PostgreSQL) 9.6.1\n", "(PostgreSQL) ", 15).is_err());
        assert!(new_enough("something else", " v=", 6).is_err());
    }

    #[test]
    fn the_newest_directory_is_the_one_with_the_greatest_number() {
        assert!(
            number_in(Path::new("/usr/lib/postgresql/9/bin"))
                < number_in(Path::new("/usr/lib/postgresql/15/bin"))
        );
    }

    #[test]
    fn a_candidate_that_fails_gives_way_and_all_failures_are_reported() {
        let interrupt = Interrupt::default();
        let start = |n: &u32| {
            if *n < 2 {
                bail!("candidate {n} is broken");
            }
            Ok(Running {
                url: n.to_string(),
                process: None,
                source: String::new(),
                tools: None,
            })
        };
        assert_eq!(each(vec![0, 1, 2], &interrupt, start).unwrap().url, "2");
        let error = each(vec![0, 1], &interrupt, start).unwrap_err().to_string();
        assert_eq!(error, "candidate 0 is broken; candidate 1 is broken");
        assert_eq!(
            each(vec![], &interrupt, start).unwrap_err().to_string(),
            "there are none"
        );
    }
}
