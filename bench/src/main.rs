//! The measuring stick's command: see the crate's documentation.

fn main() -> anyhow::Result<()> {
    bench::cli::run()
}
