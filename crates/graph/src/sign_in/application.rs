//! Who reads a tenant.

use atlas_domain::ids::DirectoryId;
use atlas_domain::tenant::Cloud;

use crate::sign_in::credential::Credential;

/// The application that reads a tenant.
#[derive(Clone, Debug)]
pub struct Application {
    /// The cloud that the directory lives in.
    pub cloud: Cloud,
    pub directory_id: DirectoryId,
    pub client_id: String,
    /// What the application proves itself with. `Debug` does not show it.
    pub credential: Credential,
}
