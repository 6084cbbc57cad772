//! Notices what others can see change.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::sys::Mapped;

/// Watches the files in some directories: their names and their bytes.
pub struct Looker {
    directories: Vec<PathBuf>,
    names: Vec<(PathBuf, u64)>,
    files: HashMap<u64, (Mapped, Vec<u8>)>,
    stale: bool,
}

impl Looker {
    pub fn new(directories: Vec<PathBuf>) -> Looker {
        let mut looker = Looker {
            directories,
            names: Vec::new(),
            files: HashMap::new(),
            stale: true,
        };
        looker.sees_a_change();
        looker
    }

    /// A system call was made.
    pub fn names_may_have_changed(&mut self) {
        self.stale = true;
    }

    /// Whether anything is different from the last time.
    pub fn sees_a_change(&mut self) -> bool {
        let mut changed = false;
        if std::mem::take(&mut self.stale) {
            let mut names = Vec::new();
            for entry in self
                .directories
                .iter()
                .filter_map(|d| d.read_dir().ok())
                .flatten()
            {
                let path = entry.expect("a directory entry").path();
                let Ok(data) = path.symlink_metadata() else {
                    continue;
                };
                names.push((path.clone(), data.ino()));
                let known = self.files.get(&data.ino());
                if known.is_none_or(|(_, bytes)| bytes.len() as u64 != data.len())
                    && let Some(mapped) = Mapped::file(&path)
                {
                    let bytes = mapped.bytes().to_vec();
                    self.files.insert(data.ino(), (mapped, bytes));
                    changed = true;
                }
            }
            names.sort();
            changed |= names != self.names;
            self.names = names;
        }
        for (mapped, seen) in self.files.values_mut() {
            if mapped.bytes() != &seen[..] {
                seen.copy_from_slice(mapped.bytes());
                changed = true;
            }
        }
        changed
    }
}
