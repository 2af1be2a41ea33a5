//! What `DATABASE_URL` says: parameters that the driver knows are passed on, those of TLS are read
//! here, and any other one is refused by its name.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::TlsSetupError;

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

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS where the server has it.
    Prefer,
    /// TLS.
    Require,
    /// TLS, with a certificate that leads to a root.
    VerifyCa,
    /// The same, and the certificate is for the host's name.
    VerifyFull,
}

/// Which roots a certificate may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// None were named: the system's when a certificate is to be checked.
    Unnamed,
    /// The system's, by name.
    System,
    /// Those of a file.
    File(PathBuf),
}

/// The parameters of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsParameters {
    pub(crate) mode: TlsMode,
    pub(crate) roots: Roots,
    /// The files of this side's certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
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
        let (form, pairs) = split(url.expose_secret()).ok_or(UrlError::Form)?;
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
mod tests {
    use tokio_postgres::config::TargetSessionAttrs;

    use super::*;

    fn read(text: &str) -> Result<DatabaseUrl, UrlError> {
        DatabaseUrl::parse(&SecretString::from(text))
    }

    fn refusal(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn parameters_of_tls_are_read_and_the_others_are_passed_on() {
        let url = read(
            "postgres://a:p%40%3A%2F%25%23%3F%20w@one:1,two:2/db?sslmode=verify-full&\
             target_session_attrs=read-write&sslrootcert=%2Fca%20s%2Froot.pem&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(url.tls.mode, TlsMode::VerifyFull);
        assert_eq!(url.tls.roots, Roots::File("/ca s/root.pem".into()));
        assert_eq!(url.config.get_hosts().len(), 2);
        assert_eq!(url.config.get_ports(), [1, 2]);
        assert_eq!(url.config.get_dbname(), Some("db"));
        assert_eq!(url.config.get_options(), Some("-c a=b"));
        assert_eq!(url.config.get_password(), Some(b"p@:/%#? w".as_slice()));
        let attributes = url.config.get_target_session_attrs();
        assert_eq!(attributes, TargetSessionAttrs::ReadWrite);
    }

    #[test]
    fn pairs_without_a_url_are_read_with_their_quotes() {
        let url = read(r"host=h  user='a b' password='it\'s' sslmode=disable keepalives_count=3");
        let url = url.unwrap();
        assert_eq!(url.config.get_user(), Some("a b"));
        assert_eq!(url.config.get_password(), Some(b"it's".as_slice()));
        assert_eq!(url.config.get_keepalives_retries(), Some(3));
        assert_eq!(url.tls.mode, TlsMode::Disable);
    }

    #[test]
    fn several_hosts_and_sockets_may_stand_in_a_parameter() {
        let url = read("postgres:///db?host=one,two&port=1,2").unwrap();
        assert_eq!(url.config.get_hosts().len(), 2);
        let url = read("postgres://u@%2Frun%2Fpostgresql/db").unwrap();
        assert!(matches!(url.config.get_hosts(), [Host::Unix(_)]));
        let url = read("postgres:///db?hostaddr=127.0.0.1").unwrap();
        assert_eq!(url.config.get_hosts(), [Host::Tcp("127.0.0.1".to_owned())]);
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name_and_without_its_value() {
        for (text, expected) in [
            (
                "postgres://h/d?sslcrl=secret",
                "the parameter sslcrl is not supported",
            ),
            (
                "postgres://h/d?gssencmode=secret",
                "the parameter gssencmode is not supported",
            ),
            ("service=secret", "the parameter service is not supported"),
            (
                "postgres://h/d?sslmode=secret",
                "the value of the parameter sslmode is not valid",
            ),
            (
                "postgres://h/d?sslmode=allow",
                "the value of the parameter sslmode is not valid",
            ),
            (
                "postgres://h/d?port=secret",
                "the value of the parameter port is not valid",
            ),
            (
                "postgres://h/d?sslcert=secret",
                "sslcert and sslkey go together",
            ),
            (
                "postgres://h/d?sslrootcert=",
                "the value of the parameter sslrootcert is not valid",
            ),
            (
                "postgres://h/d?target_session_attrs=standby",
                "target_session_attrs is not valid",
            ),
            (
                "postgres://h/d?sslrootcert=system&sslmode=require",
                "sslmode=verify-full only",
            ),
            ("postgres:///d", "names no host"),
            (
                "postgres://u:p@s?Secret=1@h/d",
                "is not a valid postgres:// URL",
            ),
            (
                "postgres://u:secret@h:port/d",
                "is not a valid postgres:// URL",
            ),
            ("secret", "is not a valid postgres:// URL"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with("DATABASE_URL"), "{refusal}");
            assert!(refusal.ends_with(expected), "{text}: {refusal}");
            assert!(!refusal.to_lowercase().contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn the_roots_of_the_system_by_name_mean_a_full_check() {
        let url = read("postgres://h/d?sslrootcert=system").unwrap();
        assert_eq!(
            (url.tls.mode, url.tls.roots),
            (TlsMode::VerifyFull, Roots::System)
        );
    }

    #[test]
    fn only_what_leaves_the_machine_without_a_check_is_unchecked() {
        for (text, unchecked) in [
            ("postgres://db/d", true),
            ("postgres://db/d?sslmode=require", true),
            ("postgres://127.0.0.1,db/d", true),
            ("postgres://db/d?sslmode=require&sslrootcert=/ca", false),
            ("postgres://db/d?sslmode=verify-ca", false),
            ("postgres://db/d?sslmode=disable", false),
            ("postgres://127.0.0.1/d", false),
            ("postgres://[::1]/d?sslmode=require", false),
            ("postgres://localhost/d", false),
            ("postgres:///d?host=/run/postgresql", false),
        ] {
            assert_eq!(read(text).unwrap().is_unchecked(), unchecked, "{text}");
        }
    }
}
