//! Gives the shared library its SONAME, which cargo does not.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if os == "windows" || os == "macos" {
        return;
    }
    // Before 1.0 a minor version may break the ABI, so it is part of the name.
    let soname = format!(
        "libcrosspage.so.{}.{}",
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR")
    );
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{soname}");

    // A program linked in the build tree looks for that name: put it beside the library.
    #[cfg(unix)]
    if let Some(profile) = env::var_os("OUT_DIR")
        .as_deref()
        .map(Path::new)
        .and_then(|out| out.ancestors().nth(3))
    {
        let link = profile.join(&soname);
        if link.symlink_metadata().is_err() {
            let _ = std::os::unix::fs::symlink("libcrosspage.so", link);
        }
    }
    #[cfg(not(unix))]
    let _ = Path::new("");
}
