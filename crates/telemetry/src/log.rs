//! Setting up `tracing-subscriber`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::prelude::*;

/// Whoever reaches a port could fill the log with heads of requests that are none. Who wants to see
/// them names this target in the filter.
const QUIET: &str = "actix_http::h1::dispatcher=off";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// What to log, and how. Flattened into each binary's command line.
#[derive(Debug, Clone, clap::Args)]
pub struct LogOptions {
    /// Which events to log, as in `info,atlas_worker=debug`
    #[arg(
        long = "log",
        env = "ATLAS_LOG",
        value_name = "FILTER",
        default_value = "info",
        global = true
    )]
    pub filter: String,
    /// How log lines look
    #[arg(
        long = "log-format",
        env = "ATLAS_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    pub format: LogFormat,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("the log filter cannot be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something set up logging before.
    #[error("logging is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Logs to standard error from now on; standard output stays free for what a command answers.
///
/// # Errors
/// [`InitError`].
pub fn init(options: &LogOptions) -> Result<(), InitError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", options.filter))?;
    let registry = tracing_subscriber::registry().with(filter);
    match options.format {
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .with_timer(ChronoUtc::rfc_3339())
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init()?,
        LogFormat::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_timer(ChronoUtc::rfc_3339())
                    .with_writer(std::io::stderr),
            )
            .try_init()?,
    }
    Ok(())
}
