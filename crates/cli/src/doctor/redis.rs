//! Redis: whether it is reached and takes what the queue asks of it.

use atlas_queue::QueueOptions;

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
    let options = QueueOptions::new(url, &arguments.queue_namespace);
    match atlas_queue::examine(&options).await {
        Ok(()) => report.well(CHECK, "", "answers, and takes every command of the queue"),
        Err(fault) => report.failed(CHECK, "", fault.to_string(), fault.advice()),
    }
}
