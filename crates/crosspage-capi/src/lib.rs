//! The C ABI of crosspage. `include/crosspage.h` documents every function and, at its head, the
//! conventions that all of them follow; the [README](../README.md) says how they are kept.
//!
//! One file per concept, and no logic: each function checks what it was given, calls the core inside
//! the one panic boundary ([`error::guard`]), and writes the result.

// The header is the documentation of the functions and of their contracts.
#![allow(missing_docs, clippy::missing_safety_doc)]

mod error;
mod foreign;
mod latest;
mod layout;
mod log;
mod registry;
mod testing;
mod topic;
mod wait;

use std::ffi::{CStr, CString, c_char, c_void};
use std::time::Duration;

use crosspage::layout::Match;
use crosspage::{Error, ErrorKind, Language, Lifetime, Permissions, Result};

/// Changes a value on behalf of `update` and `write_with`.
type Edit = unsafe extern "C" fn(context: *mut c_void, value: *mut c_void) -> i32;

/// Calls `edit`; where it cancels, says so in `cancelled`.
unsafe fn call(
    edit: Edit,
    context: *mut c_void,
    value: *mut u8,
    cancelled: &mut bool,
) -> Result<()> {
    // SAFETY: the header's contract for callbacks.
    if unsafe { edit(context, value.cast()) } == 0 {
        return Ok(());
    }
    *cancelled = true;
    Err(invalid("cancelled"))
}

#[unsafe(no_mangle)]
pub extern "C" fn crosspage_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: by the header's contract it came from `into_c`, and is freed once.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// A string for C to free. What follows a NUL is lost.
fn into_c(text: String) -> *mut c_char {
    let mut bytes = text.into_bytes();
    bytes.retain(|&byte| byte != 0);
    CString::new(bytes).unwrap_or_default().into_raw()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// A string parameter.
///
/// # Safety
/// `text` is null or points to a string that ends with a NUL and stays as it is for `'a`.
unsafe fn str_arg<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    if text.is_null() {
        return Err(invalid(format!("{what} is NULL")));
    }
    // SAFETY: handed through.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map_err(|_| invalid(format!("{what} {text:?} is not UTF-8")))
}

/// A handle or struct parameter.
///
/// # Safety
/// `pointer` is null or valid for `'a` as a `&T`.
unsafe fn ref_arg<'a, T>(pointer: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: handed through.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(what))
}

#[cold]
fn null(what: &str) -> Error {
    invalid(format!("{what} is NULL"))
}

/// Writes a result.
///
/// # Safety
/// `out` is null or valid for writing a `T`.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: handed through.
        unsafe { out.write(value) };
    }
}

/// Hands an object over to C.
///
/// # Safety
/// `out` is null or valid for writing a pointer.
unsafe fn put_handle<T>(out: *mut *mut T, make: impl FnOnce() -> Result<T>) -> Result<()> {
    if out.is_null() {
        return Err(null("out"));
    }
    let handle = Box::into_raw(Box::new(make()?));
    // SAFETY: handed through.
    unsafe { out.write(handle) };
    Ok(())
}

fn timeout(ns: i64) -> Option<Duration> {
    u64::try_from(ns).ok().map(Duration::from_nanos)
}

#[inline(always)]
fn check_value(
    pointer: *const c_void,
    size: usize,
    expected: usize,
    type_name: impl FnOnce() -> String,
) -> Result<()> {
    if pointer.is_null() || size != expected {
        return Err(bad_value(pointer.is_null(), size, expected, &type_name()));
    }
    Ok(())
}

#[cold]
fn bad_value(null: bool, size: usize, expected: usize, type_name: &str) -> Error {
    match null {
        true => invalid("value is NULL"),
        false => invalid(format!(
            "the value has {size} bytes, {type_name} has {expected}"
        )),
    }
}

/// Options as C gives them: a struct that starts with its size.
trait Sized32: Copy {
    const NOTHING_GIVEN: Self;
}

/// Copies what C gave of an options struct. A newer program may give more than this library knows, if
/// that is zero.
///
/// # Safety
/// `given` is null or points to as many readable bytes as its first four say.
unsafe fn options<T: Sized32>(given: *const T) -> Result<T> {
    let mut options = T::NOTHING_GIVEN;
    if given.is_null() {
        return Ok(options);
    }
    // SAFETY: by the contract at least the size is there.
    let size = unsafe { given.cast::<u32>().read_unaligned() } as usize;
    if size < size_of::<u32>() {
        return Err(invalid(format!("options of {size} bytes"))
            .with_hint("initialise them with the _INIT macro"));
    }
    let known = size.min(size_of::<T>());
    // SAFETY: both have `known` bytes, and `T` is made of integers only.
    unsafe {
        std::ptr::copy_nonoverlapping(given.cast::<u8>(), (&raw mut options).cast::<u8>(), known)
    };
    // SAFETY: by the contract there are `size` bytes.
    let rest = unsafe { std::slice::from_raw_parts(given.cast::<u8>().add(known), size - known) };
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "an option that this version of the library does not have",
        )
        .with_hint(format!(
            "it is version {}; the program was made for a newer one",
            env!("CARGO_PKG_VERSION")
        )));
    }
    Ok(options)
}

fn yes(option: &str, value: u32) -> Result<Option<bool>> {
    match value {
        0 => Ok(None),
        1 => Ok(Some(true)),
        2 => Ok(Some(false)),
        other => Err(unknown(option, other, "CROSSPAGE_YES or CROSSPAGE_NO")),
    }
}

fn permissions(value: u32) -> Result<Option<Permissions>> {
    match value {
        0 => Ok(None),
        1 => Ok(Some(Permissions::Owner)),
        2 => Ok(Some(Permissions::Group)),
        3 => Ok(Some(Permissions::All)),
        other => Err(unknown(
            "permissions",
            other,
            "one of CROSSPAGE_PERMISSIONS_OWNER, _GROUP, _ALL",
        )),
    }
}

fn lifetime(value: u32) -> Result<Option<Lifetime>> {
    match value {
        0 => Ok(None),
        1 => Ok(Some(Lifetime::Keep)),
        2 => Ok(Some(Lifetime::WhileUsed)),
        other => Err(unknown(
            "lifetime",
            other,
            "CROSSPAGE_LIFETIME_KEEP or _WHILE_USED",
        )),
    }
}

fn matching(value: u32) -> Result<Match> {
    match value {
        0 | 1 => Ok(Match::Exact),
        2 => Ok(Match::Name),
        other => Err(unknown("match", other, "CROSSPAGE_MATCH_EXACT or _NAME")),
    }
}

fn language(value: u32) -> Result<Language> {
    match value {
        0 | 1 => Ok(Language::C),
        2 => Ok(Language::Cpp),
        other => Err(unknown("language", other, "CROSSPAGE_LANGUAGE_C or _CPP")),
    }
}

fn unknown(option: &str, value: u32, expected: &str) -> Error {
    invalid(format!("{option} = {value}; it is {expected}"))
}
