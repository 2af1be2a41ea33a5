//! graph-sim
fn main() {}
