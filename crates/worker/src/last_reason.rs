//! Logging why something does not work once, however often it is tried.

/// The reason that was logged last.
#[derive(Debug, Default)]
pub(crate) struct LastReason(Option<String>);

impl LastReason {
    /// Logs why, unless it is as it was the last time.
    pub(crate) fn log(&mut self, what: &'static str, reason: String) {
        if self.0.as_ref() != Some(&reason) {
            tracing::warn!(reason, "{what}");
        }
        self.0 = Some(reason);
    }
}
