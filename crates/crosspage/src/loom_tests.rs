//! Models: the code that ships, on a computer that loom schedules and that kills processes.
//!
//! `cargo xtask test` runs them: `RUSTFLAGS="--cfg loom" cargo test --release -p crosspage --lib loom_tests`.
//! With `--cfg loom` the crate is what it always is, except that
//! - atomics are loom's ([`atomics`]): every interleaving, and every value that the memory model allows;
//! - files, names and locks are those of a small kernel ([`files`]), and so is the futex ([`futex`]);
//! - processes are [`actor`]s, which can be killed before any write or system call.
//!
//! So cell, wait word, participant table, pages and handles run as they are. docs/design.md says what
//! each model proves, and which of them fails when an ordering is weakened ([`mutants`] finds that out).

pub(crate) mod actor;
pub(crate) mod atomics;
pub(crate) mod files;
pub(crate) mod futex;

#[cfg(test)]
mod cell;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod topic;
#[cfg(test)]
mod waiting;
