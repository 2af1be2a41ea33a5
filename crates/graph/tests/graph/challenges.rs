//! What the token endpoint is sent: claims that Graph asked for, and signed assertions.

use std::sync::{Arc, Mutex};

use atlas_domain::tenant::Cloud;
use atlas_graph::{
    Application, ClientCertificate, Credential, GraphClient, GraphOptions, SubRequest,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::quick;

/// `{"access_token":{"nbf":{"essential":true}}}`
const CLAIMS: &str = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==";

/// The bodies that the token endpoint was sent.
type Sent = Arc<Mutex<Vec<String>>>;

/// A Graph that accepts only the second token, and wants claims in it.
async fn start() -> (String, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let sent = Sent::default();
    let seen = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&seen)));
        }
    });
    (address, sent)
}

async fn answer(mut stream: TcpStream, sent: Sent) {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    let body = loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        if body.len() >= length {
            break body.to_owned();
        }
    };
    let (status, challenge, body) = if text.contains("/oauth2/v2.0/token") {
        let mut sent = sent.lock().unwrap();
        sent.push(body);
        let token = format!(
            r#"{{"expires_in": 3599, "access_token": "t{}"}}"#,
            sent.len()
        );
        ("200 OK", String::new(), token)
    } else if text.contains("Bearer t2") {
        let page = r#"{"responses": [{"id": "0", "status": 200, "body": {"value": []}}]}"#;
        ("200 OK", String::new(), page.to_owned())
    } else {
        let challenge = format!(
            "WWW-Authenticate: Bearer error=\"insufficient_claims\", claims=\"{CLAIMS}\"\r\n"
        );
        ("401 Unauthorized", challenge, "{}".to_owned())
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\n{challenge}Content-Length: {length}\r\nConnection: close");
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_claims_challenge_is_answered_by_one_token_with_the_claims_and_an_assertion_of_its_own() {
    let (address, sent) = start().await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let pem = format!(
        "{}{}",
        key.serialize_pem(),
        params.self_signed(&key).unwrap().pem()
    );
    let url: url::Url = address.parse().unwrap();
    let client = GraphClient::new(GraphOptions {
        graph_url: Some(url.clone()),
        login_url: Some(url),
        ..quick()
    })
    .unwrap();
    let graph = client.tenant(Application {
        cloud: Cloud::China,
        directory_id: "5d0ac1de-0000-4000-8000-000000000001".parse().unwrap(),
        client_id: "client".to_owned(),
        credential: Credential::Certificate(ClientCertificate::from_pem(&pem.into()).unwrap()),
    });
    let requests = vec![SubRequest::list("/deviceManagement/roleScopeTags")];
    let answers = graph.batch("beta", requests).await.unwrap();
    assert!(answers[0].is_ok());

    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    let read = |place: usize, name: &str| {
        url::form_urlencoded::parse(sent[place].as_bytes())
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(read(0, "claims"), None);
    let claims = r#"{"access_token":{"nbf":{"essential":true}}}"#;
    assert_eq!(read(1, "claims").as_deref(), Some(claims));
    let assertions = [0, 1].map(|place| read(place, "client_assertion").unwrap());
    assert_ne!(assertions[0], assertions[1], "each has its own id");
    for place in [0, 1] {
        assert_eq!(read(place, "client_secret"), None);
        let scope = read(place, "scope").unwrap();
        assert_eq!(scope, "https://microsoftgraph.chinacloudapi.cn/.default");
    }
}
