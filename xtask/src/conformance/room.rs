//! Where others' programs work: a directory under `target/conformance` with a copy of the sources under
//! `tests/conformance`, the document, and the code of the guides. What they fetch stays there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use atlas_services::workspace::Workspace;

/// One of them.
pub(super) struct Room<'a> {
    workspace: &'a Workspace,
    directory: PathBuf,
}

impl<'a> Room<'a> {
    /// Makes it from the sources of this name.
    pub(super) fn furnish(workspace: &'a Workspace, name: &str) -> anyhow::Result<Self> {
        let directory = workspace.target.join("conformance").join(name);
        let sources = workspace.root.join("tests/conformance");
        // What a generator made of an earlier document must not be compiled with this one.
        for stale in ["src", "built", "tenantatlas"] {
            let stale = directory.join(stale);
            if stale.exists() {
                fs::remove_dir_all(&stale)?;
            }
        }
        copy(&sources.join(name), &directory)?;
        fs::copy(
            sources.join("deliveries.json"),
            directory.join("deliveries.json"),
        )?;
        let document = workspace.root.join("openapi/tenantatlas.json");
        fs::copy(document, directory.join("openapi.json"))?;
        Ok(Self {
            workspace,
            directory,
        })
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        fs::write(self.file(name), text).with_context(|| name.to_owned())
    }

    /// Writes the code of a guide that stands in blocks of this kind.
    pub(super) fn write_code(&self, page: &str, kind: &str, name: &str) -> anyhow::Result<()> {
        let text = fs::read_to_string(self.workspace.root.join(page)).context(page.to_owned())?;
        let code = code(&text, kind);
        ensure!(!code.is_empty(), "{page} has no block of code for {kind}");
        self.write(name, &code)
    }

    /// A command that works in it.
    pub(super) fn command(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        arguments: &[&str],
    ) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.directory);
        command
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The blocks of a page whose fence begins with exactly this, one after the other.
fn code(page: &str, kind: &str) -> String {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(fence) => is_inside = !fence.is_empty() && fence == kind,
            None if is_inside => found.push(line),
            None => {}
        }
    }
    found.iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_kind_are_joined() {
        let page = "# T\n```ts\na\n\nb\n```\ntext\n```sh\nno\n```\n```ts webhooks\nw\n```\n```ts\nc\n```\n";
        assert_eq!(code(page, "ts"), "a\n\nb\nc\n");
        assert_eq!(code(page, "ts webhooks"), "w\n");
        assert_eq!(code(page, "py"), "");
    }
}
