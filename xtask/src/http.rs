//! As much of an HTTP client as it takes to ask the house's own API: one kept connection, JSON
//! bodies with a known length, no TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);
/// More than any page of the API.
const MAX_BODY: u64 = 32 * 1024 * 1024;
const MAX_HEADERS: u64 = 64 * 1024;

/// A connection that is kept from request to request.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    /// The status code.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) body: Vec<u8>,
    /// Seconds after which to ask again, when the answer says so.
    pub(crate) retry_after: Option<u64>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            address,
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
        let authorization = token
            .map(|token| format!("authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        let kind = if body.is_empty() {
            ""
        } else {
            "content-type: application/json\r\n"
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\n\
             {authorization}{kind}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        read_response(&mut self.stream)
    }
}

impl Response {
    /// The body of a success as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        if self.status != 200 {
            bail!(
                "the API answered {}: {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            );
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Asks for one JSON document on a connection of its own.
pub(crate) fn get_json(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<Value> {
    Connection::open(address)?
        .send("GET", path, Some(token), "")
        .and_then(|response| response.json())
        .with_context(|| format!("GET {path}"))
}

fn read_response(stream: &mut impl BufRead) -> anyhow::Result<Response> {
    let mut head = stream.by_ref().take(MAX_HEADERS);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .context("the answer is no HTTP/1.1")?;
    let (mut length, mut retry_after): (Option<u64>, Option<u64>) = (None, None);
    loop {
        line.clear();
        if head.read_line(&mut line)? == 0 {
            bail!("the answer ends in its headers");
        }
        let field = line.trim_end();
        if field.is_empty() {
            break;
        }
        if let Some((name, value)) = field.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse().context("content-length")?);
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = Some(value.trim().parse().context("retry-after")?);
            }
        }
    }
    // "No content" has none, and says so by its status alone.
    let length = length
        .or((status == 204).then_some(0))
        .context("the answer does not tell its length")?;
    if length > MAX_BODY {
        bail!("an answer of {length} bytes is too long");
    }
    let mut body = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut body)?;
    Ok(Response {
        status,
        body,
        retry_after,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn two_answers_on_one_connection_are_kept_apart() {
        let mut stream = &b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\": 1}\
                            HTTP/1.1 404 Not Found\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nno"[..];
        let first = read_response(&mut stream).unwrap();
        assert_eq!(first.json().unwrap()["a"], 1);
        assert_eq!(first.retry_after, None);
        let second = read_response(&mut stream).unwrap();
        assert_eq!((second.status, second.retry_after), (404, Some(7)));
        assert!(second.json().unwrap_err().to_string().contains("404"));
    }

    #[test]
    fn an_answer_without_or_beyond_a_length_is_refused() {
        for text in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
            "HTTP/1.1 200 OK\r\ncontent-le",
            "SSH-2.0\r\n\r\n",
        ] {
            assert!(read_response(&mut text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
