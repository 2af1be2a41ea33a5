//! What a message says.

use std::convert::Infallible;

use apalis_core::backend::codec::Codec;
use atlas_domain::ids::RunId;
use atlas_telemetry::TraceContext;
use serde::{Deserialize, Serialize};

/// "Look, perhaps at this run." Any bytes are a message: one that cannot be read says only "look",
/// because a payload that fails to decode would end the stream of the worker that fetched it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The run that was recorded or can be claimed again.
    pub run: Option<RunId>,
    /// The trace of the request that pushed the message.
    pub trace: Option<TraceContext>,
}

/// The version of the wire form that is written. Readers skip what they do not know.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

impl Message {
    /// The wire form.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let wire = Wire {
            v: VERSION,
            run: self.run,
            traceparent: self.trace.map(|trace| trace.header()),
        };
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads what can be read.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice::<Wire>(bytes).map_or_else(
            |_| Self::default(),
            |wire| Self {
                run: wire.run,
                trace: wire.traceparent.as_deref().and_then(TraceContext::parse),
            },
        )
    }
}

/// Puts [`Message`]s on the wire. Decoding cannot fail.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MessageCodec;

impl Codec<Message> for MessageCodec {
    type Error = Infallible;
    type Compact = Vec<u8>;

    fn encode(&self, message: &Message) -> Result<Vec<u8>, Infallible> {
        Ok(message.to_bytes())
    }

    fn decode(&self, bytes: &Vec<u8>) -> Result<Message, Infallible> {
        Ok(Message::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::clock::{SystemClock, SystemEntropy};

    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was_and_anything_else_says_only_look() {
        let message = Message {
            run: Some(RunId::mint(&SystemClock, &SystemEntropy)),
            trace: Some(TraceContext::mint(&SystemEntropy)),
        };
        assert_eq!(Message::from_bytes(&message.to_bytes()), message);
        for garbage in [
            &b""[..],
            b"\xff\xfe",
            b"{}",
            b"[1]",
            br#"{"v":1,"run":"no"}"#,
        ] {
            assert_eq!(Message::from_bytes(garbage), Message::default());
        }
        let newer = br#"{"v":2,"colour":"blue"}"#;
        assert_eq!(Message::from_bytes(newer), Message::default());
    }
}
