//! What the test binaries without libtest share: processes that are forked, traced and killed, values
//! that show whether they are whole, and a watchdog.
#![allow(dead_code, reason = "not every binary needs all of it")]

#[cfg(any(target_os = "linux", windows))]
pub mod kit;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod look;
#[cfg(target_os = "linux")]
pub mod report;
pub mod run;
#[cfg(any(target_os = "linux", windows))]
pub mod stopwatch;
#[cfg(target_os = "linux")]
pub mod sys;
#[cfg(windows)]
#[path = "sys_windows.rs"]
pub mod sys;
#[cfg(any(target_os = "linux", windows))]
pub mod topics;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod trace;
pub mod values;
#[cfg(target_os = "linux")]
pub mod watch;
#[cfg(windows)]
#[path = "watch_windows.rs"]
pub mod watch;
