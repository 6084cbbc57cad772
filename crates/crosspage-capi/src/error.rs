//! The error struct of C, and the one place where panics end.

use std::ffi::c_char;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crosspage::{Error, ErrorKind, Result};

/// `crosspage_error`.
#[repr(C)]
pub struct CError {
    size: u32,
    code: i32,
    os_code: i32,
    reserved: u32,
    hint: [c_char; 496],
    message: [c_char; 1536],
}

/// The callback of an `update` or `write_with` said no.
pub const CANCELLED: i32 = -1;

/// Runs the body of a C function: its error, or panic, becomes the function's result.
///
/// # Safety
/// `error` is null or points to a `crosspage_error` of as many writable bytes as its size says.
#[inline(always)]
pub unsafe fn guard(error: *mut CError, body: impl FnOnce() -> Result<()>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        // SAFETY: handed through.
        Ok(Err(failure)) => unsafe { report(error, &failure) },
        // SAFETY: handed through.
        Err(panic) => unsafe { report_panic(error, panic) },
    }
}

/// As [`guard`], for what has nowhere to report to.
pub fn guard_quietly<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

#[cold]
unsafe fn report_panic(error: *mut CError, panic: Box<dyn std::any::Any + Send>) -> i32 {
    let text = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("unknown panic");
    let failure = Error::new(
        ErrorKind::Internal,
        format!("a defect in crosspage: {text}"),
    );
    // SAFETY: handed through.
    unsafe { report(error, &failure) }
}

/// # Safety
/// As for [`guard`].
#[cold]
pub unsafe fn report(error: *mut CError, failure: &Error) -> i32 {
    // SAFETY: handed through.
    unsafe {
        fill(
            error,
            failure.code(),
            failure.os_code().unwrap_or(0),
            failure.message(),
            failure.hint().unwrap_or_default(),
        );
    }
    failure.code()
}

/// What is no surprise, and so costs no allocation.
///
/// # Safety
/// As for [`guard`].
pub unsafe fn report_no_value(error: *mut CError, message: &str) -> i32 {
    let code = ErrorKind::NoValue as i32;
    // SAFETY: handed through.
    unsafe { fill(error, code, 0, message, "") };
    code
}

/// # Safety
/// As for [`guard`].
#[cold]
pub unsafe fn report_cancelled(error: *mut CError) -> i32 {
    // SAFETY: handed through.
    unsafe {
        fill(
            error,
            CANCELLED,
            0,
            "the callback cancelled it, so nothing was written",
            "",
        )
    };
    CANCELLED
}

unsafe fn fill(error: *mut CError, code: i32, os_code: i32, message: &str, hint: &str) {
    if error.is_null() {
        return;
    }
    // SAFETY: every crosspage_error has the members up to `hint`, and `size` says where it ends. All
    // is reached through the one pointer, since the buffer may be larger than the struct.
    unsafe {
        let size = match (*error).size as usize {
            0 => size_of::<CError>(), // Not initialised, and so of the first version.
            size => size,
        };
        (*error).code = code;
        (*error).os_code = os_code;
        let bytes = error.cast::<u8>();
        const HINT: usize = offset_of!(CError, hint);
        const MESSAGE: usize = offset_of!(CError, message);
        put_text(bytes.add(HINT), MESSAGE - HINT, hint);
        put_text(bytes.add(MESSAGE), size.saturating_sub(MESSAGE), message);
    }
}

/// Writes `text` and a NUL; cut at a character, with an ellipsis, where it does not fit.
///
/// # Safety
/// `to` is valid for writing `room` bytes.
unsafe fn put_text(to: *mut u8, room: usize, text: &str) {
    const ELLIPSIS: &str = "…";
    let Some(room) = room.checked_sub(1) else {
        return;
    };
    let (text, tail) = match text.len() <= room {
        true => (text, ""),
        false => {
            let mut end = room.saturating_sub(ELLIPSIS.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            (&text[..end], ELLIPSIS)
        }
    };
    let tail = if text.len() + tail.len() <= room {
        tail
    } else {
        ""
    };
    for (at, byte) in text.bytes().chain(tail.bytes()).chain([0]).enumerate() {
        // SAFETY: at most `room` bytes and the NUL.
        unsafe {
            to.add(at).write(if byte == 0 && at < text.len() {
                b' '
            } else {
                byte
            })
        };
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;

    use super::*;

    fn empty() -> CError {
        // SAFETY: integers and characters only.
        let mut error: CError = unsafe { MaybeUninit::zeroed().assume_init() };
        error.size = size_of::<CError>() as u32;
        error
    }

    fn text(chars: &[c_char]) -> &str {
        // SAFETY: `fill` has ended it with a NUL.
        unsafe { CStr::from_ptr(chars.as_ptr()) }.to_str().unwrap()
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let mut error = empty();
        // SAFETY: `error` is one.
        let code = unsafe { guard(&raw mut error, || panic!("number {}", 7)) };
        assert_eq!((code, error.code), (18, 18));
        assert_eq!(text(&error.message), "a defect in crosspage: number 7");
        assert_eq!(guard_quietly(3, || panic!("quiet")), 3);
    }

    #[test]
    fn success_writes_nothing() {
        let mut error = empty();
        error.code = 99;
        // SAFETY: as above; and null is allowed.
        unsafe {
            assert_eq!(guard(&raw mut error, || Ok(())), 0);
            let failure = || Err(Error::new(ErrorKind::Full, "full"));
            assert_eq!(guard(std::ptr::null_mut(), failure), 8);
        }
        assert_eq!(error.code, 99);
    }

    #[test]
    fn text_is_cut_between_characters() {
        let whole = "hällo ö"; // 9 bytes
        let cuts = [
            (10, whole),
            (9, "häll…"),
            (8, "häl…"),
            (7, "hä…"),
            (6, "h…"),
            (4, "…"),
            (3, ""),
            (1, ""),
        ];
        for (room, expected) in cuts {
            let mut bytes = [0xaa_u8; 16];
            // SAFETY: `bytes` has more room than that.
            unsafe { put_text(bytes.as_mut_ptr(), room, whole) };
            let end = bytes.iter().position(|&byte| byte == 0).unwrap();
            assert_eq!(
                std::str::from_utf8(&bytes[..end]).unwrap(),
                expected,
                "room for {room}"
            );
            assert!(
                bytes[room..].iter().all(|&byte| byte == 0xaa),
                "room for {room}"
            );
        }
    }
}
