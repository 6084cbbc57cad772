//! Linux: futex(2), shared between processes (never FUTEX_PRIVATE_FLAG).

use std::sync::OnceLock;
use std::time::Duration;

use super::Alarm;
use crate::atomic::local::AtomicBool;
use crate::atomic::{AtomicU32, Ordering, compiler_fence, fence};

/// Sleeps while `word` is `expected`, for at most `limit`. May return early for any reason.
pub(super) fn sleep(_: &Alarm, word: &AtomicU32, expected: u32, limit: Duration) {
    let timeout = libc::timespec {
        tv_sec: limit.as_secs() as libc::time_t,
        tv_nsec: limit.subsec_nanos() as _,
    };
    let none = std::ptr::null::<u32>();
    // SAFETY: `word` is mapped for as long as the reference lives; `timeout` is valid. The kernel
    // only reads the word. Every error (EAGAIN, EINTR, ETIMEDOUT) means: look again.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            &timeout,
            none,
            0u32,
        );
    }
}

/// Wakes everybody who sleeps on `word`.
pub(super) fn wake(_: &Alarm, word: &AtomicU32, _before: u32) {
    let none = std::ptr::null::<u32>();
    // SAFETY: the kernel uses the address of `word` only as a key.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE,
            i32::MAX,
            none,
            none,
            0u32,
        );
    }
}

/// Whether spinning can help: not where this process is confined to one processor.
pub(super) fn more_than_one_cpu() -> bool {
    static MANY: OnceLock<bool> = OnceLock::new();
    *MANY.get_or_init(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1))
}

/// Whether the kernel runs a fence in this process for whoever asks (membarrier(2),
/// `MEMBARRIER_CMD_GLOBAL_EXPEDITED`).
static LIGHT: AtomicBool = AtomicBool::new(false);

const GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: takes integers only.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// To be called before the first [`light_fence`] of a process; a second time it costs one system call.
pub(crate) fn use_light_fences() {
    LIGHT.store(membarrier(REGISTER_GLOBAL_EXPEDITED), Ordering::Relaxed);
}

/// A SeqCst fence as far as somebody is concerned who calls [`heavy_fence`]: that runs one on this
/// processor. Elsewhere it is one.
#[inline(always)]
pub(super) fn light_fence() {
    match LIGHT.load(Ordering::Relaxed) {
        true => compiler_fence(),
        false => fence(Ordering::SeqCst),
    }
}

/// Whether this process can call [`heavy_fence`] (seccomp filters may forbid it).
pub(super) fn has_heavy_fence() -> bool {
    LIGHT.load(Ordering::Relaxed)
}

/// A fence on every processor that runs a process which uses light ones.
pub(super) fn heavy_fence() {
    membarrier(GLOBAL_EXPEDITED);
}
