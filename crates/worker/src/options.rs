//! The worker's settings: every flag and variable in one place.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use atlas_graph::GraphOptions;
use atlas_settings::{DatabaseAddress, RedisAddress};
use atlas_store::Retention;
use atlas_telemetry::LogOptions;
use atlas_telemetry::metrics::MetricsOptions;
use atlas_webhooks::{PermittedNetworks, SenderOptions};
use clap::{Args, Parser, Subcommand};
use url::Url;

/// Run operation runs of TenantAtlas.
#[derive(Debug, Parser)]
#[command(name = "atlas-worker", version, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to log.
    #[command(flatten)]
    pub log: LogOptions,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work until SIGTERM or Ctrl-C.
    Run(Box<RunOptions>),
    /// Report whether the worker that writes the health file is ready, or whether it lives. Exit status 0
    /// when it is ready or, without Redis, degraded, as the first word says; 1 when it is not.
    Health(HealthOptions),
}

/// Where a worker reports whether it is ready.
#[derive(Debug, Clone, Args)]
pub struct HealthFile {
    /// The file in which the worker reports after each sweep that it is ready, what it lacks, or why it
    /// is not; in another beside it, which ends in .alive, it shows every five seconds that it lives
    #[arg(long = "health-file", env = "ATLAS_HEALTH_FILE", value_name = "PATH",
        default_value_os_t = std::env::temp_dir().join("atlas-worker.health"))]
    pub path: PathBuf,
}

/// What to ask a worker.
#[derive(Debug, Clone, Args)]
pub struct HealthOptions {
    /// Ask only whether the process runs, whatever its database and its schema are like
    #[arg(long)]
    pub live: bool,
    /// Where it reports
    #[command(flatten)]
    pub file: HealthFile,
}

/// How to work.
#[derive(Debug, Args)]
#[command(
    after_help = "The keys that decrypt tenant secrets are taken from ATLAS_SECRET_KEYS \
    (ID:KEY pairs joined by commas) or from the file that --secret-keys-file names; never from an \
    argument, which would stand in the process list."
)]
pub struct RunOptions {
    /// Where PostgreSQL is
    #[command(flatten)]
    pub database: DatabaseAddress,
    /// Where Redis is
    #[command(flatten)]
    pub redis: RedisAddress,
    /// Prefix of all keys in Redis; the same for the API and all workers of an installation
    #[arg(
        long,
        env = "ATLAS_QUEUE_NAMESPACE",
        value_parser = atlas_settings::queue_namespace,
        default_value = "tenantatlas",
        value_name = "NAME"
    )]
    pub queue_namespace: String,
    /// A file that holds the keys instead of the variable ATLAS_SECRET_KEYS
    #[arg(long, env = "ATLAS_SECRET_KEYS_FILE", value_name = "PATH")]
    pub secret_keys_file: Option<PathBuf>,
    /// The directory that holds certificates and federated tokens; tenants' credentials name files
    /// in it. Other users of the machine must have no access to files with a private key
    #[arg(long, env = "ATLAS_CREDENTIALS_DIR", value_name = "PATH")]
    pub credentials_dir: Option<PathBuf>,
    /// How many runs this process works on at once
    #[arg(long, env = "ATLAS_WORKER_SLOTS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub slots: u16,
    /// How many pages of Graph this process asks for or holds in memory at once, over all runs
    #[arg(long, env = "ATLAS_MAX_PAGES_IN_FLIGHT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub max_pages_in_flight: u16,
    /// How many bytes of Graph's answers this process holds at once, decompressed, over all runs: at
    /// least 8MiB. One answer may take a quarter of them, and 32MiB at most
    #[arg(long, env = "ATLAS_MAX_BYTES_IN_FLIGHT", default_value = "128MiB", value_parser = bytes, value_name = "SIZE")]
    pub max_bytes_in_flight: usize,
    /// How long a run stays this worker's without a heartbeat
    #[arg(long, env = "ATLAS_LEASE", default_value = "45s", value_parser = duration, value_name = "TIME")]
    pub lease: Duration,
    /// How often a lease is renewed; at most a third of the lease
    #[arg(long, env = "ATLAS_HEARTBEAT", default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub heartbeat: Duration,
    /// How often this worker looks for what nobody rang for, and for lost workers
    #[arg(long, env = "ATLAS_SWEEP_INTERVAL", default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub sweep_interval: Duration,
    /// How often Redis is asked when nothing announces a message
    #[arg(long, env = "ATLAS_POLL_INTERVAL", default_value = "500ms", value_parser = duration, value_name = "TIME")]
    pub poll_interval: Duration,
    /// How long runs may go on after SIGTERM before they are handed back
    #[arg(long, env = "ATLAS_SHUTDOWN_GRACE", default_value = "20s", value_parser = duration, value_name = "TIME")]
    pub shutdown_grace: Duration,
    /// Microsoft Graph's address instead of the tenant's cloud's, for a simulator
    #[arg(long, env = "ATLAS_GRAPH_URL", value_name = "URL")]
    pub graph_url: Option<Url>,
    /// The sign-in service's address instead of the tenant's cloud's, for a simulator
    #[arg(long, env = "ATLAS_LOGIN_URL", value_name = "URL")]
    pub login_url: Option<Url>,
    /// How long one request to Graph may wait in all, throttled or broken off, before its list fails
    #[arg(long, env = "ATLAS_GRAPH_MAX_WAIT", default_value = "15m", value_parser = duration, value_name = "TIME")]
    pub graph_max_wait: Duration,
    /// The share of Microsoft Graph's published limits that is used, above 0 and at most 1. What is
    /// left is for other programs that use the same application; with N workers, each takes its Nth
    /// part when they often sync the same tenant
    #[arg(long, env = "ATLAS_GRAPH_LIMIT_SHARE", default_value_t = 0.8, value_parser = share, value_name = "SHARE")]
    pub graph_limit_share: f64,
    /// Requests to one tenant that are under way at once at most, over all of its lists
    #[arg(long, env = "ATLAS_GRAPH_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub graph_concurrency: u16,
    /// How long a request waits before its second attempt when Graph does not say; doubles with
    /// each further one
    #[arg(long, env = "ATLAS_GRAPH_FIRST_BACKOFF", default_value = "2s", value_parser = duration, value_name = "TIME")]
    pub graph_first_backoff: Duration,
    /// The distance between two requests to Conditional Access of one tenant, of which Graph allows
    /// one a second over all programs
    #[arg(long, env = "ATLAS_GRAPH_CONDITIONAL_ACCESS_INTERVAL", default_value = "1100ms", value_parser = duration, value_name = "TIME")]
    pub graph_conditional_access_interval: Duration,
    /// Within this time what each policy sets is read once, although its list row says that nothing was
    /// edited; each sync reads its share
    #[arg(long, env = "ATLAS_VERIFY_WITHIN", default_value = "7d", value_parser = duration, value_name = "TIME")]
    pub verify_within: Duration,
    /// How many deliveries to webhooks this process has under way at once; 0 sends none
    #[arg(long, env = "ATLAS_WEBHOOK_DELIVERIES", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=256), value_name = "N")]
    pub webhook_deliveries: u16,
    /// Networks that are not public and that webhooks may be sent to nevertheless, as 10.1.0.0/16,
    /// separated by commas; the same for the API
    #[arg(
        long,
        env = "ATLAS_WEBHOOK_NETWORKS",
        default_value = "",
        hide_default_value = true,
        value_name = "NETWORKS"
    )]
    pub webhook_networks: PermittedNetworks,
    /// Certificates in PEM of authorities that receivers of webhooks may have beside the system's
    #[arg(long, env = "ATLAS_WEBHOOK_CA_FILE", value_name = "PATH")]
    pub webhook_ca_file: Option<PathBuf>,
    /// How long completed runs are kept, with their results and notifications; each tenant's newest
    /// run of each outcome stays
    #[arg(long, env = "ATLAS_RETENTION_RUNS", default_value = "90d", value_parser = duration, value_name = "TIME")]
    pub retention_runs: Duration,
    /// How long notifications are kept, read or not
    #[arg(long, env = "ATLAS_RETENTION_NOTIFICATIONS", default_value = "90d", value_parser = duration, value_name = "TIME")]
    pub retention_notifications: Duration,
    /// How long entries of the audit log are kept
    #[arg(long, env = "ATLAS_RETENTION_AUDIT", default_value = "400d", value_parser = duration, value_name = "TIME")]
    pub retention_audit: Duration,
    /// How long recorded changes of inventory items are kept
    #[arg(long, env = "ATLAS_RETENTION_CHANGES", default_value = "400d", value_parser = duration, value_name = "TIME")]
    pub retention_changes: Duration,
    /// How long past versions of inventory items are kept after they ended; each item's last ten
    /// versions stay
    #[arg(long, env = "ATLAS_RETENTION_VERSIONS", default_value = "400d", value_parser = duration, value_name = "TIME")]
    pub retention_versions: Duration,
    /// How long events are kept in the log; those of a run stay in its own list as long as the run
    #[arg(long, env = "ATLAS_RETENTION_EVENTS", default_value = "30d", value_parser = duration, value_name = "TIME")]
    pub retention_events: Duration,
    /// How long entries of the delivery log of webhooks are kept
    #[arg(long, env = "ATLAS_RETENTION_DELIVERIES", default_value = "30d", value_parser = duration, value_name = "TIME")]
    pub retention_deliveries: Duration,
    /// Where to report whether this worker is ready
    #[command(flatten)]
    pub health_file: HealthFile,
    /// Where to publish metrics
    #[command(flatten)]
    pub metrics: MetricsOptions,
}

/// What is repeated more often than this does nothing else.
const SHORTEST: Duration = Duration::from_millis(1);
/// What lasts longer cannot be subtracted from a moment.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Reads `45s`, `500ms`, `2m`. Nothing here may be zero.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration < SHORTEST {
        return Err("it must be at least 1ms".to_owned());
    }
    if duration > LONGEST {
        return Err("it must be at most 100 years".to_owned());
    }
    Ok(duration)
}

/// Reads `128MiB`, `65536KiB`, `1GiB`.
fn bytes(text: &str) -> Result<usize, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let found = units
        .iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), *shift)));
    let (number, shift) = found.ok_or("write it as 128MiB (or with KiB, GiB)")?;
    let number: usize = number.parse().map_err(|_| "it is no whole number")?;
    let bytes = number
        .checked_mul(1 << shift)
        .ok_or("it is more than there can be")?;
    if bytes < GraphOptions::LEAST_BYTES_IN_MEMORY {
        return Err("it must be at least 8MiB".to_owned());
    }
    Ok(bytes)
}

/// Reads a number above 0 and at most 1.
fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if share > 0.0 && share <= 1.0 {
        Ok(share)
    } else {
        Err("it must be above 0 and at most 1".to_owned())
    }
}

impl RunOptions {
    /// How Graph is asked.
    #[must_use]
    pub fn graph(&self) -> GraphOptions {
        GraphOptions {
            graph_url: self.graph_url.clone(),
            login_url: self.login_url.clone(),
            max_wait: self.graph_max_wait,
            limit_share: self.graph_limit_share,
            concurrency: usize::from(self.graph_concurrency),
            pages_in_memory: usize::from(self.max_pages_in_flight),
            bytes_in_memory: self.max_bytes_in_flight,
            first_backoff: self.graph_first_backoff,
            conditional_access_interval: self.graph_conditional_access_interval,
            ..GraphOptions::default()
        }
    }

    /// How webhooks are sent.
    ///
    /// # Errors
    /// The file of authorities cannot be read.
    pub fn webhook_sender(&self) -> io::Result<SenderOptions> {
        let more_authorities = match &self.webhook_ca_file {
            Some(path) => std::fs::read_to_string(path)?,
            None => String::new(),
        };
        let usual = SenderOptions::default();
        // An attempt is recorded while its lease lasts.
        let timeout = usual.timeout.min(self.lease / 3);
        Ok(SenderOptions {
            permitted_networks: self.webhook_networks.clone(),
            more_authorities,
            connect_timeout: usual.connect_timeout.min(timeout),
            timeout,
            ..usual
        })
    }

    /// How long what has come to its end is kept.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        Retention {
            runs: self.retention_runs,
            notifications: self.retention_notifications,
            audit: self.retention_audit,
            changes: self.retention_changes,
            versions: self.retention_versions,
            deliveries: self.retention_deliveries,
            events: self.retention_events,
        }
    }

    /// Settings that contradict each other, or the machine.
    ///
    /// # Errors
    /// One sentence on which do.
    pub fn check(&self) -> Result<(), String> {
        if self.heartbeat * 3 > self.lease {
            return Err(
                "ATLAS_HEARTBEAT must be at most a third of ATLAS_LEASE, so that one late \
                heartbeat loses no run"
                    .to_owned(),
            );
        }
        match &self.credentials_dir {
            Some(path) if !path.is_dir() => Err(format!(
                "ATLAS_CREDENTIALS_DIR names no directory: {}",
                path.display()
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    fn options(extra: &[&str]) -> Result<Box<RunOptions>, clap::Error> {
        let always = ["atlas-worker", "run", "--database-url=a", "--redis-url=b"];
        let arguments = Arguments::try_parse_from(always.iter().chain(extra))?;
        match arguments.command {
            Command::Run(options) => Ok(options),
            Command::Health(_) => panic!("run was asked for"),
        }
    }

    #[test]
    fn the_defaults_hold_together_and_contradictions_are_refused() {
        assert_eq!(options(&[]).unwrap().check(), Ok(()));
        let late = options(&["--lease=10s", "--heartbeat=4s"]).unwrap();
        assert!(late.check().is_err());
        let nowhere = options(&["--credentials-dir=/proc/version"]).unwrap();
        assert!(nowhere.check().is_err());
        for bad in [
            "--lease=0s",
            "--lease=soon",
            "--slots=0",
            "--graph-url=x",
            "--graph-limit-share=0",
            "--graph-limit-share=1.1",
            "--graph-limit-share=NaN",
            "--graph-limit-share=half",
            "--graph-concurrency=0",
            "--max-bytes-in-flight=128",
            "--max-bytes-in-flight=7MiB",
            "--max-bytes-in-flight=x MiB",
            "--max-bytes-in-flight=99999999999999GiB",
            "--graph-conditional-access-interval=0s",
            "--lease=500000000000y",
            "--heartbeat=500000000000y",
            "--sweep-interval=1ns",
            "--retention-runs=101years",
            "--queue-namespace=",
            "--queue-namespace=two words",
            "--webhook-deliveries=257",
            "--webhook-networks=10.0.0.1/8",
        ] {
            assert!(options(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn graph_is_asked_as_its_client_would_by_default_and_as_is_said_otherwise() {
        let (by_options, by_default) = (options(&[]).unwrap().graph(), GraphOptions::default());
        assert_eq!(format!("{by_options:?}"), format!("{by_default:?}"));
        let said = [
            "--graph-limit-share=0.25",
            "--graph-concurrency=3",
            "--max-pages-in-flight=5",
            "--max-bytes-in-flight=64MiB",
        ];
        let other = options(&said).unwrap().graph();
        assert!((other.limit_share - 0.25).abs() < f64::EPSILON);
        assert_eq!((other.concurrency, other.pages_in_memory), (3, 5));
        assert_eq!(other.bytes_in_memory, 64 * 1024 * 1024);
    }

    #[test]
    fn debug_shows_no_secret() {
        let secrets = [
            "--database-url=postgres://u:pass@h",
            "--redis-url=redis://:pass@h",
        ];
        let arguments = Arguments::try_parse_from(["atlas-worker", "run"].iter().chain(&secrets));
        assert!(!format!("{:?}", arguments.unwrap()).contains("pass"));
    }
}
