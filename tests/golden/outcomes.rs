//! What follows from which error: what a caller is answered, and what a run and its policy types
//! get, by the real conversions where they are public and by real runs where they are not.

mod database;
mod graph_errors;
mod runs;

use crate::recorded::hold;

#[test]
fn errors_of_graph_become_the_failures_that_they_became() {
    hold(
        "outcomes/graph_errors.json",
        &graph_errors::failures().into(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_as_they_did_when_graph_is_in_trouble() {
    hold(
        "outcomes/runs_by_fault.json",
        &runs::by_fault().await.into(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_as_they_did_when_sign_ins_are_refused() {
    let runs = runs::by_sign_in().await;
    hold("outcomes/runs_by_sign_in.json", &runs.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_as_they_did_when_credentials_are_no_good() {
    let runs = runs::by_credentials().await;
    hold("outcomes/runs_by_credentials.json", &runs.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_as_they_did_when_the_database_is_in_trouble() {
    let runs = database::runs().await;
    hold("outcomes/runs_by_database_error.json", &runs.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_answered_as_they_were_when_the_database_is_in_trouble() {
    let answers = database::answers().await;
    hold("outcomes/answers_by_database_error.json", &answers.into());
}
