//! Cargo's subcommands that others publish. What is installed is used, whatever its version; else one
//! that was built into the target directory before; else, where that is wanted, it is built there from
//! the crates registry, which takes minutes.

use std::ffi::OsString;
use std::process::Command;

use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process;
use atlas_services::workspace::Workspace;

/// A package with a program of the same name, `cargo-…`.
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    /// The version that is built.
    pub(crate) version: &'static str,
}

impl Tool {
    /// How the tool is called, in the root of the workspace. None, with the reason printed, where it
    /// is not to be had.
    pub(crate) fn find(
        &self,
        workspace: &Workspace,
        build: bool,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Option<Call>> {
        let Self { package, version } = self;
        let directory = workspace.target.join("tools");
        let directory = directory.join(format!("{package}-{version}"));
        let call = |program| Call {
            program,
            subcommand: package.trim_start_matches("cargo-"),
        };
        let built = directory.join("bin").join(package);
        let places = [package.into(), built.clone().into_os_string()];
        for call in places.map(call) {
            if call.works(workspace, interrupt)? {
                return Ok(Some(call));
            }
        }
        if !build {
            eprintln!("{package} is not installed: cargo install {package} --locked");
            return Ok(None);
        }
        let mut install = workspace.cargo(&["install", package, "--locked", "--version", version]);
        install.arg("--root").arg(&directory);
        if process::run(&mut install, interrupt)?.success() {
            return Ok(Some(call(built.into_os_string())));
        }
        eprintln!("{package} {version} could not be built");
        Ok(None)
    }
}

/// A tool that is there.
pub(crate) struct Call {
    program: OsString,
    subcommand: &'static str,
}

impl Call {
    /// A command in the root of the workspace, with the subcommand's name first, as cargo passes it.
    pub(crate) fn command(&self, workspace: &Workspace, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(self.subcommand)
            .args(arguments)
            .current_dir(&workspace.root);
        command
    }

    fn works(&self, workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<bool> {
        match process::output(&mut self.command(workspace, &["--version"]), interrupt) {
            Ok(_) => Ok(true),
            Err(error) if error.is::<Interrupted>() => Err(error),
            Err(_) => Ok(false),
        }
    }
}
