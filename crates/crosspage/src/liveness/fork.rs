//! What `fork` must not share.
//!
//! A forked child inherits the parent's descriptors, and with them its locks: a dead parent would
//! look alive for as long as the child lives. So every descriptor that carries locks is in a table
//! here, and a `pthread_atfork` handler closes them all in the child (`close`, never an unlock: that
//! would drop the parent's). The child also gets a new fork generation, by which handles know that
//! they are not its own.

use std::os::fd::{AsRawFd, RawFd};
use std::ptr::{NonNull, null_mut};
use std::sync::Once;

use crate::atomic::Ordering;
use crate::atomic::local::{AtomicI32, AtomicPtr, AtomicU64};

static GENERATION: AtomicU64 = AtomicU64::new(1);
static HEAD: AtomicPtr<Entry> = AtomicPtr::new(null_mut());

/// One descriptor; entries are never freed, only used again, so the child can walk them safely.
struct Entry {
    fd: AtomicI32,
    next: *mut Entry,
}

const UNUSED: RawFd = -1;

/// Changes in every forked child. One relaxed load.
#[inline(always)]
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Runs in the child, before `fork` returns there: only async-signal-safe calls.
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let mut at = HEAD.load(Ordering::Acquire);
    while let Some(entry) = NonNull::new(at) {
        // SAFETY: entries are never freed, and `next` is written before the entry is published.
        let entry = unsafe { entry.as_ref() };
        let fd = entry.fd.swap(UNUSED, Ordering::Relaxed);
        if fd >= 0 {
            // SAFETY: the table owns this descriptor; the handle that used it sees the new
            // generation and leaves it alone.
            unsafe { libc::close(fd) };
        }
        at = entry.next;
    }
}

/// From here on, forks are counted. For handles that have no descriptor with locks.
pub(crate) fn watch() {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // SAFETY: the handler is async-signal-safe and lives as long as the program. A failure
        // (ENOMEM) leaves forked children with open descriptors, which delays the proof of death, and
        // with handles that they had better not use.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// A descriptor that a forked child does not keep.
#[derive(Debug)]
pub(crate) struct OwnedFd {
    fd: RawFd,
    entry: NonNull<Entry>,
    generation: u64,
}

// SAFETY: the entry it points to lives for ever and is only accessed atomically.
unsafe impl Send for OwnedFd {}
// SAFETY: as above.
unsafe impl Sync for OwnedFd {}

impl OwnedFd {
    /// # Safety
    /// `fd` is open, and from here on owned by this value alone.
    pub(crate) unsafe fn new(fd: RawFd) -> OwnedFd {
        watch();
        OwnedFd {
            fd,
            entry: enter(fd),
            generation: generation(),
        }
    }
}

/// Puts `fd` into the table.
fn enter(fd: RawFd) -> NonNull<Entry> {
    let mut at = HEAD.load(Ordering::Acquire);
    while let Some(entry) = NonNull::new(at) {
        // SAFETY: entries are never freed, and `next` is written before the entry is published.
        let used = unsafe { entry.as_ref() };
        if used
            .fd
            .compare_exchange(UNUSED, fd, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            return entry;
        }
        at = used.next;
    }
    let entry = Box::into_raw(Box::new(Entry {
        fd: AtomicI32::new(fd),
        next: null_mut(),
    }));
    let mut head = HEAD.load(Ordering::Acquire);
    loop {
        // SAFETY: not published yet, so this thread alone writes it.
        unsafe { (*entry).next = head };
        // Release: pairs with the Acquire loads of HEAD, which then see `next` and `fd`.
        match HEAD.compare_exchange(head, entry, Ordering::Release, Ordering::Acquire) {
            Ok(_) => return NonNull::new(entry).expect("a box is never null"),
            Err(now) => head = now,
        }
    }
}

impl AsRawFd for OwnedFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        if self.generation != generation() {
            return; // The child's handler has closed it; the number may be somebody else's by now.
        }
        // SAFETY: entries live for ever.
        let entry = unsafe { self.entry.as_ref() };
        if entry
            .fd
            .compare_exchange(self.fd, UNUSED, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
        {
            // SAFETY: owned by this value, and taken out of the table just now.
            unsafe { libc::close(self.fd) };
        }
    }
}
