//! A German locale, for the tests that show that nothing depends on the language in which PostgreSQL
//! reports errors. The translations themselves come with PostgreSQL. Where there is no such locale
//! those tests fail and say what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use super::account::Account;
use super::debian;
use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::workspace::Workspace;

/// As glibc names the directory of the locale; `de_DE.UTF-8` is the same to it.
const NAME: &str = "de_DE.utf8";
/// Where Debian's package has its locales.
const PLACE: &str = "usr/lib/locale";

/// The locale.
#[derive(Debug)]
pub struct German {
    /// The value of `LOCPATH`, for a locale that is not installed.
    directory: Option<PathBuf>,
}

impl German {
    /// The machine's own, else Debian's package, else none.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find(
        workspace: &Workspace,
        directory: &PrivateDirectory,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Option<Self>> {
        let own = Self { directory: None };
        if own.works(interrupt).is_ok() {
            eprintln!("German locale: on this machine");
            return Ok(Some(own));
        }
        match Self::unpacked(workspace, directory, interrupt) {
            Ok(unpacked) => {
                eprintln!("German locale: Debian package");
                Ok(Some(unpacked))
            }
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(error) => {
                eprintln!(
                    "German locale: none, so tests with German messages will fail ({error:#})"
                );
                Ok(None)
            }
        }
    }

    /// What the tests read.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let directory = self.directory.as_deref();
        std::iter::once(("ATLAS_GERMAN_LOCALE", Path::new(NAME)))
            .chain(directory.map(|directory| ("ATLAS_GERMAN_LOCPATH", directory)))
    }

    /// When PostgreSQL is to run as another user the locale is copied to the private directory,
    /// because the target directory may be closed to that user.
    fn unpacked(
        workspace: &Workspace,
        directory: &PrivateDirectory,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let cached = debian::tree(workspace, "locales-all", interrupt)?.join(PLACE);
        let account = Account::unprivileged()?;
        let place = if account == Account::Own {
            cached
        } else {
            let place = directory.subdirectory("locales")?;
            account.own(&place)?;
            let mut copy = Command::new("cp");
            // Most files of a locale are links to those of another one.
            copy.arg("-rL").arg(cached.join(NAME)).arg(&place);
            process::output(&mut copy, interrupt)?;
            place
        };
        let german = Self {
            directory: Some(place),
        };
        german.works(interrupt)?;
        Ok(german)
    }

    /// Whether a program that is started with it speaks German.
    fn works(&self, interrupt: &Interrupt) -> anyhow::Result<()> {
        let mut command = Command::new("date");
        command
            .args(["--date=2026-10-01", "+%B"])
            .env("LC_ALL", NAME);
        if let Some(directory) = &self.directory {
            command.env("LOCPATH", directory);
        }
        let month = process::output(&mut command, interrupt)?;
        ensure!(month.trim() == "Oktober", "{NAME} is not German");
        Ok(())
    }
}
