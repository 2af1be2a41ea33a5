//! Names of settings, held against the simulator's catalogue.

use std::collections::BTreeMap;

use atlas_graph::{GraphErrorKind, SettingDefinition};
use atlas_graph_sim::{Effect, FaultRule, PathMatch, RetryAfter};

use crate::setup::Setup;

const BITLOCKER: &str = "device_vendor_msft_bitlocker_requiredeviceencryption";
const DEFENDER: &str = "device_vendor_msft_policy_config_defender_allowrealtimemonitoring";

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn path(id: &str) -> PathMatch {
    PathMatch::exact(&format!(
        "/beta/deviceManagement/configurationSettings/{id}"
    ))
}

/// The envelopes that were sent.
fn envelopes(setup: &Setup) -> usize {
    let sent = setup.graph_requests();
    sent.iter()
        .filter(|one| one.path.ends_with("/$batch"))
        .count()
}

fn switch(id: &str) -> BTreeMap<String, String> {
    [("0", "Disabled"), ("1", "Enabled")]
        .map(|(option, name)| (format!("{id}_{option}"), name.to_owned()))
        .into()
}

#[tokio::test]
async fn definitions_come_in_the_order_of_their_ids_with_the_names_of_their_options() {
    let setup = Setup::start().await;
    // What no catalogue has, among it ids that no address can have, and that lead elsewhere.
    let unknown = [
        "nothing",
        "",
        "..",
        "../roleScopeTags",
        "x?$select=id",
        "ä/ö",
    ];
    let asked = [&[DEFENDER][..], &unknown, &[BITLOCKER]].concat();
    let found = setup.graph().setting_definitions(&ids(&asked)).await;
    let found: Vec<Option<SettingDefinition>> =
        found.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(found.len(), asked.len());
    assert!(
        found[1..=unknown.len()].iter().all(Option::is_none),
        "{found:?}"
    );
    let (first, last) = (
        found[0].clone().unwrap(),
        found[asked.len() - 1].clone().unwrap(),
    );
    assert_eq!(last.name, "Require Device Encryption");
    let description = "What \"Require Device Encryption\" does to a device.";
    assert_eq!(last.description.as_deref(), Some(description));
    assert_eq!(last.options, switch(BITLOCKER));
    assert_eq!(first.options, switch(DEFENDER));
    assert_eq!(envelopes(&setup), 1);
    let none = setup.graph().setting_definitions(&[]).await.unwrap();
    assert!(none.is_empty());
    assert_eq!(envelopes(&setup), 1);
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_is_an_error_of_its_own() {
    let setup = Setup::start().await;
    let forbidden = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::always(path(BITLOCKER), forbidden));
    setup.fault(FaultRule::always(path("gone"), Effect::MissingResponse));
    let nameless = Effect::Answer {
        status: 200,
        body: r#"{"id": "nameless", "displayName": " "}"#.to_owned(),
    };
    setup.fault(FaultRule::always(path("nameless"), nameless));
    let asked = ids(&[BITLOCKER, "gone", DEFENDER, "nameless", "nothing"]);
    let found = setup.graph().setting_definitions(&asked).await.unwrap();
    let kind = |at: usize| &found[at].as_ref().unwrap_err().kind;
    assert!(matches!(kind(0), GraphErrorKind::PermissionMissing));
    assert!(matches!(kind(1), GraphErrorKind::InvalidResponse { .. }));
    assert!(matches!(kind(3), GraphErrorKind::InvalidResponse { .. }));
    assert_eq!(
        found[2].as_ref().unwrap().as_ref().unwrap().options,
        switch(DEFENDER)
    );
    assert_eq!(found[4].as_ref().unwrap(), &None);
}

#[tokio::test]
async fn of_definitions_only_those_that_failed_are_asked_for_again() {
    let setup = Setup::start().await;
    let retry_after = RetryAfter::Decimal(0.05);
    let throttled = Effect::Throttled { retry_after };
    setup.fault(FaultRule::once(path(BITLOCKER), throttled));
    let asked = ids(&[DEFENDER, BITLOCKER]);
    let found = setup.graph().setting_definitions(&asked).await.unwrap();
    assert!(found.iter().all(|one| one.as_ref().unwrap().is_some()));
    let sent = setup.graph_requests();
    let times = |id: &str| sent.iter().filter(|one| one.path.ends_with(id)).count();
    assert_eq!((times(BITLOCKER), times(DEFENDER)), (2, 1));
}

#[tokio::test]
async fn an_application_that_may_not_sign_in_learns_no_names() {
    let setup = Setup::start().await;
    let stranger = setup
        .client
        .tenant(setup.application_with_secret("another secret"));
    let error = stranger.setting_definitions(&ids(&[BITLOCKER])).await;
    assert!(error.unwrap_err().is_fatal());
    assert_eq!(envelopes(&setup), 0);
}
