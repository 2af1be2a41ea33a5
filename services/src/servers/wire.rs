//! As much of the two protocols as it takes to know that a service is there and ready.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(3);
/// PostgreSQL's code for "may I use TLS?", which it answers with one byte before anything else.
/// <https://www.postgresql.org/docs/15/protocol-message-formats.html>, `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// Version 3.0 of the protocol, `StartupMessage`.
const PROTOCOL: u32 = 196_608;

/// A port of the loopback interface at which nothing listens now.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Connects, with a limit on everything that follows.
pub(super) fn connect(host: &str, port: u16) -> anyhow::Result<TcpStream> {
    let mut last = None;
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("the name has no address")?.into())
}

/// Whether PostgreSQL answers there, ready or not.
pub(super) fn is_postgres(host: &str, port: u16) -> anyhow::Result<()> {
    let mut stream = connect(host, port)?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    match &answer {
        b"S" | b"N" => Ok(()),
        _ => bail!("what answers is no PostgreSQL"),
    }
}

/// Whether PostgreSQL lets clients in: it asks for authentication only when it has started up.
pub(super) fn postgres_is_ready(port: u16, user: &str) -> anyhow::Result<()> {
    let mut stream = connect("127.0.0.1", port)?;
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for text in ["user", user, "database", "postgres", ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&body)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    if &kind == b"R" {
        Ok(())
    } else {
        bail!("it does not let clients in yet")
    }
}

/// Whether Redis takes the password and answers.
pub(super) fn redis_is_ready(port: u16, password: &str) -> anyhow::Result<()> {
    let mut stream = connect("127.0.0.1", port)?;
    stream.write_all(format!("AUTH {password}\r\nPING\r\n").as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    if &answer == b"+OK\r\n+PONG\r\n" {
        Ok(())
    } else {
        bail!("it does not answer PING yet")
    }
}

/// Deletes every key.
pub(super) fn empty_redis(host: &str, port: u16, password: &str) -> anyhow::Result<()> {
    let mut stream = connect(host, port)?;
    stream.write_all(format!("AUTH {password}\r\nFLUSHALL\r\n").as_bytes())?;
    let mut answer = [0; 10];
    stream.read_exact(&mut answer)?;
    if &answer == b"+OK\r\n+OK\r\n" {
        Ok(())
    } else {
        bail!("it does not empty itself")
    }
}

/// What Redis reports of itself, as lines of `name:value`.
pub(super) fn redis_info(host: &str, port: u16, password: &str) -> anyhow::Result<String> {
    let mut stream = connect(host, port)?;
    stream.write_all(format!("AUTH {password}\r\nINFO\r\n").as_bytes())?;
    let mut answers = BufReader::new(stream);
    let mut line = String::new();
    answers.read_line(&mut line)?;
    ensure!(line == "+OK\r\n", "Redis refuses the password");
    line.clear();
    answers.read_line(&mut line)?;
    let length = line.trim_end().strip_prefix('$');
    let length = length.context("Redis does not say how long its answer is")?;
    let mut text = vec![0; length.parse()?];
    answers.read_exact(&mut text)?;
    Ok(String::from_utf8(text)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    /// Answers one connection, after it has sent something.
    fn answering(text: &'static [u8]) -> (u16, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 512]).unwrap() > 0);
            stream.write_all(text).unwrap();
        });
        (port, thread)
    }

    #[test]
    fn a_service_that_is_starting_is_not_ready() {
        let (port, thread) = answering(b"E\0\0\0\x08SFATAL\0");
        assert!(postgres_is_ready(port, "atlas").is_err());
        thread.join().unwrap();
        let (port, thread) = answering(b"-LOADING Redis is loading\r\n");
        assert!(redis_is_ready(port, "password").is_err());
        thread.join().unwrap();
    }

    #[test]
    fn the_report_of_redis_is_as_long_as_it_says() {
        let (port, thread) = answering(b"+OK\r\n$14\r\n# Stats\r\na:1\r\n\r\n");
        let info = redis_info("127.0.0.1", port, "password").unwrap();
        assert_eq!(info, "# Stats\r\na:1\r\n");
        thread.join().unwrap();
    }

    #[test]
    fn another_service_is_no_postgres() {
        let (port, thread) = answering(b"HTTP/1.1 400 Bad Request\r\n");
        assert!(is_postgres("127.0.0.1", port).is_err());
        thread.join().unwrap();
        let (port, thread) = answering(b"N");
        assert!(is_postgres("127.0.0.1", port).is_ok());
        thread.join().unwrap();
    }
}
