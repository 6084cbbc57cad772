//! Windows: a named event per sleep. WaitOnAddress works only within one process.
//!
//! Whoever goes to sleep on a word while its sequence is `n` waits for the event whose name says
//! page, word and `n`, and which the first of them makes. Whoever counts the sequence up from `n`
//! sets that event, if there is one; nobody ever resets it. So all who sleep on `n` wake, whoever
//! comes for `n + 1` has another event, and a sleeper that is killed leaves nothing: the event goes
//! with its last handle.
//!
//! No wake-up is missed. A sleeper makes the event first and then looks whether the sequence is still
//! `n`; a notifier counts up first and then looks for the event. The kernel does one thing with a name
//! after the other: if the notifier did not find the event, the sleeper made it later, and so sees the
//! sequence counted up.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::System::Memory::{MEMORY_BASIC_INFORMATION, VirtualQuery};
use windows_sys::Win32::System::Threading::{
    CREATE_EVENT_MANUAL_RESET, CreateEventExW, EVENT_MODIFY_STATE, OpenEventW,
    SYNCHRONIZATION_SYNCHRONIZE, SetEvent, WaitForSingleObject,
};

use crate::atomic::{AtomicU32, Ordering, fence};
use crate::segment::windows::security::{Descriptor, rights};
use crate::segment::windows::wide;

/// How long a sleeper sleeps that cannot be woken: its event's name is taken by something else, or
/// its sandbox has no global names.
const BLIND: Duration = Duration::from_millis(1);

/// Names the events of one page, for those who may write to it.
pub(crate) struct Alarm {
    instance: u128,
    mode: u32,
    descriptor: OnceLock<io::Result<Descriptor>>,
}

impl Alarm {
    pub(crate) fn new(instance: u128, mode: u32) -> Alarm {
        Alarm {
            instance,
            mode,
            descriptor: OnceLock::new(),
        }
    }

    /// The name of the event for one sequence of one word. Global: sessions share pages.
    fn name(&self, word: &AtomicU32, sequence: u32) -> Vec<u16> {
        let offset = word.as_ptr().addr() - base(word);
        wide(&format!(
            r"Global\crosspage-{:032x}-{offset:x}-{sequence:x}",
            self.instance
        ))
    }
}

/// Where the mapping begins that the word is in.
fn base(word: &AtomicU32) -> usize {
    let mut found = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: a writable place of this size; any address may be asked for.
    unsafe {
        VirtualQuery(word.as_ptr().cast(), &mut found, size_of_val(&found));
    }
    found.AllocationBase.addr()
}

/// An event, closed on drop.
struct Event(HANDLE);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: open, and this value's alone.
        unsafe { CloseHandle(self.0) };
    }
}

/// Sleeps while `word` is `expected`, for at most `limit`. May return early for any reason.
pub(super) fn sleep(alarm: &Alarm, word: &AtomicU32, expected: u32, limit: Duration) {
    let descriptor = alarm
        .descriptor
        .get_or_init(|| Descriptor::new(alarm.mode, &rights::EVENT));
    let Ok(descriptor) = descriptor else {
        return std::thread::sleep(limit.min(BLIND));
    };
    let (name, attributes) = (alarm.name(word, expected), descriptor.attributes());
    let (flags, access) = (CREATE_EVENT_MANUAL_RESET, SYNCHRONIZATION_SYNCHRONIZE);
    // SAFETY: valid attributes and a NUL-terminated name.
    let event = unsafe { CreateEventExW(&attributes, name.as_ptr(), flags, access) };
    if event.is_null() {
        return std::thread::sleep(limit.min(BLIND));
    }
    let event = Event(event);
    // SYNC POINT event: pairs with the fence in `wake`. Either this load sees the sequence counted
    // up, or `wake` finds the event.
    fence(Ordering::SeqCst);
    if word.load(Ordering::Acquire) == expected {
        // Rounded up: no time at all would not be a sleep.
        let limit = limit.as_nanos().div_ceil(1_000_000).min(1 << 30) as u32;
        // SAFETY: an open handle with the right to wait for it.
        unsafe { WaitForSingleObject(event.0, limit) };
    }
}

/// Wakes everybody who sleeps on `word` since its sequence is `before`, which it is no longer.
pub(super) fn wake(alarm: &Alarm, word: &AtomicU32, before: u32) {
    let name = alarm.name(word, before);
    // SYNC POINT event: pairs with the fence in `sleep`.
    fence(Ordering::SeqCst);
    // SAFETY: a NUL-terminated name.
    let event = unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) };
    if event.is_null() {
        return; // Nobody sleeps.
    }
    let event = Event(event);
    // SAFETY: an open handle with the right to set it.
    unsafe { SetEvent(event.0) };
}

/// Whether spinning can help: not where this process is confined to one processor.
pub(super) fn more_than_one_cpu() -> bool {
    static MANY: OnceLock<bool> = OnceLock::new();
    *MANY.get_or_init(|| std::thread::available_parallelism().is_ok_and(|n| n.get() > 1))
}

/// Here every fence is a full one.
pub(crate) fn use_light_fences() {}

#[inline(always)]
pub(super) fn light_fence() {
    fence(Ordering::SeqCst);
}

pub(super) fn has_heavy_fence() -> bool {
    true
}

pub(super) fn heavy_fence() {}
