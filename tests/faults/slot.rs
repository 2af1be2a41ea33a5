//! One test with many processes at a time, on the whole machine.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// How long a test waits for the tests of another command. One that waited longer would be taken
/// for one that hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The machine's one slot, held until the value is dropped, also by a test that was killed.
#[derive(Debug)]
pub(crate) struct Slot {
    _machine: File,
    _process: OwnedMutexGuard<()>,
}

/// Waits for the slot: for other tests of this process as long as they take, for those of other
/// processes a minute at most.
pub(crate) async fn take() -> Slot {
    // Cargo's own runner has all tests in one process, and they wait in its queue.
    static PROCESS: std::sync::OnceLock<Arc<Mutex<()>>> = std::sync::OnceLock::new();
    let process = PROCESS.get_or_init(Arc::default).clone().lock_owned().await;
    let path = std::env::temp_dir().join("tenantatlas-faults.lock");
    match machine(&path, PATIENCE).await {
        Ok(machine) => Slot {
            _machine: machine,
            _process: process,
        },
        Err(problem) => panic!("{problem}"),
    }
}

/// Locks the file, and writes into it whose the slot is.
async fn machine(path: &Path, patience: Duration) -> Result<File, String> {
    let mut file = File::options()
        .create(true)
        .read(true)
        .append(true)
        .open(path)
        .unwrap();
    let deadline = Instant::now() + patience;
    while file.try_lock().is_err() {
        if Instant::now() >= deadline {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(format!(
                "another command's fault tests, of process {}, have had this machine's slot for \
                 {} s ({}): start again when they have ended",
                holder.trim(),
                patience.as_secs(),
                path.display()
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    file.set_len(0).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    writeln!(file, "{}", std::process::id()).unwrap();
    Ok(file)
}

#[tokio::test]
async fn who_waits_too_long_for_the_machine_learns_whose_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    let held = machine(&path, Duration::ZERO).await.unwrap();
    let problem = machine(&path, Duration::ZERO).await.unwrap_err();
    let holder = format!("of process {},", std::process::id());
    assert!(problem.contains(&holder), "{problem}");
    drop(held);
    machine(&path, Duration::ZERO).await.unwrap();
}
