//! POSIX shared memory objects (`shm_open`): foreign segments, made by others or for others.
//!
//! On Linux an object is a file in `/dev/shm`, so it can be listed, and its owner be told even to
//! whom it refuses. Elsewhere the kernel keeps the names to itself.

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::SystemTime;

use super::Mapping;
use super::file::File;
use super::unix::{bytes, denied, me};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::did_you_mean;

/// Where Linux keeps the objects.
#[cfg(target_os = "linux")]
const DIRECTORY: &str = "/dev/shm";

/// What can be told about an object without opening it.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// With the leading `/`.
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) uid: u32,
    /// The nine permission bits.
    pub(crate) mode: u32,
    pub(crate) modified: Option<SystemTime>,
}

/// Maps all of the object `name` (which begins with `/`). Never creates it.
pub(crate) fn open(name: &str, writable: bool) -> Result<Mapping> {
    let object = shm_open(name, open_flags(writable)).map_err(|e| refused(name, writable, &e))?;
    match size_of(name, &object)? {
        0 => Err(Error::new(
            ErrorKind::NotFound,
            format!("segment \"posix:{name}\" has no bytes yet"),
        )
        .with_hint(
            "its creator has not given it a size; wait for it, or remove what a killed one left",
        )),
        size => map(name, &object, size, writable),
    }
}

/// Maps the object `name`, made with `size` zero bytes where there is none; whether it was made.
///
/// One that exists is used as it is if it has at least `size` bytes.
pub(crate) fn create(name: &str, size: usize, mode: u32) -> Result<(Mapping, bool)> {
    if size == 0 {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("segment \"posix:{name}\" cannot be created with 0 bytes"),
        ));
    }
    // Both calls lose a race only to somebody who creates or removes the object just then.
    for _ in 0..100 {
        match shm_open(name, open_flags(true)) {
            Ok(object) => return take_over(name, &object, size).map(|mapping| (mapping, false)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(refused(name, true, &e)),
        }
        match shm_open(name, open_flags(true) | libc::O_CREAT | libc::O_EXCL) {
            Ok(object) => {
                let made = allocate(name, &object, size)
                    .and_then(|()| widen(name, &object, mode))
                    .and_then(|()| map(name, &object, size, true));
                if made.is_err() {
                    let _ = shm_unlink(name);
                }
                return made.map(|mapping| (mapping, true));
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(refused(name, true, &e)),
        }
    }
    Err(Error::new(
        ErrorKind::Io,
        format!("segment \"posix:{name}\" is created and removed all the time by others"),
    ))
}

/// Removes the name; the bytes stay for those who have them mapped.
pub(crate) fn unlink(name: &str) -> Result<()> {
    shm_unlink(name).map_err(|e| match e.kind() {
        io::ErrorKind::PermissionDenied => Error::os(
            format!(
                "segment \"posix:{name}\"{} cannot be removed by {}",
                owned(name),
                me()
            ),
            &e,
        ),
        _ => refused(name, false, &e),
    })
}

/// What is known about the object `name`.
pub(crate) fn info(name: &str) -> Result<Info> {
    look(name).map_err(|e| refused(name, false, &e))
}

/// Who has the object mapped, as far as we may know.
#[cfg(target_os = "linux")]
pub(crate) fn processes(name: &str) -> Result<Vec<u32>> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::symlink_metadata(format!("{DIRECTORY}{name}"))
        .map_err(|e| refused(name, false, &e))?;
    let (major, minor) = (libc::major(found.dev()), libc::minor(found.dev()));
    let device = format!("{major:02x}:{minor:02x}");
    Ok(super::unix::processes(|mapped| {
        mapped.inode == found.ino() && mapped.device == device
    }))
}

/// Who has the object mapped: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processes(name: &str) -> Result<Vec<u32>> {
    info(name).map(|_| Vec::new())
}

/// All objects, by name. Named semaphores (`sem.*`) lie beside them and are left out.
#[cfg(target_os = "linux")]
pub(crate) fn list() -> Result<Vec<Info>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(DIRECTORY) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(Error::os(DIRECTORY, &e)),
    };
    for entry in entries.flatten() {
        // Names that are not UTF-8 cannot be written as a locator.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with("sem.") {
            continue;
        }
        // What disappears while we look is not there.
        if let Ok(info) = look(&format!("/{name}")) {
            found.push(info);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// All objects, by name: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn list() -> Result<Vec<Info>> {
    Ok(Vec::new())
}

/// Looks at the object's file without opening it, which needs no permission on it.
#[cfg(target_os = "linux")]
fn look(name: &str) -> io::Result<Info> {
    let path = format!("{DIRECTORY}{name}");
    let found = super::file::stat(path.as_ref())?;
    if !found.regular {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    let modified = std::fs::symlink_metadata(path)
        .and_then(|found| found.modified())
        .ok();
    Ok(Info {
        name: name.to_owned(),
        size: found.size,
        uid: found.uid,
        mode: found.mode & 0o777,
        modified,
    })
}

/// Looks at the object, which only those can who may read it.
#[cfg(not(target_os = "linux"))]
fn look(name: &str) -> io::Result<Info> {
    let found = shm_open(name, open_flags(false))?.stat()?;
    Ok(Info {
        name: name.to_owned(),
        size: found.size,
        uid: found.uid,
        mode: found.mode & 0o777,
        modified: None,
    })
}

fn open_flags(writable: bool) -> libc::c_int {
    let flags = if writable {
        libc::O_RDWR
    } else {
        libc::O_RDONLY
    };
    // Never through a symbolic link, never stuck on a FIFO. POSIX leaves flags beyond the usual ones
    // undefined; on Linux they reach open(2) as they are.
    if cfg!(target_os = "linux") {
        flags | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK
    } else {
        flags
    }
}

/// Opens the object; one that this makes is its owner's alone until [`widen`].
fn shm_open(name: &str, flags: libc::c_int) -> io::Result<File> {
    let name = CString::new(name)?;
    // SAFETY: `name` is NUL-terminated and lives through the call, which returns a descriptor or -1.
    let fd = unsafe { libc::shm_open(name.as_ptr(), flags, 0o600) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just opened here and belongs to nobody else.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

fn shm_unlink(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: `name` is NUL-terminated and lives through the call.
    match unsafe { libc::shm_unlink(name.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The object's size, if it is memory that can be mapped at all.
fn size_of(name: &str, object: &File) -> Result<usize> {
    let found = object
        .stat()
        .map_err(|e| Error::os(format!("segment \"posix:{name}\""), &e))?;
    // Only Linux gives the objects a file type.
    if cfg!(target_os = "linux") && !found.regular {
        let message = format!("\"posix:{name}\" is no shared memory object but a special file");
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    usize::try_from(found.size).map_err(|_| {
        let size = bytes(found.size);
        Error::new(
            ErrorKind::TooLarge,
            format!("segment \"posix:{name}\" has {size}, more than this process can map"),
        )
    })
}

fn map(name: &str, object: &File, size: usize, writable: bool) -> Result<Mapping> {
    object.map(size, writable).map_err(|e| {
        Error::os(
            format!(
                "segment \"posix:{name}\": {} cannot be mapped",
                bytes(size as u64)
            ),
            &e,
        )
    })
}

/// Uses an object that exists, which must be large enough.
fn take_over(name: &str, object: &File, size: usize) -> Result<Mapping> {
    let there = size_of(name, object)?;
    // No bytes at all: its creator was killed before it gave the object a size (or is about to).
    // Growing it can harm nobody.
    if there == 0 {
        allocate(name, object, size)?;
        return map(name, object, size, true);
    }
    if there < size {
        let (there, asked) = (bytes(there as u64), bytes(size as u64));
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "segment \"posix:{name}\"{} exists with {there}; asked for {asked}",
                owned(name)
            ),
        )
        .with_hint(format!(
            "remove it first (crosspage rm posix:{name}), or ask for at most {there}"
        )));
    }
    map(name, object, there, true)
}

/// Gives the object memory now, so that a full `/dev/shm` is an error here and no SIGBUS later.
fn allocate(name: &str, object: &File, size: usize) -> Result<()> {
    object
        .allocate(0, size as u64)
        .map_err(|e| match e.raw_os_error() {
            Some(libc::ENOSPC | libc::EFBIG | libc::ENOMEM | libc::EDQUOT) => no_room(name, size),
            _ => Error::os(
                format!(
                    "segment \"posix:{name}\" cannot be given {}",
                    bytes(size as u64)
                ),
                &e,
            ),
        })
}

fn no_room(name: &str, size: usize) -> Error {
    let asked = bytes(size as u64);
    #[cfg(target_os = "linux")]
    if let Some((free, total)) = super::unix::room(DIRECTORY) {
        return Error::new(
            ErrorKind::NoSpace,
            format!("no room for segment \"posix:{name}\": asked for {asked}, {DIRECTORY} has {} free of {}", bytes(free), bytes(total)),
        )
        .with_hint("remove what nobody uses (crosspage ls --all, crosspage gc), or enlarge it: mount -o remount,size=… /dev/shm; docker run --shm-size=…");
    }
    Error::new(
        ErrorKind::NoSpace,
        format!("no room for segment \"posix:{name}\": asked for {asked}"),
    )
}

/// Gives the object its permissions whatever the umask; it had none for others until it was whole.
fn widen(name: &str, object: &File, mode: u32) -> Result<()> {
    object.set_mode(mode).map_err(|e| {
        Error::os(
            format!("segment \"posix:{name}\" cannot be given mode {mode:04o}"),
            &e,
        )
    })
}

/// ` (owner ada, mode 0600)`, where it can be told.
fn owned(name: &str) -> String {
    #[cfg(target_os = "linux")]
    if let Ok(info) = look(name) {
        let owner = super::unix::user(info.uid);
        return format!(" (owner {owner}, mode {:04o})", info.mode);
    }
    let _ = name;
    String::new()
}

/// Why `shm_open` did not open `name`.
fn refused(name: &str, writable: bool, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let near = list().unwrap_or_default().into_iter().map(|info| info.name);
            let message = format!("there is no segment \"posix:{name}\"");
            let error = Error::new(ErrorKind::NotFound, message);
            match did_you_mean(name, near) {
                Some(near) => error.with_hint(format!("did you mean posix:{near}?")),
                None => error
                    .with_hint("start the program that makes it, or wait for it with a time-out"),
            }
        }
        io::ErrorKind::PermissionDenied => denied(
            format!("segment \"posix:{name}\"{} refuses {}", owned(name), me()),
            writable,
            error,
        ),
        _ if error.raw_os_error() == Some(libc::ENAMETOOLONG) => Error::new(
            ErrorKind::Invalid,
            format!(
                "\"posix:{name}\": a name of {} bytes is longer than this system allows",
                name.len()
            ),
        )
        .with_hint("Linux allows 255 bytes, macOS 31, with the leading /"),
        _ if error.raw_os_error() == Some(libc::ELOOP) => Error::new(
            ErrorKind::Invalid,
            format!("\"posix:{name}\" is a symbolic link, which is not followed"),
        ),
        _ => Error::os(format!("segment \"posix:{name}\""), error),
    }
}
