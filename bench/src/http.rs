//! A caller of the API: one connection that is kept from request to request.
//!
//! hyper's connection and not a pool of them, so that as many connections are measured as are named,
//! and opening them is not part of the time of an answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection and the thread's runtime that drives it while an answer is awaited.
pub(crate) struct Connection {
    runtime: Runtime,
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

/// An answer that has been read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// Seconds after which to ask again, when the answer says so.
    pub(crate) retry_after: Option<u64>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let runtime = super::runtime()?;
        let requests = runtime.block_on(async {
            let stream = timeout(TIMEOUT, TcpStream::connect(address)).await??;
            stream.set_nodelay(true)?;
            let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
            // The next request reports when it breaks.
            tokio::spawn(connection);
            anyhow::Ok(requests)
        })?;
        Ok(Self {
            runtime,
            requests,
            host: address.to_string(),
        })
    }

    /// Sends a request, with a JSON body or none, and reads the answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> anyhow::Result<Response> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::from(body.to_owned()))?;
        let requests = &mut self.requests;
        let answer = async {
            requests.ready().await?;
            let answer = requests.send_request(request).await?;
            let status = answer.status().as_u16();
            let retry_after = answer.headers().get(RETRY_AFTER).cloned();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, retry_after, body))
        };
        let (status, retry_after, body) = self
            .runtime
            .block_on(async { timeout(TIMEOUT, answer).await })
            .with_context(|| format!("{method} {path}"))??;
        let retry_after = retry_after.map(|value| value.to_str()?.parse().context("retry-after"));
        Ok(Response {
            status,
            body,
            retry_after: retry_after.transpose()?,
        })
    }
}

impl Response {
    /// The body of a success as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        let text = || String::from_utf8_lossy(&self.body);
        ensure!(
            self.status == 200,
            "the answer is {}: {}",
            self.status,
            text()
        );
        Ok(serde_json::from_slice(&self.body)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn two_answers_come_on_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let mut asked = Vec::new();
            for answer in [
                "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{\"a\": 1}",
                "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nno",
            ] {
                let length = stream.read(&mut buffer).unwrap();
                asked.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        let mut connection = Connection::open(address).unwrap();
        let first = connection.send("POST", "/a", Some("t"), "{}").unwrap();
        assert_eq!(first.json().unwrap()["a"], 1);
        let second = connection.send("GET", "/b?c=d", None, "").unwrap();
        assert_eq!((second.status, second.retry_after), (429, Some(7)));
        assert!(second.json().unwrap_err().to_string().contains("429"));
        let asked = server.join().unwrap();
        assert!(asked[0].starts_with("POST /a HTTP/1.1\r\n") && asked[0].ends_with("\r\n\r\n{}"));
        assert!(asked[0].contains("authorization: Bearer t\r\n"));
        assert!(asked[1].starts_with("GET /b?c=d HTTP/1.1\r\n"));
    }
}
