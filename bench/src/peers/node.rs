//! Node's programs in `bench/peers`, with their packages.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::Workspace;

/// Files that make up the programs; `package.json` is the first.
const FILES: [&str; 4] = ["package.json", "connections.js", "service.js", "jobs.js"];

/// A directory with the programs and their packages.
#[derive(Debug)]
pub(super) struct Node(PathBuf);

impl Node {
    /// Copies the programs to the target directory and installs their packages there, unless they are.
    ///
    /// # Errors
    /// When this machine has no Node, or the packages cannot be fetched.
    pub(super) fn prepare(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        let version = process::output(Command::new("node").arg("--version"), interrupt)
            .context("there is no Node")?;
        let source = workspace.root.join("bench/peers");
        let directory = workspace.target.join("services/peers");
        fs::create_dir_all(&directory)?;
        for name in FILES {
            fs::copy(source.join(name), directory.join(name)).context(name)?;
        }
        let wanted = fs::read(source.join(FILES[0]))?;
        // Written last, so that an installation that was interrupted is repeated.
        let installed = directory.join("installed.json");
        if fs::read(&installed).ok().as_ref() != Some(&wanted) {
            eprintln!("installing npm packages for Node {}", version.trim());
            let mut install = Command::new("npm");
            install
                .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(&directory);
            process::output(&mut install, interrupt)?;
            fs::write(&installed, wanted)?;
        }
        Ok(Self(directory))
    }

    /// One of the programs.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(program).current_dir(&self.0);
        command.env("NODE_ENV", "production");
        command
    }
}
