//! The control endpoints, for programs in other processes: what [`crate::Simulator`] offers, as
//! JSON under `/_sim/`. [`ENDPOINTS`] is the list of them, from which routes and `--help` are made.

mod handlers;

use actix_web::http::StatusCode;
use actix_web::web::{self, JsonConfig, ServiceConfig};
use actix_web::{Resource, Route, error};

pub(crate) use handlers::not_found;

/// The name of a method, and what answers it.
type Method = (&'static str, fn() -> Route);

/// A path under `/_sim/`.
struct Endpoint {
    /// `{tenant}` stands for a directory id.
    path: &'static str,
    methods: &'static [Method],
    /// What the methods do, in their order, in lines of at most 60 characters.
    help: &'static str,
}

/// Every control endpoint, in the order of `--help`.
const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "health",
        methods: &[("GET", || web::get().to(handlers::health))],
        help: "answers when it serves",
    },
    Endpoint {
        path: "log",
        methods: &[
            ("GET", || web::get().to(handlers::get_log)),
            ("DELETE", || web::delete().to(handlers::clear_log)),
        ],
        help: "requests that were made; forgets them",
    },
    Endpoint {
        path: "faults",
        methods: &[
            ("GET", || web::get().to(handlers::get_faults)),
            ("POST", || web::post().to(handlers::add_fault)),
            ("DELETE", || web::delete().to(handlers::clear_faults)),
        ],
        help: "what goes wrong: see \"Faults\"",
    },
    Endpoint {
        path: "gates",
        methods: &[
            ("GET", || web::get().to(handlers::get_gates)),
            ("POST", || web::post().to(handlers::add_gate)),
            ("DELETE", || web::delete().to(handlers::release_gates)),
        ],
        help: "requests that wait until DELETE opens all gates:\n\
               path, tenant, after (so many pass before)",
    },
    Endpoint {
        path: "throttles",
        methods: &[
            ("PUT", || web::put().to(handlers::set_throttles)),
            ("DELETE", || web::delete().to(handlers::clear_throttles)),
        ],
        help: "limits of one's own, as a list: path, requests, window_ms,\n\
               reports_wait",
    },
    Endpoint {
        path: "limits",
        methods: &[
            ("GET", || web::get().to(handlers::get_limits)),
            ("PUT", || web::put().to(handlers::set_limits)),
        ],
        help: "Graph's published limits: enforce, time_scale, limit_scale,\n\
               wait (seconds, decimal, http_date, absent, in_message),\n\
               directory_size",
    },
    Endpoint {
        path: "traffic/{tenant}",
        methods: &[("GET", || web::get().to(handlers::traffic))],
        help: "requests per service, early retries, peaks",
    },
    Endpoint {
        path: "traffic",
        methods: &[("DELETE", || web::delete().to(handlers::clear_traffic))],
        help: "begins to count anew",
    },
    Endpoint {
        path: "connections",
        methods: &[("GET", || web::get().to(handlers::connections))],
        help: "how many were ever opened",
    },
    Endpoint {
        path: "modes/{tenant}",
        methods: &[
            ("GET", || web::get().to(handlers::get_modes)),
            ("PUT", || web::put().to(handlers::set_modes)),
        ],
        help: "what the tenant lacks, as a list: no_intune, no_cloud_pc,\n\
               no_conditional_access, no_scripts, us_government,\n\
               {\"without\": \"permission\"}; and what is peculiar about it:\n\
               odd_ids (ids that need escaping in a path; to be set before\n\
               the first sync), settings_shrink_pages (one or two rows a\n\
               page where settings are expanded)",
    },
    Endpoint {
        path: "latency",
        methods: &[("PUT", || web::put().to(handlers::set_latency))],
        help: "base_us, per_row_us, jitter_us, expand_percent",
    },
    Endpoint {
        path: "tokens/{tenant}",
        methods: &[
            ("GET", || web::get().to(handlers::count_tokens)),
            ("DELETE", || web::delete().to(handlers::revoke_tokens)),
        ],
        help: "how many were issued; revokes them",
    },
    Endpoint {
        path: "challenge/{tenant}",
        methods: &[("POST", || web::post().to(handlers::challenge))],
        help: "asks for new tokens with claims",
    },
    Endpoint {
        path: "certificates",
        methods: &[("POST", || web::post().to(handlers::add_certificate))],
        help: "a certificate of the application, in PEM",
    },
    Endpoint {
        path: "federated",
        methods: &[("POST", || web::post().to(handlers::trust))],
        help: "issuer, subject, audience, public_key_pem",
    },
    Endpoint {
        path: "user-tokens/{tenant}",
        methods: &[("POST", || web::post().to(handlers::user_token))],
        help: "a token for a user, signed by the published keys: audience,\n\
               user, scopes, roles, lifetime_seconds, version_1",
    },
    Endpoint {
        path: "keys/rotate",
        methods: &[("POST", || web::post().to(handlers::rotate_keys))],
        help: "signs with another key",
    },
    Endpoint {
        path: "answer-key/{tenant}",
        methods: &[("GET", || web::get().to(handlers::answer_key))],
        help: "objects that a client must have stored",
    },
    Endpoint {
        path: "links/{tenant}",
        methods: &[("GET", || web::get().to(handlers::answer_links))],
        help: "links that it must have stored",
    },
    Endpoint {
        path: "groups/{tenant}",
        methods: &[("GET", || web::get().to(handlers::groups))],
        help: "groups that it must have stored",
    },
    Endpoint {
        path: "expire-group-links/{tenant}",
        methods: &[("POST", || web::post().to(handlers::expire_group_links))],
        help: "links to changes of groups are no longer good",
    },
    Endpoint {
        path: "mutate/{tenant}",
        methods: &[("POST", || web::post().to(handlers::mutate))],
        help: "changes the tenant: see \"Changes\"",
    },
    Endpoint {
        path: "mark/{tenant}",
        methods: &[("POST", || web::post().to(handlers::mark))],
        help: "changes are reported from here",
    },
    Endpoint {
        path: "changes/{tenant}",
        methods: &[("GET", || web::get().to(handlers::changes))],
        help: "changes that a client must have found",
    },
];

/// The column of `--help` in which the texts begin.
const HELP_COLUMN: usize = 37;

/// The control endpoints as `--help` lists them, each line ended.
#[must_use]
pub fn control_help() -> String {
    let mut help = String::new();
    for endpoint in ENDPOINTS {
        let methods: Vec<_> = endpoint.methods.iter().map(|(method, _)| *method).collect();
        let mut before = format!("  {} {}", methods.join(", "), endpoint.path);
        for line in endpoint.help.lines() {
            help.push_str(&format!("{before:<HELP_COLUMN$}{line}\n"));
            before.clear();
        }
    }
    help
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let json = JsonConfig::default().error_handler(|failure, _| {
        let answer = handlers::problem(StatusCode::BAD_REQUEST, &failure.to_string());
        error::InternalError::from_response(failure, answer).into()
    });
    config.app_data(json);
    for Endpoint { path, methods, .. } in ENDPOINTS {
        let resource = web::resource(format!("/_sim/{path}"));
        let routes = methods.iter().map(|(_, route)| route());
        config.service(routes.fold(resource, Resource::route));
    }
}
