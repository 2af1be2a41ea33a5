//! Debian packages, unpacked and not installed. Works for any user, and starts no daemon.
//!
//! apt gets private list and cache directories, so neither root nor a fresh package list is needed.
//! Which packages a server needs is read from the package index. What was unpacked stays in the
//! target directory for the next time.

mod apt;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use self::apt::Apt;
use super::account::Account;
use super::programs::{Postgres, Redis};
use crate::directory::PrivateDirectory;
use crate::interrupt::Interrupt;
use crate::process;
use crate::room;
use crate::workspace::Workspace;

/// What a copy of PostgreSQL's packages takes, and a cluster beside it.
const COPY_ROOM: u64 = 384_000_000;

/// PostgreSQL's programs. When they are to run as another user they are copied to the private
/// directory, because the target directory may be closed to that user.
pub(super) fn postgres(
    workspace: &Workspace,
    directory: &PrivateDirectory,
    interrupt: &Interrupt,
) -> anyhow::Result<Postgres> {
    let cached = tree(workspace, "postgresql", interrupt)?;
    let root = if Account::unprivileged()? == Account::Own {
        cached
    } else {
        room::ensure(directory.path(), COPY_ROOM)?;
        let copy = directory.path().join("postgresql");
        process::output(
            Command::new("cp").arg("-a").arg(&cached).arg(&copy),
            interrupt,
        )?;
        copy
    };
    let versions = root.join("usr/lib/postgresql");
    let newest = fs::read_dir(&versions)
        .with_context(|| versions.display().to_string())?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .context("the packages hold no PostgreSQL")?;
    let directory = versions.join(newest.to_string()).join("bin");
    Ok(Postgres {
        directory,
        libraries: Some(library_path(&root)?),
    })
}

/// The Redis server, or Valkey where the distribution has that one.
pub(super) fn redis(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Redis> {
    let root = tree(workspace, "redis-server", interrupt)?;
    let server = root.join("usr/bin/redis-server");
    if !server.exists() {
        bail!("the packages hold no usr/bin/redis-server");
    }
    Ok(Redis {
        server,
        libraries: Some(library_path(&root)?),
    })
}

/// The directory with a package and what its programs load, unpacked at an earlier time or now.
pub(super) fn tree(
    workspace: &Workspace,
    package: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<PathBuf> {
    tree_of(workspace, package, None, interrupt, |apt| {
        apt.needed_for(package)
    })
}

/// The same of another release, by its code name, with every library: those of this machine may be
/// too old for it.
pub(super) fn tree_of_release(
    workspace: &Workspace,
    package: &str,
    release: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<PathBuf> {
    let name = format!("{package}-{release}");
    tree_of(workspace, &name, Some(release), interrupt, |apt| {
        apt.needed_for(package)
    })
}

/// The directory `name` with packages and everything that apt would install with them, unpacked at
/// an earlier time or now.
pub(super) fn installation(
    workspace: &Workspace,
    name: &str,
    packages: &[&str],
    interrupt: &Interrupt,
) -> anyhow::Result<PathBuf> {
    tree_of(workspace, name, None, interrupt, |apt| {
        apt.to_install(packages)
    })
}

fn tree_of(
    workspace: &Workspace,
    package: &str,
    other_release: Option<&str>,
    interrupt: &Interrupt,
    needed: impl Fn(&Apt<'_>) -> anyhow::Result<BTreeSet<String>>,
) -> anyhow::Result<PathBuf> {
    let architecture = Command::new("dpkg").arg("--print-architecture").output();
    let architecture = architecture.context("this is no Debian: no dpkg")?.stdout;
    let architecture = String::from_utf8_lossy(&architecture).trim().to_owned();
    let place = workspace
        .target
        .join("services/debian")
        .join(format!("{}-{architecture}", release()));
    let finished = place.join(package);
    if finished.is_dir() {
        return Ok(finished);
    }
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    // Unpacked elsewhere and then renamed, so that a half-made tree is never taken for a whole one.
    let work = tempfile::Builder::new()
        .prefix("unpacking-")
        .tempdir_in(&place)?;
    let apt = Apt::prepare(work.path(), other_release, interrupt)?;
    let packages = needed(&apt)?;
    eprintln!(
        "downloading {} Debian packages for {package}",
        packages.len()
    );
    let root = apt.unpack(&packages)?;
    match fs::rename(&root, &finished) {
        // Another command was faster.
        Err(_) if finished.is_dir() => Ok(finished),
        renamed => renamed
            .map(|()| finished)
            .context("cannot keep the unpacked packages"),
    }
}

/// Package names differ from release to release, and so do libraries.
fn release() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim_matches('"'))
    };
    let parts = [field("ID="), field("VERSION_ID=")];
    parts.map(|part| part.unwrap_or("unknown")).join("-")
}

/// Every directory below that holds libraries for the loader: `usr/lib`, `lib`, their subdirectory
/// for this architecture, and the one directory of private libraries that a browser loads from.
pub(super) fn library_path(root: &Path) -> anyhow::Result<OsString> {
    let mut directories = Vec::new();
    for name in ["usr/lib", "lib"] {
        let parent = root.join(name);
        let children = fs::read_dir(&parent)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path());
        for child in children.filter(|path| path.to_string_lossy().ends_with("-gnu")) {
            directories.push(child.join("pulseaudio"));
            directories.push(child);
        }
        directories.push(parent);
    }
    directories.retain(|path| path.is_dir());
    Ok(std::env::join_paths(directories)?)
}
