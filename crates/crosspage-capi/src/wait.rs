//! Waiting for several handles at once.

use crosspage::{Result, Waitable, wait_any};

use crate::error::{CError, guard};
use crate::latest::Reader;
use crate::topic::Subscriber;
use crate::{invalid, null, timeout};

/// `crosspage_wait_fd`.
#[cfg(unix)]
pub type WaitFd = std::ffi::c_int;
#[cfg(windows)]
pub type WaitFd = *mut std::ffi::c_void;

/// `crosspage_wait_item`.
#[repr(C)]
pub struct CItem {
    reader: *const Reader,
    subscriber: *mut Subscriber,
    ready: u32,
    reserved: u32,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_wait_any(
    items: *mut CItem,
    count: usize,
    timeout_ns: i64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let items = match (items.is_null(), count) {
                (_, 0) => &mut [],
                (true, _) => return Err(null("items")),
                (false, _) => std::slice::from_raw_parts_mut(items, count),
            };
            wait(items, timeout_ns)
        })
    }
}

/// # Safety
/// The header's contract: the items' handles are open, and each subscriber is there once.
unsafe fn wait(items: &mut [CItem], timeout_ns: i64) -> Result<()> {
    enum Handle<'a> {
        Reader(&'a crosspage::latest::RawReader),
        Subscriber(&'a mut crosspage::topic::RawSubscriber),
    }
    let mut handles = Vec::with_capacity(items.len());
    for (at, item) in items.iter_mut().enumerate() {
        item.ready = 0;
        handles.push(match (item.reader.is_null(), item.subscriber.is_null()) {
            // SAFETY: by the contract.
            (false, true) => Handle::Reader(unsafe { (*item.reader).raw() }),
            // SAFETY: by the contract.
            (true, false) => Handle::Subscriber(unsafe { Subscriber::raw(item.subscriber) }?),
            _ => {
                return Err(invalid(format!(
                    "item {at} has to have a reader or a subscriber, and not both"
                )));
            }
        });
    }
    let mut waitable: Vec<&mut dyn Waitable> = Vec::with_capacity(handles.len());
    for handle in &mut handles {
        waitable.push(match handle {
            Handle::Reader(reader) => reader,
            Handle::Subscriber(subscriber) => *subscriber,
        });
    }
    let ready = wait_any(&mut waitable, timeout(timeout_ns))?;
    for at in ready {
        items[at].ready = 1;
    }
    Ok(())
}
