//! Embeds the built files of the console, which are committed in `console/dist`, each also compressed.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo passes directories to a build script in variables"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let built = manifest.join("../../console/dist");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed={}", built.display());
    let mut files = Vec::new();
    collect(&built, &mut files)?;
    files.sort();
    let mut list = format!("static FILES: [BuiltFile; {}] = [\n", files.len());
    for (index, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&built).unwrap_or(file);
        let path = path.to_string_lossy().replace('\\', "/");
        let compressed = out.join(format!("{index}.gz"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&fs::read(file)?)?;
        fs::write(&compressed, encoder.finish()?)?;
        let _ = writeln!(
            list,
            "BuiltFile {{ path: {path:?}, plain: include_bytes!({file:?}), gzip: include_bytes!({compressed:?}) }},"
        );
    }
    list.push_str("];\n");
    fs::write(out.join("console_files.rs"), list)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
