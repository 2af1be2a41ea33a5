//! Asking as a user: with the user's own token, once, and without waiting on the user's behalf.
//!
//! Nothing here is shared between calls: no token is kept, and what one user may see is not
//! remembered for another.

use std::time::Duration;

use atlas_domain::directory::GroupType;
use atlas_domain::failure::UpstreamAnswer;
use atlas_domain::ids::{DirectoryId, GroupId};
use atlas_domain::tenant::Cloud;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::client::GraphClient;
use crate::error::{
    ERROR_IN_SUCCESS, GraphError, GraphErrorKind, PagingRefusal, UNDECODABLE, Waits,
};
use crate::request::call::{Judged, judge};
use crate::request::http::Lost;
use crate::request::link::VersionRoot;
use crate::request::parse;
use crate::request::refusal::{self, Refusal};
use crate::request::room::Room;
use crate::request::sent::Sent;
use crate::row::groups::GroupRow;

const VERSION: &str = "v1.0";
const SELECT: &str = "id,displayName,description,groupTypes,securityEnabled,mailEnabled,\
                      isAssignableToRole,onPremisesSyncEnabled";

/// Pages that are followed to fill one answer. Graph may send short ones.
const MOST_PAGES: usize = 5;
/// Pages of groups are some hundred kilobytes.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;
/// A token is a few kilobytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// A token for Microsoft Graph in the name of a user. Its signature is for Graph to check; only its
/// claims about directory and user are read here.
pub struct DelegatedToken {
    value: SecretString,
    directory: DirectoryId,
}

/// Why a text is no delegated token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDelegatedToken {
    /// It is not a JSON web token with a directory and a user.
    #[error("it is not a token for a user of a directory")]
    Malformed,
    /// It is a token of an application, not of a user.
    #[error("it is a token of an application, without a user")]
    ApplicationOnly,
}

impl DelegatedToken {
    /// Reads a token as it stands in a header.
    ///
    /// # Errors
    /// [`NoDelegatedToken`], which shows nothing of the text.
    pub fn read(text: &str) -> Result<Self, NoDelegatedToken> {
        #[derive(Deserialize)]
        struct Claims {
            tid: Option<DirectoryId>,
            oid: Option<String>,
            scp: Option<String>,
            idtyp: Option<String>,
        }

        // It becomes a header's value.
        let fits = text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut parts = text.split('.');
        let (Some(_), Some(claims), Some(_), None, true) =
            (parts.next(), parts.next(), parts.next(), parts.next(), fits)
        else {
            return Err(NoDelegatedToken::Malformed);
        };
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map(Zeroizing::new)
            .map_err(|_| NoDelegatedToken::Malformed)?;
        let claims: Claims =
            serde_json::from_slice(&claims).map_err(|_| NoDelegatedToken::Malformed)?;
        if claims.scp.is_none() || claims.idtyp.as_deref() == Some("app") {
            return Err(NoDelegatedToken::ApplicationOnly);
        }
        let (Some(directory), Some(_)) = (claims.tid, claims.oid) else {
            return Err(NoDelegatedToken::Malformed);
        };
        Ok(Self {
            value: SecretString::from(text),
            directory,
        })
    }

    /// The directory in its claims.
    #[must_use]
    pub const fn directory_id(&self) -> DirectoryId {
        self.directory
    }
}

/// Without the token.
impl std::fmt::Debug for DelegatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DelegatedToken")
    }
}

/// Why a search failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DelegatedError {
    /// Graph refused the token, or wants another one.
    #[error("the user's token was refused")]
    TokenRefused {
        /// The claims that Graph requires of the next token, as its challenge carries them. The
        /// user's program requests a token with them.
        claims: Option<String>,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph asked to slow down.
    #[error("throttled")]
    Throttled {
        /// For how long, when it said.
        retry_after: Option<Duration>,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Anything else.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// A group that the directory found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundGroup {
    /// Microsoft Entra's id.
    pub id: GroupId,
    pub name: String,
    pub description: Option<String>,
    pub group_type: GroupType,
    /// It may be given roles of the directory.
    pub assignable_to_role: bool,
    /// It comes from a directory on premises.
    pub on_premises: bool,
}

/// What the directory found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundGroups {
    /// In the directory's order.
    pub groups: Vec<FoundGroup>,
    pub more: bool,
}

/// One page of them.
struct Page {
    groups: Vec<FoundGroup>,
    next: Option<String>,
}

impl Page {
    /// What cannot be shown is left out: a search promises no whole.
    fn read(body: &[u8]) -> Result<Self, &'static str> {
        let page = parse::open(body)?;
        let rows = page.rows.iter().filter_map(|row| GroupRow::read(row).ok());
        Ok(Self {
            groups: rows.map(|(row, _)| FoundGroup::from(row)).collect(),
            next: page.next,
        })
    }
}

impl GraphClient {
    /// Looks for groups by words of their names, as the token's user, with one attempt for each
    /// page.
    ///
    /// # Errors
    /// [`DelegatedError`].
    pub async fn search_groups(
        &self,
        cloud: Cloud,
        token: &DelegatedToken,
        text: &str,
        most: u16,
    ) -> Result<FoundGroups, DelegatedError> {
        let root = VersionRoot::new(&self.graph_address(cloud), VERSION);
        let most = usize::from(most);
        let search = encoded(&format!("\"displayName:{}\"", escaped(text)));
        let query = format!("$search={search}&$select={SELECT}&$count=true&$top={most}");
        let mut next = Some(root.address("/groups", &query));
        let mut groups = Vec::new();
        for _ in 0..MOST_PAGES {
            let Some(url) = next.take() else { break };
            let page = self.page_as(token, &url).await?;
            groups.extend(page.groups);
            next = page
                .next
                .map(|link| root.follow(&link))
                .transpose()
                .map_err(|refusal| GraphError::from(GraphErrorKind::Paging(refusal)))?;
            if next.as_ref() == Some(&url) {
                return Err(
                    GraphError::from(GraphErrorKind::Paging(PagingRefusal::Repeated)).into(),
                );
            }
            if groups.len() >= most {
                break;
            }
        }
        let more = next.is_some() || groups.len() > most;
        groups.truncate(most);
        Ok(FoundGroups { groups, more })
    }

    async fn page_as(&self, token: &DelegatedToken, url: &Url) -> Result<Page, DelegatedError> {
        let http = self.http();
        let sent = Sent::to(url.path(), http.mint_id());
        let bearer = Zeroizing::new(format!("Bearer {}", token.value.expose_secret()));
        let mut bearer =
            HeaderValue::from_str(&bearer).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        bearer.set_sensitive(true);
        let request = http
            .client(false)
            .get(url.clone())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/json")
            // Graph searches its index only for those who accept that it lags behind, on each page.
            .header("consistencylevel", "eventual")
            .header("client-request-id", sent.client_request_id());
        let largest = LARGEST_PAGE.min(http.options().max_body_bytes);
        let reply = match http.exchange(request, &mut Room::apart(largest)).await {
            Ok(reply) => reply,
            Err(lost) => {
                let now = http.now();
                let (kind, answer) = match lost {
                    Lost::Unreachable { reason, .. } => (
                        GraphErrorKind::Unreachable {
                            reason,
                            waits: once(),
                        },
                        sent.unanswered(now),
                    ),
                    Lost::Undecodable => {
                        (GraphErrorKind::invalid(UNDECODABLE), sent.unanswered(now))
                    }
                    Lost::NoRoom => (GraphErrorKind::TooLarge, sent.unanswered(now)),
                    Lost::TooLarge { status, headers } => (
                        GraphErrorKind::TooLarge,
                        sent.answered(status, &headers, now),
                    ),
                };
                return Err(GraphError::answered(kind, answer).into());
            }
        };
        if reply.status.is_success() {
            let answer = sent.answered(reply.status, &reply.headers, http.now());
            let invalid = |reason, error_code| {
                let answer = UpstreamAnswer {
                    error_code,
                    ..answer
                };
                GraphError::answered(GraphErrorKind::invalid(reason), answer).into()
            };
            if let Some(code) = refusal::error_in(&reply.body) {
                return Err(invalid(ERROR_IN_SUCCESS, code));
            }
            return Page::read(&reply.body).map_err(|reason| invalid(reason, None));
        }
        let Judged { refusal, answer } = judge(&reply, &sent, http.now());
        let request_id = answer.request_id.clone();
        let kind = match refusal {
            Refusal::Throttled { after, .. } => {
                return Err(DelegatedError::Throttled {
                    retry_after: after,
                    request_id,
                });
            }
            Refusal::Unauthenticated { claims } => {
                return Err(DelegatedError::TokenRefused { claims, request_id });
            }
            Refusal::Gone { .. } => GraphErrorKind::CollectionNotFound,
            Refusal::Final(kind) => kind,
            Refusal::Server { status, after } => GraphErrorKind::Unavailable {
                status,
                retry_after: after,
                waits: once(),
            },
        };
        Err(GraphError::answered(kind, answer).into())
    }
}

impl From<GroupRow> for FoundGroup {
    fn from(row: GroupRow) -> Self {
        let unified = row.is_a("Unified").unwrap_or_default();
        let is = |sent: Option<Option<bool>>| sent.flatten().unwrap_or_default();
        Self {
            id: row.id,
            group_type: GroupType::of(unified, is(row.security_enabled), is(row.mail_enabled)),
            assignable_to_role: is(row.is_assignable_to_role),
            on_premises: is(row.on_premises_sync_enabled),
            name: row.display_name.flatten().unwrap_or_default(),
            description: row.description.flatten(),
        }
    }
}

/// A user waits for the answer: there is one attempt.
fn once() -> Waits {
    Waits {
        attempts: 1,
        ..Waits::default()
    }
}

/// Text inside of the quotation marks of a search.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A value in a query, with blanks as `%20`.
fn encoded(value: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    encoded.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_users_token_says_whose_it_is_and_shows_nothing() {
        let text = token(
            r#"{"tid": "00000000-0000-4000-8000-000000000001",
                "oid": "00000000-0000-4000-8000-000000000002", "scp": "Group.Read.All"}"#,
        );
        let read = DelegatedToken::read(&text).unwrap();
        assert_eq!(
            read.directory_id().to_string(),
            "00000000-0000-4000-8000-000000000001"
        );
        assert_eq!(format!("{read:?}"), "DelegatedToken");
    }

    #[test]
    fn what_is_no_users_token_is_refused() {
        let ids = r#""tid": "00000000-0000-4000-8000-000000000001",
            "oid": "00000000-0000-4000-8000-000000000002""#;
        for (text, why) in [
            (String::new(), NoDelegatedToken::Malformed),
            ("a.b".to_owned(), NoDelegatedToken::Malformed),
            ("a.!.c".to_owned(), NoDelegatedToken::Malformed),
            (format!("{}.x", token("{}")), NoDelegatedToken::Malformed),
            (format!("{}\r\nx", token("{}")), NoDelegatedToken::Malformed),
            (token(r#"{"scp": "x"}"#), NoDelegatedToken::Malformed),
            (
                token(&format!("{{{ids}}}")),
                NoDelegatedToken::ApplicationOnly,
            ),
            (
                token(&format!(r#"{{{ids}, "scp": "x", "idtyp": "app"}}"#)),
                NoDelegatedToken::ApplicationOnly,
            ),
        ] {
            assert_eq!(DelegatedToken::read(&text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn what_is_typed_stays_inside_of_the_quotation_marks() {
        assert_eq!(escaped(r#"a" OR "b\"#), r#"a\" OR \"b\\"#);
        assert_eq!(encoded("\"a b&$top=1\""), "%22a%20b%26%24top%3D1%22");
    }
}
