//! The user of Redis whose rights `docs/OPERATIONS.md` lists.

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Value};

/// The password of the user, who is called `atlas`.
pub const DOCUMENTED_PASSWORD: &str = "pass";

/// The words of the documented command that makes the user, for this namespace.
#[must_use]
pub fn documented_rights(namespace: &str) -> Vec<String> {
    let page = include_str!("../../../docs/OPERATIONS.md");
    let blocks = page.split("```");
    let mut found = blocks.filter_map(|block| block.strip_prefix("text\nACL SETUSER"));
    let rights = found.next().unwrap().replace('\\', "");
    assert!(found.next().is_none(), "there are several");
    format!("ACL SETUSER{rights}")
        .replace("tenantatlas:", &format!("{namespace}:"))
        .replace("PASSWORD", DOCUMENTED_PASSWORD)
        .split_whitespace()
        .map(ToOwned::to_owned)
        .collect()
}

/// Runs a command of these words.
pub async fn run_words<T: FromRedisValue>(
    admin: &mut MultiplexedConnection,
    words: &[impl AsRef<str>],
) -> T {
    let mut command = redis::cmd(words[0].as_ref());
    for word in &words[1..] {
        command.arg(word.as_ref());
    }
    command.query_async(admin).await.unwrap()
}

/// What users were refused, as Redis logs it; empty when nothing was.
pub async fn refused_by_rights(admin: &mut MultiplexedConnection) -> String {
    match run_words(admin, &["ACL", "LOG"]).await {
        Value::Array(entries) if entries.is_empty() => String::new(),
        log => format!("{log:?}"),
    }
}
