//! Which values a sync need not read.

use std::collections::BTreeMap;

use atlas_domain::inventory::verification::Verify;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_graph::{KnownValues, ListPlan};

use super::InventorySyncService;
use crate::interrupt::{Interrupt, with_retries};

impl InventorySyncService {
    /// The objects of a list whose values are stored and are not to be verified in this run.
    pub(super) async fn known_values(
        &self,
        lease: &Lease,
        list: &ListPlan,
        verify: Option<Verify>,
    ) -> Result<KnownValues, Interrupt> {
        let mut known = KnownValues::default();
        let keys = list.keys_with_values();
        let mut after: BTreeMap<PolicyTypeKey, String> =
            keys.into_iter().map(|key| (key, String::new())).collect();
        while !after.is_empty() {
            let page = with_retries(|| self.store.known_values(lease.tenant_id, &after)).await?;
            for one in page.objects {
                known.add(one.policy_type, &one.external_id, one.mark, one.age);
            }
            after = page.next;
        }
        match verify {
            Some(Verify::All) => known.verify_all(),
            None => known.verify(self.verify_within),
        }
        Ok(known)
    }
}
