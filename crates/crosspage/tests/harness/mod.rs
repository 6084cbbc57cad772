//! What the test binaries without libtest share: processes that are forked, traced and killed, values
//! that show whether they are whole, and a watchdog. All of it is for Linux.
#![allow(dead_code, reason = "not every binary needs all of it")]

pub mod kit;
#[cfg(target_arch = "x86_64")]
pub mod look;
pub mod report;
pub mod run;
pub mod sys;
#[cfg(target_arch = "x86_64")]
pub mod trace;
pub mod watch;
