//! What running programs have used of the processors, as Linux reports it in `/proc`.

use std::collections::BTreeMap;
use std::fs;

/// The kernel counts in hundredths of a second for programs, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds by program.
pub(crate) type Used = BTreeMap<String, f64>;

/// One line of `/proc/{pid}/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    program: String,
    parent: u32,
    /// Of its own, and of the children that it has waited for.
    seconds: f64,
}

/// What the descendants of this process have used so far, those that have ended included.
pub(crate) fn of_descendants() -> Used {
    let Ok(directory) = fs::read_dir("/proc") else {
        return Used::new();
    };
    let all: BTreeMap<u32, Stat> = directory
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, stat(&line)?))
        })
        .collect();
    let mut used = Used::new();
    for (pid, stat) in &all {
        if descends(&all, *pid, std::process::id()) {
            *used.entry(stat.program.clone()).or_default() += stat.seconds;
        }
    }
    used
}

fn descends(all: &BTreeMap<u32, Stat>, mut pid: u32, from: u32) -> bool {
    while let Some(stat) = all.get(&pid) {
        if stat.parent == from {
            return true;
        }
        pid = stat.parent;
    }
    false
}

/// The program's name stands in brackets and may hold any character.
fn stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.split_once('(')?;
    let (program, rest) = rest.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse::<u64>())
        .sum::<Result<_, _>>()
        .ok()?;
    Some(Stat {
        program: program.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        seconds: f64::from(u32::try_from(ticks).ok()?) / TICKS_PER_SECOND,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read() {
        let line = "7 (a (b) c) S 3 7 7 0 -1 4194560 100 0 0 0 150 50 20 5 20 0 1 0 9 0 0";
        let expected = Stat {
            program: "a (b) c".to_owned(),
            parent: 3,
            seconds: 2.25,
        };
        assert_eq!(stat(line), Some(expected));
        assert_eq!(stat("7 (a"), None);
    }
}
