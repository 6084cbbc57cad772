//! Segments that are files: what pages live in (the user's LocalAppData, any path with `file:`).
//!
//! Every file is opened so that others may read, write, rename and delete it meanwhile. Locks are
//! `LockFileEx`'s: they belong to the handle and the process, and the kernel lets go of them when
//! that dies. They hold off reads and writes of the bytes that they cover, of which there are none:
//! they lie beyond the end.
//!
//! Windows cannot tell whether a byte is locked without trying to lock it. So that no newcomer is
//! refused because somebody looks, one probes, and locks for life, only under the registration lock:
//! [`File::is_locked`] takes it where this handle does not hold it already.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::FileExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle};
use std::path::{Path, PathBuf};
use std::ptr::{NonNull, null, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_LOCK_VIOLATION, GENERIC_READ, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Security::Cryptography::{
    BCRYPT_USE_SYSTEM_PREFERRED_RNG, BCryptGenRandom,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateDirectoryW, CreateFileW,
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_TEMPORARY, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_FLAGS_AND_ATTRIBUTES, FILE_ID_INFO, FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_STANDARD_INFO, FILE_TYPE_DISK, FileIdInfo,
    FileStandardInfo, GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
    GetFinalPathNameByHandleW, LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx,
    MoveFileExW, OPEN_EXISTING, READ_CONTROL, SECURITY_ANONYMOUS, SECURITY_SQOS_PRESENT,
    UnlockFileEx, WRITE_DAC,
};
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_READONLY, PAGE_READWRITE, UnmapViewOfFile,
};

use super::security::{Descriptor, owner_and_mode, profile, rights};
pub(crate) use super::security::{User, current_user as current_uid, user_name, user_of as uid_of};
use super::{check, is_code, last_error, security};
use crate::liveness::Byte;
use crate::segment::{Identity, Mapping, Stat, TEMPORARY};

/// What to do when there is no room for a page.
pub(crate) const NO_ROOM: &str = "the disk is full; crosspage gc removes pages that nobody uses";

/// Where pages can be.
pub(crate) const GOOD_FILE_SYSTEMS: &str = "a local disk (NTFS, ReFS)";

/// A file that carries, or may carry, a page.
#[derive(Debug)]
pub(crate) struct File {
    file: std::fs::File,
    identity: Identity,
    /// Whether this handle holds the registration lock. Its mutex is held over every call that takes
    /// a lock or lets go of one, so that a probe of one thread is done before another unlocks.
    registered: Mutex<bool>,
}

/// The path in the form that Windows takes as it is: longer than 260 units if need be, and without
/// device names, so that a page may be called `nul`.
fn verbatim(path: &Path) -> PathBuf {
    const SEPARATOR: u16 = b'\\' as u16;
    let units: Vec<u16> = path.as_os_str().encode_wide().collect();
    let prefix = match units[..] {
        [SEPARATOR, SEPARATOR, dot, SEPARATOR, ..]
            if dot == u16::from(b'.') || dot == u16::from(b'?') =>
        {
            ""
        }
        [SEPARATOR, SEPARATOR, ..] => r"\\?\UNC",
        [_, colon, SEPARATOR, ..] if colon == u16::from(b':') => r"\\?\",
        _ => "",
    };
    // Such a path is not tidied up by Windows any more.
    let tidy = !units.contains(&u16::from(b'/'))
        && path.components().all(|part| {
            matches!(
                part,
                std::path::Component::Prefix(_)
                    | std::path::Component::RootDir
                    | std::path::Component::Normal(_)
            )
        });
    if prefix.is_empty() || !tidy {
        return path.to_owned();
    }
    let rest = if prefix == r"\\?\UNC" {
        &units[1..]
    } else {
        &units[..]
    };
    let whole: Vec<u16> = prefix.encode_utf16().chain(rest.iter().copied()).collect();
    OsString::from_wide(&whole).into()
}

/// The path for a call: verbatim, NUL-terminated.
fn wide(path: &Path) -> io::Result<Vec<u16>> {
    let mut units: Vec<u16> = verbatim(path).as_os_str().encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    units.push(0);
    Ok(units)
}

/// CreateFileW as all of crosspage calls it: shared with everybody, a link at the end of the path
/// opened itself and not followed, nothing of this process's identity given to what is no file.
fn open(
    path: &Path,
    access: u32,
    attributes: *const SECURITY_ATTRIBUTES,
    disposition: u32,
    flags: FILE_FLAGS_AND_ATTRIBUTES,
) -> io::Result<std::fs::File> {
    let path = wide(path)?;
    let share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    // BACKUP_SEMANTICS: lets directories be opened too, so that they can be told apart.
    let flags = flags
        | FILE_FLAG_OPEN_REPARSE_POINT
        | FILE_FLAG_BACKUP_SEMANTICS
        | SECURITY_SQOS_PRESENT
        | SECURITY_ANONYMOUS;
    // SAFETY: `path` is NUL-terminated; `attributes` is null or valid, by every caller here.
    let handle = unsafe {
        CreateFileW(
            path.as_ptr(),
            access,
            share,
            attributes,
            disposition,
            flags,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(last_error());
    }
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { std::fs::File::from_raw_handle(handle) })
}

/// One of the structures that `GetFileInformationByHandleEx` fills.
fn query<T: Default>(file: &std::fs::File, class: i32) -> io::Result<T> {
    let mut found = T::default();
    // SAFETY: an open handle, and a place that is writable for its size.
    check(unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            class,
            std::ptr::from_mut(&mut found).cast(),
            size_of::<T>() as u32,
        )
    })?;
    Ok(found)
}

/// Which file this is. Wine finds out the volume by the name that the handle was opened by: so this
/// is asked while it still has that.
fn identify(file: &std::fs::File) -> Identity {
    // FAT has no such numbers; there the older ones must do.
    if let Ok(id) = query::<FILE_ID_INFO>(file, FileIdInfo) {
        return Identity {
            device: id.VolumeSerialNumber,
            number: u128::from_le_bytes(id.FileId.Identifier),
        };
    }
    let found = information(file).unwrap_or_default();
    Identity {
        device: u64::from(found.dwVolumeSerialNumber),
        number: u128::from(join(found.nFileIndexHigh, found.nFileIndexLow)),
    }
}

fn join(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn information(file: &std::fs::File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: an open handle, and a writable place.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut found) })?;
    Ok(found)
}

/// What the name refers to now (a symbolic link is not followed).
pub(crate) fn stat(path: &Path) -> io::Result<Stat> {
    let access = FILE_READ_ATTRIBUTES | READ_CONTROL;
    File::from(open(path, access, null(), OPEN_EXISTING, 0)?).stat()
}

/// Whether a file could not be opened because its name is a link. Here links are opened themselves,
/// and are no regular files then.
pub(crate) fn is_link(_: &io::Error) -> bool {
    false
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> File {
        File {
            identity: identify(&file),
            file,
            registered: Mutex::new(false),
        }
    }
}

impl File {
    /// Opens what exists; never creates, never follows a symbolic link at the end of the path.
    pub(crate) fn open(path: &Path, writable: bool) -> io::Result<File> {
        let access = if writable {
            GENERIC_READ | GENERIC_WRITE
        } else {
            GENERIC_READ
        };
        Ok(File::from(open(path, access, null(), OPEN_EXISTING, 0)?))
    }

    /// Creates a new file with exactly this mode; an existing name is an error. What need not last is
    /// kept in memory rather than written to the disk, as far as there is memory.
    pub(crate) fn create_new(path: &Path, mode: u32, lasting: bool) -> io::Result<File> {
        let access = GENERIC_READ | GENERIC_WRITE | WRITE_DAC;
        let flags = if lasting {
            FILE_ATTRIBUTE_NORMAL
        } else {
            FILE_ATTRIBUTE_TEMPORARY
        };
        let owner_only = Descriptor::new(0o600, &rights::FILE)?;
        let file = open(path, access, &owner_only.attributes(), CREATE_NEW, flags)?;
        if mode != 0o600 {
            let wider = Descriptor::new(mode, &rights::FILE)?;
            // SAFETY: just opened, with WRITE_DAC.
            match unsafe { wider.give_to(file.as_raw_handle(), &rights::FILE) } {
                Err(e) if !security::has_no_lists(&e) => return Err(e),
                _ => {}
            }
        }
        Ok(File::from(file))
    }

    fn handle(&self) -> HANDLE {
        self.file.as_raw_handle()
    }

    /// What the file is. Needs READ_CONTROL, which GENERIC_READ has.
    pub(crate) fn stat(&self) -> io::Result<Stat> {
        // SAFETY: an open handle.
        if unsafe { GetFileType(self.handle()) } != FILE_TYPE_DISK {
            return Ok(Stat {
                size: 0,
                identity: self.identity,
                named: true,
                regular: false,
                mode: 0,
                uid: User::UNKNOWN,
            });
        }
        let found = information(&self.file)?;
        let standard = query::<FILE_STANDARD_INFO>(&self.file, FileStandardInfo);
        let doomed = standard.is_ok_and(|info| info.DeletePending);
        // SAFETY: open, and asked for with READ_CONTROL by all who call this.
        let (uid, mode) = match unsafe { owner_and_mode(self.handle(), &rights::FILE) } {
            // No lists: then everybody is its owner.
            Err(e) if security::has_no_lists(&e) => (current_uid(), 0o666),
            found => found?,
        };
        let irregular = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
        Ok(Stat {
            size: join(found.nFileSizeHigh, found.nFileSizeLow),
            identity: self.identity,
            named: found.nNumberOfLinks != 0 && !doomed,
            regular: found.dwFileAttributes & irregular == 0,
            mode,
            uid,
        })
    }

    /// Makes the file reach to the end of this range. NTFS and ReFS reserve the room, so that a full
    /// disk is an error here. Others may have the file mapped meanwhile: no file becomes shorter.
    pub(crate) fn allocate(&self, at: u64, len: u64) -> io::Result<()> {
        let end = at.checked_add(len).ok_or(io::ErrorKind::FileTooLarge)?;
        let found = information(&self.file)?;
        if join(found.nFileSizeHigh, found.nFileSizeLow) >= end {
            return Ok(());
        }
        self.file.set_len(end)
    }

    /// Reads exactly `buffer.len()` bytes at `offset` without mapping, so a cut file is an error.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self
                .file
                .seek_read(&mut buffer[done..], offset + done as u64)?
            {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }

    /// Maps the first `len` bytes, which the file has.
    pub(crate) fn map(&self, len: usize, writable: bool) -> io::Result<Mapping> {
        self.map_range(0, len, writable)
    }

    /// Maps a range that the file has; it begins at a multiple of 64 KiB.
    pub(crate) fn map_range(&self, at: u64, len: usize, writable: bool) -> io::Result<Mapping> {
        let (protection, access) = match writable {
            true => (PAGE_READWRITE, FILE_MAP_READ | FILE_MAP_WRITE),
            false => (PAGE_READONLY, FILE_MAP_READ),
        };
        // Of the file's own size (0): a larger one would make the file grow.
        // SAFETY: an open handle; no name, no attributes.
        let section =
            unsafe { CreateFileMappingW(self.handle(), null(), protection, 0, 0, null()) };
        if section.is_null() {
            return Err(last_error());
        }
        // SAFETY: a section that was just made; a view at an address of the kernel's choice.
        let view = unsafe { MapViewOfFile(section, access, (at >> 32) as u32, at as u32, len) };
        let error = last_error();
        // SAFETY: made above, closed once. The view keeps what it needs.
        unsafe { CloseHandle(section) };
        let base = NonNull::new(view.Value.cast::<u8>()).ok_or(error)?;
        // SAFETY: the view is of this range and ours alone; `unmap` is its inverse.
        Ok(unsafe { Mapping::new(base, len, writable, unmap, None) })
    }

    /// Takes the lock on one byte, or returns false when another open file holds it.
    ///
    /// A shared lock is one for life that is not taken under the registration lock: so it waits for
    /// the moments in which that is held, and whoever holds it may be looking.
    pub(crate) fn try_lock(&self, byte: u64, shared: bool) -> io::Result<bool> {
        let mut registered = self.registered();
        if byte == Byte::Registration.offset() {
            if !*registered {
                *registered = lock::set(self.handle(), byte, shared)?;
                return Ok(*registered);
            }
            return Ok(false);
        }
        if !shared {
            return lock::set(self.handle(), byte, shared);
        }
        self.as_registered(&registered, || lock::set(self.handle(), byte, shared))?
            .map_or_else(|| lock::set(self.handle(), byte, shared), Ok)
    }

    pub(crate) fn unlock(&self, byte: u64) -> io::Result<()> {
        let mut registered = self.registered();
        lock::clear(self.handle(), byte)?;
        if byte == Byte::Registration.offset() {
            *registered = false;
        }
        Ok(())
    }

    /// Whether some *other* open file holds a lock on the byte. An error where somebody holds the
    /// registration lock for so long that it cannot be found out.
    pub(crate) fn is_locked(&self, byte: u64) -> io::Result<bool> {
        let registered = self.registered();
        let probe = || {
            let free = lock::set(self.handle(), byte, false)?;
            if free {
                lock::clear(self.handle(), byte)?;
            }
            Ok(!free)
        };
        if byte == Byte::Registration.offset() {
            return if *registered { Ok(false) } else { probe() };
        }
        self.as_registered(&registered, probe)?
            .ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn registered(&self) -> MutexGuard<'_, bool> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls under the registration lock, which is taken for that where this handle does not hold it.
    /// `None`: somebody else has held it for too long.
    fn as_registered<T>(
        &self,
        registered: &MutexGuard<'_, bool>,
        call: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        if **registered {
            return call().map(Some);
        }
        let byte = Byte::Registration.offset();
        for pause in 0..PATIENCE {
            if lock::set(self.handle(), byte, false)? {
                let result = call();
                lock::clear(self.handle(), byte)?;
                return result.map(Some);
            }
            std::thread::sleep(Duration::from_micros(20 << pause.min(6)));
        }
        Ok(None)
    }

    /// Why a page may not live here, where the file system is one without reliable sharing.
    pub(crate) fn refused_file_system(&self) -> io::Result<Option<&'static str>> {
        // SAFETY: an open handle; no room at all, so the answer is how much is needed.
        let len = unsafe { GetFinalPathNameByHandleW(self.handle(), null_mut(), 0, 0) };
        let mut whole = vec![0u16; len as usize + 1];
        // SAFETY: an open handle, and a place that is writable for its length.
        let len = unsafe {
            GetFinalPathNameByHandleW(self.handle(), whole.as_mut_ptr(), whole.len() as u32, 0)
        };
        let path = String::from_utf16_lossy(&whole[..(len as usize).min(whole.len())]);
        Ok(path.starts_with(r"\\?\UNC\").then_some("a network share"))
    }
}

/// How often somebody else's registration lock is waited for, a millisecond or so each time: its
/// holder needs microseconds.
const PATIENCE: u32 = 100;

unsafe fn unmap(base: *mut u8, _: usize) {
    let base = MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() };
    // SAFETY: handed through from `Mapping::drop`: the start of a view, unmapped once.
    unsafe { UnmapViewOfFile(base) };
}

mod lock {
    use super::*;

    fn at(byte: u64) -> OVERLAPPED {
        let mut place = OVERLAPPED::default();
        place.Anonymous.Anonymous.Offset = byte as u32;
        place.Anonymous.Anonymous.OffsetHigh = (byte >> 32) as u32;
        place
    }

    pub(super) fn set(handle: HANDLE, byte: u64, shared: bool) -> io::Result<bool> {
        let flags = LOCKFILE_FAIL_IMMEDIATELY | if shared { 0 } else { LOCKFILE_EXCLUSIVE_LOCK };
        // SAFETY: an open handle without FILE_FLAG_OVERLAPPED: the call is over when it returns.
        match check(unsafe { LockFileEx(handle, flags, 0, 1, 0, &mut at(byte)) }) {
            Ok(()) => Ok(true),
            Err(e) if is_code(&e, ERROR_LOCK_VIOLATION) => Ok(false),
            Err(e) => Err(e),
        }
    }

    pub(super) fn clear(handle: HANDLE, byte: u64) -> io::Result<()> {
        // SAFETY: as above.
        check(unsafe { UnlockFileEx(handle, 0, 1, 0, &mut at(byte)) })
    }
}

/// Renames; an existing `to` is `AlreadyExists`.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from)?, wide(to)?);
    // SAFETY: both paths are NUL-terminated. No flag: nothing is replaced, nothing copied.
    check(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) })
}

/// Gives the file `from` the name `to`, in one step; an existing `to` is `AlreadyExists`.
pub(crate) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    rename(from, to)
}

/// Gives the file `from` the name `to`, whose old file loses it.
///
/// In one step where the file system renames over a file that is open (POSIX semantics: NTFS since
/// Windows 10 1709). Elsewhere the old file is put aside first; killed in between, nothing has the
/// name.
pub(crate) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (verbatim(from), verbatim(to));
    // The standard library asks for these semantics where the plain rename is refused.
    let refused = match std::fs::rename(&from, &to) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(e),
        Err(e) => e,
    };
    let aside = aside(&to)?;
    if rename(&to, &aside).is_err() {
        return Err(refused);
    }
    if let Err(e) = rename(&from, &to) {
        let _ = rename(&aside, &to);
        return Err(e);
    }
    let _ = delete(&aside);
    Ok(())
}

/// Removes a name.
///
/// The file is renamed first, so that its name is free at once. Windows before 10 1809 keeps the name
/// of a deleted file until nobody has it open; and it is documented to refuse to delete a file that
/// somebody has mapped. Where it does, the file stays under the other name until `gc`, or the next
/// maker of a `file:` page, removes it as one whose maker is dead.
pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    if is_aside(path) {
        return delete(path);
    }
    let aside = aside(path)?;
    match rename(path, &aside) {
        Ok(()) => {
            let _ = delete(&aside);
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(e),
        Err(e) => delete(path).map_err(|_| e),
    }
}

/// Deletes a file: at once or, where Windows (before 10 1809) does not know how, when nobody has it
/// open any more.
fn delete(path: &Path) -> io::Result<()> {
    std::fs::remove_file(verbatim(path))
}

fn is_aside(path: &Path) -> bool {
    path.file_name()
        .and_then(text)
        .is_some_and(|name| name.ends_with(TEMPORARY))
}

/// Another name in the same directory, of the form that the collection of garbage knows.
fn aside(path: &Path) -> io::Result<PathBuf> {
    let mut bytes = [0; 8];
    random(&mut bytes)?;
    let unique = format!("{:016x}{TEMPORARY}", u64::from_le_bytes(bytes));
    let name = path.file_name().unwrap_or_default();
    let mut long = OsString::from(".");
    long.push(name);
    long.push(".");
    long.push(&unique);
    // Names have at most 255 units. The long form is the one that makers of `file:` pages look for.
    let fits = long.encode_wide().count() <= 255;
    Ok(path.with_file_name(if fits { long } else { unique.into() }))
}

/// The directory of a user's named pages: `crosspage` in their LocalAppData.
pub(crate) fn directory(uid: User) -> PathBuf {
    let mine = || {
        let found = std::env::var_os("LOCALAPPDATA").map(PathBuf::from)?;
        (uid == current_uid() && found.is_absolute()).then_some(found)
    };
    let of_profile = || Some(profile(uid)?.join(r"AppData\Local"));
    match mine().or_else(of_profile) {
        Some(local) => local.join("crosspage"),
        None => std::env::temp_dir().join(format!("crosspage-{uid}")),
    }
}

/// Makes a directory that others may pass through but not list, and checks that it is really ours.
///
/// Whoever knows a path passes through every directory in it: that privilege is everybody's on
/// Windows, unless an administrator took it away.
pub(crate) fn make_directory(path: &Path, uid: User) -> io::Result<()> {
    let name = wide(path)?;
    let owner_only = Descriptor::new(0o700, &rights::FILE)?;
    // SAFETY: a NUL-terminated path and valid attributes.
    match check(unsafe { CreateDirectoryW(name.as_ptr(), &owner_only.attributes()) }) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => check_directory(path, uid),
        result => result,
    }
}

/// An existing directory serves only if it is a real one of this user that nobody else may fill.
pub(crate) fn check_directory(path: &Path, uid: User) -> io::Result<()> {
    let access = FILE_READ_ATTRIBUTES | READ_CONTROL;
    let directory = open(path, access, null(), OPEN_EXISTING, 0)?;
    let found = information(&directory)?;
    let irregular = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
    // SAFETY: open, and asked for with READ_CONTROL.
    let (owner, mode) = match unsafe { owner_and_mode(directory.as_raw_handle(), &rights::FILE) } {
        Err(e) if security::has_no_lists(&e) => (uid, 0o700),
        found => found?,
    };
    if found.dwFileAttributes & irregular != FILE_ATTRIBUTE_DIRECTORY
        || owner != uid
        || mode & 0o022 != 0
    {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{} belongs to user {owner} with mode {mode:o}; it must be a directory of user {uid} that no one else may write",
                path.display(),
            ),
        ));
    }
    Ok(())
}

/// Nothing: a directory that is being removed cannot be filled again until nobody looks at it any
/// more, and an empty one is in nobody's way.
pub(crate) fn remove_directory_if_empty(_: &Path) {}

/// The names in a directory; none if it does not exist.
pub(crate) fn names(path: &Path) -> io::Result<Vec<OsString>> {
    match std::fs::read_dir(verbatim(path)) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// A file name as text (names of pages are ASCII).
pub(crate) fn text(name: &OsStr) -> Option<&str> {
    name.to_str()
}

/// Random bytes from the operating system.
pub(crate) fn random(buffer: &mut [u8]) -> io::Result<()> {
    let len = u32::try_from(buffer.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: no algorithm handle, as this flag wants it; `buffer` is writable for `len` bytes.
    let status = unsafe {
        BCryptGenRandom(
            null_mut(),
            buffer.as_mut_ptr(),
            len,
            BCRYPT_USE_SYSTEM_PREFERRED_RNG,
        )
    };
    match status {
        0.. => Ok(()),
        status => Err(io::Error::other(format!("BCryptGenRandom: {status:#x}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRATION: u64 = Byte::Registration.offset();

    fn two_handles(directory: &tempfile::TempDir) -> [File; 2] {
        let path = directory.path().join("x.page");
        let made = File::create_new(&path, 0o600, true).unwrap();
        [made, File::open(&path, false).unwrap()]
    }

    #[test]
    fn a_probe_refuses_no_newcomer() {
        let directory = tempfile::tempdir().unwrap();
        let [newcomer, looker] = &two_handles(&directory);
        let done = crate::atomic::local::AtomicBool::new(false);
        let done = &done;
        use crate::atomic::Ordering::Relaxed;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    let _ = looker.is_locked(Byte::Participant(3).offset());
                    let _ = looker.is_locked(Byte::Observers.offset());
                }
            });
            // Counted, because a panic here would leave the other thread looking for ever.
            let mut refused = 0;
            for _ in 0..300 {
                let byte = Byte::Participant(3).offset();
                while !newcomer.try_lock(REGISTRATION, false).unwrap() {}
                refused += u32::from(!newcomer.try_lock(byte, false).unwrap());
                newcomer.unlock(REGISTRATION).unwrap();
                let _ = newcomer.unlock(byte);
                // Read-only handles do not take the registration lock themselves.
                let byte = Byte::Observers.offset();
                refused += u32::from(!newcomer.try_lock(byte, true).unwrap());
                let _ = newcomer.unlock(byte);
            }
            done.store(true, Relaxed);
            assert_eq!(refused, 0);
        });
    }

    #[test]
    fn locks_are_the_handles() {
        let directory = tempfile::tempdir().unwrap();
        let [one, other] = two_handles(&directory);
        let byte = Byte::Participant(0).offset();
        assert!(one.try_lock(REGISTRATION, false).unwrap());
        assert!(!other.try_lock(REGISTRATION, false).unwrap());
        assert!(other.is_locked(REGISTRATION).unwrap() && !one.is_locked(REGISTRATION).unwrap());
        assert!(one.try_lock(byte, false).unwrap());
        // It cannot be found out while somebody holds the registration lock: that is no answer.
        assert!(other.is_locked(byte).is_err());
        one.unlock(REGISTRATION).unwrap();
        assert!(other.is_locked(byte).unwrap());
        assert!(
            other.try_lock(REGISTRATION, false).unwrap(),
            "the probe gave it back"
        );
        drop(one);
        assert!(
            !other.is_locked(byte).unwrap(),
            "a closed handle has let go"
        );
        // An observer's byte is shared.
        let byte = Byte::Observers.offset();
        let third = File::open(&directory.path().join("x.page"), false).unwrap();
        other.unlock(REGISTRATION).unwrap();
        assert!(third.try_lock(byte, true).unwrap() && other.try_lock(byte, true).unwrap());
    }

    #[test]
    fn paths_are_taken_as_they_are() {
        for (path, expected) in [
            (r"C:\a\nul", r"\\?\C:\a\nul"),
            (r"\\?\C:\a", r"\\?\C:\a"),
            (r"\\.\NUL", r"\\.\NUL"),
            (r"\\server\share\x", r"\\?\UNC\server\share\x"),
            (r"C:\a\..\x", r"C:\a\..\x"),
            (r"C:/a", "C:/a"),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(verbatim(Path::new(path)), Path::new(expected));
        }
    }

    #[test]
    fn a_name_is_free_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.page");
        let [open, _other] = two_handles(&directory);
        open.allocate(0, 4096).unwrap();
        let mapping = open.map(4096, true).unwrap();
        unlink(&path).unwrap();
        assert!(File::open(&path, false).is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
        drop(File::create_new(&path, 0o600, true).unwrap());
        let new = directory.path().join("y.new");
        let next = File::create_new(&new, 0o600, true).unwrap();
        let _kept = File::open(&path, true).unwrap();
        replace(&new, &path).unwrap();
        assert_eq!(stat(&path).unwrap().identity, next.stat().unwrap().identity);
        assert!(publish(&path, &path.with_file_name("z")).is_ok());
        assert!(unlink(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
        drop((mapping, open, _other, _kept, next));
        assert_eq!(names(directory.path()).unwrap(), ["z"]);
    }
}
