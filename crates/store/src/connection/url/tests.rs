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

#[test]
fn the_rest_of_a_password_with_an_at_sign_is_not_named_as_a_parameter() {
    for text in [
        "postgres://atlas:p@ss?hunter2=1@h/d",
        "postgres://atlas:p@ss?sslhunter2=1@h/d",
    ] {
        let refused = refusal(text);
        assert_eq!(refused, UrlError::Form.to_string());
    }
}
