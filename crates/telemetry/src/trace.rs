//! The identity of a trace, in the form of the W3C recommendation "Trace Context"
//! (<https://www.w3.org/TR/trace-context/#traceparent-header>).

use std::fmt;

use atlas_domain::clock::Entropy;

/// Which trace something belongs to, and which span of it caused it. Logged as fields, sent in
/// `traceparent`, and carried in a job's message, so that a worker's lines can be found by the
/// request that asked for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent` header. Anything that the recommendation calls invalid is none: the
    /// caller then mints its own.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let version: [u8; 1] = lower_hex(parts.next()?)?;
        let trace_id = lower_hex(parts.next()?)?;
        let span_id = lower_hex(parts.next()?)?;
        let [flags] = lower_hex(parts.next()?)?;
        // Version 0 has exactly four parts; later versions may have more, 255 is forbidden.
        let complete = match version {
            [0] => parts.next().is_none(),
            [255] => false,
            _ => true,
        };
        (complete && trace_id != [0; 16] && span_id != [0; 8]).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }

    /// Begins a trace.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        let mut trace_id = [0; 16];
        entropy.fill(&mut trace_id);
        Self {
            trace_id,
            span_id: [0; 8],
            sampled: true,
        }
        .child(entropy)
    }

    /// Another span of the same trace.
    #[must_use]
    pub fn child(&self, entropy: &dyn Entropy) -> Self {
        let mut span_id = [0; 8];
        entropy.fill(&mut span_id);
        // All zeroes mean "no span"; a random generator gives them once in 2^64 times.
        span_id[7] |= u8::from(span_id == [0; 8]);
        Self { span_id, ..*self }
    }

    /// The value of a `traceparent` header.
    #[must_use]
    pub fn header(&self) -> String {
        self.to_string()
    }

    /// The trace's id, 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        let mut text = String::with_capacity(32);
        push_hex(&mut text, &self.trace_id);
        text
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        push_hex(&mut text, &self.trace_id);
        text.push('-');
        push_hex(&mut text, &self.span_id);
        text.push_str(if self.sampled { "-01" } else { "-00" });
        f.write_str(&text)
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
}

/// The recommendation allows lower case only.
fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (at, pair) in text.chunks_exact(2).enumerate() {
        bytes[at] = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use atlas_domain::clock::SystemEntropy;

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written_unchanged_and_a_child_keeps_the_trace() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!(context.header(), EXAMPLE);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let child = context.child(&SystemEntropy);
        assert_eq!(child.trace_id(), context.trace_id());
        assert_ne!(child.header(), context.header());
        let minted = TraceContext::mint(&SystemEntropy);
        assert_eq!(TraceContext::parse(&minted.header()), Some(minted));
    }

    #[test]
    fn invalid_headers_are_none() {
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bé-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(TraceContext::parse(later).is_some());
    }
}
