//! One test with many processes at a time, on the whole machine.

use std::fs::File;
use std::time::{Duration, Instant};

/// How long a test waits for others to end. It then goes on beside them: it is slower that way, but
/// a test that only waits would be taken for one that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lock of the machine's one slot. It is held until the value is dropped, also by a test that
/// was killed.
pub(crate) async fn take() -> File {
    let path = std::env::temp_dir().join("tenantatlas-faults.lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while file.try_lock().is_err() {
        if Instant::now() > deadline {
            eprintln!("others have the machine's slot for such tests; going on beside them");
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    file
}
