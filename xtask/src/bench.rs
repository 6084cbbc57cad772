//! `cargo xtask bench`: the benchmarks live in `bench/`, a workspace of its own because of its
//! rivals' dependencies.

use crate::Result;
use crate::process;
use crate::workspace;

/// Runs `bench/` in release with these arguments.
pub fn run(args: &[&str]) -> Result {
    let manifest = workspace::root().join("bench/Cargo.toml");
    process::run(
        process::cargo()
            .args(["run", "--release", "--manifest-path"])
            .arg(manifest)
            .arg("--")
            .args(args),
    )
}
