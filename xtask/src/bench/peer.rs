//! pgbench with the statement that a start runs: what the database can do without the API.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::interrupt::Interrupt;
use crate::process;
use crate::services::Services;

/// The complete statement, below the names of its parameters.
const EXPANDED: &str = include_str!("../../../crates/store/sql/expanded/runs/admit.sql");
/// How its text begins.
const NAME: &str = "-- runs.admit\n";
/// Distance between the identifiers of two measurements.
const IDENTIFIERS: u64 = 1_000_000_000_000;

/// A statement, with the parameters that the database's log shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    text: String,
    /// The first one is `$1`.
    names: Vec<String>,
    /// As many; `None` is NULL.
    parameters: Vec<Option<String>>,
}

impl Statement {
    /// The start's statement with its parameters in a log that was written with `log_statement=all`.
    pub(super) fn in_log(log: &str) -> Option<Self> {
        Self::with_parameters(EXPANDED, log)
    }

    fn with_parameters(expanded: &str, log: &str) -> Option<Self> {
        let (_, rest) = log.split_once(NAME)?;
        let list = rest
            .lines()
            .find_map(|line| line.split_once("parameters: "));
        let (head, text) = expanded.split_once(NAME)?;
        let name = |line: &str| {
            let (_, name) = line.strip_prefix("-- $")?.split_once(' ')?;
            Some(name.split_once(':')?.0.to_owned())
        };
        let code = text.lines().filter(|line| !line.starts_with("--"));
        let code: Vec<&str> = code
            .map(|line| line.split("  --").next().unwrap_or(line))
            .collect();
        Some(Self {
            text: code.join("\n"),
            names: head.lines().filter_map(name).collect(),
            parameters: parameters(list?.1)?,
        })
    }

    /// The statement for pgbench. What differs from start to start becomes a value: the tenant is
    /// drawn, and identifiers are made from the variable `id`, which grows as the API's do. The
    /// rest stays as it was seen. One script for all tenants, because pgbench prepares each script
    /// on each connection, and that would be measured too.
    fn script(&self, tenants: &[String]) -> anyhow::Result<String> {
        let mut script = format!(
            "\\set id :base + :turn * 1000 + :client_id\n\\set turn :turn + 1\n\
             \\set tenant random(1, {})\n",
            tenants.len()
        );
        let mut rest = self.text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            let digits = after.chars().take_while(char::is_ascii_digit).count();
            let number: usize = after[..digits]
                .parse()
                .context("a dollar without a number")?;
            script.push_str(before);
            script.push_str(&self.value(number, tenants)?);
            rest = &after[digits..];
        }
        script.push_str(rest);
        script.push_str(";\n");
        Ok(script)
    }

    fn value(&self, number: usize, tenants: &[String]) -> anyhow::Result<String> {
        let name = number.checked_sub(1).and_then(|at| self.names.get(at));
        match name.map(String::as_str) {
            Some("tenant") => {
                let tenants = tenants.join(",");
                return Ok(format!("('{{{tenants}}}'::uuid[])[:tenant::int]"));
            }
            Some("identity") => {
                return Ok("(md5(:id::bigint::text) || md5((:id::bigint)::text))".to_owned());
            }
            Some("run" | "notification" | "audit" | "request") => {
                return Ok("lpad(to_hex(:id::bigint), 32, '0')::uuid".to_owned());
            }
            _ => {}
        }
        let seen = number.checked_sub(1).and_then(|at| self.parameters.get(at));
        match seen.with_context(|| format!("the log shows no ${number}"))? {
            None => Ok("NULL".to_owned()),
            Some(value) => {
                // pgbench would take a colon before a letter for a variable.
                ensure!(!value.contains('\\'), "${number} has a backslash");
                let quoted = value.replace('\'', "''").replace(':', "\\003A");
                Ok(if quoted.contains('\\') {
                    format!("U&'{quoted}'")
                } else {
                    format!("'{quoted}'")
                })
            }
        }
    }
}

/// Reads `$1 = 'text', $2 = NULL`; a quote inside a text is doubled.
fn parameters(list: &str) -> Option<Vec<Option<String>>> {
    let mut found = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        rest = rest.strip_prefix(&format!("${} = ", found.len() + 1))?;
        if let Some(after) = rest.strip_prefix("NULL") {
            found.push(None);
            rest = after;
        } else {
            rest = rest.strip_prefix('\'')?;
            let mut value = String::new();
            loop {
                let (part, after) = rest.split_once('\'')?;
                value.push_str(part);
                rest = after;
                let Some(after) = rest.strip_prefix('\'') else {
                    break;
                };
                value.push('\'');
                rest = after;
            }
            found.push(Some(value));
        }
        rest = rest.strip_prefix(", ").unwrap_or(rest);
    }
    Some(found)
}

/// Has the database execute one statement. pgbench is the one client that is there for certain.
pub(super) fn execute(
    services: &Services,
    statement: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let script = tempfile::NamedTempFile::new()?;
    fs::write(script.path(), format!("{statement};\n"))?;
    let mut command = services.pgbench()?;
    command
        .args(["--no-vacuum", "--transactions=1", "--file"])
        .arg(script.path());
    process::output(&mut command, interrupt).with_context(|| statement.to_owned())?;
    Ok(())
}

/// pgbench, ready to run.
#[derive(Debug)]
pub(super) struct Peer<'a> {
    services: &'a Services,
    script: PathBuf,
    measured: Cell<u64>,
}

impl<'a> Peer<'a> {
    /// Writes the script.
    pub(super) fn prepare(
        services: &'a Services,
        statement: &Statement,
        tenants: &[String],
    ) -> anyhow::Result<Self> {
        let directory = services.directory().subdirectory("pgbench")?;
        let script = directory.join("start.sql");
        fs::write(&script, statement.script(tenants)?)?;
        Ok(Self {
            services,
            script,
            measured: Cell::new(0),
        })
    }

    /// Transactions per second with that many connections.
    pub(super) fn measure(
        &self,
        connections: usize,
        duration: Duration,
        interrupt: &Interrupt,
    ) -> anyhow::Result<f64> {
        self.measured.set(self.measured.get() + 1);
        let base = format!("base={}", self.measured.get() * IDENTIFIERS);
        let mut command: Command = self.services.pgbench()?;
        command.args([
            "--no-vacuum",
            "--protocol=prepared",
            "--define",
            "turn=0",
            "--define",
        ]);
        command.arg(base).arg(format!("--client={connections}"));
        // Without a second thread pgbench itself would be the limit.
        command.arg(format!("--jobs={}", connections.min(2)));
        command.arg(format!("--time={}", duration.as_secs()));
        command.arg("--file").arg(&self.script);
        let printed = process::output(&mut command, interrupt)?;
        let Some((_, after)) = printed.split_once("\ntps = ") else {
            bail!("pgbench told no rate: {printed}");
        };
        let digits: String = after
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let rate: f64 = digits.parse().context("pgbench's rate")?;
        ensure!(rate > 0.0, "pgbench ran no transaction: {printed}");
        Ok(rate)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    const EXPANDED: &str = "-- $1 tenant: uuid\n-- $2 title: text\n-- $3 retry_of: uuid\n\
        -- $4 kind: text\n-- $5 run: uuid\n-- returns id: uuid\n-- runs.admit\n-- About it.\n\
        SELECT $1::uuid, $2,  -- a title\n    $5";
    const LOG: &str = "\
2026-01-01 00:00:00 UTC [7] LOG:  execute s1: SELECT 1
2026-01-01 00:00:00 UTC [7] LOG:  execute s2: -- runs.admit
\t-- About it.
\tSELECT $1::uuid, $2,
\t    $5
2026-01-01 00:00:00 UTC [7] DETAIL:  parameters: $1 = 'a', $2 = 'it''s {\"a\": 1}', $3 = NULL, $4 = 'd', $5 = 'e'
";

    #[test]
    fn the_statement_is_found_with_its_parameters() {
        let statement = Statement::with_parameters(EXPANDED, LOG).unwrap();
        assert_eq!(statement.text, "SELECT $1::uuid, $2,\n    $5");
        assert_eq!(
            statement.names,
            ["tenant", "title", "retry_of", "kind", "run"]
        );
        let found: Vec<_> = statement.parameters.iter().map(Option::as_deref).collect();
        assert_eq!(
            found,
            [
                Some("a"),
                Some("it's {\"a\": 1}"),
                None,
                Some("d"),
                Some("e")
            ]
        );
        assert_eq!(Statement::in_log("LOG:  execute s1: SELECT 1\n"), None);
    }

    #[test]
    fn a_script_keeps_what_was_seen_and_varies_what_must() {
        let tenants = ["t".to_owned(), "u".to_owned()];
        let statement = Statement::with_parameters(EXPANDED, LOG).unwrap();
        let script = statement.script(&tenants).unwrap();
        let id = "lpad(to_hex(:id::bigint), 32, '0')::uuid";
        let expected = format!(
            "SELECT ('{{t,u}}'::uuid[])[:tenant::int]::uuid, U&'it''s {{\"a\"\\003A 1}}',\n    {id};\n"
        );
        assert!(script.ends_with(&expected), "{script}");
    }
}
