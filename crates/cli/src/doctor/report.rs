//! What was found.

use serde_json::{Value, json};

use crate::output::{self, NotPrinted};

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Well,
    /// Not made, because somebody asked for that or because something else is to be mended first.
    Skipped,
    Failed,
}

#[derive(Debug)]
struct Finding {
    check: &'static str,
    /// What was looked at, where there are several.
    subject: String,
    status: Status,
    detail: String,
    /// What to do; empty when nothing is to be done.
    advice: String,
}

/// All findings, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Well => "ok",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl Report {
    pub(super) fn well(&mut self, check: &'static str, subject: &str, detail: impl Into<String>) {
        self.add(check, subject, Status::Well, detail.into(), String::new());
    }

    pub(super) fn skipped(&mut self, check: &'static str, subject: &str, detail: &str) {
        let detail = detail.to_owned();
        self.add(check, subject, Status::Skipped, detail, String::new());
    }

    pub(super) fn failed(
        &mut self,
        check: &'static str,
        subject: &str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        let (detail, advice) = (detail.into(), advice.into());
        self.add(check, subject, Status::Failed, detail, advice);
    }

    fn add(
        &mut self,
        check: &'static str,
        subject: &str,
        status: Status,
        detail: String,
        advice: String,
    ) {
        self.0.push(Finding {
            check,
            subject: subject.to_owned(),
            status,
            detail,
            advice,
        });
    }

    /// Takes over what was found elsewhere.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether nothing failed.
    pub(super) fn is_well(&self) -> bool {
        self.0.iter().all(|found| found.status != Status::Failed)
    }

    pub(super) fn print(&self, as_json: bool) -> Result<(), NotPrinted> {
        if as_json {
            let checks: Vec<Value> = self.0.iter().map(Finding::json).collect();
            return output::json(&json!({ "well": self.is_well(), "checks": checks }));
        }
        let rows = self.0.iter().map(|found| {
            let status = found.status.word().to_owned();
            vec![found.name(), status, found.detail.clone()]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        output::table(&["CHECK", "RESULT", "FOUND"], &rows)?;
        for found in self.0.iter().filter(|found| !found.advice.is_empty()) {
            let text = format!("{}: {}", found.name(), found.advice);
            output::line(output::one_line(&text))?;
        }
        Ok(())
    }
}

impl Finding {
    fn name(&self) -> String {
        if self.subject.is_empty() {
            self.check.to_owned()
        } else {
            format!("{} ({})", self.check, self.subject)
        }
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "check": self.check,
            "status": self.status.word(),
            "detail": self.detail,
        });
        for (name, text) in [("subject", &self.subject), ("advice", &self.advice)] {
            if !text.is_empty() {
                value[name] = text.as_str().into();
            }
        }
        value
    }
}
