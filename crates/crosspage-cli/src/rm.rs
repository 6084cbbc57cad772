//! `crosspage rm`: remove a segment.

use crosspage::{Locator, foreign, registry};

use crate::Result;

/// Remove a segment
#[derive(clap::Args)]
pub struct Args {
    /// The segment: telemetry, file:PATH, posix:/NAME, sysv:KEY or sysv:id=ID
    #[arg(value_name = "LOCATOR")]
    locator: String,
    /// Remove it although programs are attached
    #[arg(long)]
    force: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let locator: Locator = args.locator.parse()?;
    if locator.is_page() {
        registry::remove(&args.locator, args.force)?;
    } else {
        foreign::remove(&args.locator, args.force)?;
    }
    Ok(String::new())
}
