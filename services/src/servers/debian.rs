//! Debian packages, unpacked and not installed. Works for any user, and starts no daemon.
//!
//! apt gets private list and cache directories, so neither root nor a fresh package list is needed.
//! Which packages a server needs is read from the package index. What was unpacked stays in the
//! target directory for the next time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::account::Account;
use super::programs::{Postgres, Redis};
use crate::directory::PrivateDirectory;
use crate::interrupt::Interrupt;
use crate::process;
use crate::workspace::Workspace;

const INSTALLED: &str = "/var/lib/dpkg/status";

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
    tree_of(workspace, package, interrupt, |apt| apt.needed_for(package))
}

/// The directory `name` with packages and everything that apt would install with them, unpacked at
/// an earlier time or now.
pub(super) fn installation(
    workspace: &Workspace,
    name: &str,
    packages: &[&str],
    interrupt: &Interrupt,
) -> anyhow::Result<PathBuf> {
    tree_of(workspace, name, interrupt, |apt| apt.to_install(packages))
}

fn tree_of(
    workspace: &Workspace,
    package: &str,
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
    let apt = Apt::prepare(work.path(), interrupt)?;
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

/// apt over a directory of its own.
struct Apt<'a> {
    work: &'a Path,
    interrupt: &'a Interrupt,
    installed: BTreeSet<String>,
}

impl<'a> Apt<'a> {
    /// Fetches the package lists.
    fn prepare(work: &'a Path, interrupt: &'a Interrupt) -> anyhow::Result<Self> {
        for name in [
            "state",
            "lists/partial",
            "cache/archives/partial",
            "packages",
            "root",
        ] {
            fs::create_dir_all(work.join(name))?;
        }
        let status = fs::read_to_string(INSTALLED).unwrap_or_default();
        let apt = Self {
            work,
            interrupt,
            installed: installed(&status),
        };
        apt.run("apt-get", &["-qq", "update"])
            .context("apt-get update")?;
        Ok(apt)
    }

    /// The package itself and everything that its programs load and this machine lacks.
    fn needed_for(&self, package: &str) -> anyhow::Result<BTreeSet<String>> {
        let mut needed = BTreeSet::new();
        let mut to_see = vec![package.to_owned()];
        while let Some(name) = to_see.pop() {
            if !needed.insert(name.clone()) {
                continue;
            }
            let text = self.run(
                "apt-cache",
                &[
                    "depends",
                    "--no-recommends",
                    "--no-suggests",
                    "--no-conflicts",
                    "--no-breaks",
                    "--no-replaces",
                    "--no-enhances",
                    &name,
                ],
            )?;
            let lacking = |other: &str| {
                is_server(package, other) || (is_library(other) && !self.installed.contains(other))
            };
            to_see.extend(
                dependencies(&text)
                    .filter(|other| lacking(other))
                    .map(str::to_owned),
            );
        }
        Ok(needed)
    }

    /// What apt would install for these packages.
    fn to_install(&self, packages: &[&str]) -> anyhow::Result<BTreeSet<String>> {
        let simulated = ["-s", "--no-install-recommends", "install"];
        let text = self.run("apt-get", &[&simulated[..], packages].concat())?;
        Ok(installations(&text).map(str::to_owned).collect())
    }

    fn unpack(&self, packages: &BTreeSet<String>) -> anyhow::Result<PathBuf> {
        let archives = self.work.join("packages");
        let mut download = self.command("apt-get");
        download
            .args(["-qq", "download"])
            .args(packages)
            .current_dir(&archives);
        process::output(&mut download, self.interrupt).context("apt-get download")?;
        let root = self.work.join("root");
        for archive in fs::read_dir(&archives)? {
            let mut extract = Command::new("dpkg-deb");
            extract.arg("--extract").arg(archive?.path()).arg(&root);
            process::output(&mut extract, self.interrupt).context("dpkg-deb")?;
        }
        Ok(root)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(self.command(program).args(arguments), self.interrupt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let directories = [
            ("Dir::State", "state"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", "cache"),
        ];
        for (option, name) in directories {
            command
                .arg("-o")
                .arg(format!("{option}={}", self.work.join(name).display()));
        }
        command.args(["-o", &format!("Dir::State::status={INSTALLED}")]);
        // The directories are private: nobody to lock out, and no other user to download as.
        command.args(["-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User="]);
        command.args([
            "-o",
            "Acquire::Retries=2",
            "-o",
            "Acquire::http::Timeout=30",
        ]);
        command.env("LC_ALL", "C");
        command
    }
}

/// The names in what `apt-cache depends` prints; indented lines are providers and alternatives.
fn dependencies(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start_matches([' ', '|']);
        let name = line
            .strip_prefix("Depends: ")
            .or_else(|| line.strip_prefix("PreDepends: "))?;
        (!name.starts_with('<')).then(|| name.split(':').next().unwrap_or(name))
    })
}

/// The names in what `apt-get -s install` prints: `Inst NAME (VERSION …)`.
fn installations(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next())
}

/// Whether a dependency is a part of the server that `package` stands for. It is fetched in any
/// case: had an installed one worked, this source would not have been asked.
fn is_server(package: &str, dependency: &str) -> bool {
    match package {
        "postgresql" => dependency
            .strip_prefix("postgresql-")
            .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit())),
        _ => [
            "redis-tools",
            "valkey-server",
            "valkey-tools",
            "valkey-redis-compat",
        ]
        .contains(&dependency),
    }
}

/// Whether programs load something from it. Maintainer scripts never run, so their tools are not
/// needed; the compiler for JIT is switched off.
fn is_library(dependency: &str) -> bool {
    (dependency.starts_with("lib") && !dependency.starts_with("libllvm"))
        || dependency.starts_with("zlib")
}

fn installed(status: &str) -> BTreeSet<String> {
    status
        .split("\n\n")
        .filter(|paragraph| paragraph.contains("\nStatus: install ok installed"))
        .filter_map(|paragraph| {
            paragraph
                .lines()
                .find_map(|line| line.strip_prefix("Package: "))
        })
        .map(str::to_owned)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_without_providers() {
        let text = "postgresql-15\n |Depends: locales\n  Depends: <debconf-2.0>\n    cdebconf\n  \
                    PreDepends: init\n  Depends: libc6:amd64\n";
        assert_eq!(
            dependencies(text).collect::<Vec<_>>(),
            ["locales", "init", "libc6"]
        );
    }

    #[test]
    fn what_apt_would_install_is_read_by_name() {
        let text = "Reading package lists...\nInst libnss3 (2:3.87 Debian:12 [amd64])\n\
                    Conf libnss3 (2:3.87)\nInst chromium [1] (2 Debian [amd64])\n";
        let names: Vec<_> = installations(text).collect();
        assert_eq!(names, ["libnss3", "chromium"]);
    }

    #[test]
    fn only_what_a_server_loads_is_fetched() {
        let names = [
            "libpq5",
            "zlib1g",
            "postgresql-common",
            "libllvm14",
            "tzdata",
            "postgresql-15",
        ];
        assert_eq!(
            names.map(is_library),
            [true, true, false, false, false, false]
        );
        let servers = names.map(|name| is_server("postgresql", name));
        assert_eq!(servers, [false, false, false, false, false, true]);
        assert!(is_server("redis-server", "redis-tools"));
    }

    #[test]
    fn a_removed_package_is_not_installed() {
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\n\
                      Package: b\nStatus: deinstall ok config-files\n";
        assert_eq!(installed(status), BTreeSet::from(["a".to_owned()]));
    }
}
