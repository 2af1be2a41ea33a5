//! Signing in, once for all requests that wait for a token.
//!
//! Microsoft Entra answers applications that ask for tokens too often with an error, so one token
//! serves every list of a tenant, is renewed after four fifths of its life, and is requested by one
//! request at a time.

mod refusal;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;
use url::Url;
use zeroize::Zeroizing;

use crate::error::{SignInCause, SignInError};
use crate::request::http::{Http, Lost, Reply};
use crate::request::room::Room;
use crate::request::silence::Stretch;
use crate::sign_in::application::Application;
use crate::sign_in::credential::{Claims, Proof};

/// Answers of the token endpoint are a few kilobytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Tokens live 60 to 90 minutes, at most 28 hours.
const LONGEST_LIFE: Duration = Duration::from_secs(28 * 60 * 60);

/// RFC 7523, section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// After a renewal that failed, a token that still lives is used for so long before the next try.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// An access token.
pub(crate) struct Token {
    value: SecretString,
    expires_at: Instant,
    /// Whether it took the place of one that was refused.
    is_renewal: bool,
    accepted: AtomicBool,
}

impl Token {
    pub(crate) const fn value(&self) -> &SecretString {
        &self.value
    }

    /// Takes note that an endpoint accepted it.
    pub(crate) fn accept(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// Whether any endpoint has accepted it.
    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Whether it took the place of one that was refused, and no endpoint has accepted it either.
    pub(crate) fn is_renewed_in_vain(&self) -> bool {
        self.is_renewal && !self.is_accepted()
    }
}

/// The place of one application's token for one tenant.
#[derive(Default)]
pub(crate) struct TokenSlot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    renew_at: Option<Instant>,
    /// What Graph wants of the next token (continuous access evaluation).
    claims: Option<String>,
    /// Whether Graph refused the last token.
    refused: bool,
    /// While the service gives no usable answer.
    silence: Option<Stretch>,
    /// When the last request failed, and how: who was already waiting then gets the same error.
    failed: Option<(Instant, SignInError)>,
}

impl State {
    fn usable(&self, now: Instant) -> Option<&Arc<Token>> {
        self.token.as_ref().filter(|token| now < token.expires_at)
    }

    fn settled(&self, now: Instant) -> Option<&Arc<Token>> {
        let due = self.renew_at.is_none_or(|at| at <= now);
        self.usable(now).filter(|_| !due)
    }
}

impl TokenSlot {
    /// A token that is good for now.
    pub(crate) async fn token(&self, source: &TokenSource<'_>) -> Result<Arc<Token>, SignInError> {
        let came_at = Instant::now();
        let mut state: MutexGuard<'_, State> = self.state.lock().await;
        if let Some(token) = state.settled(Instant::now()) {
            return Ok(Arc::clone(token));
        }
        if let Some((at, error)) = &state.failed
            && *at >= came_at
        {
            return Err(error.clone());
        }
        let mut silence = state.silence;
        match source
            .request_token(state.claims.as_deref(), &mut silence)
            .await
        {
            Ok((value, life)) => {
                let now = Instant::now();
                let token = Arc::new(Token {
                    value,
                    expires_at: now + life,
                    is_renewal: state.refused,
                    accepted: AtomicBool::new(false),
                });
                *state = State {
                    token: Some(Arc::clone(&token)),
                    renew_at: Some(now + life.mul_f64(0.8)),
                    claims: None,
                    refused: false,
                    silence: None,
                    failed: None,
                };
                Ok(token)
            }
            Err(error) => {
                let now = Instant::now();
                state.silence = silence.filter(|_| error.is_transient());
                state.failed = Some((now, error.clone()));
                let still_good = state.usable(now).cloned();
                state.renew_at = Some(now + RENEWAL_PAUSE);
                still_good.ok_or(error)
            }
        }
    }

    /// Forgets `token`, unless another has taken its place. The next one is requested with `claims`.
    pub(crate) async fn discard(&self, token: &Arc<Token>, claims: Option<String>) {
        let mut state = self.state.lock().await;
        if state
            .token
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, token))
        {
            state.token = None;
            state.claims = claims;
            state.refused = true;
        }
    }

    /// Whether nothing would be lost by dropping the slot.
    pub(crate) fn is_idle(&self) -> bool {
        self.state
            .try_lock()
            .is_ok_and(|state| state.usable(Instant::now()).is_none())
    }
}

/// Where tokens come from, and for whom.
pub(crate) struct TokenSource<'a> {
    pub(crate) http: &'a Http,
    pub(crate) application: &'a Application,
    /// The root of the sign-in service.
    pub(crate) login: &'a Url,
}

impl TokenSource<'_> {
    /// Asks the token endpoint, again where that may help.
    async fn request_token(
        &self,
        wanted: Option<&str>,
        silence: &mut Option<Stretch>,
    ) -> Result<(SecretString, Duration), SignInError> {
        let http = self.http;
        let mut patience = http.patience();
        let mut fresh = false;
        loop {
            patience.attempts += 1;
            let sent_at = Instant::now();
            let (failed, asked, why) = match self.ask_for_token(wanted, fresh).await {
                Ok(reply) if reply.status.is_success() => return read_token(reply),
                Ok(reply) => {
                    let error = refusal::read(&reply, http.now());
                    let SignInCause::Unavailable { retry_after } = error.cause else {
                        return Err(error);
                    };
                    (error, retry_after, format!("status {}", reply.status))
                }
                // An answer that is no token is none the next second either.
                Err(NoReply {
                    cause: cause @ SignInCause::Unreachable,
                    why,
                }) => {
                    patience.waited_for(sent_at.elapsed());
                    (plain(cause), None, why)
                }
                Err(NoReply { cause, .. }) => return Err(plain(cause)),
            };
            if silence.is_none() {
                tracing::warn!(directory = %self.application.directory_id, error = why,
                    "the sign-in service gives no token; asking on");
            }
            let wait = http.wait(&patience, asked);
            let now = Instant::now();
            let silent = silence
                .get_or_insert(Stretch::begin(now))
                .exceeds(http.options().max_wait, now);
            if silent || !patience.spend(wait) {
                return Err(failed);
            }
            tracing::debug!(directory = %self.application.directory_id, ?wait, %failed,
                "asking for a token again");
            fresh = true;
            tokio::time::sleep(wait).await;
        }
    }

    async fn ask_for_token(&self, wanted: Option<&str>, fresh: bool) -> Result<Reply, NoReply> {
        let (http, application) = (self.http, self.application);
        let address = token_address(self.login, &application.directory_id.to_string());
        let claims = Claims {
            audience: address.as_str(),
            client_id: &application.client_id,
            id: http.mint_id(),
            now: http.now(),
        };
        let proof = application.credential.prove(claims).await?;
        let scope = format!("{}/.default", application.cloud.graph_url());
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &application.client_id),
            ("scope", &scope),
        ];
        form.extend(wanted.map(|claims| ("claims", claims)));
        match &proof {
            Proof::Secret(secret) => form.push(("client_secret", secret.expose_secret())),
            Proof::Assertion(assertion) => form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.expose_secret()),
            ]),
        }
        let request = http.client(fresh).post(address.clone()).form(&form);
        http.exchange(request, &mut Room::apart(MAX_BODY_BYTES))
            .await
            .map_err(|lost| match lost {
                Lost::Unreachable { cause, .. } => NoReply {
                    cause: SignInCause::Unreachable,
                    why: cause,
                },
                Lost::Undecodable | Lost::TooLarge { .. } | Lost::NoRoom => {
                    SignInCause::InvalidResponse.into()
                }
            })
    }
}

/// No answer of the token endpoint.
struct NoReply {
    cause: SignInCause,
    /// What happened on the way, for the log.
    why: String,
}

/// A cause that says all there is to know.
impl From<SignInCause> for NoReply {
    fn from(cause: SignInCause) -> Self {
        Self {
            cause,
            why: String::new(),
        }
    }
}

fn token_address(login: &Url, directory: &str) -> Url {
    let mut url = login.clone();
    let base = login.path().trim_end_matches('/');
    url.set_path(&format!("{base}/{directory}/oauth2/v2.0/token"));
    url
}

const fn plain(cause: SignInCause) -> SignInError {
    SignInError {
        cause,
        number: None,
        trace_id: None,
    }
}

fn read_token(reply: Reply) -> Result<(SecretString, Duration), SignInError> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: SecretText,
        expires_in: Seconds,
    }

    let body = Zeroizing::new(reply.body);
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|_| plain(SignInCause::InvalidResponse))?;
    let token = answer.access_token.0;
    // It becomes a header's value.
    let fits = |byte: u8| byte.is_ascii_graphic();
    if token.expose_secret().is_empty() || !token.expose_secret().bytes().all(fits) {
        return Err(plain(SignInCause::InvalidResponse));
    }
    let life = Duration::from_secs(answer.expires_in.0).min(LONGEST_LIFE);
    Ok((token, life))
}

/// A number, or text of its digits, as services of the first version of the protocol answer.
struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Number(u64),
            Text(String),
        }

        match Said::deserialize(deserializer)? {
            Said::Number(seconds) => Ok(Self(seconds)),
            Said::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text
                .parse()
                .map(Self)
                .map_err(|_| serde::de::Error::custom("not a number of seconds")),
            Said::Text(_) => Err(serde::de::Error::custom("not a number of seconds")),
        }
    }
}

/// Text that goes straight into a [`SecretString`].
struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;

    fn read(body: &str) -> Result<(SecretString, Duration), SignInError> {
        read_token(Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn a_token_and_its_life_are_read_and_limited() {
        let (token, life) =
            read(r#"{"token_type":"Bearer","expires_in":3599,"access_token":"abc.d-e"}"#).unwrap();
        assert_eq!(token.expose_secret(), "abc.d-e");
        assert_eq!(life, Duration::from_secs(3_599));
        let (_, life) = read(r#"{"expires_in":18446744073709551615,"access_token":"a"}"#).unwrap();
        assert_eq!(life, LONGEST_LIFE);
        let (_, life) = read(r#"{"expires_in":"3599","access_token":"a"}"#).unwrap();
        assert_eq!(life, Duration::from_secs(3_599));
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"expires_in":1,"access_token":""}"#,
            r#"{"expires_in":1,"access_token":"visible token"}"#,
            r#"{"expires_in":1,"access_token":"visible\r\nX: y"}"#,
            r#"{"expires_in":-1,"access_token":"visible"}"#,
            r#"{"expires_in":"","access_token":"visible"}"#,
            r#"{"expires_in":"+1","access_token":"visible"}"#,
            r#"{"expires_in":"1 h","access_token":"visible"}"#,
            r#"{"expires_in":null,"access_token":"visible"}"#,
        ] {
            let error = read(body).unwrap_err();
            assert_eq!(error.cause, SignInCause::InvalidResponse, "{body}");
            assert!(!format!("{error:?} {error}").contains("visible"), "{body}");
        }
    }

    #[test]
    fn the_endpoint_is_the_directorys() {
        for (login, expected) in [
            (
                "https://login.example",
                "https://login.example/d/oauth2/v2.0/token",
            ),
            (
                "http://localhost:1/base/",
                "http://localhost:1/base/d/oauth2/v2.0/token",
            ),
        ] {
            let url = token_address(&Url::parse(login).unwrap(), "d");
            assert_eq!(url.as_str(), expected);
        }
    }
}
