//! Redis: whether it is reached and takes what the queue asks of it.

use std::error::Error as _;

use atlas_domain::causes::Causes;
use atlas_queue::{ExaminationError, QueueOptions};

use super::report::Report;
use crate::args::doctor::DoctorArguments;

const CHECK: &str = "Redis";

pub(super) async fn examine(arguments: &DoctorArguments, report: &mut Report) {
    let url = match arguments.redis.url() {
        Ok(url) => url,
        Err(error) => {
            let advice = "Give the command the REDIS_URL that the API and the workers have.";
            report.failed(CHECK, "", error.to_string(), advice);
            return;
        }
    };
    let options = QueueOptions {
        ca_file: arguments.redis.redis_ca_file.clone(),
        ..QueueOptions::new(url, &arguments.queue_namespace)
    };
    match atlas_queue::examine(&options).await {
        Ok(()) => report.well(CHECK, "", "answers, and takes every command of the queue"),
        Err(ExaminationError::Setup(error)) => {
            let advice = "Write REDIS_URL as redis://user:password@host:port or rediss://…";
            report.failed(CHECK, "", Causes(&error).to_string(), advice);
        }
        Err(ExaminationError::Fault(fault)) => {
            // What is wrong, and after a colon what to do.
            let sentence = fault.kind().advice();
            let (what, advice) = sentence.split_once(": ").unwrap_or((sentence, sentence));
            let detail = match fault.source() {
                Some(cause) => format!("{what} ({cause})"),
                None => what.to_owned(),
            };
            report.failed(CHECK, "", detail, advice);
        }
        Err(error @ ExaminationError::Refused(_)) => {
            let advice = "Give the user of REDIS_URL these commands, the keys and channels of \
                          ATLAS_QUEUE_NAMESPACE, and the key core:apalis:queues:list, as \
                          docs/OPERATIONS.md lists them under \"Rights\".";
            report.failed(CHECK, "", error.to_string(), advice);
        }
    }
}
