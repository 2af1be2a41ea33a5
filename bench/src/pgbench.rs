//! pgbench with the statement that a start runs: what the database can do without the API.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::servers::Services;

use super::database::Database;

/// The complete statement, below the names of its parameters.
const EXPANDED: &str = include_str!("../../crates/store/sql/expanded/runs/admit.sql");
/// How its text begins.
const NAME: &str = "-- runs.admit\n";
/// What a start's statement was given, as its run and the initiator's notification hold it. Roles are
/// those that members have.
const PARAMETERS: &str = "SELECT jsonb_build_object('initiator', r.initiator_id, \
        'roles', (SELECT array_agg(DISTINCT role)::text FROM memberships), 'kind', r.kind, \
        'lock_scope', r.lock_scope, 'inputs', r.inputs::text, \
        'verify', r.verify, 'retry_of', r.retry_of, \
        'priority', r.priority::text, 'title', n.title, 'body', n.body, \
        'address', a.address, 'user_agent', a.user_agent, 'request_name', a.request_name)::text \
    FROM operation_runs r JOIN notifications n ON n.run_id = r.id \
        JOIN audit_events a ON a.target_id = r.id::text";
/// Distance between the identifiers of two measurements.
const IDENTIFIERS: u64 = 1_000_000_000_000;

/// A statement and the values of the parameters that do not differ from start to start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    text: String,
    /// The first one is `$1`.
    names: Vec<String>,
    /// `None` is NULL.
    values: BTreeMap<String, Option<String>>,
}

impl Statement {
    /// The start's statement with the values of the one start that the database holds.
    pub(crate) fn of_the_only_start(database: &Database<'_>) -> anyhow::Result<Self> {
        let parameters: String = database.row(PARAMETERS)?.try_get(0)?;
        Self::with_values(EXPANDED, serde_json::from_str(&parameters)?)
    }

    fn with_values(
        expanded: &str,
        values: BTreeMap<String, Option<String>>,
    ) -> anyhow::Result<Self> {
        let (head, text) = expanded
            .split_once(NAME)
            .context("the statement has another name")?;
        let name = |line: &str| {
            let (_, name) = line.strip_prefix("-- $")?.split_once(' ')?;
            Some(name.split_once(':')?.0.to_owned())
        };
        let code = text.lines().filter(|line| !line.starts_with("--"));
        let code: Vec<&str> = code
            .map(|line| line.split("  --").next().unwrap_or(line))
            .collect();
        Ok(Self {
            text: code.join("\n"),
            names: head.lines().filter_map(name).collect(),
            values,
        })
    }

    /// The statement for pgbench. What differs from start to start becomes a value: the tenant is
    /// drawn, and identifiers are made from the variable `id`, which grows as the API's do. One
    /// script for all tenants, because pgbench prepares each script on each connection, and that
    /// would be measured too.
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
        let name = name.with_context(|| format!("${number} has no name"))?;
        match name.as_str() {
            "tenant" => {
                let tenants = tenants.join(",");
                return Ok(format!("('{{{tenants}}}'::uuid[])[:tenant::int]"));
            }
            "identity" => {
                return Ok("(md5(:id::bigint::text) || md5((:id::bigint)::text))".to_owned());
            }
            "run" | "notification" | "audit" | "request" => {
                return Ok("lpad(to_hex(:id::bigint), 32, '0')::uuid".to_owned());
            }
            _ => {}
        }
        let value = self.values.get(name);
        match value.with_context(|| format!("no value for {name}, ${number}"))? {
            None => Ok("NULL".to_owned()),
            Some(value) => {
                // pgbench would take a colon before a letter for a variable.
                ensure!(!value.contains('\\'), "{name} has a backslash");
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

/// pgbench, ready to run the statement.
#[derive(Debug)]
pub(crate) struct Limit<'a> {
    services: &'a Services,
    script: PathBuf,
    measured: Cell<u64>,
}

impl<'a> Limit<'a> {
    /// Writes the script.
    pub(crate) fn prepare(
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
    pub(crate) fn measure(
        &self,
        connections: usize,
        duration: Duration,
        interrupt: &Interrupt,
    ) -> anyhow::Result<f64> {
        self.measured.set(self.measured.get() + 1);
        let base = format!("base={}", self.measured.get() * IDENTIFIERS);
        let mut command = self.services.pgbench()?;
        command.args(["--no-vacuum", "--protocol=prepared", "--define", "turn=0"]);
        command.args(["--define", &base]);
        command.arg(format!("--client={connections}"));
        // Without a second thread pgbench itself would be the limit.
        command.arg(format!("--jobs={}", connections.min(2)));
        command.arg(format!("--time={}", duration.as_secs()));
        command.arg("--file").arg(&self.script);
        rate(&process::output(&mut command, interrupt)?)
    }
}

/// The rate in what pgbench prints.
pub(crate) fn rate(printed: &str) -> anyhow::Result<f64> {
    let (_, after) = printed
        .split_once("\ntps = ")
        .with_context(|| format!("pgbench printed no rate: {printed}"))?;
    let digits: String = after
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let rate: f64 = digits.parse().context("pgbench's rate")?;
    ensure!(rate > 0.0, "pgbench ran no transaction: {printed}");
    Ok(rate)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    const EXPANDED: &str = "-- $1 tenant: uuid\n-- $2 title: text\n-- $3 retry_of: uuid\n\
        -- $4 kind: text\n-- $5 run: uuid\n-- returns id: uuid\n-- runs.admit\n-- About it.\n\
        SELECT $1::uuid, $2,  -- a title\n    $3, $5";

    fn values(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn a_script_keeps_the_values_of_a_start_and_varies_what_differs() {
        let tenants = ["t".to_owned(), "u".to_owned()];
        let values = values(&[("title", Some("it's {\"a\": 1}")), ("retry_of", None)]);
        let statement = Statement::with_values(EXPANDED, values).unwrap();
        let script = statement.script(&tenants).unwrap();
        let id = "lpad(to_hex(:id::bigint), 32, '0')::uuid";
        let expected = format!(
            "SELECT ('{{t,u}}'::uuid[])[:tenant::int]::uuid, U&'it''s {{\"a\"\\003A 1}}',\n    \
             NULL, {id};\n"
        );
        assert!(script.ends_with(&expected), "{script}");
    }

    #[test]
    fn a_parameter_without_a_value_is_named() {
        let statement = Statement::with_values(EXPANDED, values(&[("retry_of", None)])).unwrap();
        let error = statement.script(&[]).unwrap_err().to_string();
        assert!(error.contains("title"), "{error}");
    }

    #[test]
    fn the_parameters_of_a_start_are_those_that_have_values() {
        let statement = Statement::with_values(super::EXPANDED, BTreeMap::new()).unwrap();
        for name in statement.names {
            let varies = [
                "tenant",
                "identity",
                "run",
                "notification",
                "audit",
                "request",
            ];
            let is_read = PARAMETERS.contains(&format!("'{name}'"));
            assert!(is_read != varies.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn the_rate_is_read_without_what_follows_it() {
        let printed = "latency average = 1 ms\ntps = 1234.5 (without initial connection time)\n";
        assert!((rate(printed).unwrap() - 1234.5).abs() < 1e-9);
        assert!(rate("latency average = 1 ms\n").is_err());
    }
}
