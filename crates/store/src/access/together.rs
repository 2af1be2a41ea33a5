//! Memberships that are looked up together share one statement.

use std::sync::Arc;

use atlas_domain::access::Membership;
use atlas_domain::ids::{TenantId, UserId};
use uuid::Uuid;

use super::asked::{AskedMembership, FoundRole, SharedLookUps};
use super::parse_role;
use crate::coalescer::Coalescer;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{PlaceRow, RoleRow, statement};

/// Memberships that one statement reads at most.
const MOST: usize = 64;
/// Statements under way at most.
const AT_ONCE: usize = 2;

statement! {
    struct FindRoles<'a> {
        users: &'a [Uuid],
        tenants: &'a [Uuid],
    }
    file: "access/find_roles",
    row: (RoleRow, PlaceRow),
}

impl Store {
    /// As [`Store::membership`], in one statement with those that are asked for at the same moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn membership_with_others(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let asked = AskedMembership { tenant_id, user_id };
        let Some(Some(found)) = self.shared_look_ups().ask(asked).await else {
            // Another one's fault, perhaps.
            return self.membership(tenant_id, user_id).await;
        };
        let membership = |role| Membership {
            tenant_id,
            user_id,
            role,
        };
        Ok(found?.map(membership))
    }

    fn shared_look_ups(&self) -> &SharedLookUps {
        self.look_ups.get_or_init(|| {
            // The store that answers is another one: it would otherwise hold itself.
            let mut store = self.clone();
            store.look_ups = Arc::default();
            Coalescer::new(MOST, AT_ONCE, move |asked| {
                let store = store.clone();
                async move { store.find_roles(&asked).await }
            })
        })
    }

    async fn find_roles(&self, asked: &[AskedMembership]) -> Vec<Option<FoundRole>> {
        if let [alone] = asked {
            let found = self.membership(alone.tenant_id, alone.user_id).await;
            return vec![Some(found.map(|member| member.map(|member| member.role)))];
        }
        let users: Vec<Uuid> = asked.iter().map(|one| one.user_id.into_uuid()).collect();
        let tenants: Vec<Uuid> = asked.iter().map(|one| one.tenant_id.into_uuid()).collect();
        let find = FindRoles {
            users: &users,
            tenants: &tenants,
        };
        match self.fetch_all(&find).await.map_err(StoreError::of_all) {
            Ok(rows) => {
                let mut found: Vec<FoundRole> = asked.iter().map(|_| Ok(None)).collect();
                for (RoleRow { role }, place) in rows {
                    if let Some(found) = found.get_mut(place.index()) {
                        *found = parse_role(&role).map(Some);
                    }
                }
                found.into_iter().map(Some).collect()
            }
            Err(Ok(failure)) => asked.iter().map(|_| Some(Err(failure()))).collect(),
            Err(Err(_)) => asked.iter().map(|_| None).collect(),
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<FindRoles<'_> as Statement>::INFO];
