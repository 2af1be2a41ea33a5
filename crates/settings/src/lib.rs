//! Settings that several programs have: the addresses of PostgreSQL and Redis, which hold passwords
//! and so may also come from files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use atlas_store::Pooling;
use clap::{Args, ValueEnum};
use secrecy::SecretString;

/// URLs are short; anything longer is a wrong file.
const MAX_BYTES: u64 = 16 * 1024;

/// Where PostgreSQL is.
#[derive(Debug, Clone, Default, Args)]
pub struct DatabaseAddress {
    /// PostgreSQL, as postgres://user:password@host:port/database?sslmode=verify-full
    #[arg(
        long,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    pub database_url: Option<SecretString>,
    /// A file that holds the URL of PostgreSQL, instead of DATABASE_URL
    #[arg(long, env = "DATABASE_URL_FILE", value_name = "PATH", global = true)]
    pub database_url_file: Option<PathBuf>,
    /// What a pooler before PostgreSQL, such as PgBouncer, hands out: a session for as long as a
    /// connection lasts, or for a transaction
    #[arg(
        long,
        env = "ATLAS_DATABASE_POOLER",
        value_name = "MODE",
        default_value = "session",
        global = true
    )]
    pub database_pooler: PoolerMode,
}

/// What a pooler hands out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PoolerMode {
    /// A session for as long as a connection lasts; also without a pooler
    #[default]
    Session,
    /// A session for a transaction (PgBouncer 1.21 or newer with max_prepared_statements)
    Transaction,
}

impl DatabaseAddress {
    /// The URL, from where it is.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn url(&self) -> Result<SecretString, SettingError> {
        let (url, file) = (&self.database_url, &self.database_url_file);
        setting("DATABASE_URL", url.as_ref(), file.as_deref())
    }

    /// What stands between the program and PostgreSQL.
    #[must_use]
    pub const fn pooling(&self) -> Pooling {
        match self.database_pooler {
            PoolerMode::Session => Pooling::Session,
            PoolerMode::Transaction => Pooling::Transaction,
        }
    }
}

/// Where Redis is.
#[derive(Debug, Clone, Default, Args)]
pub struct RedisAddress {
    /// Redis, as redis://user:password@host:port, or rediss:// with TLS
    #[arg(
        long,
        env = "REDIS_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    pub redis_url: Option<SecretString>,
    /// A file that holds the URL of Redis, instead of REDIS_URL
    #[arg(long, env = "REDIS_URL_FILE", value_name = "PATH", global = true)]
    pub redis_url_file: Option<PathBuf>,
    /// A file with root certificates in PEM, to one of which the certificate of a rediss:// server
    /// has to lead, instead of the system's
    #[arg(long, env = "REDIS_CA_FILE", value_name = "PATH", global = true)]
    pub redis_ca_file: Option<PathBuf>,
}

impl RedisAddress {
    /// The URL, from where it is.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn url(&self) -> Result<SecretString, SettingError> {
        let (url, file) = (&self.redis_url, &self.redis_url_file);
        setting("REDIS_URL", url.as_ref(), file.as_deref())
    }
}

/// The prefix of the keys in Redis.
///
/// # Errors
/// What it has to look like.
pub fn queue_namespace(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.:{}".contains(c);
    if (1..=100).contains(&text.len()) && text.chars().all(is_good) {
        Ok(text.to_owned())
    } else {
        Err("write 1 to 100 letters, digits and any of - _ . : { }".to_owned())
    }
}

/// A setting is not there. The text never holds what a variable or a file holds.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// Neither the variable nor its file.
    #[error("{0} is not set, and neither is {0}_FILE")]
    Missing(&'static str),
    /// Which of them counts is not guessed.
    #[error("{0} and {0}_FILE are both set: set one of them")]
    Both(&'static str),
    /// The file cannot be read.
    #[error("{name}_FILE names {}, which cannot be read", path.display())]
    Unreadable {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is empty.
    #[error("{name}_FILE names {}, which is empty", path.display())]
    Empty {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{name}_FILE names {}, which holds more than a URL", path.display())]
    TooLong {
        /// The variable.
        name: &'static str,
        /// The file.
        path: PathBuf,
    },
}

fn setting(
    name: &'static str,
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> Result<SecretString, SettingError> {
    match (value, file) {
        (Some(_), Some(_)) => Err(SettingError::Both(name)),
        (Some(value), None) => Ok(value.clone()),
        (None, Some(path)) => read(name, path),
        (None, None) => Err(SettingError::Missing(name)),
    }
}

/// A line end at the end of the file is not part of the value.
fn read(name: &'static str, path: &Path) -> Result<SecretString, SettingError> {
    let mut text = String::new();
    let owned = || path.to_owned();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
        .map_err(|source| SettingError::Unreadable {
            name,
            path: owned(),
            source,
        })?;
    let value = text.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        return Err(SettingError::Empty {
            name,
            path: owned(),
        });
    }
    if text.len() as u64 > MAX_BYTES || value.contains(['\r', '\n']) {
        return Err(SettingError::TooLong {
            name,
            path: owned(),
        });
    }
    Ok(SecretString::from(value))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn redis(url: Option<&str>, file: Option<&str>) -> RedisAddress {
        RedisAddress {
            redis_url: url.map(SecretString::from),
            redis_url_file: file.map(PathBuf::from),
            redis_ca_file: None,
        }
    }

    #[test]
    fn a_prefix_of_keys_is_a_word() {
        for good in ["tenantatlas", "a", "one:two", "{slot}-1_2.3"] {
            assert_eq!(queue_namespace(good), Ok(good.to_owned()));
        }
        for bad in ["", " ", "two words", "*", "ä", "line\n", &"a".repeat(101)] {
            assert!(queue_namespace(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_url_comes_from_its_file_without_the_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("url");
        for end in ["", "\n", "\r\n"] {
            std::fs::write(&path, format!("postgres://u:secret @h/d{end}")).unwrap();
            let database = DatabaseAddress {
                database_url: None,
                database_url_file: Some(path.clone()),
                database_pooler: PoolerMode::default(),
            };
            let url = database.url().unwrap();
            assert_eq!(url.expose_secret(), "postgres://u:secret @h/d");
        }
        let url = redis(Some("redis://h"), None).url().unwrap();
        assert_eq!(url.expose_secret(), "redis://h");
    }

    #[test]
    fn what_is_wrong_is_reported_without_the_content() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str, content: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let good = place("good", b"redis://:secret@h");
        let (empty, lines, bytes) = (
            place("empty", b"\n"),
            place("lines", b"secret\nsecret\n"),
            place("bytes", b"secret\xff"),
        );
        let url = "redis://:secret@h";
        for (url, file, expected) in [
            (None, None, "REDIS_URL is not set"),
            (
                Some(url),
                Some(good.as_str()),
                "REDIS_URL and REDIS_URL_FILE are both set",
            ),
            (None, Some("/nowhere"), "/nowhere, which cannot be read"),
            (None, Some(empty.as_str()), "is empty"),
            (None, Some(lines.as_str()), "holds more than a URL"),
            (None, Some(bytes.as_str()), "cannot be read"),
        ] {
            let address = redis(url, file);
            let error = address.url().unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error}: {}", source.unwrap_or_default());
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("secret"), "{text}");
            assert!(!format!("{address:?}").contains("secret"));
        }
    }
}
