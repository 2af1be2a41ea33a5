//! Memberships on their way to a statement that looks up several.

use atlas_domain::access::Role;
use atlas_domain::ids::{TenantId, UserId};

use crate::coalescer::Coalescer;
use crate::error::StoreError;

/// The look-ups of a process, which share statements. None: the caller is to look by itself.
pub(crate) type SharedLookUps = Coalescer<AskedMembership, Option<FoundRole>>;

/// The role, where there is a membership.
pub(super) type FoundRole = Result<Option<Role>, StoreError>;

/// Whose membership of what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedMembership {
    pub(super) tenant_id: TenantId,
    pub(super) user_id: UserId,
}
