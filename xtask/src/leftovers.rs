//! What tests should not leave behind: shared memory outlives the processes that made it.

use std::collections::BTreeSet;
use std::path::Path;

/// Everything in shared memory now, by name. Empty where the system has no list of it.
pub fn segments() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    files(Path::new("/dev/shm"), &mut found);
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let ids = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1));
    found.extend(ids.map(|id| format!("System V segment {id}")));
    found
}

fn files(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files(&path, found);
        } else {
            found.insert(path.display().to_string());
        }
    }
}
