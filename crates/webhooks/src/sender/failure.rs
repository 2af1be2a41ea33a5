//! Why there is no answer.

use std::error::Error;
use std::io;

use atlas_domain::causes::Causes;
use rustls::{CertificateError, Error as TlsError};

use crate::attempt::{NoAnswer, NoAnswerCause};
use crate::networks::RefusedAddress;
use crate::resolver::Unresolved;

/// The address is written as one that nothing is sent to.
pub(super) fn refused_address(refused: RefusedAddress) -> NoAnswer {
    NoAnswer {
        cause: NoAnswerCause::AddressRefused(refused.network),
        detail: refused.to_string(),
    }
}

/// The client's error. Without the URL, whose path and query may be secret.
pub(super) fn no_answer(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    NoAnswer {
        cause: cause(&error),
        detail: Causes(&error).to_string(),
    }
}

fn cause(error: &reqwest::Error) -> NoAnswerCause {
    let causes = || Chain(Some(error));
    if let Some(refused) = causes().find_map(<dyn Error>::downcast_ref::<RefusedAddress>) {
        return NoAnswerCause::AddressRefused(refused.network);
    }
    if causes().any(<dyn Error>::is::<Unresolved>) {
        return NoAnswerCause::NameNotResolved;
    }
    if let Some(error) = causes().find_map(<dyn Error>::downcast_ref) {
        return cause_of_tls(error);
    }
    if error.is_timeout() {
        return if error.is_connect() {
            NoAnswerCause::ConnectTimedOut
        } else {
            NoAnswerCause::AnswerTimedOut
        };
    }
    let systems = causes().filter_map(<dyn Error>::downcast_ref::<io::Error>);
    match systems.last().map(io::Error::kind) {
        _ if !error.is_connect() => NoAnswerCause::ConnectionLost,
        Some(io::ErrorKind::ConnectionRefused) => NoAnswerCause::ConnectionRefused,
        // A connection stood, and the handshake broke off.
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => NoAnswerCause::Tls,
        _ => NoAnswerCause::Unreachable,
    }
}

fn cause_of_tls(error: &TlsError) -> NoAnswerCause {
    match error {
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => NoAnswerCause::CertificateForOtherNames,
        TlsError::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => NoAnswerCause::CertificateExpired,
        TlsError::InvalidCertificate(_) => NoAnswerCause::CertificateNotTrusted,
        _ => NoAnswerCause::Tls,
    }
}

/// An error and what caused it. An error of the system that only carries another one leads to that
/// one, which its `source` leaves out.
struct Chain<'a>(Option<&'a (dyn Error + 'static)>);

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn Error + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0?;
        let carried = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        self.0 = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
        Some(error)
    }
}
