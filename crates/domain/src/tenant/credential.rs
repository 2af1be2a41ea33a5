//! How a tenant's application proves itself to Microsoft Entra, as it is stored.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, TimeDelta};

use crate::vault::Sealed;
use crate::words::words;

words! {
    /// How a tenant's application proves itself to Microsoft Entra, as far as it may be shown.
    pub enum CredentialKind: "kind of credential" {
        /// A client secret, encrypted at rest.
        ClientSecret = "client_secret",
        /// A certificate with its private key, in a file that the workers read.
        Certificate = "certificate",
        /// A token of another issuer, in a file that the workers read.
        FederatedToken = "federated_token",
    }
}

/// How long before its end a credential counts as ending.
pub const ENDING_WITHIN: TimeDelta = TimeDelta::days(30);

/// How a credential stands of which the last day is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It ends later than within [`ENDING_WITHIN`].
    Good,
    /// It ends within that time. It may be good on its last day for some hours.
    Ending,
    /// Its last day is over.
    Ended,
}

impl Expiry {
    /// How it stands on the day `today`, both days in UTC.
    #[must_use]
    pub fn of(expires_on: NaiveDate, today: NaiveDate) -> Self {
        let left = expires_on - today;
        if left < TimeDelta::zero() {
            Self::Ended
        } else if left <= ENDING_WITHIN {
            Self::Ending
        } else {
            Self::Good
        }
    }
}

/// What a tenant's application proves itself with. Only a client secret is in the database, and
/// only encrypted; of the others there is a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredProof {
    ClientSecret(Sealed),
    /// The file that holds certificate and private key as PEM.
    Certificate(CredentialFile),
    /// The file that holds the token.
    FederatedToken(CredentialFile),
}

impl StoredProof {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::ClientSecret(_) => CredentialKind::ClientSecret,
            Self::Certificate(_) => CredentialKind::Certificate,
            Self::FederatedToken(_) => CredentialKind::FederatedToken,
        }
    }
}

/// The name of a file in the directory that the workers keep credentials in: letters, digits,
/// `.`, `_` and `-`, at most 255 of them, with neither `.` nor `-` in front. So it is never a path,
/// and nothing that leads out of that directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile(String);

impl CredentialFile {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a file in the credentials directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the name of a file in the workers' credentials directory, without a path: letters, \
     digits, '.', '_' and '-', beginning with neither '.' nor '-', at most 255"
)]
pub struct MalformedFileName;

impl FromStr for CredentialFile {
    type Err = MalformedFileName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=255).contains(&text.len())
            && !text.starts_with(['.', '-'])
            && text.bytes().all(is_plain)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedFileName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_file_is_never_a_path() {
        for name in [
            "contoso.pem",
            "a",
            "_",
            "Contoso_2026-11.pem",
            &"a".repeat(255),
        ] {
            assert_eq!(name.parse::<CredentialFile>().unwrap().as_str(), name);
        }
        for text in [
            "",
            "-",
            ".",
            "..",
            ".hidden",
            "/etc/passwd",
            "a/b",
            "..\\a",
            "a\0",
            "a b",
            "a\n",
            "ä.pem",
            &"a".repeat(256),
        ] {
            assert_eq!(text.parse::<CredentialFile>(), Err(MalformedFileName));
        }
    }

    #[test]
    fn a_credential_is_ending_from_thirty_days_before_its_last_day_to_the_end_of_it() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let last = day("2026-12-31");
        for (today, expected) in [
            ("2026-11-30", Expiry::Good),
            ("2026-12-01", Expiry::Ending),
            ("2026-12-31", Expiry::Ending),
            ("2027-01-01", Expiry::Ended),
        ] {
            assert_eq!(Expiry::of(last, day(today)), expected, "{today}");
        }
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in CredentialKind::ALL {
            assert_eq!(kind.as_str().parse::<CredentialKind>().unwrap(), kind);
        }
        assert!("password".parse::<CredentialKind>().is_err());
    }
}
