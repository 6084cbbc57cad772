//! What these tests need of Windows, with the names that `sys.rs` has for Linux.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::stopwatch::Stopwatch;

use windows_sys::Win32::Foundation::{ERROR_INTERNAL_ERROR, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MapViewOfFile, PAGE_READWRITE,
};

/// What a child is told to do: separated by blanks.
const WORDS: &str = "CROSSPAGE_TEST_WORDS";
/// The name of the mapping that it shares with its parent.
const SHARED: &str = "CROSSPAGE_TEST_SHARED";

/// What this process was told to do, if it is a child.
pub fn words() -> Option<Vec<String>> {
    let words = std::env::var(WORDS).ok()?;
    Some(words.split(' ').map(str::to_owned).collect())
}

/// Zero bytes that this process and all its children share. A child gets those that its parent asked
/// for last.
///
/// `T` must be atomics all through.
pub fn shared<T: Shared>() -> &'static T {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = std::env::var(SHARED).unwrap_or_default();
    let name = match words() {
        Some(_) => name,
        None => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("Local\\crash-{}-{count}", std::process::id());
            // SAFETY: only this thread uses the environment; the watchdog's does not.
            unsafe { std::env::set_var(SHARED, &name) };
            name
        }
    };
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: a NUL-terminated name. The handle and the view stay open, and all zero is valid for
    // atomics, of which `T` consists; views are aligned to 64 KiB.
    unsafe {
        let section = CreateFileMappingW(
            INVALID_HANDLE_VALUE,
            std::ptr::null(),
            PAGE_READWRITE,
            0,
            size_of::<T>() as u32,
            name.as_ptr(),
        );
        let access = FILE_MAP_READ | FILE_MAP_WRITE;
        let view = MapViewOfFile(section, access, 0, 0, size_of::<T>());
        assert!(!view.Value.is_null(), "{}", std::io::Error::last_os_error());
        &*view.Value.cast::<T>()
    }
}

/// # Safety
/// Atomics only, valid when all zero.
pub unsafe trait Shared: Sync {}

/// Waits until `done`; false if that takes longer than `limit`.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Stopwatch::start();
    while !done() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Where the pages of this user are.
pub fn directory() -> PathBuf {
    let local = std::env::var_os("LOCALAPPDATA").expect("every user has one");
    PathBuf::from(local).join("crosspage")
}

/// Where this process's `file:` pages may be.
pub fn files() -> PathBuf {
    std::env::temp_dir().join(format!("crash-{}", std::process::id()))
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(Option<i32>);

impl Status {
    /// As [`Child::end`] does it: TerminateProcess with the code 1, which no panic has.
    pub fn is_killed(self) -> bool {
        self.0 == Some(1)
    }

    /// It came to its end.
    pub fn is_well(self) -> bool {
        self.0 == Some(0)
    }
}

/// A process that is killed when this is dropped.
pub struct Child(std::process::Child);

impl Child {
    /// Starts this program again, which does what `words` say. (Where there is `fork`, the child does
    /// what the closure says.)
    pub fn employ(words: &[String], _body: impl FnOnce() -> i32) -> Child {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.env(WORDS, words.join(" "));
        let mut started = command.spawn();
        for _ in 0..5 {
            match &started {
                // Once in some thousand starts Wine says so while the machine is busy.
                Err(e) if e.raw_os_error() == Some(ERROR_INTERNAL_ERROR as i32) => {
                    println!("note: a process could not be started ({e}); again");
                    std::thread::sleep(Duration::from_millis(100));
                    started = command.spawn();
                }
                _ => break,
            }
        }
        Child(started.expect("this program can be started"))
    }

    pub fn stop(&self) {
        // SAFETY: an open handle of a process.
        let status = unsafe { NtSuspendProcess(self.handle()) };
        assert!(status >= 0, "NtSuspendProcess: {status:#x}");
    }

    pub fn resume(&self) {
        // SAFETY: as above.
        let status = unsafe { NtResumeProcess(self.handle()) };
        assert!(status >= 0, "NtResumeProcess: {status:#x}");
    }

    /// Whether it has ended by itself; [`end`](Child::end) says how.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("our child").is_some()
    }

    /// Kills it, and says how it ended (which may have been before).
    pub fn end(mut self) -> Status {
        let _ = self.0.kill();
        Status(self.0.wait().expect("our child").code())
    }

    fn handle(&self) -> HANDLE {
        std::os::windows::io::AsRawHandle::as_raw_handle(&self.0)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtSuspendProcess(process: HANDLE) -> i32;
    fn NtResumeProcess(process: HANDLE) -> i32;
}
