//! Starts over HTTP by wrk, with `bench/peers/starts.lua`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::ensure;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::servers::wrk::Wrk;
use atlas_services::workspace::Workspace;

use super::result;

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Each start is of another tenant and makes a run.
    Create,
    /// Starts of a hundred tenants, whose runs are active.
    Join,
}

impl Mode {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Join => "join",
        }
    }
}

/// Whom wrk asks, and as whom.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) token: String,
    /// With a place for a tenant's number, as Lua's `string.format` takes it.
    pub(super) path_format: &'static str,
}

/// What wrk reports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) answers: f64,
    pub(super) per_second: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// wrk with its script.
#[derive(Debug)]
pub(super) struct Caller {
    wrk: Wrk,
    script: PathBuf,
}

impl Caller {
    /// # Errors
    /// When this machine has no wrk and none can be fetched.
    pub(super) fn find(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Self> {
        Ok(Self {
            wrk: Wrk::find(workspace, interrupt)?,
            script: workspace.root.join("bench/peers/starts.lua"),
        })
    }

    /// One sample.
    ///
    /// # Errors
    /// When a start is not answered 202.
    pub(super) fn sample(
        &self,
        target: &Target,
        mode: Mode,
        seconds: u32,
        connections: u32,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Sample> {
        let mut command = self.wrk.command();
        command
            .args(["--threads=1", "--latency", "--timeout=10s"])
            .arg(format!("--connections={connections}"))
            .arg(format!("--duration={seconds}s"))
            .arg("--script")
            .arg(&self.script)
            .arg(format!("http://{}", target.address))
            .env("TOKEN", &target.token)
            .env("PATH_FORMAT", target.path_format)
            .env("MODE", mode.as_str());
        let printed = process::output(&mut command, interrupt)?;
        let (sample, failed) = result(&printed, |value| {
            let number = |name: &str| value[name].as_f64();
            let sample = Sample {
                answers: number("answers")?,
                per_second: number("per_second")?,
                p50: number("p50_ms")?,
                p99: number("p99_ms")?,
            };
            Some((sample, number("refused")? + number("broken")?))
        })?;
        ensure!(
            failed == 0.0,
            "{failed} starts were not answered: {printed}"
        );
        Ok(sample)
    }
}
