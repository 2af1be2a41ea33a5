//! Who belongs to a tenant.

use atlas_domain::access::Role;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use uuid::Uuid;

use super::or_gone;
use super::refusal::AccessChangeError;
use super::standing::{hold, owners_remain};
use crate::access::parse_role;
use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{memberships, users};
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{execute, row, statement};

/// A member of a tenant.
#[derive(Debug, Clone)]
pub struct MemberRow {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    /// Since when none of the user's tokens works.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Since when the user belongs to the tenant.
    pub since: DateTime<Utc>,
}

statement! {
    struct ListMembers {
        tenant: Uuid,
    }
    file: "people/list_members",
    row: ListedMember,
}

row! {
    #[derive(Queryable)]
    struct ListedMember {
        id: Uuid,
        email: String,
        display_name: String,
        role: String,
        disabled_at: Option<DateTime<Utc>>,
        created_at: DateTime<Utc>,
    }
}

statement! {
    struct SetMember<'a> {
        user: Uuid,
        tenant: Uuid,
        role: &'a str,
    }
    file: "people/set_member",
    row: (),
}

statement! {
    struct RemoveMember {
        user: Uuid,
        tenant: Uuid,
    }
    file: "people/remove_member",
    row: (),
}

impl Store {
    /// The members of a tenant, by address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members(&self, tenant: TenantId) -> Result<Vec<MemberRow>, StoreError> {
        let tenant = tenant.into_uuid();
        let rows = self.fetch_all(&ListMembers { tenant }).await?;
        rows.into_iter().map(ListedMember::into_member).collect()
    }

    /// A page of the members of a tenant, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn member_page(
        &self,
        tenant: TenantId,
        page: PageRequest<(String, UserId)>,
    ) -> Result<Vec<MemberRow>, StoreError> {
        let key = (users::display_name, users::id);
        let direction = page.reads(Direction::Ascending);
        let mut query = memberships::table
            .inner_join(users::table)
            .filter(memberships::tenant_id.eq(tenant.into_uuid()))
            .select((
                users::id,
                users::email,
                users::display_name,
                memberships::role,
                users::disabled_at,
                memberships::created_at,
            ))
            .into_boxed()
            .order(ordered(key, direction))
            .limit(page.limit);
        if let Some((name, id)) = page.key() {
            query = query.filter(beyond(key, (name.clone(), id.into_uuid()), direction));
        }
        let rows: Vec<ListedMember> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        let rows = page.in_list_order(rows);
        rows.into_iter().map(ListedMember::into_member).collect()
    }

    /// Gives a user a role in a tenant, in place of the one before. The last owner stays one.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn set_member(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
    ) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        hold(&transaction, user).await?;
        if role != Role::Owner {
            owners_remain(&transaction, user, Some(tenant)).await?;
        }
        let set = SetMember {
            user: user.into_uuid(),
            tenant: tenant.into_uuid(),
            role: role.as_str(),
        };
        let changed = execute(&transaction, &set).await;
        if changed.map_err(|error| or_gone(error, "the tenant"))? == 0 {
            return Err(AccessChangeError::Already("the user has that role already"));
        }
        let audit = self.audited(
            tenant,
            AuditAction::MemberSet,
            "user",
            user.to_string(),
            json!({ "role": role.as_str() }),
        );
        audit.record(&transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends a membership: nothing of the tenant is shown to the user any more.
    ///
    /// # Errors
    /// [`AccessChangeError`]; nothing was changed then.
    pub async fn remove_member(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<(), AccessChangeError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        hold(&transaction, user).await?;
        owners_remain(&transaction, user, Some(tenant)).await?;
        let remove = RemoveMember {
            user: user.into_uuid(),
            tenant: tenant.into_uuid(),
        };
        if execute(&transaction, &remove).await? == 0 {
            return Err(AccessChangeError::NotMember);
        }
        let removed = AuditAction::MemberRemoved;
        let audit = self.audited(tenant, removed, "user", user.to_string(), json!({}));
        audit.record(&transaction).await?;
        Ok(transaction.commit().await?)
    }
}

impl ListedMember {
    fn into_member(self) -> Result<MemberRow, StoreError> {
        Ok(MemberRow {
            id: UserId::from_uuid(self.id),
            email: self.email,
            display_name: self.display_name,
            role: parse_role(&self.role)?,
            disabled_at: self.disabled_at,
            since: self.created_at,
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <ListMembers as Statement>::INFO,
    <SetMember<'_> as Statement>::INFO,
    <RemoveMember as Statement>::INFO,
];
