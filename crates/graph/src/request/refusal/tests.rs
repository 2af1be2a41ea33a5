//! Refusals of Graph as they were seen, and what is no refusal.

use reqwest::header::HeaderValue;
use serde_json::json;

use super::*;

fn judged(status: u16, body: &Value) -> Refusal {
    judge(
        StatusCode::from_u16(status).unwrap(),
        &HeaderMap::new(),
        body.to_string().as_bytes(),
        DateTime::UNIX_EPOCH,
    )
    .0
}

fn error(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message,
        "innerError": {"request-id": "11111111-2222-4333-8444-555555555555"}}})
}

#[test]
fn documented_refusals_are_distinguished() {
    let wrapped = json!({"_version": 3, "RetryAfter": null,
        "Message": "Application is not authorized to perform this operation."})
    .to_string();
    for (status, code, message, expected) in [
        (
            400,
            "BadRequest",
            "Request not applicable to target tenant.",
            GraphErrorKind::IntuneNotAvailable,
        ),
        (
            400,
            "BadRequest",
            "Resource not found for the segment 'inventoryPolicies'.",
            GraphErrorKind::CollectionNotFound,
        ),
        (
            400,
            "No method match route template",
            "",
            GraphErrorKind::CollectionNotFound,
        ),
        (
            403,
            "Forbidden",
            wrapped.as_str(),
            GraphErrorKind::PermissionMissing,
        ),
        (
            403,
            "AccessDenied",
            "Your tenant is not licensed for this feature.",
            GraphErrorKind::NotLicensed,
        ),
        (402, "PaymentRequired", "", GraphErrorKind::NotLicensed),
        (
            400,
            "BadRequest",
            "Invalid filter clause",
            GraphErrorKind::Rejected { status: 400 },
        ),
    ] {
        assert_eq!(
            judged(status, &error(code, message)),
            Refusal::Final(expected),
            "{message}"
        );
    }
}

#[test]
fn a_wait_is_found_in_the_header_and_in_the_wrapped_message() {
    let inner = json!({"RetryAfter": 7, "Message": "{\"Message\": \"busy\"}"}).to_string();
    let body = error("UnknownError", &inner);
    let Refusal::Server { after, .. } = judged(503, &body) else {
        panic!("503 is the server's");
    };
    assert_eq!(after, Some(Duration::from_secs(7)));

    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1.5"));
    let body = body.to_string();
    let (refusal, _) = judge(
        StatusCode::TOO_MANY_REQUESTS,
        &headers,
        body.as_bytes(),
        DateTime::UNIX_EPOCH,
    );
    let Refusal::Throttled { after, .. } = refusal else {
        panic!("429 is throttling");
    };
    assert_eq!(after, Some(Duration::from_millis(1_500)));
}

#[test]
fn bodies_that_are_not_json_are_judged_by_status() {
    for body in [
        &b""[..],
        b"<html>",
        b"{\"error\":",
        b"[]",
        b"{\"error\":\"text\"}",
    ] {
        let (refusal, _) = judge(
            StatusCode::FORBIDDEN,
            &HeaderMap::new(),
            body,
            DateTime::UNIX_EPOCH,
        );
        let expected = GraphErrorKind::PermissionMissing;
        assert_eq!(refusal, Refusal::Final(expected));
    }
}

#[test]
fn a_limit_of_the_application_is_distinguished_from_a_tenants() {
    for (scope, everywhere) in [
        ("Application/ReadWrite/a/b", true),
        ("Tenant_Application/ReadWrite/a/b", false),
        ("Tenant/Read/a/b", false),
        ("", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-throttle-scope", HeaderValue::from_static(scope));
        let status = StatusCode::TOO_MANY_REQUESTS;
        let (refusal, _) = judge(status, &headers, b"", DateTime::UNIX_EPOCH);
        let Refusal::Throttled { application, .. } = refusal else {
            panic!("429 is throttling");
        };
        assert_eq!(application, everywhere, "{scope}");
    }
}

#[test]
fn usage_is_read_and_what_is_no_number_is_nothing() {
    let read = |units: &'static str, percentage: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-resource-unit", HeaderValue::from_static(units));
        headers.insert(
            "x-ms-throttle-limit-percentage",
            HeaderValue::from_static(percentage),
        );
        let usage = Usage::read(&headers);
        (usage.units, usage.limit_percentage)
    };
    assert_eq!(read("3", "0.85"), (Some(3), Some(0.85)));
    assert_eq!(read("1", "1.8"), (Some(1), Some(1.8)));
    for text in ["", "-1", "x", "NaN", "0.5"] {
        assert_eq!(read(text, text), (None, None), "{text}");
    }
    assert_eq!(read("4000000000", "0.8"), (None, Some(0.8)));
    assert_eq!(Usage::read(&HeaderMap::new()), Usage::default());
}

#[test]
fn a_request_id_that_is_none_is_dropped() {
    assert_eq!(identifier("0a-b_c.d").as_deref(), Some("0a-b_c.d"));
    for text in ["", "a b", "<script>", "ä", &"a".repeat(65)] {
        assert_eq!(identifier(text), None, "{text}");
    }
}

#[test]
fn a_refusal_is_described_by_its_code_and_its_request() {
    let body = error("AccessDenied", "secret text").to_string();
    let headers = HeaderMap::new();
    let status = StatusCode::FORBIDDEN;
    let (_, described) = judge(status, &headers, body.as_bytes(), DateTime::UNIX_EPOCH);
    assert_eq!(
        described,
        Described {
            code: Some("AccessDenied".to_owned()),
            request_id: Some("11111111-2222-4333-8444-555555555555".to_owned()),
        }
    );
    for code in ["", " ", "a\nb", "<b>", &"a".repeat(129)] {
        assert_eq!(error_code(code), None, "{code}");
    }
}

#[test]
fn an_error_in_a_success_is_found_and_a_member_of_that_name_is_none() {
    let code = |body: &str| error_in(body.as_bytes());
    for body in [
        r#"{"error": {"code": "UnknownError", "message": ""}}"#,
        r#"{"value": [], "error": {"code": "UnknownError", "message": "m"}}"#,
        "\u{feff}{\"value\": [{\"id\": \"1\"}], \"error\": {\"code\": \"UnknownError\"}}",
    ] {
        assert_eq!(code(body), Some(Some("UnknownError".to_owned())), "{body}");
    }
    for body in [
        r#"{"error": {"message": "m"}}"#,
        r#"{"value": [], "error": "text"}"#,
        r#"{"value": [], "error": {}}"#,
    ] {
        assert_eq!(code(body), Some(None), "{body}");
    }
    for body in [
        "",
        "{}",
        r#"{"value": []}"#,
        r#"{"value": [], "error": null}"#,
        r#"{"id": "1", "error": "text"}"#,
        r#"{"id": "1", "error": {"count": 7}}"#,
        r#"{"value": [{"id": "1", "error": {"code": "x", "message": "m"}}]}"#,
    ] {
        assert_eq!(code(body), None, "{body}");
    }
    assert_eq!(
        error_in(b"{\"value\": [\xE9], \"error\": {\"code\": \"x\"}}"),
        None
    );
    assert_eq!(
        error_in(b"{\"value\": [\"\xE9\"], \"error\": {\"code\": \"x\"}}"),
        Some(Some("x".to_owned()))
    );
}
