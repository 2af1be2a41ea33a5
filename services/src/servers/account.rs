//! As whom PostgreSQL runs: it refuses to be root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow};

const USERS: &str = "/etc/passwd";
/// Tried in this order.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// The user that a program runs as: this one, or an unprivileged one when this one is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever runs this program.
    Own,
    /// Another existing user.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Somebody who is not root.
    pub(super) fn unprivileged() -> anyhow::Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let users = fs::read_to_string(USERS).context(USERS)?;
        UNPRIVILEGED
            .iter()
            .find_map(|name| find(&users, name))
            .ok_or_else(|| anyhow!("root may not run it, and there is no user postgres or nobody"))
    }

    /// The other user's and group's numbers, as `101:104`.
    pub(super) fn ids(self) -> Option<String> {
        match self {
            Self::Own => None,
            Self::Other { uid, gid } => Some(format!("{uid}:{gid}")),
        }
    }

    /// Runs the command as this user.
    pub(super) fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a file or directory to this user.
    pub(super) fn own(self, path: &Path) -> anyhow::Result<()> {
        if let Self::Other { uid, gid } = self {
            chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} away", path.display()))?;
        }
        Ok(())
    }
}

fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Account::Other { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:8::/:\npostgres:x:101:104::/:\n";
        assert_eq!(
            find(users, "postgres"),
            Some(Account::Other { uid: 101, gid: 104 })
        );
        assert_eq!(find(users, "nobody"), None);
    }
}
