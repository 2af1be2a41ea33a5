use std::time::{SystemTime, UNIX_EPOCH};

use atlas_graph_sim::{FederatedCredential, Simulator, SimulatorOptions, UserToken};
use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{CLIENT_ID, Client, POLICIES, TENANT, ask_for_token, start};

const GRAPH: &str = "https://graph.microsoft.com/.default";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

struct Identity {
    key: KeyPair,
    certificate: rcgen::Certificate,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let parameters = CertificateParams::new(vec!["worker.example.com".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        Self { key, certificate }
    }

    fn sign(&self, header: &Header, claims: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(self.key.serialize_pem().as_bytes()).unwrap();
        encode(header, claims, &key).unwrap()
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        let mut header = Header::new(algorithm);
        let der = self.certificate.der();
        if algorithm == Algorithm::PS256 {
            header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, der)));
        } else {
            let hash = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, der);
            header.x5t = Some(URL_SAFE_NO_PAD.encode(hash));
        }
        header
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

async fn ask(simulator: &Simulator, assertion: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("scope", GRAPH),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    let answer = ask_for_token(simulator.base_url(), TENANT, &form).await;
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn an_assertion_of_the_applications_certificate_is_checked_in_all_its_parts() {
    let (own, stranger) = (Identity::new(), Identity::new());
    let simulator = Simulator::start(SimulatorOptions {
        certificates: vec![own.certificate.pem()],
        ..SimulatorOptions::default()
    })
    .await;
    let audience = format!("{}/{TENANT}/oauth2/v2.0/token", simulator.base_url());
    let good = json!({"aud": audience, "iss": CLIENT_ID, "sub": CLIENT_ID, "jti": "one",
        "nbf": now(), "iat": now(), "exp": now() + 300});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    for algorithm in [Algorithm::PS256, Algorithm::RS256] {
        let assertion = own.sign(&own.header(algorithm), &good);
        let (status, body) = ask(&simulator, &assertion).await;
        assert_eq!(status, StatusCode::OK, "{algorithm:?}: {body}");
    }
    let ps = own.header(Algorithm::PS256);
    let mut unnamed = ps.clone();
    unnamed.x5t_s256 = None;
    for (what, assertion, number) in [
        ("signature", stranger.sign(&ps, &good), 700_027),
        (
            "thumbprint",
            stranger.sign(&stranger.header(Algorithm::PS256), &good),
            700_027,
        ),
        ("no thumbprint", own.sign(&unnamed, &good), 700_027),
        (
            "audience",
            own.sign(&ps, &with("aud", json!("https://example.com"))),
            50_027,
        ),
        (
            "subject",
            own.sign(&ps, &with("sub", json!("other"))),
            50_027,
        ),
        ("no id", own.sign(&ps, &with("jti", json!(""))), 50_027),
        (
            "too old",
            own.sign(&ps, &with("exp", json!(now() - 120))),
            700_024,
        ),
        (
            "not yet",
            own.sign(&ps, &with("nbf", json!(now() + 200))),
            700_024,
        ),
        (
            "too long",
            own.sign(&ps, &with("exp", json!(now() + 3_600))),
            700_024,
        ),
        ("no token", "nonsense".to_owned(), 50_027),
        (
            "another issuer",
            own.sign(&ps, &with("iss", json!("other"))),
            70_025,
        ),
    ] {
        let (status, body) = ask(&simulator, &assertion).await;
        assert!(status.is_client_error(), "{what}");
        assert_eq!(body["error_codes"][0], number, "{what}");
    }
    let logged = serde_json::to_string(&simulator.log()).unwrap();
    assert!(!logged.contains("eyJ"), "no assertion is logged");
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_is_taken_to_the_letter() {
    let (issuer, stranger) = (Identity::new(), Identity::new());
    let pem = |identity: &Identity| {
        let der = identity.key.subject_public_key_info();
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    };
    let simulator = Simulator::start(SimulatorOptions::default()).await;
    simulator.trust(FederatedCredential {
        issuer: "https://issuer.example.com/".to_owned(),
        subject: "system:serviceaccount:atlas:worker".to_owned(),
        audience: "api://AzureADTokenExchange".to_owned(),
        public_key_pem: pem(&issuer),
    });
    let good = json!({"iss": "https://issuer.example.com/", "exp": now() + 3_600,
        "sub": "system:serviceaccount:atlas:worker", "aud": ["api://AzureADTokenExchange"]});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let header = Header::new(Algorithm::RS256);
    let (status, body) = ask(&simulator, &issuer.sign(&header, &good)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    for (assertion, number) in [
        (stranger.sign(&header, &good), 700_027),
        (
            issuer.sign(&header, &with("iss", json!("https://issuer.example.com"))),
            700_211,
        ),
        (issuer.sign(&header, &with("sub", json!("other"))), 700_213),
        (issuer.sign(&header, &with("aud", json!("other"))), 700_212),
        (
            issuer.sign(&header, &with("exp", json!(now() - 120))),
            700_024,
        ),
    ] {
        let (_, body) = ask(&simulator, &assertion).await;
        assert_eq!(body["error_codes"][0], number);
    }
}

#[tokio::test]
async fn challenged_tokens_are_good_again_when_asked_for_with_the_claims() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    simulator.challenge_tokens(TENANT);
    let answer = client.get(POLICIES).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(challenge.contains("error=\"insufficient_claims\""));
    let (_, rest) = challenge.split_once("claims=\"").unwrap();
    let claims = rest.trim_end_matches('"');
    let claims = base64::engine::general_purpose::STANDARD
        .decode(claims)
        .unwrap();
    let claims = String::from_utf8(claims).unwrap();
    let without = Client::sign_in(simulator.base_url(), TENANT).await;
    assert_eq!(
        without.get(POLICIES).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT_ID),
        ("client_secret", "simulator-secret"),
        ("scope", GRAPH),
        ("claims", claims.as_str()),
    ];
    let answer = ask_for_token(simulator.base_url(), TENANT, &form).await;
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let again = Client { token, ..without };
    assert_eq!(again.get(POLICIES).await.status(), StatusCode::OK);
}

async fn read(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn tokens_of_users_are_checked_with_the_published_keys_also_after_a_rotation() {
    let simulator = Simulator::start(SimulatorOptions::default()).await;
    let base = simulator.base_url();
    let wanted = UserToken {
        audience: CLIENT_ID.to_owned(),
        ..UserToken::default()
    };
    let check = async |token: &str| {
        let found = read(&format!(
            "{base}/common/v2.0/.well-known/openid-configuration"
        ))
        .await;
        assert_eq!(found["issuer"], format!("{base}/{{tenantid}}/v2.0"));
        let keys: JwkSet =
            serde_json::from_value(read(found["jwks_uri"].as_str().unwrap()).await).unwrap();
        assert_eq!(keys.keys.len(), 2);
        let id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[CLIENT_ID]);
        validation.set_issuer(&[format!("{base}/{TENANT}/v2.0")]);
        decode::<Value>(token, &key, &validation).unwrap();
        id
    };
    let before = simulator.user_token(TENANT, &wanted);
    let first = check(&before).await;
    simulator.rotate_keys();
    let after = simulator.user_token(TENANT, &wanted);
    assert_ne!(check(&after).await, first);

    let on_behalf_of = |assertion: String| {
        let form = [
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned(),
            ),
            ("client_id", CLIENT_ID.to_owned()),
            ("client_secret", "simulator-secret".to_owned()),
            ("requested_token_use", "on_behalf_of".to_owned()),
            (
                "scope",
                "https://graph.microsoft.com/Group.Read.All".to_owned(),
            ),
            ("assertion", assertion),
        ];
        async move {
            let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let answer = ask_for_token(base, TENANT, &form).await;
            answer.json::<Value>().await.unwrap()
        }
    };
    let token = on_behalf_of(after.clone()).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let user = Client {
        http: reqwest::Client::new(),
        base: base.to_owned(),
        token,
    };
    let terms = user
        .get("/v1.0/identityGovernance/termsOfUse/agreements")
        .await;
    assert_eq!(
        terms.status(),
        StatusCode::OK,
        "users may read what applications may not"
    );
    let expired = UserToken {
        lifetime_seconds: -10,
        ..wanted.clone()
    };
    let program = UserToken {
        scopes: String::new(),
        ..wanted.clone()
    };
    let elsewhere = UserToken {
        audience: "other".to_owned(),
        ..wanted
    };
    for (token, number) in [(expired, 500_133), (program, 50_013), (elsewhere, 50_013)] {
        let body = on_behalf_of(simulator.user_token(TENANT, &token)).await;
        assert_eq!(body["error_codes"][0], number);
    }
}
