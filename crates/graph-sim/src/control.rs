//! The control endpoints, for programs in other processes: what [`Controls`] offers, as JSON under
//! `/_sim/`. [`ENDPOINTS`] is the list of them, from which routes and `--help` are made.

mod routes;

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Data, Json, JsonConfig, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, error};
use serde::Deserialize;
use serde_json::json;

pub(crate) use self::routes::not_found;
use self::routes::{Reply, known, of_all, of_all_with, of_tenant, of_tenant_with, problem};
use crate::audit::AuditBehaviour;
use crate::controls::Controls;
use crate::faults::FaultRule;
use crate::gates::GateRule;
use crate::limits::PublishedLimits;
use crate::modes::TenantMode;
use crate::options::Latency;
use crate::sign_in::UserToken;

/// A method, and what answers it.
type Answered = (Method, fn() -> Route);

/// A path under `/_sim/`.
struct Endpoint {
    /// `{tenant}` stands for a directory id.
    path: &'static str,
    methods: &'static [Answered],
    /// What the methods do, in their order, in lines of at most 60 characters.
    help: &'static str,
}

/// Every control endpoint, in the order of `--help`.
const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "health",
        methods: &[(Method::GET, || of_all(|_| json!({"status": "ok"})))],
        help: "answers when it serves",
    },
    Endpoint {
        path: "log",
        methods: &[
            (Method::GET, || of_all(|it| json!({"entries": it.log()}))),
            (Method::DELETE, || of_all(Controls::clear_log)),
        ],
        help: "requests that were made; forgets them",
    },
    Endpoint {
        path: "faults",
        methods: &[
            (Method::GET, || {
                of_all(|it| json!({"faults": it.0.faults.rules()}))
            }),
            (Method::POST, || {
                of_all_with(|it, rule: FaultRule| refusing(rule.problem(), || it.fault(rule)))
            }),
            (Method::DELETE, || of_all(Controls::clear_faults)),
        ],
        help: "what goes wrong: see \"Faults\"",
    },
    Endpoint {
        path: "gates",
        methods: &[
            (Method::GET, || {
                of_all(|it| json!({"gates": it.0.gates.states()}))
            }),
            (Method::POST, || {
                of_all_with(|it, rule: GateRule| drop(it.hold(rule)))
            }),
            (Method::DELETE, || of_all(Controls::release_all)),
        ],
        help: "requests that wait until DELETE opens all gates:\n\
               path, tenant, after (so many pass before)",
    },
    Endpoint {
        path: "throttles",
        methods: &[
            (Method::PUT, || of_all_with(Controls::set_throttles)),
            (Method::DELETE, || of_all(|it| it.set_throttles(Vec::new()))),
        ],
        help: "limits of one's own, as a list: path, requests, window_ms,\n\
               reports_wait",
    },
    Endpoint {
        path: "limits",
        methods: &[
            (Method::GET, || of_all(|it| Json(it.0.limits.get()))),
            (Method::PUT, || {
                of_all_with(|it, limits: PublishedLimits| {
                    refusing(limits.problem(), || it.set_limits(limits))
                })
            }),
        ],
        help: "Graph's published limits: enforce, time_scale, limit_scale,\n\
               wait (seconds, decimal, http_date, absent, in_message),\n\
               directory_size",
    },
    Endpoint {
        path: "traffic/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| Json(it.traffic(tenant)))
        })],
        help: "requests per service, early retries, peaks",
    },
    Endpoint {
        path: "traffic",
        methods: &[(Method::DELETE, || of_all(Controls::clear_traffic))],
        help: "begins to count anew",
    },
    Endpoint {
        path: "connections",
        methods: &[(Method::GET, || {
            of_all(|it| json!({"opened": it.connections()}))
        })],
        help: "how many were ever opened",
    },
    Endpoint {
        path: "modes/{tenant}",
        methods: &[
            (Method::GET, || {
                of_tenant(|it, tenant| Json(it.0.modes.of(tenant)))
            }),
            (Method::PUT, || {
                of_tenant_with(|it, tenant, modes: BTreeSet<TenantMode>| {
                    it.set_modes(tenant, modes);
                })
            }),
        ],
        help: "what the tenant lacks, as a list: no_intune, no_cloud_pc,\n\
               no_conditional_access, no_scripts, us_government,\n\
               {\"without\": \"permission\"}; and what is peculiar about it:\n\
               odd_ids (ids that need escaping in a path; to be set before\n\
               the first sync), settings_shrink_pages (one or two rows a\n\
               page where settings are expanded), settings_cut_in_lists\n\
               (at 25, without a link), scripts_in_lists (with bodies)",
    },
    Endpoint {
        path: "latency",
        methods: &[(Method::PUT, || {
            of_all_with(|it, latency: LatencySetting| it.set_latency(latency.into()))
        })],
        help: "base_us, per_row_us, jitter_us, expand_percent",
    },
    Endpoint {
        path: "tokens/{tenant}",
        methods: &[
            (Method::GET, || {
                of_tenant(|it, tenant| json!({"issued": it.issued_tokens(tenant)}))
            }),
            (Method::DELETE, || of_tenant(Controls::revoke_tokens)),
        ],
        help: "how many were issued; revokes them",
    },
    Endpoint {
        path: "challenge/{tenant}",
        methods: &[(Method::POST, || of_tenant(Controls::challenge_tokens))],
        help: "asks for new tokens with claims",
    },
    Endpoint {
        path: "certificates",
        methods: &[(Method::POST, || Route::new().to(add_certificate))],
        help: "a certificate of the application, in PEM",
    },
    Endpoint {
        path: "federated",
        methods: &[(Method::POST, || {
            of_all_with(|it, credential| it.0.sign_in.trust(credential))
        })],
        help: "issuer, subject, audience, public_key_pem",
    },
    Endpoint {
        path: "user-tokens/{tenant}",
        methods: &[(Method::POST, || Route::new().to(user_token))],
        help: "a token for a user, signed by the published keys: audience,\n\
               user, scopes, roles, lifetime_seconds, version_1",
    },
    Endpoint {
        path: "keys/rotate",
        methods: &[(Method::POST, || of_all(Controls::rotate_keys))],
        help: "signs with another key",
    },
    Endpoint {
        path: "answer-key/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| Json(it.answer_key(tenant)))
        })],
        help: "objects that a client must have stored",
    },
    Endpoint {
        path: "links/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| json!({"links": it.answer_links(tenant)}))
        })],
        help: "links that it must have stored",
    },
    Endpoint {
        path: "values/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| json!({"values": it.answer_values(tenant)}))
        })],
        help: "values under objects that it must have stored",
    },
    Endpoint {
        path: "groups/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| json!({"groups": it.groups(tenant)}))
        })],
        help: "groups that it must have stored",
    },
    Endpoint {
        path: "expire-group-links/{tenant}",
        methods: &[(Method::POST, || of_tenant(Controls::expire_group_links))],
        help: "links to changes of groups are no longer good",
    },
    Endpoint {
        path: "versions/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| json!({"versions": it.answer_versions(tenant)}))
        })],
        help: "versions of objects, from round to round of changes",
    },
    Endpoint {
        path: "audit",
        methods: &[
            (Method::GET, || of_all(|it| Json(it.0.audit()))),
            (Method::PUT, || {
                of_all_with(|it, behaviour: AuditBehaviour| {
                    refusing(behaviour.problem(), || it.set_audit(behaviour))
                })
            }),
        ],
        help: "how audit events are shown: late_from_ms, late_to_ms, held,\n\
               twice_percent, absent_percent, unordered, noise_percent",
    },
    Endpoint {
        path: "show-audit-events/{tenant}",
        methods: &[(Method::POST, || of_tenant(Controls::show_audit_events))],
        help: "shows those that are late or held",
    },
    Endpoint {
        path: "mutate/{tenant}",
        methods: &[(Method::POST, || {
            of_tenant_with(|it, tenant, script| Json(it.mutate(tenant, &script)))
        })],
        help: "changes the tenant: see \"Changes\"",
    },
    Endpoint {
        path: "mark/{tenant}",
        methods: &[(Method::POST, || of_tenant(Controls::mark))],
        help: "changes are reported from here",
    },
    Endpoint {
        path: "changes/{tenant}",
        methods: &[(Method::GET, || {
            of_tenant(|it, tenant| json!({"changes": it.changes_since_mark(tenant)}))
        })],
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
        let methods: Vec<_> = endpoint
            .methods
            .iter()
            .map(|(method, _)| method.as_str())
            .collect();
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
        let answer = problem(StatusCode::BAD_REQUEST, &failure.to_string());
        error::InternalError::from_response(failure, answer).into()
    });
    config.app_data(json);
    for Endpoint { path, methods, .. } in ENDPOINTS {
        let resource = web::resource(format!("/_sim/{path}"));
        let routes = methods
            .iter()
            .map(|(method, route)| route().method(method.clone()));
        config.service(routes.fold(resource, Resource::route));
    }
}

/// Does what makes sense.
fn refusing(problem: Option<&'static str>, control: impl FnOnce()) -> Result<(), &'static str> {
    match problem {
        Some(problem) => Err(problem),
        None => {
            control();
            Ok(())
        }
    }
}

/// [`Latency`] in JSON, in microseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LatencySetting {
    base_us: u64,
    per_row_us: u64,
    jitter_us: u64,
    expand_percent: u32,
}

impl From<LatencySetting> for Latency {
    fn from(setting: LatencySetting) -> Self {
        Self {
            base: Duration::from_micros(setting.base_us),
            per_row: Duration::from_micros(setting.per_row_us),
            jitter: Duration::from_micros(setting.jitter_us),
            expand_percent: setting.expand_percent,
        }
    }
}

/// The body is PEM and not JSON.
async fn add_certificate(pem: String, controls: Data<Controls>) -> HttpResponse {
    controls.0.sign_in.add_certificate(&pem).reply()
}

/// The token names its issuer as the caller reached it.
async fn user_token(
    tenant: Path<String>,
    wanted: Json<UserToken>,
    request: HttpRequest,
    controls: Data<Controls>,
) -> HttpResponse {
    let root = format!("http://{}", request.connection_info().host());
    let sign_in = &controls.0.sign_in;
    let token = known(&tenant, &controls).map(|tenant| sign_in.user_token(&root, &tenant, &wanted));
    token.map(|token| json!({"access_token": token})).reply()
}
