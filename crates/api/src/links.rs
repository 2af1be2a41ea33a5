//! Addresses that answers carry.

use atlas_domain::ids::RunId;
use serde::Serialize;
use utoipa::ToSchema;

/// Makes addresses from where callers reach the API.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    public_url: String,
    run_view_template: String,
}

/// Addresses of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunLinks {
    /// The run.
    #[serde(rename = "self")]
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) self_: String,
    /// A page that shows the run in a browser.
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) view: String,
    /// The results per policy type.
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) results: String,
    /// What happened to the run.
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) events: String,
    /// The same as a stream, which ends with the run.
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) stream: String,
    /// Cancels the run (POST).
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) cancel: String,
    /// Retries the run (POST).
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) retry: String,
}

impl Links {
    /// In the template, `{public_url}` and `{run_id}` are filled in.
    pub(crate) fn new(public_url: &str, run_view_template: &str) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        Self {
            run_view_template: run_view_template.replace("{public_url}", &public_url),
            public_url,
        }
    }

    /// The links of a run.
    pub(crate) fn run(&self, run: RunId) -> RunLinks {
        let run = run.to_string();
        let self_ = format!("{}/operation-runs/{run}", self.public_url);
        RunLinks {
            results: format!("{self_}/results"),
            events: format!("{self_}/events"),
            stream: format!("{self_}/stream"),
            cancel: format!("{self_}/cancel"),
            retry: format!("{self_}/retry"),
            self_,
            view: self.run_view_template.replace("{run_id}", &run),
        }
    }

    /// The type of a problem, which is also the address of its page.
    pub(crate) fn problem(&self, slug: &str) -> String {
        format!("{}/problems/{slug}", self.public_url)
    }

    /// An absolute address of a path with its query.
    pub(crate) fn absolute(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.public_url)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_slash_at_the_end_of_the_public_address_is_not_doubled_and_the_view_may_live_elsewhere() {
        let run = RunId::from_uuid(Uuid::from_u128(7));
        let links = Links::new(
            "https://atlas.example/api/",
            "https://ui.example/r?id={run_id}",
        );
        let made = links.run(run);
        assert_eq!(
            made.self_,
            format!("https://atlas.example/api/operation-runs/{run}")
        );
        assert_eq!(made.view, format!("https://ui.example/r?id={run}"));
        let links = Links::new("http://a", "{public_url}/view/operation-runs/{run_id}");
        assert_eq!(
            links.run(run).view,
            format!("http://a/view/operation-runs/{run}")
        );
    }
}
