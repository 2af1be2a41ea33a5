//! The table of measurements, a line at a time.

use std::time::Duration;

use super::measurement::Measurement;

/// Prints the names of the columns.
pub(super) fn print_head() {
    println!(
        "{:>5} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6}  read",
        "rows", "bytes", "first ms", "tenth ms", "p50 ms", "p99 ms", "ratio"
    );
}

/// Prints one measurement.
pub(super) fn print_line(one: &Measurement) {
    let tenth = one.tenth.map_or_else(|| "-".to_owned(), milliseconds);
    println!(
        "{:>5} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6.2}  {}{}",
        one.rows,
        one.bytes,
        milliseconds(one.first),
        tenth,
        milliseconds(one.p50),
        milliseconds(one.p99),
        one.ratio(),
        one.name,
        one.remarks()
    );
}

/// Prints what took longer than it may, or that nothing did.
pub(super) fn print_exceeding(measured: &[Measurement]) {
    let exceeding: Vec<_> = measured.iter().filter(|one| one.exceeds()).collect();
    println!(
        "\nThe ratio is p99 to the limit: 15 ms, 50 ms for searches among settings, and 100 ms for \
         combinations of filters that no index serves. {} of {} reads exceed it, with p99, the first or the tenth call of a connection, or \
         with an answer other than 200{}",
        exceeding.len(),
        measured.len(),
        if exceeding.is_empty() { "." } else { ":" }
    );
    for one in exceeding {
        let limit = milliseconds(one.case.budget.limit());
        println!(
            "{:>8.1} of {limit} ms  {}{}",
            one.worst().as_secs_f64() * 1000.0,
            one.name,
            one.remarks()
        );
    }
}

/// With the digits that matter beside a limit of 15 ms.
pub(super) fn milliseconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1000.0)
}
