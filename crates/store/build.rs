//! Migrations are embedded, and a directory that was added to them changes no file of this crate.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
