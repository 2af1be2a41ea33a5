//! Passwords and names for instances that live as long as one command.

use std::fs::File;
use std::io::Read;

use anyhow::Context;

/// 32 hexadecimal digits from the kernel's random source. They need no quoting in a URL, in a
/// configuration file or in a shell.
pub fn hex() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
