//! A browser for the tests that open pages. Unlike the servers it is not needed: where there is
//! none, those tests say so and end.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use super::{debian, programs};
use crate::interrupt::{Interrupt, Interrupted};
use crate::process;
use crate::workspace::Workspace;

/// Names under which distributions and Google install it.
const CHROMIUM: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
const DRIVER: &str = "chromedriver";

/// Chromium, and the program that drives it where a test needs that one.
pub struct Browser {
    chromium: PathBuf,
    driver: Option<PathBuf>,
    /// Directories with libraries, when they are not where the loader looks.
    libraries: Option<OsString>,
}

impl Browser {
    /// Chromium alone: the machine's own, else Debian's package, else none.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Option<Self>> {
        let own = installed().map(|chromium| Self {
            chromium,
            driver: None,
            libraries: None,
        });
        Self::first(own, interrupt, || {
            Self::unpacked(workspace, "chromium-alone", &["chromium"], interrupt)
        })
    }

    /// The same with its WebDriver program.
    ///
    /// # Errors
    /// Only when interrupted.
    pub fn find_with_driver(
        workspace: &Workspace,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Option<Self>> {
        let own = installed().zip(programs::on_path(DRIVER));
        let own = own.map(|(chromium, driver)| Self {
            chromium,
            driver: Some(driver),
            libraries: None,
        });
        Self::first(own, interrupt, || {
            let packages = ["chromium", "chromium-driver"];
            let mut browser = Self::unpacked(workspace, "chromium", &packages, interrupt)?;
            if browser.driver.is_none() {
                browser.driver = programs::on_path(DRIVER);
            }
            if browser.driver.is_none() {
                bail!("neither this machine nor the packages have {DRIVER}");
            }
            Ok(browser)
        })
    }

    /// What this machine has if it can be loaded, else what the packages hold.
    fn first(
        own: Option<Self>,
        interrupt: &Interrupt,
        unpacked: impl FnOnce() -> anyhow::Result<Self>,
    ) -> anyhow::Result<Option<Self>> {
        if let Some(own) = own
            && own.answers(interrupt).is_ok()
        {
            eprintln!("browser: programs on this machine");
            return Ok(Some(own));
        }
        let unpacked = unpacked().and_then(|browser| {
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

    /// From Debian's packages, with every library that this machine lacks. The packages are those that
    /// apt would install, so what the machine has already is not among them.
    fn unpacked(
        workspace: &Workspace,
        name: &str,
        packages: &[&str],
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let root = debian::installation(workspace, name, packages, interrupt)?;
        // The program itself: usr/bin/chromium is a script that expects it to be installed.
        let chromium = Some(root.join("usr/lib/chromium/chromium"));
        let Some(chromium) = chromium.filter(|path| path.exists()).or_else(installed) else {
            bail!("neither this machine nor the packages have Chromium");
        };
        let driver = root.join("usr/bin").join(DRIVER);
        Ok(Self {
            chromium,
            driver: driver.exists().then_some(driver),
            libraries: Some(debian::library_path(&root)?),
        })
    }

    /// What the tests read.
    pub fn variables(&self) -> Vec<(&'static str, &OsStr)> {
        let mut variables = vec![("ATLAS_CHROMIUM", self.chromium.as_os_str())];
        if let Some(driver) = &self.driver {
            variables.push(("ATLAS_CHROMEDRIVER", driver.as_os_str()));
        }
        if let Some(libraries) = &self.libraries {
            variables.push(("ATLAS_BROWSER_LIBRARIES", libraries));
        }
        variables
    }

    /// Whether the programs can be loaded.
    fn answers(&self, interrupt: &Interrupt) -> anyhow::Result<()> {
        for program in [Some(&self.chromium), self.driver.as_ref()]
            .into_iter()
            .flatten()
        {
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

/// The browser that is on PATH.
fn installed() -> Option<PathBuf> {
    CHROMIUM.into_iter().find_map(programs::on_path)
}
