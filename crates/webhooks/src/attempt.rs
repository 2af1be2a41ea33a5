//! What became of an attempt to deliver.

use std::fmt;
use std::time::Duration;

use crate::networks::NetworkKind;

/// One attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What became of it.
    pub outcome: Outcome,
    /// From its beginning to the end of the answer, or of what was read of it.
    pub took: Duration,
}

/// What became of an attempt. Its text is for the owner of the endpoint and holds neither secrets nor
/// path and query of the address, nor what the receiver wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it: a status from 200 to 299.
    Delivered(Answer),
    /// The receiver wants no more: status 410.
    Gone(Answer),
    /// The receiver wants fewer requests: status 429.
    RateLimited(Answer),
    /// Any other status. Redirects are such ones.
    Refused(Answer),
    /// There is no status. The receiver may have the delivery nevertheless.
    NoAnswer(NoAnswer),
}

/// What the receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// How long the receiver asks to wait, as it says. `schedule` limits it.
    pub retry_after: Option<Duration>,
    /// The beginning of the body as text on one line, at most 1,024 bytes, without control characters.
    /// Empty where the body is compressed.
    pub excerpt: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAnswer {
    /// What happened.
    pub cause: NoAnswerCause,
    /// All that is known of it, for the operator's log: it can hold addresses of internal networks,
    /// which owners of endpoints should not see.
    pub detail: String,
}

/// What happened instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoAnswerCause {
    /// The host is, or its name resolves to nothing but, addresses that nothing is sent to.
    AddressRefused(NetworkKind),
    /// The name has no address.
    NameNotResolved,
    /// Nothing listens there, or a firewall refuses.
    ConnectionRefused,
    /// There is no way to the address.
    Unreachable,
    /// The certificate is for other names.
    CertificateForOtherNames,
    /// The certificate is no longer valid, or not yet.
    CertificateExpired,
    /// The certificate leads to no trusted authority, or is wrong in another way.
    CertificateNotTrusted,
    /// TLS failed in another way, as it does where the receiver speaks HTTP.
    Tls,
    /// No connection was made in time.
    ConnectTimedOut,
    /// The answer did not come in time.
    AnswerTimedOut,
    /// The connection ended before the answer, or what came is no answer of HTTP.
    ConnectionLost,
}

impl Outcome {
    /// What the receiver answered, if it did.
    #[must_use]
    pub const fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Delivered(answer)
            | Self::Gone(answer)
            | Self::RateLimited(answer)
            | Self::Refused(answer) => Some(answer),
            Self::NoAnswer(_) => None,
        }
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer.status {
            200..=299 => Self::Delivered(answer),
            410 => Self::Gone(answer),
            429 => Self::RateLimited(answer),
            _ => Self::Refused(answer),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = match self {
            Self::NoAnswer(no_answer) => return no_answer.cause.fmt(f),
            Self::Delivered(answer)
            | Self::Gone(answer)
            | Self::RateLimited(answer)
            | Self::Refused(answer) => answer,
        };
        write!(f, "the receiver answered with status {}", answer.status)?;
        match self {
            Self::Gone(_) => f.write_str(": it wants no more deliveries"),
            Self::RateLimited(_) => f.write_str(": it wants fewer deliveries"),
            Self::Refused(Answer {
                status: 300..=399, ..
            }) => f.write_str(
                ": redirects are not followed, so set the address to where this one leads",
            ),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for NoAnswerCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddressRefused(network) => {
                return write!(
                    f,
                    "nothing is sent to the receiver's address: it is {network}"
                );
            }
            Self::NameNotResolved => "the receiver's name has no address",
            Self::ConnectionRefused => "the receiver refused the connection",
            Self::Unreachable => "the receiver's address cannot be reached",
            Self::CertificateForOtherNames => "the receiver's certificate is for another name",
            Self::CertificateExpired => {
                "the receiver's certificate has expired or is not valid yet"
            }
            Self::CertificateNotTrusted => {
                "the receiver's certificate is not trusted: it has to lead to a known authority, \
                 and the receiver has to send all certificates between"
            }
            Self::Tls => "no TLS connection to the receiver could be made",
            Self::ConnectTimedOut => "the receiver did not accept the connection in time",
            Self::AnswerTimedOut => "the receiver did not answer in time",
            Self::ConnectionLost => {
                "the connection ended before the receiver had answered with a status"
            }
        })
    }
}
