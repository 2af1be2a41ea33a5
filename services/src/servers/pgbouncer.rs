//! PgBouncer, for the tests of poolers between the programs and PostgreSQL: one of this machine's
//! distribution, and one that can keep prepared statements. Where there is none those tests fail and
//! say what is missing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::account::Account;
use super::debian;
use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::workspace::Workspace;

const PACKAGE: &str = "pgbouncer";
/// Where Debian installs it.
const PLACE: &str = "usr/sbin/pgbouncer";
/// The first version that keeps prepared statements in its transaction mode.
const KEEPING: (u32, u32) = (1, 21);
/// A release of Debian that has such a version.
const NEWER_RELEASE: &str = "trixie";

/// The programs that were found.
#[derive(Debug)]
pub struct PgBouncers {
    any: Option<Program>,
    keeping: Option<Program>,
}

/// A program that runs with no libraries but its own and the system's.
#[derive(Debug, Clone)]
struct Program {
    path: PathBuf,
    version: (u32, u32),
}

impl PgBouncers {
    /// The machine's own, else Debian's package; and a newer one where that is too old.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find(
        workspace: &Workspace,
        directory: &PrivateDirectory,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let own = [Path::new("/").join(PLACE), PACKAGE.into()]
            .into_iter()
            .find_map(|path| Program::at(path, interrupt).ok());
        let any = match own {
            Some(own) => Some(own),
            None => found(
                "PgBouncer",
                debian::tree(workspace, PACKAGE, interrupt)
                    .and_then(|tree| unpacked(&tree, PACKAGE, directory, interrupt)),
            )?,
        };
        let keeping = match &any {
            Some(any) if any.version >= KEEPING => Some(any.clone()),
            _ => found(
                "a newer PgBouncer",
                debian::tree_of_release(workspace, PACKAGE, NEWER_RELEASE, interrupt)
                    .and_then(|tree| unpacked(&tree, "pgbouncer-newer", directory, interrupt)),
            )?,
        };
        Ok(Self { any, keeping })
    }

    /// What the tests read.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let any = self.any.iter();
        let any = any.map(|program| ("ATLAS_PGBOUNCER", program.path.as_path()));
        let keeping = self.keeping.iter();
        any.chain(keeping.map(|program| ("ATLAS_PGBOUNCER_NEWER", program.path.as_path())))
    }
}

fn found(what: &str, program: anyhow::Result<Program>) -> anyhow::Result<Option<Program>> {
    match program {
        Ok(program) => {
            let (major, minor) = program.version;
            eprintln!("{what}: {major}.{minor}, Debian package");
            Ok(Some(program))
        }
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            eprintln!("{what}: none, so tests with it will fail ({error:#})");
            Ok(None)
        }
    }
}

/// A script that runs the program of a tree with the libraries of the tree. It refuses to be run by
/// root; when another user is to run it the tree is copied to the private directory, because the
/// target directory may be closed to that user.
fn unpacked(
    tree: &Path,
    name: &str,
    directory: &PrivateDirectory,
    interrupt: &Interrupt,
) -> anyhow::Result<Program> {
    let place = directory.subdirectory(name)?;
    let account = Account::unprivileged()?;
    account.own(&place)?;
    let root = if account == Account::Own {
        tree.to_owned()
    } else {
        let copy = place.join("root");
        let mut copying = Command::new("cp");
        copying.arg("-a").arg(tree).arg(&copy);
        process::output(&mut copying, interrupt)?;
        copy
    };
    let libraries = debian::library_path(&root)?;
    let loader = std::env::split_paths(&libraries).find_map(|path| loader_in(&path));
    let (libraries, program) = (quoted(Path::new(&libraries)), quoted(&root.join(PLACE)));
    let script = match loader {
        // With a C library of its own, which only its own loader loads.
        Some(loader) => {
            let loader = quoted(&loader);
            format!("#!/bin/sh\nexec {loader} --library-path {libraries} {program} \"$@\"\n")
        }
        None => format!("#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {program} \"$@\"\n"),
    };
    let path = place.join(PACKAGE);
    fs::write(&path, script)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Program::at(path, interrupt)
}

fn loader_in(directory: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(directory).ok()?.flatten();
    files
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(is_loader))
}

fn is_loader(name: &std::ffi::OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("ld-linux"))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

impl Program {
    fn at(path: PathBuf, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let text = process::output(Command::new(&path).arg("--version"), interrupt)?;
        let version = version(&text).with_context(|| format!("no version in {text:?}"))?;
        Ok(Self { path, version })
    }
}

/// From `PgBouncer 1.18.0`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (_, version) = text.lines().next()?.split_once(' ')?;
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let read = |text| version(text);
        assert_eq!(read("PgBouncer 1.18.0\nlibevent 2.1.12\n"), Some((1, 18)));
        assert!(read("PgBouncer 1.9.0") < Some(KEEPING));
        assert!(read("PgBouncer 1.24.1") > Some(KEEPING));
        assert_eq!(read("pgbouncer version 1"), None);
    }
}
