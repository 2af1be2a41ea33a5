//! The body of an answer, which remembers the answer.

use std::sync::Arc;

use atlas_domain::failure::UpstreamAnswer;
use bytes::Bytes;

use crate::error::{GraphError, GraphErrorKind};

/// The body of a success, not yet parsed.
#[derive(Debug, Clone)]
pub struct Body {
    /// As it came.
    pub bytes: Bytes,
    answer: Arc<UpstreamAnswer>,
}

impl Body {
    pub(crate) fn new(bytes: Bytes, answer: UpstreamAnswer) -> Self {
        Self {
            bytes,
            answer: Arc::new(answer),
        }
    }

    /// The error that it is not what Graph documents.
    pub(crate) fn invalid(&self, reason: &'static str) -> GraphError {
        GraphError {
            kind: GraphErrorKind::invalid(reason),
            answer: Some(Arc::clone(&self.answer)),
        }
    }
}
