//! Services that the environment names. They are used as they are, and not stopped.

use anyhow::{Context, bail};

use super::{Running, wire};

/// The PostgreSQL of `DATABASE_URL`, if one answers there.
pub(super) fn postgres() -> anyhow::Result<Running> {
    let url = variable("DATABASE_URL")?;
    let (host, port) = address(&url, 5432)?;
    wire::is_postgres(&host, port).with_context(|| format!("{host}:{port}"))?;
    Ok(Running {
        url,
        process: None,
        source: format!("DATABASE_URL, at {host}:{port}"),
        tools: None,
    })
}

/// The Redis of `REDIS_URL`, if something listens there.
pub(super) fn redis() -> anyhow::Result<Running> {
    let url = variable("REDIS_URL")?;
    let (host, port) = address(&url, 6379)?;
    wire::connect(&host, port).with_context(|| format!("{host}:{port}"))?;
    Ok(Running {
        url,
        process: None,
        source: format!("REDIS_URL, at {host}:{port}"),
        tools: None,
    })
}

#[allow(
    clippy::disallowed_methods,
    reason = "the variable is what is asked about"
)]
fn variable(name: &str) -> anyhow::Result<String> {
    match std::env::var(name) {
        Ok(url) if !url.is_empty() => Ok(url),
        Ok(_) => bail!("it is empty"),
        Err(std::env::VarError::NotPresent) => bail!("it is not set"),
        Err(std::env::VarError::NotUnicode(_)) => bail!("it is not text"),
    }
}

/// Host and port of a URL. Neither goes into an error, because a password might stand there.
pub(super) fn address(url: &str, default_port: u16) -> anyhow::Result<(String, u16)> {
    let (_, rest) = url.split_once("://").context("it is no URL")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, after)| after);
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').context("its host has no end")?;
            (host, after.strip_prefix(':'))
        }
        None => match host_and_port.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    if host.is_empty() {
        bail!("it names no host");
    }
    let port = port
        .map_or(Ok(default_port), str::parse)
        .context("its port is no number")?;
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn host_and_port_are_found_among_the_other_parts() {
        let of = |url: &str| address(url, 5432).unwrap();
        assert_eq!(
            of("postgres://u:p%40@db.example/x?sslmode=require"),
            ("db.example".into(), 5432)
        );
        assert_eq!(of("postgres://127.0.0.1:6000"), ("127.0.0.1".into(), 6000));
        assert_eq!(of("redis://:secret@[::1]:7000/0"), ("::1".into(), 7000));
    }

    #[test]
    fn an_error_does_not_show_the_url() {
        for url in [
            "secret",
            "redis://:secret@",
            "redis://u:secret@host:secret/",
        ] {
            let text = format!("{:#}", address(url, 1).unwrap_err());
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
