//! When it is, when this process began, and which boot this is: POSIX.

/// Nanoseconds since 1970 (CLOCK_REALTIME): the times that pages store.
#[inline]
pub(crate) fn realtime_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable; CLOCK_REALTIME always exists (clock_gettime(2)).
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut time) };
    (time.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(time.tv_nsec as u64)
}

/// A number for this boot of this machine; zero where the system has none.
pub(crate) fn boot_id() -> u128 {
    static BOOT: std::sync::OnceLock<u128> = std::sync::OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0)
    })
}

/// When this process began, in clock ticks since boot (proc(5), field 22); for people only.
pub(crate) fn start_time() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        return 0;
    };
    // The command name may hold anything, parentheses included: fields start after the last one.
    let Some((_, fields)) = text.rsplit_once(')') else {
        return 0;
    };
    fields
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}
