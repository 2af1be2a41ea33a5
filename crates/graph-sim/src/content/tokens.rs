//! Payloads of Apple's tokens.

use serde_json::{Value, json};

use super::{Rng, Row};

/// A day in the year 2025 that moves on with every look from outside.
fn synced(row: &Row<'_>) -> String {
    format!("2025-01-{:02}T00:00:00Z", 1 + row.object.counted % 28)
}

/// A token of Apple's volume purchase programme.
pub(super) fn vpp(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "organizationName": "Contoso",
        "vppTokenAccountType": "business",
        "appleId": "apps@example.com",
        "expirationDateTime": "2030-01-01T00:00:00Z",
        "lastSyncDateTime": synced(row),
        "token": format!("vpp-{:016x}", row.secret(rng)),
        "state": "valid",
        "lastSyncStatus": "completed",
        "automaticallyUpdateApps": rng.percent(50),
        "countryOrRegion": "de",
    })
}

/// A token of Apple's automated device enrolment.
pub(super) fn enrollment(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "appleIdentifier": "ade@example.com",
        "tokenType": "dep",
        "tokenExpirationDateTime": "2030-01-01T00:00:00Z",
        "syncedDeviceCount": rng.below(500) + usize::from(row.object.counted),
        "lastSyncErrorCode": 0,
        "lastSuccessfulSyncDateTime": synced(row),
    })
}
