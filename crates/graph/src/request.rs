//! Sending requests: one at a time or in batches, as often as the limits allow, until they are
//! answered or given up.
//!
//! | module | subject |
//! | --- | --- |
//! | `backoff` | how long to wait before the next attempt |
//! | `batch` | many small reads in one request |
//! | `body` | the body of an answer, which remembers the answer |
//! | `call` | one request until it is answered or given up |
//! | `http` | connections, and one exchange on them |
//! | `link` | addresses, and which next links may be followed |
//! | `pacer` | how often requests are sent for one tenant |
//! | `parse` | taking a response body apart |
//! | `refusal` | what an answer that is no success means |
//! | `room` | the memory that answers may take |
//! | `sent` | a request that was sent, as a support case names it |
//! | `silence` | how long a service has answered nothing |

pub(crate) mod backoff;
pub(crate) mod batch;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod http;
pub(crate) mod link;
pub(crate) mod pacer;
pub(crate) mod parse;
pub(crate) mod refusal;
pub(crate) mod room;
pub(crate) mod sent;
pub(crate) mod silence;
