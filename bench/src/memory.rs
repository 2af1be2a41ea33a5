//! The memory of running programs, as Linux reports it in `/proc`.

use std::fs;

use anyhow::Context as _;

/// What a child of this process with this name has in memory now, in MiB.
pub(crate) fn present(name: &str) -> anyhow::Result<f64> {
    of_child(name, "VmRSS")
}

/// The most that it ever had, in MiB.
pub(crate) fn peak(name: &str) -> anyhow::Result<f64> {
    of_child(name, "VmHWM")
}

fn of_child(name: &str, field: &str) -> anyhow::Result<f64> {
    let parent = std::process::id().to_string();
    for entry in fs::read_dir("/proc")? {
        let Ok(status) = fs::read_to_string(entry?.path().join("status")) else {
            continue;
        };
        let of = |word: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(word));
            line.map(|rest| rest.trim_start_matches(':').trim())
        };
        if of("Name") == Some(name) && of("PPid") == Some(parent.as_str()) {
            let used = of(field).and_then(|text| text.strip_suffix(" kB"));
            let kibibytes: f64 = used.context("no number of memory")?.parse()?;
            return Ok(kibibytes / 1_024.0);
        }
    }
    anyhow::bail!("no {name} runs")
}
