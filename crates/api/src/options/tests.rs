use clap::Parser as _;

use super::*;

#[test]
fn the_command_is_optional_and_flags_may_follow_it() {
    let arguments =
        Arguments::try_parse_from(["atlas-api", "health", "--listen", "0.0.0.0:1"]).unwrap();
    assert_eq!(arguments.command, Some(Command::Health));
    assert_eq!(arguments.serve.listen.port(), 1);
    assert_eq!(
        Arguments::try_parse_from(["atlas-api"]).unwrap().command,
        None
    );
}

#[test]
fn durations_have_a_unit_and_bounds() {
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(duration("2s"), Ok(Duration::from_secs(2)));
    for bad in ["2", "0s", "61s", "s", "-1s"] {
        assert!(duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn addresses_and_templates_that_lead_nowhere_are_refused_without_their_password() {
    let read = |argument: &str| Arguments::try_parse_from(["atlas-api", argument]);
    let check = |url: &str| read(&format!("--public-url={url}")).unwrap().serve.check();
    for good in ["", "https://atlas.example", "http://[::1]:8080/base/"] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "foo",
        "ftp://atlas.example",
        "https://",
        "https://sam:hidden@atlas.example",
        "https://atlas.example?a=hidden",
        "https://atlas.example#hidden",
    ] {
        let refused = check(bad).unwrap_err();
        assert!(refused.starts_with("ATLAS_PUBLIC_URL "), "{refused}");
        assert!(!refused.contains("hidden"), "{refused}");
    }
    assert!(read("--run-view-template=https://a.example/{run_id}").is_ok());
    assert!(read("--run-view-template=https://a.example/").is_err());
    assert!(read("--queue-namespace=").is_err());
}

#[test]
fn origins_that_no_browser_sends_are_refused() {
    let read = |origins| Arguments::try_parse_from(["atlas-api", "--cors-origins", origins]);
    let two = read("https://a.example,http://localhost:3000").unwrap();
    assert_eq!(two.serve.api_options().cors_origins.len(), 2);
    let none = read("").unwrap();
    assert!(none.serve.api_options().cors_origins.is_empty());
    let refusal = read("https://a.example,b.example").unwrap_err().to_string();
    assert!(refusal.contains("--cors-origins"), "{refusal}");
    assert!(refusal.contains("ATLAS_CORS_ORIGINS"), "{refusal}");
    assert!(refusal.contains("write https://b.example"), "{refusal}");
}

#[test]
fn secrets_are_not_shown() {
    let arguments = Arguments::try_parse_from([
        "atlas-api",
        "--database-url",
        "postgres://u:hidden@h/d",
        "--redis-url",
        "redis://:hidden@h/",
    ])
    .unwrap();
    assert!(!format!("{arguments:?}").contains("hidden"));
}
