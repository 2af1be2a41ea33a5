//! What `DATABASE_URL` says: parameters that the driver knows are passed on, those of TLS are read
//! here, and any other one is refused by its name.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::{Roots, TlsMode, TlsParameters, TlsSetupError};

/// The driver's parameters, by the names of libpq's manual.
const PASSED_ON: &[&str] = &[
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];
/// A name that libpq has for one of the driver's.
const KEEPALIVES_COUNT: (&str, &str) = ("keepalives_count", "keepalives_retries");
/// Longer names, and names of other characters, are parts of something that is no URL. They are not
/// repeated, because they may be parts of a password.
const LONGEST_NAME: usize = 40;

/// What is wrong with the text, without the text: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("DATABASE_URL is not a valid postgres:// URL")]
    Form,
    /// Neither a host nor the directory of a socket.
    #[error("DATABASE_URL names no host")]
    Host,
    /// Nobody here knows this parameter.
    #[error("DATABASE_URL: the parameter {0} is not supported")]
    Unknown(String),
    /// This parameter's value is none that it can have.
    #[error("DATABASE_URL: the value of the parameter {0} is not valid")]
    Value(String),
    /// One without the other.
    #[error("DATABASE_URL: sslcert and sslkey go together")]
    HalfCertificate,
    /// The system has many roots: without the name, any of their certificates would do.
    #[error("DATABASE_URL: sslrootcert=system goes with sslmode=verify-full only")]
    SystemRoots,
    /// A file that is named in the URL.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
}

/// What the URL says, read.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseUrl {
    pub(crate) config: Config,
    pub(crate) tls: TlsParameters,
}

impl DatabaseUrl {
    /// Reads `postgres://…` and, as the driver does, `name=value name=value`.
    pub(crate) fn parse(url: &SecretString) -> Result<Self, UrlError> {
        Self::read(url.expose_secret()).map_err(|error| match error {
            // With an @ in the password, what seems to be a parameter may be the rest of it.
            UrlError::Unknown(_) if url.expose_secret().matches('@').count() > 1 => UrlError::Form,
            other => other,
        })
    }

    fn read(text: &str) -> Result<Self, UrlError> {
        let (form, pairs) = split(text).ok_or(UrlError::Form)?;
        let (own, passed): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(name, _)| name.starts_with("ssl") && name != "sslnegotiation");
        let tls = tls_parameters(own)?;
        let passed: Vec<_> = passed.into_iter().map(known).collect::<Result<_, _>>()?;
        let mut config = form.config(&passed)?;
        config.ssl_mode(match tls.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        // The driver wants a name for TLS, also where there is only an address.
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        if config.get_hosts().is_empty() {
            return Err(UrlError::Host);
        }
        Ok(Self { config, tls })
    }

    /// Whether somebody between this program and the server could read what they say, or answer in the
    /// server's place.
    pub(crate) fn is_unchecked(&self) -> bool {
        let asked_for = matches!(self.tls.mode, TlsMode::Prefer | TlsMode::Require);
        asked_for
            && self.tls.roots == Roots::Unnamed
            && self.config.get_hosts().iter().any(|host| match host {
                Host::Tcp(name) => name != "localhost" && !is_loopback(name),
                Host::Unix(_) => false,
            })
    }
}

fn is_loopback(name: &str) -> bool {
    name.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

type Pair = (String, String);

/// How the text is written.
enum Form<'a> {
    /// The part before the parameters.
    Url(&'a str),
    /// Parameters only.
    Pairs,
}

impl Form<'_> {
    fn config(&self, pairs: &[Pair]) -> Result<Config, UrlError> {
        if let Ok(config) = self.text(pairs).parse() {
            return Ok(config);
        }
        let wrong = pairs.iter().find(|pair| {
            let alone = Form::Pairs.text(std::slice::from_ref(pair));
            alone.parse::<Config>().is_err()
        });
        Err(wrong.map_or(UrlError::Form, |(name, _)| UrlError::Value(name.clone())))
    }

    /// As the driver reads it.
    fn text(&self, pairs: &[Pair]) -> String {
        match self {
            Self::Url(base) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    // The driver takes several hosts in a parameter for one.
                    .flat_map(|(name, value)| {
                        let many = if name == "host" { ',' } else { '\0' };
                        value.split(many).map(move |value| (name, value))
                    })
                    .map(|(name, value)| {
                        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
                    })
                    .collect();
                format!("{base}?{}", pairs.join("&"))
            }
            Self::Pairs => {
                let quoted = pairs.iter().map(|(name, value)| {
                    let value = value.replace('\\', r"\\").replace('\'', r"\'");
                    format!("{name}='{value}'")
                });
                quoted.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

fn split(text: &str) -> Option<(Form<'_>, Vec<Pair>)> {
    let Some(scheme) = ["postgres://", "postgresql://"]
        .iter()
        .find(|scheme| text.starts_with(**scheme))
    else {
        return Some((Form::Pairs, quoted_pairs(text)?));
    };
    // As the driver splits it: what stands before the first @ is the user and the password.
    let rest = &text[scheme.len()..];
    let host_at = rest.find('@').map_or(0, |at| at + 1);
    let Some(query_at) = rest[host_at..].find('?').map(|at| host_at + at) else {
        return Some((Form::Url(text), Vec::new()));
    };
    let pairs = rest[query_at + 1..]
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((decoded(name)?, decoded(value)?))
        });
    let base = &text[..scheme.len() + query_at];
    Some((Form::Url(base), pairs.collect::<Option<_>>()?))
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

/// `name=value` and `name='a value'`, where `\` takes the next character as it is.
fn quoted_pairs(text: &str) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('\'') {
            Some(quoted) => {
                let (value, left) = value_until(quoted, |c| c == '\'');
                (value, left.strip_prefix('\'')?)
            }
            None => value_until(after, char::is_whitespace),
        };
        pairs.push((name.trim_end().to_owned(), value));
        rest = left.trim_start();
    }
    Some(pairs)
}

fn value_until(text: &str, is_end: impl Fn(char) -> bool) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            end if is_end(end) => return (value, &text[at..]),
            other => value.push(other),
        }
    }
    (value, "")
}

/// The pair under the driver's name.
fn known((name, value): Pair) -> Result<Pair, UrlError> {
    let name = if name == KEEPALIVES_COUNT.0 {
        KEEPALIVES_COUNT.1.to_owned()
    } else {
        name
    };
    if PASSED_ON.contains(&name.as_str()) {
        Ok((name, value))
    } else {
        Err(unknown(name))
    }
}

fn unknown(name: String) -> UrlError {
    let can_be_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.len() <= LONGEST_NAME && name.chars().all(can_be_a_name) {
        UrlError::Unknown(name)
    } else {
        UrlError::Form
    }
}

fn tls_parameters(pairs: Vec<Pair>) -> Result<TlsParameters, UrlError> {
    let (mut mode, mut roots) = (None, Roots::Unnamed);
    let (mut certificate, mut key) = (None, None);
    for (name, value) in pairs {
        match name.as_str() {
            "sslmode" => mode = Some(tls_mode(&value).ok_or(UrlError::Value(name))?),
            _ if value.is_empty() => return Err(UrlError::Value(name)),
            "sslrootcert" if value == "system" => roots = Roots::System,
            "sslrootcert" => roots = Roots::File(value.into()),
            "sslcert" => certificate = Some(value.into()),
            "sslkey" => key = Some(value.into()),
            _ => return Err(unknown(name)),
        }
    }
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return Err(UrlError::HalfCertificate),
    };
    let mode = match (mode, &roots) {
        (None | Some(TlsMode::VerifyFull), Roots::System) => TlsMode::VerifyFull,
        (Some(_), Roots::System) => return Err(UrlError::SystemRoots),
        (mode, _) => mode.unwrap_or(TlsMode::Prefer),
    };
    Ok(TlsParameters {
        mode,
        roots,
        identity,
    })
}

fn tls_mode(value: &str) -> Option<TlsMode> {
    Some(match value {
        "disable" => TlsMode::Disable,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
