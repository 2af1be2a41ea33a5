//! What a Redis has counted since its start.

use anyhow::Context;

/// What a Redis has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisCounts {
    /// Commands since its start.
    pub commands: u64,
    /// Open connections.
    pub connections: u64,
}

impl RedisCounts {
    /// Reads what the server reports.
    pub(super) fn read(info: &str) -> anyhow::Result<Self> {
        let number = |name: &str| {
            let value = info
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let value = value.with_context(|| format!("Redis does not report {name}"))?;
            anyhow::Ok(value.trim_end().parse()?)
        };
        Ok(Self {
            commands: number("total_commands_processed")?,
            // Without the one that asked.
            connections: number("connected_clients")?.saturating_sub(1),
        })
    }

    /// The commands that came after an earlier count, without the two that a count takes.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            commands: (self.commands - earlier.commands).saturating_sub(2),
            connections: self.connections,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn what_a_count_takes_itself_is_not_counted() {
        let info = "# Clients\r\nconnected_clients:4\r\nmaxclients:9\r\n\
                    total_commands_processed:70\r\n";
        let first = RedisCounts::read(info).unwrap();
        assert_eq!((first.commands, first.connections), (70, 3));
        let later = RedisCounts {
            commands: 75,
            connections: 3,
        };
        assert_eq!(later.since(&first).commands, 3);
        assert!(RedisCounts::read("").is_err());
    }
}
