//! What users of the library see, in one binary.

mod corpus;
#[cfg(feature = "debuginfo")]
mod debuginfo;
mod derive;
mod golden;
mod latest;
#[cfg(feature = "tokio")]
mod tasks;
mod topic;
mod topic_raw;
mod topic_tail;
#[cfg(feature = "tokio")]
mod waits;

/// A directory for `file:` pages: in memory on Linux, so that no test waits for a disk.
fn directory() -> tempfile::TempDir {
    match cfg!(target_os = "linux") {
        true => tempfile::tempdir_in("/dev/shm"),
        false => tempfile::tempdir(),
    }
    .expect("a temporary directory")
}
