//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository's root")
}

/// Cargo's target directory, wherever `CARGO_TARGET_DIR` or a configuration file puts it: this
/// program lies in `<target>/<profile>/`.
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    match exe.parent().and_then(Path::parent) {
        Some(target) => target.to_owned(),
        None => root().join("target"),
    }
}

/// Where cargo puts what it builds without `--release`.
pub fn debug() -> PathBuf {
    target().join("debug")
}
