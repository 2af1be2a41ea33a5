//! `atlas doctor`: examines an installation from where the command runs, and says what to do. It
//! changes nothing, but for keys in Redis that exist for a moment.

mod database;
mod redis;
mod report;
mod secret_ends;
mod secrets;
mod tenants;

use std::process::ExitCode;
use std::time::Duration;

use crate::admin;
use crate::args::doctor::DoctorArguments;
use report::Report;

/// How long one sign-in, or one request to Graph with its waits, may take before it counts as failed.
const LONGEST: Duration = Duration::from_secs(60);

/// Examines and reports. The status is success only when all is well.
pub(crate) async fn run(arguments: &DoctorArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    let store = admin::open(&arguments.database)?;
    let usable = database::examine(&store, &mut report).await;
    redis::examine(arguments, &mut report).await;
    if usable {
        let keys = secrets::examine(&store, &arguments.keys, &mut report).await?;
        let chosen = tenants::chosen(&store, &arguments.tenant).await?;
        secret_ends::examine(&chosen, &mut report);
        if arguments.offline {
            report.skipped("tenants", "", "not asked: --offline");
        } else {
            tenants::examine(&store, arguments, &chosen, keys, &mut report).await?;
        }
    } else {
        for check in ["keys", "ends of client secrets", "tenants"] {
            report.skipped(check, "", "the database is to be mended first");
        }
    }
    report.print(as_json)?;
    Ok(if report.is_well() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
