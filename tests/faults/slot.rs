//! One test with many processes at a time, on the whole machine.

use std::fs::File;

/// The lock of the machine's one slot. It is held until the value is dropped, also by a test that
/// was killed.
pub(crate) async fn take() -> File {
    let path = std::env::temp_dir().join("tenantatlas-faults.lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    tokio::task::spawn_blocking(move || {
        file.lock().unwrap();
        file
    })
    .await
    .unwrap()
}
