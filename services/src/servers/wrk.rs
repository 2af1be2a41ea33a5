//! wrk, which sends requests over HTTP as fast as they are answered.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::{debian, programs};
use crate::interrupt::Interrupt;
use crate::workspace::Workspace;

/// The program.
#[derive(Debug)]
pub struct Wrk {
    program: PathBuf,
    /// Directories with libraries, when they are not where the loader looks.
    libraries: Option<OsString>,
}

impl Wrk {
    /// The machine's own, else Debian's package.
    ///
    /// # Errors
    /// When there is neither.
    pub fn find(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        match programs::on_path("wrk") {
            Some(program) => Ok(Self {
                program,
                libraries: None,
            }),
            None => {
                Self::unpacked(workspace, interrupt).context("no wrk on PATH and not from Debian")
            }
        }
    }

    /// From Debian's package, unpacked.
    fn unpacked(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let root = debian::tree(workspace, "wrk", interrupt)?;
        let program = root.join("usr/bin/wrk");
        if !program.exists() {
            bail!("the package holds no usr/bin/wrk");
        }
        Ok(Self {
            program,
            libraries: Some(debian::library_path(&root)?),
        })
    }

    /// Ready for its arguments.
    pub fn command(&self) -> Command {
        programs::command(&self.program, self.libraries.as_ref())
    }
}
