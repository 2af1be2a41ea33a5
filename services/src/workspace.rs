//! Where this repository is, and how its cargo is called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// What tests, lints and documentation are built with: programs in which fault tests can make
/// things go wrong. Nothing that anybody uses is built with it.
pub const FOR_TESTS: [&str; 2] = [
    "--features",
    "atlas-api/crash-points,atlas-worker/crash-points",
];

/// Every setting of TenantAtlas's programs starts like this.
const SETTINGS_PREFIX: &str = "ATLAS_";

/// The repository and its target directory.
#[derive(Debug)]
pub struct Workspace {
    /// The directory of the workspace's Cargo.toml.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the workspace whose member this program is.
    #[allow(clippy::disallowed_methods, reason = "cargo sets it, nobody else does")]
    pub fn find() -> anyhow::Result<Self> {
        // `cargo run` sets the variable; the checkout may have moved since the program was built.
        let member = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = member
            .parent()
            .context("the workspace has no root")?
            .to_owned();
        let output = cargo_in(&root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!(
                "cargo metadata: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"]
            .as_str()
            .context("no target directory")?
            .into();
        Ok(Self { root, target })
    }

    /// A cargo command in the root, without the settings that the caller's shell may carry for the
    /// programs of TenantAtlas.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_in(&self.root);
        command.args(arguments);
        without_settings(&mut command);
        command
    }
}

#[allow(clippy::disallowed_methods, reason = "cargo sets it, nobody else does")]
fn cargo_in(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(root);
    // These describe xtask itself. Left in place they would look like a changed environment to
    // build scripts, which would then run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"].contains(&&*text)
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Takes the settings of TenantAtlas out of a command's environment, so that only what is set on the
/// command itself counts.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(SETTINGS_PREFIX) {
            command.env_remove(&name);
        }
    }
}
