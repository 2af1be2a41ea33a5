//! `cargo xtask services` where the disk is full.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Mounts a disk of four megabytes for the command alone, and runs it with its temporary directory there.
const ON_A_SMALL_DISK: &str =
    r#"mount -t tmpfs -o size=4m none "$1" && TMPDIR=$1 exec "$2" services"#;

fn alone() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]);
    command
}

#[test]
fn services_name_the_full_disk_and_advise_to_install_nothing() {
    let may_mount = alone().arg("true").status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("not tried: this machine lets nobody mount a small disk");
        return;
    }
    let directory = tempfile::Builder::new()
        .prefix("atlas-full-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in("/tmp")
        .unwrap();
    let output = alone()
        .args(["sh", "-c", ON_A_SMALL_DISK, "sh"])
        .arg(directory.path())
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .env_remove("DATABASE_URL")
        .env_remove("REDIS_URL")
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap();
    assert!(
        last.starts_with(
            "error: there is no PostgreSQL to use: the disk is full: /tmp/atlas-full-"
        ),
        "{error}"
    );
    assert!(last.contains(" has 4 MB of room"), "{error}");
    assert!(!error.contains("install"), "{error}");
    assert!(!error.contains("printed nothing"), "{error}");
}
