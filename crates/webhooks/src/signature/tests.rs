use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

/// The example with which most libraries of Standard Webhooks test themselves
/// (`TestSymmetricWebhookSign` in `libraries/go/webhook_symmetric_test.go` of its repository).
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn secret() -> Secret {
    Secret::parse(SECRET).unwrap()
}

fn other_secret() -> Secret {
    Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap()
}

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_614_265_330, 0).unwrap()
}

fn headers(signature: &str) -> SignedHeaders<'_> {
    SignedHeaders {
        id: ID,
        timestamp: TIMESTAMP,
        signature,
    }
}

fn check(headers: SignedHeaders<'_>, body: &[u8]) -> Result<(), VerificationError> {
    verify(&secret(), headers, body, moment(), TOLERANCE)
}

#[test]
fn the_example_of_standard_webhooks_has_its_signature() {
    let secrets = SigningSecrets {
        current: secret(),
        previous: None,
    };
    let signed = secrets.sign(&ID.parse().unwrap(), moment(), BODY);
    assert_eq!(signed, SIGNATURE);
    assert_eq!(check(headers(&signed), BODY), Ok(()));
}

/// `test_sign` in `libraries/rust/src/lib.rs` of the same repository.
#[test]
fn the_example_of_the_library_for_rust_has_its_signature() {
    let secrets = SigningSecrets {
        current: Secret::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap(),
        previous: None,
    };
    let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".parse().unwrap();
    let at = DateTime::from_timestamp(1_649_367_553, 0).unwrap();
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    assert_eq!(
        secrets.sign(&id, at, body),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
}

#[test]
fn while_a_secret_is_replaced_receivers_may_have_either() {
    let secrets = SigningSecrets {
        current: other_secret(),
        previous: Some(secret()),
    };
    let signed = secrets.sign(&ID.parse().unwrap(), moment(), BODY);
    let (first, second) = signed.split_once(' ').unwrap();
    assert_eq!(second, SIGNATURE);
    let seen_with =
        |secret: &Secret, signature| verify(secret, headers(signature), BODY, moment(), TOLERANCE);
    assert_eq!(seen_with(&secret(), &signed), Ok(()));
    assert_eq!(seen_with(&other_secret(), &signed), Ok(()));
    assert_eq!(seen_with(&other_secret(), first), Ok(()));
    assert_eq!(
        seen_with(&secret(), first),
        Err(VerificationError::Mismatch)
    );
}

#[test]
fn one_right_signature_among_others_is_enough() {
    let among = format!("v1,AAAA v2,{} v1a,x v1,%% {SIGNATURE}", &SIGNATURE[3..]);
    assert_eq!(check(headers(&among), BODY), Ok(()));
}

#[test]
fn a_delivery_that_was_changed_or_is_not_signed_is_refused() {
    let mut other_id = headers(SIGNATURE);
    other_id.id = "msg_p5jXN8AQM9LWM0D4loKWxJel";
    let mut later = headers(SIGNATURE);
    later.timestamp = "1614265331";
    let mut no_number = headers(SIGNATURE);
    no_number.timestamp = "soon";
    let of_another_scheme = SIGNATURE.replace("v1,", "v1a,");
    for (headers, body, reason) in [
        (other_id, BODY, VerificationError::Mismatch),
        (later, BODY, VerificationError::Mismatch),
        (headers(SIGNATURE), b"{}", VerificationError::Mismatch),
        (headers(&SIGNATURE[..40]), BODY, VerificationError::Mismatch),
        (headers("v1,"), BODY, VerificationError::Mismatch),
        (headers(""), BODY, VerificationError::NoSignature),
        (
            headers(&SIGNATURE[3..]),
            BODY,
            VerificationError::NoSignature,
        ),
        (
            headers(&of_another_scheme),
            BODY,
            VerificationError::NoSignature,
        ),
        (no_number, BODY, VerificationError::Timestamp),
    ] {
        assert_eq!(check(headers, body), Err(reason), "{headers:?}");
    }
}

#[test]
fn a_delivery_is_good_for_five_minutes_in_both_directions() {
    let seen_after = |seconds| {
        let now = moment() + TimeDelta::seconds(seconds);
        verify(&secret(), headers(SIGNATURE), BODY, now, TOLERANCE)
    };
    assert_eq!(seen_after(300), Ok(()));
    assert_eq!(seen_after(-300), Ok(()));
    assert_eq!(seen_after(301), Err(VerificationError::TooOld));
    assert_eq!(seen_after(-301), Err(VerificationError::TooNew));
    for (timestamp, reason) in [
        (i64::MIN, VerificationError::TooOld),
        (i64::MAX, VerificationError::TooNew),
    ] {
        let timestamp = timestamp.to_string();
        let extreme = SignedHeaders {
            timestamp: &timestamp,
            ..headers(SIGNATURE)
        };
        assert_eq!(check(extreme, BODY), Err(reason));
    }
}

#[test]
fn a_message_id_has_no_dot_and_nothing_that_a_header_cannot_carry() {
    let long = "a".repeat(65);
    for text in ["", "a.b", "a b", "a\r\nx", "é", long.as_str()] {
        assert_eq!(text.parse::<MessageId>(), Err(MessageIdError), "{text:?}");
    }
    let id = Uuid::from_u128(7);
    assert_eq!(MessageId::from(id).to_string(), id.to_string());
    assert_eq!(id.to_string().parse(), Ok(MessageId::from(id)));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_nothing_else_does(
        bytes in proptest::collection::vec(any::<u8>(), 24..=64),
        id in "[A-Za-z0-9_-]{1,64}",
        seconds in 0_i64..4_000_000_000,
        body in proptest::collection::vec(any::<u8>(), 0..512),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let text = format!("whsec_{}", STANDARD.encode(&bytes));
        let secrets = SigningSecrets { current: Secret::parse(&text).unwrap(), previous: None };
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let signature = secrets.sign(&id.parse().unwrap(), now, &body);
        let timestamp = seconds.to_string();
        let headers = SignedHeaders { id: &id, timestamp: &timestamp, signature: &signature };
        let check = |body: &[u8]| verify(&secrets.current, headers, body, now, TOLERANCE);
        prop_assert_eq!(check(&body), Ok(()));

        let mut changed = body.clone();
        if changed.is_empty() {
            changed.push(bit);
        } else {
            changed[at.index(body.len())] ^= 1 << bit;
        }
        prop_assert_eq!(check(&changed), Err(VerificationError::Mismatch));
    }

    #[test]
    fn no_headers_make_the_verification_panic(
        id in "\\PC*", timestamp in "\\PC*", signature in "\\PC*",
    ) {
        let headers = SignedHeaders { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(check(headers, BODY).is_err());
    }
}
