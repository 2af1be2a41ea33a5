//! Every operation of the API on one database: what works, what is refused, every filter of every
//! list, and second pages.

mod api;
mod client;
mod objects;
mod reads;
mod refusals;
mod seed;
mod writes;

use std::collections::BTreeSet;

use serde_json::Value;

pub(crate) use api::{Api, parts};
pub(crate) use client::{Client, Question};

use self::seed::Seed;
use crate::recorded::hold;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_it_did() {
    let seed = Seed::sow().await;
    let mut client = seed.client();
    refusals::of_every_operation(&seed, &mut client).await;
    reads::all(&seed, &mut client).await;
    writes::all(&seed, &mut client).await;
    refusals::outside_of_operations(&seed, &mut client).await;

    let answers = client.answers();
    let answered: BTreeSet<&String> = answers.keys().collect();
    for operation in client::operations() {
        assert!(
            answered.contains(&operation.id),
            "{} is left out",
            operation.id
        );
        let works = answers[&operation.id].iter().any(|answer| {
            let status = answer["status"].as_u64().unwrap();
            (200..300).contains(&status)
        });
        assert!(works, "no answer of {} is a success", operation.id);
    }
    for (operation, answers) in answers {
        let name = format!("answers/{operation}.json");
        hold(&name, &Value::Array(answers.clone()));
    }
}
