//! When the tenants' client secrets end, as far as that is stored.

use atlas_domain::clock::{Clock as _, SystemClock};
use atlas_domain::tenant::{CredentialKind, Expiry};
use atlas_store::TenantRow;

use super::report::Report;

const CHECK: &str = "ends of client secrets";

/// Names each secret that has ended or ends soon, and counts the others.
pub(super) fn examine(tenants: &[TenantRow], report: &mut Report) {
    let today = SystemClock.now().date_naive();
    let (mut good, mut unknown) = (0_usize, 0_usize);
    let secrets = tenants
        .iter()
        .filter(|tenant| tenant.credential == Some(CredentialKind::ClientSecret));
    for tenant in secrets {
        let Some(day) = tenant.credential_expires_on else {
            unknown += 1;
            continue;
        };
        let found = match Expiry::of(day, today) {
            Expiry::Good => {
                good += 1;
                continue;
            }
            Expiry::Ending => format!("ends on {day}"),
            Expiry::Ended => format!("ended on {day}"),
        };
        report.failed(
            CHECK,
            &tenant.name,
            found,
            "Make a new client secret in Microsoft Entra and store it with its end: \
             atlas tenant credentials set --client-secret-file … --expires …",
        );
    }
    report.well(
        CHECK,
        "",
        format!("{good} good for more than 30 days, {unknown} without a stored end"),
    );
}
