//! The directory in which the workers find credentials that are files.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use atlas_domain::tenant::CredentialFile;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// A key and a chain of certificates are a few kilobytes; a larger file is something else.
const MAX_BYTES: u64 = 64 * 1024;

/// Any access for users who are neither the owner nor in the group of a file.
const FOR_OTHERS: u32 = 0o007;

/// The directory, when one is configured.
#[derive(Debug, Clone)]
pub(super) struct CredentialsDirectory {
    path: Option<PathBuf>,
}

/// Why a file is not used. The texts hold no path.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileRefusal {
    #[error("this worker has no credentials directory")]
    NoDirectory,
    #[error("there is no such file")]
    Missing,
    #[error("it lies outside of the credentials directory")]
    Outside,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("others than its owner and group have access to the private key in it")]
    Exposed,
    #[error("it is larger than 64 KiB")]
    TooLarge,
    #[error("it is not text")]
    NotText,
    #[error("it is a PFX file (PKCS #12), and PEM is needed")]
    Pfx,
    #[error("the worker may not read it")]
    Forbidden,
    #[error("reading it failed")]
    Failed(#[source] std::io::Error),
}

impl FileRefusal {
    /// What to do, and where.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::NoDirectory => {
                "Set ATLAS_CREDENTIALS_DIR on every worker to the directory that holds the file."
            }
            Self::Missing => {
                "Put the file into the directory that ATLAS_CREDENTIALS_DIR names, on every worker."
            }
            Self::Outside => {
                "Put the file itself into the workers' credentials directory, not a link that \
                 leads out of it."
            }
            Self::Exposed => {
                "Take the file's permissions from others (chmod o= FILE), and consider the key \
                 leaked if anybody else uses that machine."
            }
            Self::NotAFile | Self::TooLarge | Self::NotText => {
                "Put the right file into the workers' credentials directory, or name another one \
                 with: atlas tenant credentials set"
            }
            Self::Pfx => {
                "Convert it with: openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes (with -legacy for \
                 a file of an older Windows), put FILE.pem into the workers' credentials directory \
                 and name it with: atlas tenant credentials set"
            }
            Self::Forbidden => {
                "Let the workers' user or group read the file and its directory (chmod 0440 FILE)."
            }
            Self::Failed(_) => "The worker's log names the cause.",
        }
    }
}

impl From<std::io::Error> for FileRefusal {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::Missing,
            ErrorKind::PermissionDenied => Self::Forbidden,
            ErrorKind::InvalidData => Self::NotText,
            _ => Self::Failed(error),
        }
    }
}

impl CredentialsDirectory {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path }
    }

    /// Reads a file with a private key.
    pub(super) async fn private_key(
        &self,
        name: &CredentialFile,
    ) -> Result<SecretString, FileRefusal> {
        let (directory, file) = self.place(name)?;
        blocking(move || {
            let file = File::open(inside(&directory, &file)?)?;
            let known = file.metadata()?;
            if !known.is_file() {
                return Err(FileRefusal::NotAFile);
            }
            if is_for_others(&known.permissions()) {
                return Err(FileRefusal::Exposed);
            }
            read_text(file)
        })
        .await
    }

    /// The path of a token's file, which is read at each use. The name stays as it is stored: what
    /// exchanges tokens may point it to another file in the directory meanwhile.
    pub(super) async fn token(&self, name: &CredentialFile) -> Result<PathBuf, FileRefusal> {
        let (directory, file) = self.place(name)?;
        blocking(move || {
            if inside(&directory, &file)?.is_file() {
                Ok(file)
            } else {
                Err(FileRefusal::NotAFile)
            }
        })
        .await
    }

    fn place(&self, name: &CredentialFile) -> Result<(PathBuf, PathBuf), FileRefusal> {
        let directory = self.path.clone().ok_or(FileRefusal::NoDirectory)?;
        let file = directory.join(name.as_str());
        Ok((directory, file))
    }
}

/// Where a name leads. Links inside of the directory are how Kubernetes exchanges mounted files;
/// a link to elsewhere would let a name in the database open any file of the worker.
fn inside(directory: &Path, file: &Path) -> Result<PathBuf, FileRefusal> {
    let real = file.canonicalize()?;
    if real.starts_with(directory.canonicalize()?) {
        Ok(real)
    } else {
        Err(FileRefusal::Outside)
    }
}

fn is_for_others(permissions: &Permissions) -> bool {
    permissions.mode() & FOR_OTHERS != 0
}

fn read_text(file: File) -> Result<SecretString, FileRefusal> {
    // With room for everything at once: what grows is copied, and the copies are not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileRefusal::TooLarge);
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(SecretString::from(text)),
        Err(_) if atlas_graph::is_pfx(&bytes) => Err(FileRefusal::Pfx),
        Err(_) => Err(FileRefusal::NotText),
    }
}

/// Files may lie on a slow or a hanging mount: that is no business of the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileRefusal> + Send + 'static,
) -> Result<T, FileRefusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(FileRefusal::Failed(std::io::Error::other(error))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use std::fs;
    use std::os::unix::fs::symlink;

    use secrecy::ExposeSecret;
    use tempfile::TempDir;

    use super::*;

    fn write(directory: &TempDir, name: &str, content: &[u8], mode: u32) -> CredentialFile {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        name.parse().unwrap()
    }

    fn of(directory: &TempDir) -> CredentialsDirectory {
        CredentialsDirectory::new(Some(directory.path().to_owned()))
    }

    #[tokio::test]
    async fn a_key_is_read_through_links_inside_and_refused_with_its_reason_otherwise() {
        let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let good = write(&directory, "good.pem", b"key", 0o440);
        let read = of(&directory).private_key(&good).await.unwrap();
        assert_eq!(read.expose_secret(), "key");
        symlink("good.pem", directory.path().join("link.pem")).unwrap();
        let linked = of(&directory)
            .private_key(&"link.pem".parse().unwrap())
            .await;
        assert_eq!(linked.unwrap().expose_secret(), "key");

        write(&elsewhere, "far.pem", b"key", 0o400);
        let far = elsewhere.path().join("far.pem");
        symlink(far, directory.path().join("out.pem")).unwrap();
        fs::create_dir(directory.path().join("folder")).unwrap();
        for mode in [0o444, 0o404, 0o402, 0o401] {
            let exposed = write(&directory, &format!("exposed{mode}"), b"key", mode);
            let refused = of(&directory).private_key(&exposed).await;
            assert!(matches!(refused, Err(FileRefusal::Exposed)), "{mode:o}");
        }
        write(&directory, "binary", b"\xff\xfe", 0o400);
        let pfx = b"\x30\x82\x0a\x4f\x02\x01\x03\x30\x82\x0a\x15";
        write(&directory, "pfx", pfx, 0o400);
        write(&directory, "large", &vec![b'a'; 65 * 1024], 0o400);
        for (name, expected) in [
            ("none", "there is no such file"),
            ("out.pem", "it lies outside of the credentials directory"),
            ("folder", "it is not a regular file"),
            ("binary", "it is not text"),
            ("pfx", "it is a PFX file (PKCS #12), and PEM is needed"),
            ("large", "it is larger than 64 KiB"),
        ] {
            let refused = of(&directory).private_key(&name.parse().unwrap()).await;
            assert_eq!(refused.unwrap_err().to_string(), expected);
        }
        let command = "openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes";
        assert!(FileRefusal::Pfx.hint().contains(command));
        let nowhere = CredentialsDirectory::new(None).private_key(&good).await;
        assert!(matches!(nowhere, Err(FileRefusal::NoDirectory)));
    }

    #[tokio::test]
    async fn a_token_keeps_its_name_so_that_it_may_be_exchanged() {
        let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        write(&directory, "first", b"a.b.c", 0o444);
        symlink("first", directory.path().join("token")).unwrap();
        let path = of(&directory).token(&"token".parse().unwrap()).await;
        assert_eq!(path.unwrap(), directory.path().join("token"));

        write(&elsewhere, "far", b"a.b.c", 0o400);
        symlink(elsewhere.path().join("far"), directory.path().join("out")).unwrap();
        for name in ["none", "out"] {
            let refused = of(&directory).token(&name.parse().unwrap()).await;
            assert!(refused.is_err(), "{name}");
        }
    }
}
