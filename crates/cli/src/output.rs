//! Tables for people, JSON for programs. Everything that the command prints goes through here:
//! `println!` ends the process with a back trace when nobody reads any more, or the disk is full.

use std::fmt::{self, Display};
use std::io::{self, Write as _};

use serde_json::Value;

/// Standard output did not take what was printed.
#[derive(Debug)]
pub(crate) struct NotPrinted(io::Error);

impl NotPrinted {
    /// Whether whoever read it does not read any more, as `head` does after its lines.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl Display for NotPrinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write to standard output: {}", self.0)
    }
}

/// The text names the cause, which is no source of its own: it would be shown twice.
impl std::error::Error for NotPrinted {}

/// Prints a line.
pub(crate) fn line(text: impl Display) -> Result<(), NotPrinted> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(NotPrinted)
}

/// Prints a line for people to standard error. Ignores failures to print.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints JSON on one line.
pub(crate) fn json(value: &Value) -> Result<(), NotPrinted> {
    line(value)
}

/// Prints columns under their headings, each as wide as its widest cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> Result<(), NotPrinted> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect())
        .collect();
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(heading.len())
        })
        .collect();
    print_row(headings.iter().copied(), &widths)?;
    for row in &rows {
        print_row(row.iter().map(String::as_str), &widths)?;
    }
    Ok(())
}

fn print_row<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> Result<(), NotPrinted> {
    let cells: Vec<String> = cells
        .zip(widths)
        .map(|(cell, &width)| format!("{cell:<width$}"))
        .collect();
    line(cells.join("  ").trim_end())
}

/// The text without anything that could move a terminal's cursor: names come from many tenants.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A member of a JSON object as text for a table; empty when absent.
pub(crate) fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
