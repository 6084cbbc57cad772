//! Linux: futex(2), shared between processes (never FUTEX_PRIVATE_FLAG).

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use super::Alarm;
use super::watch::Armed;
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

/// So many words [`sleep_on_any`] sleeps on: futex_waitv takes 128, of which one is the doorbell.
pub(super) const MOST: usize = 127;

/// What a thread is woken by that sleeps on words of pages.
pub(super) struct Doorbell(AtomicU32);

// Only the reactor sleeps with one.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
impl Doorbell {
    pub(super) fn new() -> io::Result<Doorbell> {
        Ok(Doorbell(AtomicU32::new(0)))
    }

    /// For [`sleep_on_any`]: who rings from here on ends the sleep.
    pub(super) fn seen(&self) -> u32 {
        // Acquire: pairs with the Release in `ring`.
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn ring(&self) {
        self.0.fetch_add(1, Ordering::Release);
        wake(&Alarm, &self.0, 0);
    }
}

/// futex_waitv(2): `struct futex_waitv` of linux/futex.h.
#[repr(C)]
struct Waiter {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// Sleeps until one of at most [`MOST`] words is no longer what was seen there, or the doorbell rings, and
/// for at most `limit`. May return early for any reason.
pub(super) fn sleep_on_any(doorbell: Option<(&Doorbell, u32)>, words: &[&Armed], limit: Duration) {
    /// A word of 32 bits, which processes share.
    const FUTEX2_SIZE_U32: u32 = 2;
    /// How often words are looked at that cannot be slept on together: before Linux 5.16.
    const BLIND: Duration = Duration::from_millis(1);
    static MISSING: AtomicBool = AtomicBool::new(false);
    let waiter = |word: &AtomicU32, value: u32| Waiter {
        value: value.into(),
        address: word.as_ptr().addr() as u64,
        flags: FUTEX2_SIZE_U32,
        reserved: 0,
    };
    let rings = doorbell.iter().map(|(bell, seen)| (&bell.0, *seen));
    let all = rings.chain(words.iter().map(|armed| (armed.word(), armed.sequence)));
    let waiters: Vec<Waiter> = all.clone().map(|(word, seen)| waiter(word, seen)).collect();
    match (&waiters[..], MISSING.load(Ordering::Relaxed)) {
        ([], _) => return super::pause(limit),
        ([_], _) | (_, true) => {
            let (word, seen) = all.clone().next().expect("there is one");
            let limit = match waiters.len() {
                1 => limit,
                _ => limit.min(BLIND),
            };
            return sleep(&Alarm, word, seen, limit);
        }
        (_, false) => {}
    }
    // The time-out is a point in time there.
    let mut end = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a writable place.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut end) };
    let nanoseconds = end.tv_nsec as u64 + u64::from(limit.subsec_nanos());
    let end = [
        end.tv_sec as u64 + limit.as_secs() + nanoseconds / 1_000_000_000,
        nanoseconds % 1_000_000_000,
    ];
    // SAFETY: as many waiters as said, whose words are mapped for as long as this runs; a `struct
    // __kernel_timespec`, which has two 64-bit words. The kernel only reads them. EAGAIN, EINTR and
    // ETIMEDOUT mean: look again.
    let done = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waiters.as_ptr(),
            waiters.len() as libc::c_uint,
            0u32,
            end.as_ptr(),
            libc::CLOCK_MONOTONIC,
        )
    };
    if done == -1 {
        let error = io::Error::last_os_error().raw_os_error();
        let usual = [libc::EAGAIN, libc::EINTR, libc::ETIMEDOUT];
        // An older kernel, or a sandbox that does not know the call.
        if error.is_some_and(|code| !usual.contains(&code)) {
            MISSING.store(true, Ordering::Relaxed);
        }
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

/// Whether spinning can help. What counts is what the machine has, and not what this thread may use: who is
/// pinned to a processor of its own has its peers on others.
pub(super) fn more_than_one_cpu() -> bool {
    static MANY: OnceLock<bool> = OnceLock::new();
    // SAFETY: takes an integer only.
    *MANY.get_or_init(|| unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) } > 1)
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
