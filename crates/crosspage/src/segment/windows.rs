//! Windows: what the backends there have in common.
//!
//! [`file`] carries pages, `named` carries foreign segments; who may do what with either is in
//! [`security`].

pub(crate) mod file;
pub(crate) mod named;
pub(crate) mod security;

use windows_sys::Win32::Foundation::GetLastError;

use std::io;

/// The calling thread's last error.
fn last_error() -> io::Error {
    io::Error::last_os_error()
}

/// `Ok` where a call answered "not zero".
fn check(answer: i32) -> io::Result<()> {
    match answer {
        0 => Err(last_error()),
        _ => Ok(()),
    }
}

/// The calling thread's last error, as its number.
fn last_code() -> u32 {
    // SAFETY: always succeeds.
    unsafe { GetLastError() }
}

/// Whether `error` is the one that Windows gives this number.
fn is_code(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// The same text for calls that want UTF-16 with a NUL at the end.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}
