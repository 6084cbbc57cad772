//! What is made once and kept for every clone: compiled standard libraries, the Wine prefix.
//!
//! It lies in the user's cache directory, so that `git clean` and a fresh clone keep it warm. An entry
//! is made beside its place and moved there when it is whole: whoever is killed while making one, or
//! makes the same one at the same time, leaves no half of it. All of it may be deleted at any time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// The directory that `name` (which says everything the content depends on) leads to; `make` fills
/// it where it is missing.
pub fn entry(name: &str, make: impl FnOnce(&Path) -> Result) -> Result<PathBuf> {
    let root = root()?;
    let place = root.join(name);
    if place.is_dir() {
        return Ok(place);
    }
    println!("making {}", place.display());
    sweep(&root);
    let making = root.join(format!("making-{}-{name}", std::process::id()));
    let made = fs::create_dir_all(&making)
        .map_err(|e| format!("cannot make {}: {e}", making.display()))
        .and_then(|()| make(&making));
    // Whoever was faster made the same.
    let moved = made.and_then(|()| match fs::rename(&making, &place) {
        Err(e) if !place.is_dir() => Err(format!(
            "cannot move {} to {}: {e}",
            making.display(),
            place.display()
        )),
        _ => Ok(()),
    });
    let _ = fs::remove_dir_all(&making);
    moved.map(|()| place)
}

/// Removes what killed runs left half made.
fn sweep(root: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker = name
            .to_str()
            .and_then(|name| name.strip_prefix("making-")?.split('-').next());
        if maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn root() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = if cfg!(windows) {
        set("LOCALAPPDATA").map(PathBuf::from)
    } else {
        set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(Path::new(&set("HOME")?).join(".cache")))
    };
    match base {
        Some(base) if base.is_absolute() => Ok(base.join("crosspage")),
        _ => Err(
            "there is no cache directory: set HOME or XDG_CACHE_HOME to an absolute path".into(),
        ),
    }
}

/// A short name for what `parts` say (FNV-1a): the same from every compiler, unlike std's hashes.
pub fn key(parts: &[&str]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_parts_apart() {
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["ab"]), key(&["a", "b"]));
        assert_ne!(key(&["1.96.0"]), key(&["1.96.1"]));
    }
}
