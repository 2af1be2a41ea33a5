//! A receiver that answers as a test wants.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a receiver does once it has read a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Sends this and waits for the next request.
    Whole(Vec<u8>),
    /// Sends this, again and again this, and never ends.
    Endless(&'static str, &'static str),
    /// Sends this and then nothing.
    Unfinished(&'static str),
    /// Closes the connection.
    Closed,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    connections: watch::Sender<usize>,
    /// Connections that have ended.
    ended: watch::Sender<usize>,
}

pub(crate) struct Receiver {
    pub(crate) port: u16,
    seen: Arc<Seen>,
}

impl Receiver {
    /// A receiver that gives the same answer to every request.
    pub(crate) async fn start(tls: Arc<ServerConfig>, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let acceptor = TlsAcceptor::from(tls);
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                shared.connections.send_modify(|count| *count += 1);
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                let seen = Arc::clone(&shared);
                tokio::spawn(async move {
                    if let Ok(mut connection) = acceptor.accept(connection).await {
                        serve(&mut connection, &answer, &seen).await;
                    }
                    seen.ended.send_modify(|count| *count += 1);
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.seen.connections.borrow()
    }

    /// Waits until the first connection has ended.
    pub(crate) async fn connection_ended(&self) {
        let mut ended = self.seen.ended.subscribe();
        ended.wait_for(|count| *count > 0).await.unwrap();
    }
}

async fn serve(connection: &mut TlsStream<TcpStream>, answer: &Answer, seen: &Seen) {
    while let Some(request) = read_request(connection).await {
        seen.requests.lock().unwrap().push(request);
        match answer {
            Answer::Whole(bytes) => {
                if connection.write_all(bytes).await.is_err() {
                    return;
                }
                let _ = connection.flush().await;
            }
            Answer::Endless(start, rest) => {
                let mut sent = connection.write_all(start.as_bytes()).await;
                while sent.is_ok() {
                    sent = connection.write_all(rest.as_bytes()).await;
                }
                return;
            }
            Answer::Unfinished(start) => {
                let _ = connection.write_all(start.as_bytes()).await;
                let _ = connection.flush().await;
                let _ = connection.read(&mut [0; 1]).await;
                return;
            }
            Answer::Closed => return,
        }
    }
}

/// The next request, unless the connection ends.
async fn read_request(connection: &mut TlsStream<TcpStream>) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let mut request = Request {
        head: String::from_utf8(head).unwrap(),
        body: Vec::new(),
    };
    let length = request.header("content-length");
    request.body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
