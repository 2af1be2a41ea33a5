//! apt over directories of its own: what a package needs, downloaded and unpacked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::interrupt::Interrupt;
use crate::process;

const INSTALLED: &str = "/var/lib/dpkg/status";
/// Where releases are that this machine's sources do not name, and who signs them.
const ARCHIVE: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// The list of sources of another release.
const SOURCES: &str = "sources.list";

/// apt over a directory of its own.
pub(super) struct Apt<'a> {
    work: &'a Path,
    interrupt: &'a Interrupt,
    installed: BTreeSet<String>,
}

impl<'a> Apt<'a> {
    /// Fetches the package lists: this machine's, or those of another release, of which nothing is
    /// installed.
    pub(super) fn prepare(
        work: &'a Path,
        other_release: Option<&str>,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        for name in [
            "state",
            "lists/partial",
            "cache/archives/partial",
            "packages",
            "root",
        ] {
            fs::create_dir_all(work.join(name))?;
        }
        let status = match other_release {
            Some(release) => {
                let source = format!("deb [signed-by={KEYRING}] {ARCHIVE} {release} main\n");
                fs::write(work.join(SOURCES), source)?;
                String::new()
            }
            None => fs::read_to_string(INSTALLED).unwrap_or_default(),
        };
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
    pub(super) fn needed_for(&self, package: &str) -> anyhow::Result<BTreeSet<String>> {
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
    pub(super) fn to_install(&self, packages: &[&str]) -> anyhow::Result<BTreeSet<String>> {
        let simulated = ["-s", "--no-install-recommends", "install"];
        let text = self.run("apt-get", &[&simulated[..], packages].concat())?;
        Ok(installations(&text).map(str::to_owned).collect())
    }

    pub(super) fn unpack(&self, packages: &BTreeSet<String>) -> anyhow::Result<PathBuf> {
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
        let sources = self.work.join(SOURCES);
        if sources.exists() {
            let list = format!("Dir::Etc::SourceList={}", sources.display());
            command.args(["-o", &list, "-o", "Dir::Etc::SourceParts=/dev/null"]);
        }
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
