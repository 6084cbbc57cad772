//! Segments that are files: what pages live in (`/dev/shm` on Linux, any path with `file:`).
//!
//! Locks are open-file-description locks ([`lock`], fcntl(2)): they belong to the `open`, vanish when
//! the process dies whatever it was doing, and can be probed without being taken.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use super::{Identity, Mapping, Stat};
use crate::liveness::fork::OwnedFd;

/// A user, by number.
pub(crate) type User = u32;

/// What to do when there is no room for a page.
pub(crate) const NO_ROOM: &str = "the file system is full; for /dev/shm see df -h /dev/shm (containers often have 64 MiB: --shm-size), and crosspage gc";

/// Where pages can be.
pub(crate) const GOOD_FILE_SYSTEMS: &str = "a local file system (tmpfs, ext4, xfs, btrfs)";

/// A file that carries, or may carry, a page.
#[derive(Debug)]
pub(crate) struct File {
    fd: OwnedFd,
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn retry(mut call: impl FnMut() -> libc::c_int) -> io::Result<libc::c_int> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn from_stat(stat: &libc::stat) -> Stat {
    Stat {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        identity: Identity {
            // Its type differs between systems, as that of the mode does.
            device: stat.st_dev as _,
            number: stat.st_ino.into(),
        },
        named: stat.st_nlink != 0,
        regular: stat.st_mode & libc::S_IFMT == libc::S_IFREG,
        mode: (stat.st_mode & 0o7777) as _,
        uid: stat.st_uid,
    }
}

/// What the name refers to now (a symbolic link is not followed).
pub(crate) fn stat(path: &Path) -> io::Result<Stat> {
    let path = c_path(path)?;
    // SAFETY: `stat` is plain integers, for which zero is valid; lstat fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is NUL-terminated and `stat` is writable.
    check(unsafe { libc::lstat(path.as_ptr(), &mut stat) })?;
    Ok(from_stat(&stat))
}

/// Whether a file could not be opened because its name is a symbolic link.
pub(crate) fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

/// A file that something else than `open` opened (`shm_open`).
impl From<std::os::fd::OwnedFd> for File {
    fn from(fd: std::os::fd::OwnedFd) -> File {
        // SAFETY: the descriptor is open, and its owner has just given it away.
        let fd = unsafe { OwnedFd::new(fd.into_raw_fd()) };
        File { fd }
    }
}

impl File {
    /// Opens what exists; never creates, never follows a symbolic link at the end of the path.
    pub(crate) fn open(path: &Path, writable: bool) -> io::Result<File> {
        let path = c_path(path)?;
        let access = if writable {
            libc::O_RDWR
        } else {
            libc::O_RDONLY
        };
        // O_NONBLOCK: opening a FIFO that somebody put here must not hang; files ignore it.
        let flags = access | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NONBLOCK;
        // SAFETY: `path` is NUL-terminated.
        let fd = retry(|| unsafe { libc::open(path.as_ptr(), flags) })?;
        // SAFETY: `open` just returned it; nobody else owns it.
        let fd = unsafe { OwnedFd::new(fd) };
        Ok(File { fd })
    }

    /// Creates a new file with exactly this mode; an existing name is an error. Whether it lasts is
    /// a matter of where it is.
    pub(crate) fn create_new(path: &Path, mode: u32, _lasting: bool) -> io::Result<File> {
        let path = c_path(path)?;
        let flags =
            libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | libc::O_NOFOLLOW;
        // SAFETY: `path` is NUL-terminated.
        let fd = retry(|| unsafe { libc::open(path.as_ptr(), flags, 0o600 as libc::c_uint) })?;
        // SAFETY: `open` just returned it; nobody else owns it.
        let fd = unsafe { OwnedFd::new(fd) };
        let file = File { fd };
        // Not by `open`: the umask would take bits away that the creator asked for.
        file.set_mode(mode)?;
        Ok(file)
    }

    /// Sets the permission bits, whatever the umask.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        // SAFETY: plain call on an open descriptor.
        retry(|| unsafe { libc::fchmod(self.fd(), mode as libc::mode_t) }).map(|_| ())
    }

    fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    pub(crate) fn stat(&self) -> io::Result<Stat> {
        // SAFETY: `stat` is plain integers, for which zero is valid; fstat fills it.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: open descriptor, writable struct.
        check(unsafe { libc::fstat(self.fd(), &mut stat) })?;
        Ok(from_stat(&stat))
    }

    /// Makes the file reach to the end of this range with every block of it allocated, so that a full
    /// file system is an error here and not a SIGBUS later (posix_fallocate(3)). Others may have the
    /// file mapped meanwhile: what lies before the range is left alone, and no file becomes shorter.
    pub(crate) fn allocate(&self, at: u64, len: u64) -> io::Result<()> {
        let too_large = || io::Error::from_raw_os_error(libc::EFBIG);
        let end = at.checked_add(len).ok_or_else(too_large)?;
        libc::off_t::try_from(end).map_err(|_| too_large())?;
        // Both are at most `end`, which is an `off_t`.
        reserve(self.fd(), at as libc::off_t, len as libc::off_t)
    }

    /// Reads exactly `buffer.len()` bytes at `offset` without mapping, so a cut file is an error.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            let rest = &mut buffer[done..];
            let at = libc::off_t::try_from(offset + done as u64)
                .map_err(|_| io::ErrorKind::UnexpectedEof)?;
            // SAFETY: `rest` is writable for its length.
            let n = unsafe { libc::pread(self.fd(), rest.as_mut_ptr().cast(), rest.len(), at) };
            match n {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n if n > 0 => done += n as usize,
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
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
        let at =
            libc::off_t::try_from(at).map_err(|_| io::Error::from_raw_os_error(libc::EOVERFLOW))?;
        let protection = if writable {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        // SAFETY: a fresh shared mapping at an address of the kernel's choice.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                self.fd(),
                at,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast::<u8>()).ok_or(io::ErrorKind::Other)?;
        // SAFETY: `mmap` returned this range for us alone; munmap is its inverse.
        Ok(unsafe { Mapping::new(base, len, writable, munmap, None) })
    }

    /// Takes the lock on one byte, or returns false when another open file holds it.
    pub(crate) fn try_lock(&self, byte: u64, shared: bool) -> io::Result<bool> {
        lock::set(
            self.fd(),
            byte,
            if shared { libc::F_RDLCK } else { libc::F_WRLCK } as i16,
        )
    }

    pub(crate) fn unlock(&self, byte: u64) -> io::Result<()> {
        lock::set(self.fd(), byte, libc::F_UNLCK as i16).map(|_| ())
    }

    /// Whether some *other* open file holds a lock on the byte. Takes nothing.
    pub(crate) fn is_locked(&self, byte: u64) -> io::Result<bool> {
        lock::probe(self.fd(), byte)
    }

    /// Why a page may not live here, where the file system is one without reliable sharing.
    pub(crate) fn refused_file_system(&self) -> io::Result<Option<&'static str>> {
        file_system::refused(self.fd())
    }
}

#[cfg(not(target_vendor = "apple"))]
fn reserve(fd: RawFd, at: libc::off_t, len: libc::off_t) -> io::Result<()> {
    loop {
        // SAFETY: plain call on an open descriptor. It returns the error instead of setting errno.
        match unsafe { libc::posix_fallocate(fd, at, len) } {
            0 => return Ok(()),
            libc::EINTR => {}
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// macOS reserves blocks by a command of its own, and has none for shared memory objects, whose memory
/// is not limited by a file system.
#[cfg(target_vendor = "apple")]
fn reserve(fd: RawFd, at: libc::off_t, len: libc::off_t) -> io::Result<()> {
    let request = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: len,
        fst_bytesalloc: 0,
    };
    // SAFETY: an open descriptor and a valid `fstore_t` (fcntl(2)).
    match retry(|| unsafe { libc::fcntl(fd, libc::F_PREALLOCATE, &request) }) {
        Err(e)
            if !matches!(
                e.raw_os_error(),
                Some(libc::ENOTSUP | libc::EINVAL | libc::ENOTTY)
            ) =>
        {
            return Err(e);
        }
        _ => {}
    }
    // SAFETY: `stat` is plain integers, for which zero is valid; fstat fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: open descriptor, writable struct.
    check(unsafe { libc::fstat(fd, &mut stat) })?;
    // The end is an `off_t`: `allocate` has added them up. A file is not cut.
    if stat.st_size >= at + len {
        return Ok(());
    }
    // SAFETY: an open descriptor.
    retry(|| unsafe { libc::ftruncate(fd, at + len) }).map(|_| ())
}

unsafe fn munmap(base: *mut u8, len: usize) {
    // SAFETY: handed through from `Mapping::drop`. It fails only for arguments that were never mapped.
    unsafe { libc::munmap(base.cast(), len) };
}

/// Gives the file `from` the name `to`, in one step; an existing `to` is `AlreadyExists`
/// (renameat2(2) with RENAME_NOREPLACE).
#[cfg(target_os = "linux")]
pub(crate) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: both paths are NUL-terminated.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            from.as_ptr(),
            libc::AT_FDCWD,
            to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    check(result as libc::c_int).map(|_| ())
}

/// Gives the file `from` the name `to`; an existing `to` is `AlreadyExists`. A `link` and an
/// `unlink`, where there is no rename that refuses to replace: killed in between, the temporary name
/// stays until garbage is collected.
#[cfg(not(target_os = "linux"))]
pub(crate) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

/// Gives the file `from` the name `to`, whose old file loses it, in one step.
pub(crate) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes a name.
pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

mod lock {
    use super::retry;
    use std::io;
    use std::os::fd::RawFd;

    // Open-file-description locks on Linux. Elsewhere the process-owned locks of POSIX take their
    // place, with the limits that docs/platforms.md states.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const COMMANDS: (libc::c_int, libc::c_int) = (libc::F_OFD_SETLK, libc::F_OFD_GETLK);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const COMMANDS: (libc::c_int, libc::c_int) = (libc::F_SETLK, libc::F_GETLK);

    fn request(byte: u64, kind: i16) -> libc::flock {
        // SAFETY: `flock` is plain integers, for which zero is valid. l_pid must be 0 (fcntl(2)).
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = kind as _;
        lock.l_whence = libc::SEEK_SET as _;
        lock.l_start = byte as libc::off_t;
        lock.l_len = 1;
        lock
    }

    pub(super) fn set(fd: RawFd, byte: u64, kind: i16) -> io::Result<bool> {
        let lock = request(byte, kind);
        // SAFETY: an open descriptor and a valid `flock`.
        match retry(|| unsafe { libc::fcntl(fd, COMMANDS.0, &lock) }) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    pub(super) fn probe(fd: RawFd, byte: u64) -> io::Result<bool> {
        let mut lock = request(byte, libc::F_WRLCK as i16);
        // SAFETY: an open descriptor and a valid, writable `flock`.
        retry(|| unsafe { libc::fcntl(fd, COMMANDS.1, &mut lock) })?;
        Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod file_system {
    use std::io;
    use std::os::fd::RawFd;

    // Magic numbers from statfs(2) and linux/magic.h.
    const REFUSED: &[(u64, &str)] = &[
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x0102_1997, "9p"),
        (0x6573_5546, "FUSE"),
        (0x794c_7630, "overlayfs"),
        (0x5346_414f, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
    ];

    pub(super) fn refused(fd: RawFd) -> io::Result<Option<&'static str>> {
        // SAFETY: `statfs` is plain integers, for which zero is valid; fstatfs fills it.
        let mut stat: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: open descriptor, writable struct.
        super::check(unsafe { libc::fstatfs(fd, &mut stat) })?;
        // The field's width differs between architectures; the magic is its low 32 bits.
        let magic = stat.f_type as u64 & 0xffff_ffff;
        Ok(REFUSED
            .iter()
            .find(|(number, _)| *number == magic)
            .map(|(_, name)| *name))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod file_system {
    pub(super) fn refused(_: std::os::fd::RawFd) -> std::io::Result<Option<&'static str>> {
        Ok(None)
    }
}

/// The directory of a user's named pages.
///
/// Linux: `/dev/shm/crosspage-UID`. Elsewhere: the user's runtime directory, or the temporary one.
pub(crate) fn directory(uid: User) -> PathBuf {
    if cfg!(any(target_os = "linux", target_os = "android")) {
        return PathBuf::from(format!("/dev/shm/crosspage-{uid}"));
    }
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    base.join(format!("crosspage-{uid}"))
}

/// Makes a directory that others may pass through but not list, and checks that it is really ours.
pub(crate) fn make_directory(path: &Path, uid: User) -> io::Result<()> {
    let c = c_path(path)?;
    // SAFETY: NUL-terminated path.
    match check(unsafe { libc::mkdir(c.as_ptr(), 0o711) }) {
        // SAFETY: as above. The umask may have taken bits away.
        Ok(_) => check(unsafe { libc::chmod(c.as_ptr(), 0o711) }).map(|_| ()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => check_directory(path, uid),
        Err(e) => Err(e),
    }
}

/// An existing directory serves only if it is a real one of this user that nobody else may fill.
pub(crate) fn check_directory(path: &Path, uid: User) -> io::Result<()> {
    let c = c_path(path)?;
    // SAFETY: `stat` is plain integers, for which zero is valid; lstat fills it.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: NUL-terminated path, writable struct.
    check(unsafe { libc::lstat(c.as_ptr(), &mut stat) })?;
    if stat.st_mode & libc::S_IFMT != libc::S_IFDIR
        || stat.st_uid != uid
        || stat.st_mode & 0o022 != 0
    {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{} belongs to user {} with mode {:o}; it must be a directory of user {uid} that no one else may write",
                path.display(),
                stat.st_uid,
                stat.st_mode & 0o7777
            ),
        ));
    }
    Ok(())
}

/// Removes the directory if nothing is in it.
pub(crate) fn remove_directory_if_empty(path: &Path) {
    let _ = std::fs::remove_dir(path);
}

/// The names in a directory; none if it does not exist.
pub(crate) fn names(path: &Path) -> io::Result<Vec<OsString>> {
    match std::fs::read_dir(path) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// The effective user.
pub(crate) fn current_uid() -> User {
    // SAFETY: always succeeds (geteuid(2)).
    unsafe { libc::geteuid() }
}

/// A user's number by name, or the number itself.
pub(crate) fn uid_of(user: &str) -> io::Result<Option<User>> {
    if let Ok(uid) = user.parse() {
        return Ok(Some(uid));
    }
    let name = CString::new(user).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut buffer = vec![0u8; 1024];
    loop {
        // SAFETY: `passwd` is plain pointers and integers, for which zero is valid.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are valid for their lengths (getpwnam_r(3)).
        let code = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &mut entry,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &mut found,
            )
        };
        match code {
            libc::ERANGE if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            0 => return Ok((!found.is_null()).then_some(entry.pw_uid)),
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

/// A user's name by number, for messages.
pub(crate) fn user_name(uid: User) -> Option<String> {
    let mut buffer = vec![0u8; 16 << 10];
    // SAFETY: `passwd` is plain pointers and integers, for which zero is valid.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    let mut found = std::ptr::null_mut();
    // SAFETY: all pointers are valid for their lengths (getpwuid_r(3)).
    let code = unsafe {
        libc::getpwuid_r(
            uid,
            &mut entry,
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &mut found,
        )
    };
    if code != 0 || found.is_null() {
        return None;
    }
    // SAFETY: getpwuid_r succeeded, so pw_name points to a NUL-terminated string in `buffer`.
    let name = unsafe { std::ffi::CStr::from_ptr(entry.pw_name) };
    name.to_str().ok().map(str::to_owned)
}

/// Bytes of a file name (names of pages are ASCII).
pub(crate) fn text(name: &OsStr) -> Option<&str> {
    std::str::from_utf8(name.as_bytes()).ok()
}

/// Random bytes from the operating system.
pub(crate) fn random(buffer: &mut [u8]) -> io::Result<()> {
    use std::io::Read;
    std::fs::File::open("/dev/urandom")?.read_exact(buffer)
}
