//! A token of another issuer, out of a file.

use std::path::Path;

use atlas_domain::causes::Causes;
use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use crate::error::SignInCause;

/// Tokens are a few kilobytes; a larger file is something else.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the token.
///
/// # Errors
/// [`SignInCause::CredentialUnreadable`] when there is no file, or no token in it.
pub(super) async fn read(file: &Path) -> Result<SecretString, SignInCause> {
    let text = read_text(file).await.map_err(|error| {
        // The path is the operator's and no secret; what stands in the file is one.
        tracing::warn!(file = %file.display(), error = %Causes(&error), "the federated token cannot be read");
        SignInCause::CredentialUnreadable
    })?;
    let token = text.trim();
    let is_token = token.bytes().all(|byte| byte.is_ascii_graphic())
        && token.split('.').count() == 3
        && token.split('.').all(|part| !part.is_empty());
    if is_token {
        Ok(SecretString::from(token))
    } else {
        tracing::warn!(file = %file.display(), "the file holds no JSON Web Token");
        Err(SignInCause::CredentialUnreadable)
    }
}

async fn read_text(file: &Path) -> std::io::Result<Zeroizing<String>> {
    let opened = tokio::fs::File::open(file).await?;
    let mut text = Zeroizing::new(String::new());
    let read = opened.take(MAX_BYTES + 1).read_to_string(&mut text).await?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES) {
        Ok(text)
    } else {
        Err(std::io::ErrorKind::FileTooLarge.into())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn the_file_is_read_at_each_use_and_what_is_no_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let refused = Err(SignInCause::CredentialUnreadable);
        let shown = |read: Result<SecretString, SignInCause>| {
            read.map(|token| token.expose_secret().to_owned())
        };
        assert_eq!(shown(read(&file).await), refused);
        for (content, expected) in [
            ("aaa.bbb.ccc\n", Ok("aaa.bbb.ccc".to_owned())),
            ("ddd.eee.fff", Ok("ddd.eee.fff".to_owned())),
            ("", refused.clone()),
            ("no token", refused.clone()),
            ("a.b.c\na.b.c", refused.clone()),
            ("a..c", refused.clone()),
            (&"a.b.".repeat(40_000), refused.clone()),
        ] {
            tokio::fs::write(&file, content).await.unwrap();
            assert_eq!(shown(read(&file).await), expected);
        }
        tokio::fs::write(&file, [0xff, 0xfe, b'.', b'.'])
            .await
            .unwrap();
        assert_eq!(shown(read(&file).await), refused);
        assert_eq!(shown(read(directory.path()).await), refused);
    }
}
