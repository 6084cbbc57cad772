//! `crosspage rm`: remove a segment.

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
    let remove = if args.force {
        crosspage::remove_forced
    } else {
        crosspage::remove
    };
    remove(&args.locator)?;
    Ok(String::new())
}
