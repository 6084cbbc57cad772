//! The Windows leg: what is built for Windows on Linux and run there under Wine.

use std::time::Duration;

use crate::Result;
use crate::steps::Done;
use crate::tally::Tally;

mod kit;

pub use kit::Kit;

/// Nothing here is silent for so long unless it hangs. (The first build of everything counts, too.)
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Installs and makes what is missing.
pub fn prepare(_long: bool) -> Result<Done> {
    println!("{}", Kit::ready()?.describe()?);
    Ok(Done::Ran)
}

/// The Rust tests.
pub fn rust(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let mut tally = Tally::of("Rust tests under Wine");
    tally.libtest(
        kit.cargo("test")
            .arg("--no-fail-fast")
            .args(["--package", "crosspage", "--package", "crosspage-derive"])
            .args(["--package", "crosspage-cli", "--package", "xtask"])
            .args(["--", "--show-output"]),
        PATIENCE,
    )?;
    Ok(Done::Tested(tally))
}
