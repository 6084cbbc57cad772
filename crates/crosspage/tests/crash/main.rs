//! Processes that die, or stop, at every instruction; and the next ones, which go on.
//!
//! This is a test binary without libtest, whose threads could not be forked. A test forks its
//! victims, steps them under ptrace to where it wants them, kills or stops them there, and asks the
//! page whether it has survived.
//!
//! A sample of the instructions in a few seconds; with `CROSSPAGE_LONG=1` and `--release` every one of
//! them. `CROSSPAGE_SEED=N` repeats the sample of a failure.
#![allow(
    clippy::disallowed_types,
    reason = "what these processes share is no part of a model"
)]

#[path = "../harness/mod.rs"]
mod harness;

#[cfg(any(target_os = "linux", windows))]
mod campaign;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod kill;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod peers;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod scenes;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stop;
#[cfg(any(target_os = "linux", windows))]
mod topic_campaign;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod topic_scenes;

use harness::run::Test;

fn main() -> std::process::ExitCode {
    #[cfg(windows)]
    if let Some(words) = harness::sys::words() {
        match words.split_first() {
            Some((first, rest)) if first == "topic" => topic_campaign::work(rest),
            _ => campaign::work(&words),
        }
    }
    let mut skipped = Vec::new();
    if cfg!(not(any(target_os = "linux", windows))) {
        skipped
            .push("kills at random, which need the /dev/shm and the fork(2) of Linux, or Windows");
    }
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        skipped.push("kills at every instruction, which need ptrace(2) on Linux on x86-64");
    }
    harness::run::main(TESTS, &skipped)
}

#[cfg(any(target_os = "linux", windows))]
const TESTS: &[Test] = &[
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "killed_at_every_instruction",
        run: kill::at_every_instruction,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "killed_in_turn",
        run: peers::killed_in_turn,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "killed_while_another_is_half_way",
        run: peers::killed_while_another_is_half_way,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "stopped_at_every_instruction",
        run: stop::at_every_instruction,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "stopped_and_overtaken",
        run: stop::overtaken,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "topic_killed_at_every_instruction",
        run: topic_scenes::killed,
        traced: true,
    },
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Test {
        name: "topic_stopped_while_another_is_killed",
        run: topic_scenes::stopped,
        traced: true,
    },
    Test {
        name: "killed_at_random",
        run: campaign::killed_at_random,
        traced: false,
    },
    Test {
        name: "stopped_and_killed_at_random",
        run: campaign::stopped_and_killed_at_random,
        traced: false,
    },
    Test {
        name: "topic_killed_at_random",
        run: topic_campaign::killed_at_random,
        traced: false,
    },
    Test {
        name: "topic_stopped_and_killed_at_random",
        run: topic_campaign::stopped_and_killed_at_random,
        traced: false,
    },
    Test {
        name: "topic_soak",
        run: topic_campaign::soak,
        traced: false,
    },
];

#[cfg(not(any(target_os = "linux", windows)))]
const TESTS: &[Test] = &[];
