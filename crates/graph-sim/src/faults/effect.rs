//! What can go wrong.

use serde::{Deserialize, Serialize};

use crate::retry_after::RetryAfter;
use crate::sign_in::SignInRefusal;

/// The body of a server error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// None, as gateways answer.
    #[default]
    Empty,
    /// Graph's error whose message is JSON again, as Intune answers.
    NestedJson,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// 403 that names the permission; the collection's own when none is given.
    Forbidden {
        /// The permission to name.
        #[serde(default)]
        permission: Option<String>,
    },
    /// 403 of a feature that the tenant has no licence for.
    Unlicensed,
    /// 429.
    Throttled {
        /// When to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// A server error.
    ServerError {
        /// 500 to 599.
        status: u16,
        /// What it carries.
        #[serde(default)]
        body: ErrorBody,
        /// When to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// 400 "Request not applicable to target tenant.", as tenants without Intune answer.
    NotApplicable,
    /// 401, as if the token had expired.
    Unauthorized,
    /// 200 with the first half of the body and a matching `Content-Length`.
    TruncatedJson,
    /// 200, half of the body, then the connection ends.
    ConnectionReset,
    /// 200 with a web page.
    HtmlPage,
    /// A page without rows that links to the page that should have been there.
    EmptyPage,
    /// A page that links to itself.
    RepeatedNextLink,
    /// A page that links elsewhere.
    ForeignNextLink {
        /// Scheme, host and port of the link, such as `http://127.0.0.1:9`.
        origin: String,
    },
    /// A page that begins with the last row of the page before it. Does nothing to first pages.
    RepeatedRow,
    /// A page with so many bytes of padding in an annotation.
    Padded {
        /// How many; at most 256 MiB are sent.
        bytes: usize,
    },
    /// Status 410 or 400 for pages that a link leads to: the walk has to begin again. Does nothing
    /// to first pages.
    PageGone {
        /// 410 or 400.
        status: u16,
    },
    /// 504 when something is expanded on more rows than this.
    ExpandTimesOut {
        /// As many still work.
        rows: usize,
    },
    /// `$top` is not looked at.
    TopIgnored,
    /// 400 for requests with `$top`.
    TopRejected,
    /// Pages hold no more rows than this, whatever `$top` says.
    TopClamped {
        /// How many.
        rows: usize,
    },
    /// The first row has an enumeration member that nobody knows.
    UnknownEnum,
    /// The first row is of a type that nobody knows.
    UnknownType,
    /// The first row has no name.
    NullName,
    /// The rows have names that are hard on programs: other directions, invisible and combining
    /// characters, nothing but blanks, thousands of characters.
    OddNames,
    /// The first row has a member twice, with different values.
    DuplicateKeys,
    /// The first row has so many bytes in one of its members; at most 256 MiB.
    HugeRow {
        /// How many.
        bytes: usize,
    },
    /// The first row has a member with so many bytes of small objects, which need many times as much
    /// memory once they are read; at most 256 MiB.
    WideRow {
        /// How many.
        bytes: usize,
    },
    /// 200 whose body is so many bytes of blanks, compressed with gzip to about a thousandth; at most
    /// 1 GiB.
    CompressedBlanks {
        /// How many.
        bytes: usize,
    },
    /// The right answer, compressed with gzip and damaged in the middle.
    DamagedGzip,
    /// 200 whose body never ends: row after row of a page.
    EndlessBody,
    /// The right answer as plain text.
    WrongContentType,
    /// The right answer, compressed with gzip.
    Gzip,
    /// The right answer, in so many pieces with a pause before each.
    SlowBody {
        /// How many.
        pieces: usize,
        /// How long a pause is.
        milliseconds: u64,
    },
    /// 401 that asks for a token with other claims. Tokens that are asked for without those are
    /// answered the same from then on.
    ClaimsChallenge,
    /// The right answer, later.
    Delayed {
        /// How much later.
        milliseconds: u64,
    },
    /// A batch's answer does not have the one to this request. Nothing outside of batches.
    MissingResponse,
    /// A token endpoint refuses. Nothing elsewhere.
    SignIn {
        /// Why.
        refusal: SignInRefusal,
    },
    /// 200 whose whole body is an error.
    ErrorWithOk,
    /// 200 with the first rows, an error beside them, and no link: the service failed after it had
    /// sent its status. A body that is one object keeps its members.
    InStreamError {
        /// How many rows.
        #[serde(default)]
        rows: usize,
    },
    /// 401 of the service behind Graph, nested in Intune's way, although the token is good.
    RefusedByService,
    /// A list that ends without a link although there is more.
    CutList {
        /// Pages hold no more rows than this, and those that are full have no link; smaller ones
        /// have theirs. Without it, pages that are as full as `$top` or the list's own size of a
        /// page allows have none, whatever the largest page of the simulator is.
        #[serde(default)]
        rows: Option<usize>,
    },
    /// Links that are new each time and lead to the same rows for ever, in lists and in changes of
    /// groups.
    Endless,
    /// The end of a list is an empty link.
    EmptyNextLink,
    /// 400 `Directory_ExpiredPageToken` for pages that a link leads to. Does nothing to first
    /// pages.
    PageTokenExpired,
    /// Every row carries an annotation of so many bytes, so that large pages are too large and
    /// small ones are not; at most 1 MiB each.
    LargeRows {
        /// How many.
        bytes: usize,
    },
    /// All GUIDs that are ids or parts of ids are in upper case.
    OtherCase,
    /// An answer that is one object lacks its `id`. Does nothing to lists.
    ObjectWithoutId,
    /// A row is null. Nothing where there is no such row; the same for the effects on one row that
    /// follow.
    NullRow {
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row has no `id`.
    RowWithoutId {
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row's name ends with half of a surrogate pair, as a text does that was cut in the middle
    /// of an emoji.
    LoneSurrogate {
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row's name ends with a byte that is not UTF-8.
    InvalidUtf8 {
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row has a number beyond a double's range.
    HugeNumber {
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row has a member in which arrays are nested.
    DeepNesting {
        /// How deep; at most 100,000.
        levels: usize,
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A row's name is so many different Chinese characters long, which no index compresses much.
    LongName {
        /// How many; at most 100,000.
        characters: usize,
        /// Which, counted from 0.
        #[serde(default)]
        row: usize,
    },
    /// A byte order mark stands before the body.
    ByteOrderMark,
    /// A token endpoint gives the lifetime of a token as text. Nothing elsewhere.
    LifetimeAsText,
    /// Any answer.
    Answer {
        /// 200 to 599.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
}

impl Effect {
    /// Why the effect makes no sense, if it does not.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::ServerError { status, .. } if !(500..600).contains(status) => {
                Some("the status of a server error is 500 to 599")
            }
            Self::Answer { status, .. } if !(200..600).contains(status) => {
                Some("the status of an answer is 200 to 599")
            }
            Self::Throttled { retry_after } | Self::ServerError { retry_after, .. } if matches!(retry_after, RetryAfter::Decimal(s) if !s.is_finite() || *s < 0.0) => {
                Some("a wait is not negative")
            }
            Self::PageGone { status } if !matches!(status, 400 | 410) => {
                Some("pages are gone with status 400 or 410")
            }
            Self::SlowBody { pieces: 0, .. } => Some("a body comes in at least one piece"),
            Self::CutList { rows: Some(0) } => Some("a list is cut after at least one row"),
            _ => None,
        }
    }
}
