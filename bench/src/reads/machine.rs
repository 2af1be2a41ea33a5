//! How evenly the machine works, which no percentile of an answer can be better than.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::table::milliseconds;
use crate::times::Times;

/// What each of the two threads works between two messages.
const WORK: Duration = Duration::from_millis(1);
const DURATION: Duration = Duration::from_secs(10);

/// Measures two threads that work in turn, as a caller and a server do, and prints how long their
/// rounds took. They ask neither the API nor the database.
pub(super) fn measure() -> anyhow::Result<()> {
    let rounds = rounds_of_one_millisecond();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut caller = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    caller.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let answering = thread::spawn(move || answer(server, rounds));
    let (mut took, mut byte) = (Times::new()?, [0]);
    let began = Instant::now();
    while began.elapsed() < DURATION {
        let called = Instant::now();
        caller.write_all(&byte)?;
        caller.read_exact(&mut byte)?;
        work(rounds);
        took.record(called.elapsed())?;
    }
    drop(caller);
    answering
        .join()
        .map_err(|_| anyhow!("the answering thread panicked"))??;
    let (p50, p99, longest) = (took.p50()?, took.p99()?, took.max());
    println!(
        "\nThe machine by itself: two threads that take turns, each with {} ms of work: p50 {}, p99 {}, \
         longest {} ms",
        WORK.as_millis(),
        milliseconds(p50),
        milliseconds(p99),
        milliseconds(longest)
    );
    Ok(())
}

fn answer(mut caller: TcpStream, rounds: u64) -> std::io::Result<()> {
    let mut byte = [0];
    // The caller hangs up when its time is over.
    while caller.read(&mut byte)? == 1 {
        work(rounds);
        caller.write_all(&byte)?;
    }
    Ok(())
}

fn work(rounds: u64) {
    black_box((0..rounds).fold(0_u64, |sum, round| black_box(sum.wrapping_add(round))));
}

/// From the fastest of several tries: the others were disturbed.
fn rounds_of_one_millisecond() -> u64 {
    const TRIED: u64 = 100_000;
    let fastest = (0..20)
        .map(|_| {
            let began = Instant::now();
            work(TRIED);
            began.elapsed()
        })
        .min();
    let fastest = fastest.unwrap_or(WORK).as_secs_f64().max(1e-9);
    (TRIED as f64 * WORK.as_secs_f64() / fastest) as u64
}
