//! The programs under test, as processes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas_test_support::eventually;

/// A program that is killed when it is dropped.
pub(crate) struct Program {
    name: &'static str,
    pub(crate) child: Child,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

impl Program {
    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for its end and says whether it ended well.
    pub(crate) async fn ended(&mut self) -> bool {
        let (name, child) = (self.name, &mut self.child);
        let deadline = std::time::Instant::now() + atlas_test_support::PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.success();
            }
            assert!(
                std::time::Instant::now() < deadline,
                "{name} did not end in time"
            );
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Kills it without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let from = log.len().saturating_sub(4_000);
            eprintln!(
                "--- end of {}'s log ---\n{}",
                self.name,
                &log[log.ceil_char_boundary(from)..]
            );
        }
    }
}

/// Where the binaries are: beside this test's own.
pub(crate) fn binary(name: &str) -> PathBuf {
    let directory = std::env::var_os("ATLAS_BIN_DIR").map_or_else(
        || {
            let test = std::env::current_exe().unwrap();
            test.parent().unwrap().parent().unwrap().to_owned()
        },
        PathBuf::from,
    );
    let path = directory.join(name);
    assert!(
        path.exists(),
        "{} is not built; run the tests with: cargo xtask test",
        path.display()
    );
    path
}

/// Starts a program in a directory, with these variables and no others.
pub(crate) fn launch(
    name: &'static str,
    directory: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Program {
    launch_file(&binary(name), name, directory, arguments, variables)
}

/// The same of a file that may be elsewhere.
pub(crate) fn launch_file(
    program: &Path,
    name: &'static str,
    directory: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Program {
    let log = directory.join(format!("{name}-{}.log", uuid::Uuid::new_v4().simple()));
    let file = std::fs::File::create(&log).unwrap();
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    Program { name, child, log }
}

/// The URL of the address that a program writes when it listens.
pub(crate) async fn address(file: &Path) -> String {
    eventually("a program to listen", || async {
        let text = std::fs::read_to_string(file).ok()?;
        let address = text.trim();
        (!address.is_empty()).then(|| {
            if address.starts_with("http") {
                address.to_owned()
            } else {
                format!("http://{address}")
            }
        })
    })
    .await
}
