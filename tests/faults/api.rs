//! The API of an installation: a process that may be killed and started again where it was.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use atlas_test_support::eventually;
use uuid::Uuid;

use crate::program::{Program, binary, launch_file};

/// The variable that says where a program goes wrong.
pub(crate) const CRASH_POINTS: &str = "ATLAS_CRASH_POINTS";

/// A running API, or one that was killed.
pub(crate) struct Api {
    program: Mutex<Program>,
    file: PathBuf,
    directory: PathBuf,
    /// The variables of every start of it.
    variables: Vec<(&'static str, String)>,
    /// `127.0.0.1` and the port that the first start was given.
    address: String,
}

impl Api {
    /// Starts one on a free port. `extra` is for this start alone, and wins.
    pub(crate) async fn start(
        directory: &Path,
        variables: Vec<(&'static str, String)>,
        extra: &[(&'static str, String)],
    ) -> Self {
        Self::start_file(binary("atlas-api"), directory, variables, extra).await
    }

    /// Starts one of a file, which may be another version's.
    async fn start_file(
        file: PathBuf,
        directory: &Path,
        variables: Vec<(&'static str, String)>,
        extra: &[(&'static str, String)],
    ) -> Self {
        let (program, address) = serve(&file, directory, "127.0.0.1:0", &variables, extra).await;
        Self {
            program: Mutex::new(program),
            file,
            directory: directory.to_owned(),
            variables,
            address,
        }
    }

    /// Starts another at the same address. The one before has ended.
    pub(crate) async fn start_again(&self, extra: &[(&'static str, String)]) {
        let (directory, variables) = (&self.directory, &self.variables);
        let (program, _) = serve(&self.file, directory, &self.address, variables, extra).await;
        *self.program.lock().unwrap() = program;
    }

    /// Starts another one beside it, of this file. `extra` is for this start alone, and wins.
    pub(crate) async fn beside(&self, file: PathBuf, extra: &[(&'static str, String)]) -> Self {
        Self::start_file(file, &self.directory, self.variables.clone(), extra).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process, by number.
    pub(crate) fn process(&self) -> u32 {
        self.program.lock().unwrap().child.id()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, signal: &str) {
        self.program.lock().unwrap().signal(signal);
    }

    /// Kills it without a chance to say anything.
    pub(crate) fn kill(&self) {
        self.program.lock().unwrap().kill();
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        let mut program = self.program.lock().unwrap();
        program.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end and says whether it ended well.
    pub(crate) async fn ended(&mut self) -> bool {
        self.program.get_mut().unwrap().ended().await
    }
}

/// Launches programs until one listens: a port that was free may be somebody's connection's now.
async fn serve(
    program_file: &Path,
    directory: &Path,
    listen: &str,
    variables: &[(&'static str, String)],
    extra: &[(&'static str, String)],
) -> (Program, String) {
    let file = directory.join(format!("api-{}", Uuid::new_v4().simple()));
    let path = file.display().to_string();
    let mut all = vec![
        ("ATLAS_LISTEN", listen),
        ("ATLAS_ADDRESS_FILE", &path),
        ("ATLAS_RATE_LIMIT", "1000000"),
        ("ATLAS_PUSH_TIMEOUT", "20s"),
    ];
    let given = variables.iter().chain(extra);
    all.extend(given.map(|(name, value)| (*name, value.as_str())));
    can_go_wrong("atlas-api", &all);
    let launch = || launch_file(program_file, "atlas-api", directory, &[], &all);
    let mut program = launch();
    let address = eventually("the API to listen", || {
        if program.child.try_wait().unwrap().is_some() {
            program = launch();
        }
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let address = text.trim().trim_start_matches("http://").to_owned();
        std::future::ready((!address.is_empty()).then_some(address))
    })
    .await;
    (program, address)
}

/// A program without crash points would go on as if nothing had been asked of it.
pub(crate) fn can_go_wrong(name: &str, variables: &[(&str, &str)]) {
    if variables.iter().any(|(name, _)| *name == CRASH_POINTS) {
        let named = Command::new("grep")
            .args(["--quiet", "--text", CRASH_POINTS])
            .arg(binary(name))
            .status()
            .unwrap();
        assert!(
            named.success(),
            "{name} was built without crash points; run the tests with: cargo xtask test"
        );
    }
}
