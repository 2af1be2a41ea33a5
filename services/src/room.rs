//! Whether a disk has room: what is full fails in many places, and seldom says so.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// There is less room than needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoRoom {
    directory: PathBuf,
    /// In bytes, for this user.
    free: u64,
    /// In bytes.
    needed: u64,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the disk is full: {} has {} MB of room, and {} MB are needed; delete something, or name a \
             directory on another disk in TMPDIR",
            self.directory.display(),
            self.free / 1_000_000,
            self.needed.div_ceil(1_000_000),
        )
    }
}

impl std::error::Error for NoRoom {}

/// Refuses a directory on a disk with less room than this, in bytes. One of which that is not known has
/// enough.
pub(crate) fn ensure(directory: &Path, needed: u64) -> Result<(), NoRoom> {
    let Ok(disk) = statvfs(directory) else {
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= needed {
        return Ok(());
    }
    Err(NoRoom {
        directory: directory.to_owned(),
        free,
        needed,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn too_little_room_is_reported_with_the_directory_and_both_numbers() {
        let directory = std::env::temp_dir();
        assert_eq!(ensure(&directory, 0), Ok(()));
        assert_eq!(ensure(Path::new("/does/not/exist"), u64::MAX), Ok(()));
        let text = ensure(&directory, u64::MAX).unwrap_err().to_string();
        let needed = format!("{} MB are needed", u64::MAX.div_ceil(1_000_000));
        assert!(text.contains(&needed), "{text}");
        assert!(text.contains(&directory.display().to_string()), "{text}");
        assert!(text.starts_with("the disk is full: "), "{text}");
    }
}
