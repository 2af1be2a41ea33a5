//! Limits of parameters: those in the document are those that handlers have.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Stage};
use crate::schema::{DOCUMENT, resolve};

/// A query parameter of an operation whose other parameters may be left out.
struct Parameter {
    path: String,
    name: String,
    schema: &'static Value,
    example: String,
}

fn parameters(stage: &Stage) -> Vec<Parameter> {
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let path = path.replace("{tenant_id}", &stage.tenant.id.to_string());
        let own = item["get"]["parameters"].as_array().into_iter().flatten();
        for parameter in own.map(resolve).filter(|one| one["in"] == "query") {
            let example = match &parameter["example"] {
                Value::Array(values) => text(&values[0]),
                value => text(value),
            };
            found.push(Parameter {
                path: path.clone(),
                name: parameter["name"].as_str().unwrap().to_owned(),
                schema: &parameter["schema"],
                example,
            });
        }
    }
    found
}

fn text(value: &Value) -> String {
    let word = value.as_str().map(str::to_owned);
    word.unwrap_or_else(|| value.to_string())
}

impl Parameter {
    async fn send(&self, stage: &Stage, values: &[String]) -> Reply {
        let mut query: Vec<(&str, &str)> = values
            .iter()
            .map(|value| (self.name.as_str(), value.as_str()))
            .collect();
        // An identifier of a target is one among its kind.
        if self.name == "target_id" {
            query.push(("target_kind", "group"));
        }
        let request = stage.api.request(Method::GET, &self.path).query(&query);
        let token = &stage.operator.token;
        stage.api.send(request.bearer_auth(token)).await
    }

    /// Whether the handler refuses the parameter for these values.
    async fn refuses(&self, stage: &Stage, values: &[String]) -> bool {
        let reply = self.send(stage, values).await;
        let errors = reply.body["errors"].as_array().into_iter().flatten();
        errors
            .map(|error| &error["parameter"])
            .any(|name| *name == json!(self.name))
    }
}

#[tokio::test]
async fn parameters_are_accepted_up_to_the_limits_of_the_document_and_refused_beyond() {
    let stage = Stage::set().await;
    let mut held = 0;
    for parameter in parameters(&stage) {
        let place = format!("{} of {}", parameter.name, parameter.path);
        if parameter.path.contains('{') || ["cursor", "ticket"].contains(&parameter.name.as_str()) {
            continue;
        }
        let one = std::slice::from_ref(&parameter.example);
        assert!(!parameter.refuses(&stage, one).await, "{place}");
        let mut values = one.to_vec();
        let mut schema = resolve(parameter.schema);
        let most = schema["maxItems"].as_u64().unwrap_or(1);
        values.resize(usize::try_from(most).unwrap(), parameter.example.clone());
        assert!(!parameter.refuses(&stage, &values).await, "{place}: {most}");
        values.push(parameter.example.clone());
        assert!(parameter.refuses(&stage, &values).await, "{place}: more");
        if schema["type"] == "array" {
            schema = resolve(&schema["items"]);
        }
        // Words in another case than snake_case are named beside the schema.
        let words = schema
            .get("enum")
            .or_else(|| schema.get("x-extensible-enum"));
        for word in words.and_then(Value::as_array).into_iter().flatten() {
            assert!(!parameter.refuses(&stage, &[text(word)]).await, "{place}");
        }
        if words.is_some() {
            let other = "none_of_them".to_owned();
            assert!(parameter.refuses(&stage, &[other]).await, "{place}");
        } else if schema["type"] == "string" && schema["format"].is_null() {
            let length = usize::try_from(schema["maxLength"].as_u64().unwrap()).unwrap();
            let longest = "a".repeat(length);
            let is_any = !schema["pattern"].as_str().unwrap().contains('|');
            assert_eq!(
                !parameter.refuses(&stage, &[longest]).await,
                is_any,
                "{place}"
            );
            let longer = "a".repeat(length + 1);
            assert!(
                parameter.refuses(&stage, &[longer]).await,
                "{place}: longer"
            );
            assert!(
                parameter.refuses(&stage, &[String::new()]).await,
                "{place}: empty"
            );
        } else {
            let other = "neither".to_owned();
            assert!(parameter.refuses(&stage, &[other]).await, "{place}: other");
        }
        held += 1;
    }
    assert!(held > 30, "{held}");
}
