//! Arguments of `atlas schedule`.

use clap::{Args, Subcommand, ValueEnum};

use crate::args::connections::Api;

/// Schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Show when a tenant is synced by itself, when it last was, and the next times.
    Show(ScheduleOf),
    /// Sync a tenant by itself at a time of each day or by a cron expression, on your behalf.
    Set(ScheduleSet),
    /// Sync a tenant by itself no more.
    Remove(ScheduleOf),
}

/// Which tenant.
#[derive(Debug, Args)]
pub(crate) struct ScheduleOf {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
}

/// When.
#[derive(Debug, Args)]
pub(crate) struct ScheduleSet {
    #[command(flatten)]
    pub of: ScheduleOf,
    /// A time of each day.
    #[arg(
        long,
        value_name = "HH:MM",
        required_unless_present = "cron",
        conflicts_with = "cron"
    )]
    pub time: Option<String>,
    /// Five fields: minute, hour, day of month, month, day of week; as "30 2 * * mon-fri".
    #[arg(long, value_name = "EXPRESSION")]
    pub cron: Option<String>,
    /// IANA name of the time zone, as Europe/Berlin.
    #[arg(long)]
    pub zone: String,
    /// Spread tenants over so many minutes after the time.
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    pub jitter_minutes: u16,
    /// What happens to times that pass while no worker runs: none of them, or one run for the latest.
    #[arg(long, value_enum, default_value_t = CatchUp::Latest)]
    pub catch_up: CatchUp,
}

/// Ways to catch up.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CatchUp {
    None,
    Latest,
}

impl CatchUp {
    /// Its word in the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Latest => "latest",
        }
    }
}
