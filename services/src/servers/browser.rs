//! A browser for the test that opens a page. Unlike the servers it is not needed: where there is
//! none, that test says so and ends.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use super::{debian, programs};
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::workspace::Workspace;

/// Chromium and the program that drives it.
pub struct Browser {
    chromium: PathBuf,
    driver: PathBuf,
    /// Directories with libraries, when they are not where the loader looks.
    libraries: Option<OsString>,
}

impl Browser {
    /// The machine's own, else Debian's packages, else none.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Option<Self>> {
        if let Some(own) = Self::installed()
            && own.answers(interrupt).is_ok()
        {
            eprintln!("browser: programs on this machine");
            return Ok(Some(own));
        }
        let unpacked = Self::unpacked(workspace, interrupt).and_then(|browser| {
            browser.answers(interrupt)?;
            Ok(browser)
        });
        match unpacked {
            Ok(browser) => {
                eprintln!("browser: Debian packages");
                Ok(Some(browser))
            }
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(error) => {
                eprintln!("browser: none, so no page is opened in one ({error:#})");
                Ok(None)
            }
        }
    }

    fn installed() -> Option<Self> {
        Some(Self {
            chromium: programs::on_path("chromium")?,
            driver: programs::on_path("chromedriver")?,
            libraries: None,
        })
    }

    /// From Debian's packages, with every library that this machine lacks.
    fn unpacked(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let packages = ["chromium", "chromium-driver"];
        let root = debian::installation(workspace, "chromium", &packages, interrupt)?;
        let browser = Self {
            // The program itself: usr/bin/chromium is a script that expects it to be installed.
            chromium: root.join("usr/lib/chromium/chromium"),
            driver: root.join("usr/bin/chromedriver"),
            libraries: Some(debian::library_path(&root)?),
        };
        for program in [&browser.chromium, &browser.driver] {
            if !program.exists() {
                bail!("the packages hold no {}", program.display());
            }
        }
        Ok(browser)
    }

    /// What the test reads.
    pub fn variables(&self) -> Vec<(&'static str, &OsStr)> {
        let mut variables = vec![
            ("ATLAS_CHROMIUM", self.chromium.as_os_str()),
            ("ATLAS_CHROMEDRIVER", self.driver.as_os_str()),
        ];
        if let Some(libraries) = &self.libraries {
            variables.push(("ATLAS_BROWSER_LIBRARIES", libraries));
        }
        variables
    }

    /// Whether both programs can be loaded.
    fn answers(&self, interrupt: &Interrupt) -> anyhow::Result<()> {
        for program in [&self.chromium, &self.driver] {
            let mut command = Command::new(program);
            command.arg("--version");
            if let Some(libraries) = &self.libraries {
                command.env("LD_LIBRARY_PATH", libraries);
            }
            process::output(&mut command, interrupt)?;
        }
        Ok(())
    }
}
