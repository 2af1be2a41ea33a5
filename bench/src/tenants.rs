//! Tenants to measure with, and a user who may start syncs in all of them.

use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Administration, Programs};
use atlas_services::servers::Services;

/// Tenants of a migrated database.
pub(crate) struct Tenants<'a> {
    pub(crate) operator: Administration<'a>,
    pub(crate) ids: Vec<String>,
    /// The API token of the user.
    pub(crate) token: String,
}

impl<'a> Tenants<'a> {
    /// Migrates the database and adds `count` tenants and the user, an operator of each.
    pub(crate) fn add(
        count: usize,
        programs: &Programs,
        services: &Services,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let (database, directory) = (services.database_url(), services.directory());
        let operator = Administration::begin(programs, database, directory, interrupt)?;
        let ids = (0..count)
            .map(|number| operator.add_tenant(&format!("Tenant {number}")))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let token = operator.add_user("caller@bench.example", "operator", &ids)?;
        Ok(Self {
            operator,
            ids,
            token,
        })
    }
}
