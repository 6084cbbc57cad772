//! Bad input: pages that are damaged, forged, cut or half-made, things that are no pages, other people's
//! pages, file systems that are full or refused, and words overwritten while handles are attached. Each
//! gets a clear error or the right behaviour: no panic, no hang, no access outside of the mapping.
//!
//! A test binary without libtest, like `crash`: it forks, mounts and changes users.
#![allow(
    clippy::disallowed_types,
    reason = "what these processes share is no part of a model"
)]

#[path = "../harness/mod.rs"]
mod harness;

#[cfg(target_os = "linux")]
mod attached;
#[cfg(target_os = "linux")]
mod bytes;
#[cfg(target_os = "linux")]
mod places;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod topic;

use harness::run::Test;

fn main() -> std::process::ExitCode {
    let mut skipped = Vec::new();
    if cfg!(not(target_os = "linux")) {
        skipped.push("all of them: they use the /dev/shm, the mounts and the fork(2) of Linux");
    }
    harness::run::main(TESTS, &skipped)
}

#[cfg(target_os = "linux")]
const TESTS: &[Test] = &[
    test("flipped_bytes", bytes::flipped),
    test("forged_headers", bytes::forged),
    test("forged_layouts", bytes::forged_layouts),
    test("cut_files", bytes::cut),
    test("no_pages", bytes::no_pages),
    test("half_made_pages", bytes::half_made),
    test("things_in_the_way", places::in_the_way),
    test("bad_names", places::bad_names),
    test("other_users", places::other_users),
    test("foreign_directories", places::foreign_directories),
    test("two_containers", places::containers),
    test("full_file_systems", places::full),
    test("refused_file_systems", places::refused),
    test("overwritten_words", attached::overwritten),
    test("a_vandal", attached::vandal),
    test("overwritten_words_of_a_topic", topic::overwritten),
    test("grown_extents_of_a_topic", topic::grown),
    test("far_ends_of_a_topic", topic::far_away),
    test("far_extents_of_a_topic", topic::far_extents),
    test("a_circle_in_a_topic", topic::circle),
    test("a_vandal_in_a_topic", topic::vandal),
];

#[cfg(target_os = "linux")]
const fn test(name: &'static str, run: fn(&mut harness::run::Tally)) -> Test {
    Test {
        name,
        run,
        traced: false,
    }
}

#[cfg(not(target_os = "linux"))]
const TESTS: &[Test] = &[];
