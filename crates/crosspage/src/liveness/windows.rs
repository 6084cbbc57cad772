//! When it is, when this process began, and which boot this is: Windows.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use windows_sys::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SystemTimeOfDayInformation,
};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};

/// Nanoseconds since 1970: the times that pages store.
#[inline]
pub(crate) fn realtime_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

/// What the kernel answers to `SystemTimeOfDayInformation` (its header leaves it unnamed).
#[repr(C)]
#[derive(Default)]
struct TimeOfDay {
    boot_time: i64,
    current_time: i64,
    time_zone_bias: i64,
    time_zone_id: u32,
    reserved: u32,
    boot_time_bias: u64,
    sleep_time_bias: u64,
}

/// A number for this boot of this machine; zero where the system has none.
///
/// It is when the kernel was started. Setting the clock moves that time, and the bias by as much; so
/// their difference stays.
pub(crate) fn boot_id() -> u128 {
    static BOOT: OnceLock<u128> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let mut found = TimeOfDay::default();
        // SAFETY: `found` is writable for its size; the kernel writes at most as much.
        let status = unsafe {
            NtQuerySystemInformation(
                SystemTimeOfDayInformation,
                std::ptr::from_mut(&mut found).cast(),
                size_of::<TimeOfDay>() as u32,
                std::ptr::null_mut(),
            )
        };
        if status < 0 {
            return 0;
        }
        let began = (found.boot_time as u64).wrapping_sub(found.boot_time_bias);
        // Apart from the random UUIDs that name Linux's boots.
        u128::from(u64::from_le_bytes(*b"Windows\0")) << 64 | u128::from(began)
    })
}

/// When this process began, in units of 100 ns since 1601; for people only.
pub(crate) fn start_time() -> u64 {
    let mut times = [FILETIME::default(); 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the pseudo handle is this process, and the four places are writable.
    match unsafe { GetProcessTimes(GetCurrentProcess(), created, exited, kernel, user) } {
        0 => 0,
        _ => u64::from(times[0].dwHighDateTime) << 32 | u64::from(times[0].dwLowDateTime),
    }
}
