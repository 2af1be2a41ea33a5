//! What a program has logged, and whether a signal has stopped it.

use std::fs::DirEntry;

use atlas_test_support::eventually;

use crate::program::Program;

/// Waits until the program's log has this text.
pub(crate) async fn says(program: &Program, text: &str) {
    eventually(text, || async {
        let log = std::fs::read_to_string(&program.log).unwrap();
        log.contains(text).then_some(())
    })
    .await;
}

/// Waits until a signal has stopped every thread of the process. `/proc` has the state of each by
/// the letter after its name; the first thread's alone would say too early that the others stand.
pub(crate) async fn stopped(process: u32) {
    let threads = format!("/proc/{process}/task");
    eventually("the process to be stopped", || async {
        let stands = |thread: std::io::Result<DirEntry>| {
            // A thread that ended meanwhile is looked for again.
            std::fs::read_to_string(thread.unwrap().path().join("stat"))
                .is_ok_and(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('T'))
        };
        let mut threads = std::fs::read_dir(&threads).unwrap();
        threads.all(stands).then_some(())
    })
    .await;
}
