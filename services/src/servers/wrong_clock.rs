//! A clock that goes wrong, for the tests that let a worker's time be minutes off: libfaketime,
//! which a program loads before all other libraries. Where there is none those tests fail and say
//! what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::debian;
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::workspace::Workspace;

/// Its name, for programs with several threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// How far the clock is set wrong to see whether that works, in seconds.
const SHIFT: u64 = 600;
/// What may lie between two looks at the clock.
const TOLERANCE: u64 = 60;

/// The library.
#[derive(Debug)]
pub struct WrongClock(PathBuf);

impl WrongClock {
    /// The machine's own, else Debian's package, else none.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Option<Self>> {
        if let Some(own) = below(Path::new("/"))
            && own.works(interrupt).is_ok()
        {
            eprintln!("libfaketime: on this machine");
            return Ok(Some(own));
        }
        let unpacked = debian::tree(workspace, "libfaketime", interrupt).and_then(|root| {
            let library = below(&root).context("the package holds no library")?;
            library.works(interrupt)?;
            Ok(library)
        });
        match unpacked {
            Ok(library) => {
                eprintln!("libfaketime: Debian package");
                Ok(Some(library))
            }
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(error) => {
                eprintln!("libfaketime: none, so tests with wrong clocks will fail ({error:#})");
                Ok(None)
            }
        }
    }

    /// What the tests read.
    pub fn variable(&self) -> (&'static str, &Path) {
        ("ATLAS_FAKETIME_LIBRARY", &self.0)
    }

    /// Whether a program that loads it sees another time.
    fn works(&self, interrupt: &Interrupt) -> anyhow::Result<()> {
        let mut command = Command::new("date");
        command
            .arg("+%s")
            .env("LD_PRELOAD", &self.0)
            .env("FAKETIME", format!("+{SHIFT}s"));
        let shown: u64 = process::output(&mut command, interrupt)?.trim().parse()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        ensure!(
            shown.abs_diff(now + SHIFT) < TOLERANCE,
            "it does not set the clock"
        );
        Ok(())
    }
}

/// The library where distributions keep it: in `usr/lib`, or in its directory for an architecture.
fn below(root: &Path) -> Option<WrongClock> {
    let parents = ["usr/lib", "usr/lib64"].map(|name| root.join(name));
    let children = parents
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok());
    let children = children.flatten().flatten().map(|entry| entry.path());
    let mut places: Vec<PathBuf> = parents.iter().cloned().chain(children).collect();
    places.sort();
    let libraries = places.iter().map(|place| place.join(LIBRARY));
    libraries
        .into_iter()
        .find(|path| path.is_file())
        .map(WrongClock)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn the_library_is_found_in_the_directory_of_an_architecture() {
        let root = tempfile::tempdir().unwrap();
        assert!(below(root.path()).is_none());
        let place = root.path().join("usr/lib/x86_64-linux-gnu").join(LIBRARY);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, "").unwrap();
        assert_eq!(below(root.path()).unwrap().0, place);
    }
}
