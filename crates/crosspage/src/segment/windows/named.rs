//! Named file mappings (`CreateFileMapping` without a file): foreign segments, made by others or for
//! others.
//!
//! A mapping lives as long as somebody has a handle to it, and so does its name: what is mapped but
//! has no handle left cannot be found any more. So each [`Mapping`] keeps its handle. When the last
//! one goes, the bytes go too; nothing can be removed, and nothing is left behind.

use std::io;
use std::ptr::NonNull;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_ALREADY_EXISTS, ERROR_COMMITMENT_LIMIT, ERROR_INVALID_HANDLE,
    ERROR_NOT_ENOUGH_MEMORY, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_BASIC_INFORMATION,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
    VirtualQuery,
};

use super::security::{Descriptor, User, owner_and_mode, rights, user_name};
use super::{is_code, last_code, last_error, wide};
use crate::error::{Error, ErrorKind, Result};
use crate::segment::Mapping;

/// What can be told about a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// As `Local\NAME` or `Global\NAME`.
    pub(crate) name: String,
    /// In whole pages: Windows does not tell what its maker asked for.
    pub(crate) size: u64,
    pub(crate) user: User,
    pub(crate) mode: u32,
}

/// A handle to a mapping, closed on drop.
struct Section(HANDLE);

// SAFETY: a handle is a number that is valid in every thread of the process.
unsafe impl Send for Section {}
// SAFETY: as above.
unsafe impl Sync for Section {}

impl Drop for Section {
    fn drop(&mut self) {
        // SAFETY: open, and this value's alone.
        unsafe { CloseHandle(self.0) };
    }
}

/// Maps all of the mapping `name`. Never creates it.
pub(crate) fn open(name: &str, writable: bool) -> Result<Mapping> {
    let access = match writable {
        true => FILE_MAP_READ | FILE_MAP_WRITE,
        false => FILE_MAP_READ,
    };
    let section = open_section(name, access).map_err(|e| refused(name, writable, &e))?;
    map(name, section, writable)
}

/// Maps the mapping `name`, made with `size` zero bytes where there is none; whether it was made.
///
/// One that exists is used as it is if it has at least `size` bytes.
pub(crate) fn create(name: &str, size: usize, mode: u32) -> Result<(Mapping, bool)> {
    if size == 0 {
        let message = format!("segment \"win:{name}\" cannot be created with 0 bytes");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let failed = |e: &io::Error| refused(name, true, e);
    let descriptor = Descriptor::new(mode, &rights::SECTION).map_err(|e| failed(&e))?;
    let (attributes, text) = (descriptor.attributes(), wide(name));
    let (high, low) = ((size as u64 >> 32) as u32, size as u32);
    // SAFETY: valid attributes and a NUL-terminated name; no file: the paging file.
    let (handle, code) = unsafe {
        let file = INVALID_HANDLE_VALUE;
        let handle =
            CreateFileMappingW(file, &attributes, PAGE_READWRITE, high, low, text.as_ptr());
        (handle, last_code())
    };
    if handle.is_null() {
        let error = last_error();
        return Err(
            match is_code(&error, ERROR_COMMITMENT_LIMIT)
                || is_code(&error, ERROR_NOT_ENOUGH_MEMORY)
            {
                true => Error::new(
                    ErrorKind::NoSpace,
                    format!("no room for segment \"win:{name}\": asked for {size} bytes: {error}"),
                )
                .with_hint("end programs that use much memory, or enlarge the paging file"),
                false => failed(&error),
            },
        );
    }
    let section = Section(handle);
    let made = code != ERROR_ALREADY_EXISTS;
    let mapping = map(name, section, true)?;
    if mapping.len() < size {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "segment \"win:{name}\" exists with {} bytes; asked for {size}",
                mapping.len()
            ),
        )
        .with_hint("end the programs that use it, with which it goes; or ask for less"));
    }
    Ok((mapping, made))
}

/// What is known about the mapping `name`.
pub(crate) fn info(name: &str) -> Result<Info> {
    let access = FILE_MAP_READ | READ_CONTROL;
    let section = open_section(name, access).map_err(|e| refused(name, false, &e))?;
    // SAFETY: open, and asked for with READ_CONTROL.
    let (user, mode) = unsafe { owner_and_mode(section.0, &rights::SECTION) }
        .map_err(|e| Error::os(format!("segment \"win:{name}\""), &e))?;
    let size = map(name, section, false)?.len() as u64;
    let name = name.to_owned();
    Ok(Info {
        name,
        size,
        user,
        mode,
    })
}

/// A mapping cannot be removed.
pub(crate) fn remove(name: &str) -> Result<()> {
    open_section(name, FILE_MAP_READ).map_err(|e| refused(name, false, &e))?;
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("segment \"win:{name}\" cannot be removed: Windows keeps it as long as a program has it open"),
    )
    .with_hint("end the programs that use it; it goes with the last one"))
}

/// `ada (S-1-5-…)`, or the SID where it has no name.
pub(crate) fn user(user: User) -> String {
    match user_name(user) {
        Some(name) => format!("{name} ({user})"),
        None => user.to_string(),
    }
}

fn open_section(name: &str, access: u32) -> io::Result<Section> {
    let name = wide(name);
    // SAFETY: a NUL-terminated name.
    let handle = unsafe { OpenFileMappingW(access, 0, name.as_ptr()) };
    match handle.is_null() {
        true => Err(last_error()),
        false => Ok(Section(handle)),
    }
}

/// Maps the whole section, and keeps its handle.
fn map(name: &str, section: Section, writable: bool) -> Result<Mapping> {
    let access = match writable {
        true => FILE_MAP_READ | FILE_MAP_WRITE,
        false => FILE_MAP_READ,
    };
    // SAFETY: an open section; all of it, at an address of the kernel's choice.
    let view = unsafe { MapViewOfFile(section.0, access, 0, 0, 0) };
    let error = last_error();
    let failed = |e: &io::Error| Error::os(format!("segment \"win:{name}\" cannot be mapped"), e);
    let base = NonNull::new(view.Value.cast::<u8>()).ok_or_else(|| failed(&error))?;
    let mut found = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: a mapped address, and a writable place of this size.
    unsafe { VirtualQuery(base.as_ptr().cast(), &mut found, size_of_val(&found)) };
    // SAFETY: the view begins there, is ours alone, and its first region, all that this mapping uses,
    // has this many bytes; `unmap` is the inverse of mapping it.
    Ok(unsafe {
        Mapping::new(
            base,
            found.RegionSize,
            writable,
            unmap,
            Some(Box::new(section)),
        )
    })
}

unsafe fn unmap(base: *mut u8, _: usize) {
    let base = MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() };
    // SAFETY: handed through from `Mapping::drop`: the start of a view, unmapped once.
    unsafe { UnmapViewOfFile(base) };
}

/// Why a call did not give us the mapping `name`.
fn refused(name: &str, writable: bool, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            ErrorKind::NotFound,
            format!("there is no segment \"win:{name}\": {error}"),
        )
        .with_hint("start the program that makes it, or wait for it with a time-out; it goes with the last program that has it open"),
        io::ErrorKind::PermissionDenied => {
            let asked = if writable { "reading and writing" } else { "reading" };
            let hint = match name.starts_with("Global\\") {
                true => "its owner must allow it; and making a Global\\ segment needs the privilege SeCreateGlobalPrivilege (services and administrators have it): use Local\\ within one session",
                false => "its owner must allow it (group, all); reading alone may be allowed with read_only",
            };
            Error::os(format!("segment \"win:{name}\" refuses {}: {asked}", user(super::security::current_user())), error)
                .with_hint(hint)
        }
        _ if is_code(error, ERROR_INVALID_HANDLE) => Error::new(
            ErrorKind::Invalid,
            format!("\"win:{name}\" is no file mapping: the name belongs to an event, a mutex, a semaphore, a timer or a job: {error}"),
        )
        .with_hint("such objects share their names with file mappings: use another name"),
        _ => Error::os(format!("segment \"win:{name}\""), error),
    }
}
