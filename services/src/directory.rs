//! The private directory of one command, and the guardian that clears it up in any case.

use std::fs::{self, DirBuilder, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use tempfile::TempDir;

/// Others may pass through, to what is theirs inside, but not look around.
const PASSABLE: u32 = 0o711;
const PRIVATE: u32 = 0o700;

/// Reads process groups from its standard input, `+ ID` when one starts and `- ID` when it has
/// ended. Standard input closes when this program ends, however it ends: then the groups that are
/// left are stopped and the directory is removed. After an orderly end nothing is left to do.
const GUARDIAN: &str = r#"
groups=
while read -r verb group; do
    case $verb in
    +) groups="$groups $group" ;;
    -) rest=; for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done; groups=$rest ;;
    esac
done
for g in $groups; do kill -s INT -- "-$g" 2>/dev/null; done
turns=0
while [ "$turns" -lt 100 ]; do
    alive=
    for g in $groups; do kill -s 0 -- "-$g" 2>/dev/null && alive=yes; done
    [ -n "$alive" ] || break
    sleep 0.1
    turns=$((turns + 1))
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
rm -rf -- "$1"
"#;

/// A fresh directory with a short path. It is removed with the value, and also when this program
/// is killed.
#[derive(Debug)]
pub struct PrivateDirectory {
    directory: TempDir,
    guardian: Mutex<Guardian>,
}

#[derive(Debug)]
struct Guardian {
    process: Child,
    input: Option<ChildStdin>,
}

impl PrivateDirectory {
    /// Makes the directory under the system's temporary directory.
    pub fn create() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("atlas-")
            .permissions(Permissions::from_mode(PASSABLE))
            .tempdir_in(temporary_root())
            .context("cannot make a temporary directory")?;
        // The mode above passes through the umask.
        fs::set_permissions(directory.path(), Permissions::from_mode(PASSABLE))?;
        let mut process = Command::new("/bin/sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(directory.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot run /bin/sh")?;
        let input = process.stdin.take();
        let guardian = Mutex::new(Guardian { process, input });
        Ok(Self {
            directory,
            guardian,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A directory inside that only this user enters.
    pub fn subdirectory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path().join(name);
        DirBuilder::new()
            .mode(PRIVATE)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Has the guardian stop this process group if this program cannot.
    pub fn watch(&self, group: u32) {
        self.send('+', group);
    }

    /// The process group has ended; its number may soon belong to somebody else.
    pub fn forget(&self, group: u32) {
        self.send('-', group);
    }

    fn send(&self, verb: char, group: u32) {
        let mut guardian = self.guardian.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = &mut guardian.input {
            // A guardian that is gone guards nothing, and nothing else depends on it.
            let _ = writeln!(input, "{verb} {group}");
        }
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let guardian = self
            .guardian
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        // The end of its input asks the guardian to clear up; its end says that it has.
        guardian.input = None;
        let _ = guardian.process.wait();
    }
}

/// Writes a file that only this user reads.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The system's temporary directory, or `/tmp` when other users cannot enter that one: PostgreSQL
/// may have to run as one of them.
fn temporary_root() -> PathBuf {
    let configured = std::env::temp_dir();
    let open_to_all = configured.canonicalize().is_ok_and(|path| {
        path.ancestors()
            .all(|part| fs::metadata(part).is_ok_and(|found| found.mode() & 0o001 != 0))
    });
    if open_to_all {
        configured
    } else {
        PathBuf::from("/tmp")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_directory_goes_with_the_value() {
        let directory = PrivateDirectory::create().unwrap();
        let path = directory.path().to_owned();
        write_private(
            &directory.subdirectory("inside").unwrap().join("file"),
            "text",
        )
        .unwrap();
        assert!(path.is_dir());
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn the_guardian_stops_a_group_that_was_left_running() {
        let directory = PrivateDirectory::create().unwrap();
        let mut left = Command::new("sleep")
            .arg("600")
            .process_group(0)
            .spawn()
            .unwrap();
        directory.watch(left.id());
        // Awaited meanwhile, because a process that nobody awaits still counts as alive.
        let status = std::thread::spawn(move || left.wait().unwrap());
        drop(directory);
        assert_eq!(status.join().unwrap().signal(), Some(2));
    }

    #[test]
    fn the_guardian_leaves_a_forgotten_group_alone() {
        let directory = PrivateDirectory::create().unwrap();
        let mut other = Command::new("sleep")
            .arg("600")
            .process_group(0)
            .spawn()
            .unwrap();
        directory.watch(other.id());
        directory.forget(other.id());
        drop(directory);
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
