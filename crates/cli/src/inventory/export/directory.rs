//! The directory of an export. It has a file that says whose it is, and a directory for each policy type
//! with a file for each item. What else is in it is left alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::names;

/// Says that the directory was made by an export, and of which tenant.
const MARKER: &str = ".tenantatlas-export.json";
/// Where files stand until all of them are there.
const STAGING: &str = ".tenantatlas-export.tmp";
/// What a new directory may have: an export is often the content of a repository.
const PERMITTED: [&str; 2] = [".git", STAGING];
/// Of the marker and the files.
const FORMAT_VERSION: u64 = 1;

/// Members of an item that change only when the item does. What is not among them says when something
/// was read, is this installation's own, or follows from other items.
const MEMBERS: [&str; 9] = [
    "policy_type",
    "external_id",
    "name",
    "category",
    "platform",
    "foundation",
    "scope_tags",
    "content",
    "assignments",
];

/// A directory while an export is written to it.
pub(super) struct ExportDirectory {
    root: PathBuf,
    tenant_id: String,
    /// The files of all items, `type/name--id.json`.
    files: BTreeSet<String>,
    /// Those of them that are new or different, and stand in the staging directory.
    staged: Vec<String>,
}

/// What an export did.
pub(super) struct Done {
    pub(super) written: usize,
    pub(super) removed: usize,
}

impl ExportDirectory {
    /// Examines the directory, and makes it when it is not there. Unless `force` is given, one that has
    /// something in it must have been made by an export of the same tenant.
    pub(super) fn open(root: &Path, tenant_id: &str, force: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
        let directory = Self {
            root: root.to_owned(),
            tenant_id: tenant_id.to_owned(),
            files: BTreeSet::new(),
            staged: Vec::new(),
        };
        if !force {
            directory.examine()?;
        }
        directory.remove_staging()?;
        Ok(directory)
    }

    fn examine(&self) -> anyhow::Result<()> {
        let root = self.root.display();
        match fs::read(self.root.join(MARKER)) {
            Ok(text) if text == self.marker() => Ok(()),
            Ok(_) => bail!(
                "{root} has an export of another tenant or version, as its {MARKER} says; choose \
                 another directory, or replace it with --force"
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut entries = entries(&self.root)?.into_iter();
                if entries.all(|entry| PERMITTED.contains(&entry.as_str())) {
                    return Ok(());
                }
                bail!(
                    "{root} is not empty and was not made by an export, which would have left \
                     {MARKER} there; choose another directory, or use it with --force"
                )
            }
            Err(error) => Err(error).context(format!("cannot read {root}/{MARKER}")),
        }
    }

    /// Puts the file of an item aside unless the directory has the same already.
    pub(super) fn stage(&mut self, item: &Value) -> anyhow::Result<()> {
        let Some(path) = path_of(item) else {
            bail!("an item of the export has no type, id or name");
        };
        let text = text_of(item);
        if fs::read(self.root.join(&path)).ok().as_deref() != Some(text.as_bytes()) {
            write(&self.root.join(STAGING).join(&path), text.as_bytes())?;
            self.staged.push(path.clone());
        }
        if !self.files.insert(path.clone()) {
            bail!("two items of the export have the file {path}");
        }
        Ok(())
    }

    /// Moves the files to their places, and removes those of items that are gone.
    pub(super) fn publish(self) -> anyhow::Result<Done> {
        // First, so that the next export completes what this one leaves undone when it is killed.
        write(&self.root.join(STAGING).join(MARKER), &self.marker())?;
        self.publish_file(MARKER)?;
        for path in &self.staged {
            self.publish_file(path)?;
        }
        let removed = self.remove_gone()?;
        self.remove_staging()?;
        Ok(Done {
            written: self.staged.len(),
            removed,
        })
    }

    fn publish_file(&self, path: &str) -> anyhow::Result<()> {
        let to = self.root.join(path);
        make_parent(&to)?;
        fs::rename(self.root.join(STAGING).join(path), &to)
            .with_context(|| format!("cannot write {}", to.display()))
    }

    /// Removes the files of items that this export has not, and directories that are empty then.
    fn remove_gone(&self) -> anyhow::Result<usize> {
        let mut removed = 0;
        for name in entries(&self.root)? {
            let directory = self.root.join(&name);
            let kind = fs::symlink_metadata(&directory)?;
            if name.starts_with('.') || !kind.is_dir() {
                continue;
            }
            let mut has_lost = false;
            for file in entries(&directory)? {
                let path = format!("{name}/{file}");
                if self.files.contains(&path) || !is_of_an_export(&directory.join(&file), &path) {
                    continue;
                }
                fs::remove_file(directory.join(&file)).with_context(|| {
                    format!("cannot remove {}", directory.join(&file).display())
                })?;
                has_lost = true;
                removed += 1;
            }
            if has_lost && entries(&directory)?.is_empty() {
                fs::remove_dir(&directory)?;
            }
        }
        Ok(removed)
    }

    fn marker(&self) -> Vec<u8> {
        let marker = json!({"format_version": FORMAT_VERSION, "tenant_id": self.tenant_id});
        format!("{marker:#}\n").into_bytes()
    }

    fn remove_staging(&self) -> anyhow::Result<()> {
        let staging = self.root.join(STAGING);
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", staging.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for ExportDirectory {
    /// What was put aside by an export that failed is of no use. The next one removes it if this fails.
    fn drop(&mut self) {
        let _ = self.remove_staging();
    }
}

/// Names of what is in a directory. What has a name that is no UTF-8 is none of ours.
fn entries(directory: &Path) -> anyhow::Result<Vec<String>> {
    let cannot_read = || format!("cannot read {}", directory.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).with_context(cannot_read)? {
        let name = entry.with_context(cannot_read)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Whether the file was written by an export: it holds an item whose file has this path.
fn is_of_an_export(file: &Path, path: &str) -> bool {
    let text = path.ends_with(".json").then(|| fs::read(file).ok());
    let item = text
        .flatten()
        .and_then(|text| serde_json::from_slice(&text).ok());
    item.and_then(|item| path_of(&item)).as_deref() == Some(path)
}

fn path_of(item: &Value) -> Option<String> {
    let member = |name: &str| item.get(name)?.as_str();
    Some(names::path(
        member("policy_type")?,
        member("name")?,
        member("external_id")?,
    ))
}

/// The file of an item: the same text for the same item, whatever order the API sends its parts in.
fn text_of(item: &Value) -> String {
    let members = MEMBERS.into_iter().filter_map(|name| {
        let mut value = item.get(name)?.clone();
        value.sort_all_objects();
        if let ("scope_tags" | "assignments", Value::Array(elements)) = (name, &mut value) {
            elements.sort_by_cached_key(Value::to_string);
        }
        Some((name.to_owned(), value))
    });
    let mut file = Value::Object(members.collect());
    file.sort_all_objects();
    format!("{file:#}\n")
}

fn write(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    make_parent(file)?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn make_parent(file: &Path) -> anyhow::Result<()> {
    let parent = file.parent().unwrap_or(file);
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))
}
