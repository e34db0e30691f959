//! The `storage` binary.
fn main() {}
