//! Child processes: always in a process group of their own, always awaited, never left behind.

use std::fs::{File, OpenOptions};
use std::io::{PipeWriter, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::directory::PrivateDirectory;
use crate::interrupt::{Interrupt, Interrupted};

/// How often a child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(20);
/// How long a tool gets to end after SIGTERM: it may itself be stopping services.
const TOOL_GRACE: Duration = Duration::from_secs(60);
/// How long a service gets to end.
const SERVICE_GRACE: Duration = Duration::from_secs(15);
/// How much of a log is shown when its process failed.
const TAIL_BYTES: usize = 4096;
/// How long what a tool printed may take to arrive once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs a tool in the foreground to its end.
///
/// # Errors
/// When it cannot be started, and [`Interrupted`] after it was stopped because of a signal.
pub fn run(command: &mut Command, interrupt: &Interrupt) -> anyhow::Result<ExitStatus> {
    interrupt.check()?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if let Err(interrupted) = interrupt.pause(POLL) {
            stop(&mut child, Signal::TERM, TOOL_GRACE);
            return Err(interrupted.into());
        }
    }
}

/// Runs a tool to its end without showing it, and gives what it printed. No file is needed for that: a
/// tool that fails for a full disk could not say so in one.
///
/// # Errors
/// When it fails, with the end of its error output; and [`Interrupted`].
pub fn output(command: &mut Command, interrupt: &Interrupt) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let (printed, stdout) = Heard::by_pipe()?;
    let (complaints, stderr) = Heard::by_pipe()?;
    command.stdout(stdout).stderr(stderr);
    let status = run(command, interrupt);
    // The command keeps its ends of the pipes open, and nobody else is to.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = status?;
    if !status.success() {
        let complaints = complaints.bytes();
        let end = complaints.len().saturating_sub(TAIL_BYTES);
        let text = shown(&complaints[end..]);
        bail!("{program} failed ({status}): {text}");
    }
    String::from_utf8(printed.bytes()).with_context(|| format!("what {program} printed"))
}

/// What a tool writes into a pipe.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: Receiver<()>,
}

impl Heard {
    /// And the end for the tool.
    fn by_pipe() -> anyhow::Result<(Self, PipeWriter)> {
        let (mut reader, writer) = std::io::pipe()?;
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (close, closed) = channel();
        let heard = Arc::clone(&bytes);
        std::thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(length @ 1..) = reader.read(&mut part) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend_from_slice(&part[..length]);
            }
            // Whoever waited may have given up.
            let _ = close.send(());
        });
        Ok((Self { bytes, closed }, writer))
    }

    /// All of it, once the tool has ended. What the tool has left running may keep the pipe open.
    fn bytes(&self) -> Vec<u8> {
        let _ = self.closed.recv_timeout(LAST_WORDS);
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes)
    }
}

/// A process that runs beside this one and is stopped with the value.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
    // Outlives the process: the directory, which holds its data, is removed after the last one.
    directory: Arc<PrivateDirectory>,
}

impl Service {
    /// Starts it with its output in a log in the directory, fed with `input`.
    pub fn start(
        name: &str,
        command: &mut Command,
        input: Option<&str>,
        directory: &Arc<PrivateDirectory>,
    ) -> anyhow::Result<Self> {
        let log = directory.path().join(format!("{name}.log"));
        let file = OpenOptions::new().create(true).append(true).open(&log)?;
        command
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
        directory.watch(child.id());
        if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
            // A program that ended already is found by the first look at it, with its log.
            let _ = std::io::Write::write_all(&mut pipe, text.as_bytes());
        }
        let name = name.to_owned();
        Ok(Self {
            name,
            child,
            log,
            ended: None,
            directory: Arc::clone(directory),
        })
    }

    /// Fails, with the end of its log, when it has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
            if self.ended.is_some() {
                self.directory.forget(self.child.id());
            }
        }
        match self.ended {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}): {}", self.name, tail(&self.log)),
        }
    }

    /// Waits until `ready` gives a value, while the process lives.
    ///
    /// # Errors
    /// When it ends or the time is over, with `ready`'s last reason and the end of the log.
    pub fn wait_until<T>(
        &mut self,
        limit: Duration,
        interrupt: &Interrupt,
        mut ready: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let until = Instant::now() + limit;
        loop {
            self.check()?;
            let reason = match ready() {
                Ok(value) => return Ok(value),
                Err(reason) => reason,
            };
            if Instant::now() > until {
                let seconds = limit.as_secs();
                let log = tail(&self.log);
                bail!(
                    "{} is not ready after {seconds} s: {reason:#}: {log}",
                    self.name
                );
            }
            interrupt.pause(POLL)?;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.check().is_ok() {
            // PostgreSQL takes SIGINT as "disconnect everybody and end"; on SIGTERM it would wait
            // for its clients. All others treat the two alike.
            stop(&mut self.child, Signal::INT, SERVICE_GRACE);
            self.directory.forget(self.child.id());
        }
    }
}

fn stop(child: &mut Child, signal: Signal, grace: Duration) {
    let Ok(Some(group)) = i32::try_from(child.id()).map(Pid::from_raw) else {
        return;
    };
    // The group exists while its leader is not awaited, so its number is nobody else's.
    let _ = kill_process_group(group, signal);
    // Further signals must not keep this program from ending what it started.
    let patience = Interrupt::default();
    let until = Instant::now() + grace;
    while Instant::now() < until {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        let _: Result<(), Interrupted> = patience.pause(POLL);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES as u64)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(shown(&bytes))
    };
    read().unwrap_or_else(|error| format!("its log cannot be read: {error}"))
}

fn shown(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes).trim() {
        "" => "it printed nothing".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_tool_is_reported_with_its_complaint() {
        let error = output(&mut shell("echo broken >&2; exit 3"), &Interrupt::default());
        let text = format!("{:#}", error.unwrap_err());
        assert!(
            text.contains("exit status: 3") && text.contains("broken"),
            "{text}"
        );
    }

    #[test]
    fn what_a_tool_prints_is_whole_and_not_waited_for_when_something_keeps_the_pipe() {
        let much = output(&mut shell("seq 100000"), &Interrupt::default()).unwrap();
        assert_eq!(much.lines().count(), 100_000);
        let begun = Instant::now();
        let left = output(&mut shell("sleep 60 & echo said"), &Interrupt::default());
        assert_eq!(left.unwrap(), "said\n");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_service_that_ends_early_is_reported_with_its_log() {
        let directory = Arc::new(PrivateDirectory::create().unwrap());
        let command = &mut shell("read -r line; echo \"got $line\"; exit 1");
        let mut service = Service::start("early", command, Some("input\n"), &directory).unwrap();
        let waited = service.wait_until(Duration::from_secs(30), &Interrupt::default(), || {
            bail!("not yet") as anyhow::Result<()>
        });
        let text = format!("{:#}", waited.unwrap_err());
        assert!(
            text.contains("early ended") && text.contains("got input"),
            "{text}"
        );
    }

    #[test]
    fn a_service_stops_with_its_value() {
        let directory = Arc::new(PrivateDirectory::create().unwrap());
        let path = directory.path().join("stopped");
        let script = format!(
            "trap 'echo >{}; exit' INT; echo up; while :; do sleep 0.05; done",
            path.display()
        );
        let mut service = Service::start("lasting", &mut shell(&script), None, &directory).unwrap();
        let log = directory.path().join("lasting.log");
        service
            .wait_until(Duration::from_secs(30), &Interrupt::default(), || {
                anyhow::ensure!(std::fs::read_to_string(&log)?.contains("up"), "not up");
                Ok(())
            })
            .unwrap();
        drop(service);
        assert!(path.exists(), "it was asked to stop and not merely killed");
    }
}
