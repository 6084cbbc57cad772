//! System V segments (`shmget`): foreign segments, known by a key or an id.

use std::fmt;
use std::io;
use std::ptr::NonNull;

use super::Mapping;
use super::unix::{bytes, denied, me, user};
use crate::error::{Error, ErrorKind, Result};

/// How a segment is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// The number that programs agree on. Not 0, which is `IPC_PRIVATE`.
    Key(i32),
    /// The number that the kernel gave this one segment.
    Id(i32),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Key(key) => write!(f, "sysv:{key}"),
            Name::Id(id) => write!(f, "sysv:id={id}"),
        }
    }
}

/// What the kernel tells about a segment.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// 0 where the segment has none (any more).
    pub(crate) key: i32,
    pub(crate) id: i32,
    pub(crate) size: u64,
    pub(crate) uid: u32,
    /// The nine permission bits.
    pub(crate) mode: u32,
    /// How many times it is attached, over all processes.
    pub(crate) attached: u64,
    pub(crate) creator: i32,
    /// Who attached or detached last.
    pub(crate) last: i32,
    /// Removed already, and gone when the last one detaches.
    pub(crate) doomed: bool,
}

/// Attaches all of a segment. Never creates it.
pub(crate) fn open(name: Name, writable: bool) -> Result<Mapping> {
    let id = find(name)?;
    attach(name, id, writable)
}

/// Attaches the segment `name`, made with `size` zero bytes where there is none; whether it was made.
///
/// One that exists is used as it is if it has at least `size` bytes.
pub(crate) fn create(name: Name, size: usize, mode: u32) -> Result<(Mapping, bool)> {
    let key = match name {
        Name::Key(0) => return Err(private()),
        Name::Key(key) => key,
        Name::Id(_) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("\"{name}\" cannot be created: the kernel chooses ids"),
            )
            .with_hint("create by a key, such as sysv:5678"));
        }
    };
    // Both calls lose a race only to somebody who creates or removes the segment just then.
    for _ in 0..100 {
        match shmget(
            key,
            size,
            libc::IPC_CREAT | libc::IPC_EXCL | mode as libc::c_int,
        ) {
            Ok(id) => {
                let attached = attach(name, id, true);
                if attached.is_err() {
                    let _ = shmctl(id, libc::IPC_RMID, None);
                }
                return attached.map(|mapping| (mapping, true));
            }
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
            Err(e) => return Err(not_created(name, size, &e)),
        }
        let id = match shmget(key, 0, 0) {
            Ok(id) => id,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(refused(name, true, &e)),
        };
        let mapping = attach(name, id, true)?;
        if mapping.len() < size {
            let there = bytes(mapping.len() as u64);
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "segment \"{name}\"{} exists with {there}; asked for {}",
                    owned(name),
                    bytes(size as u64)
                ),
            )
            .with_hint(format!(
                "remove it first (crosspage rm {name}), or ask for at most {there}"
            )));
        }
        return Ok((mapping, false));
    }
    Err(Error::new(
        ErrorKind::Io,
        format!("segment \"{name}\" is created and removed all the time by others"),
    ))
}

/// What is known about one segment; no permission on it is needed on Linux.
pub(crate) fn info(name: Name) -> Result<Info> {
    let id = find(name)?;
    match stat(id) {
        Ok(info) => Ok(info),
        Err(e) => listed(name).ok_or_else(|| refused(name, false, &e)),
    }
}

/// Who has the segment attached, as far as we may know.
#[cfg(target_os = "linux")]
pub(crate) fn processes(name: Name) -> Result<Vec<u32>> {
    let id = info(name)?.id;
    // The kernel prints the id as the inode of a file of this name.
    Ok(super::unix::processes(|mapped| {
        mapped.path.starts_with("/SYSV") && i32::try_from(mapped.inode) == Ok(id)
    }))
}

/// Who has the segment attached: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processes(name: Name) -> Result<Vec<u32>> {
    info(name).map(|_| Vec::new())
}

/// Removes a segment: its key at once, its bytes when the last one has detached.
pub(crate) fn remove(name: Name) -> Result<()> {
    let id = find(name)?;
    shmctl(id, libc::IPC_RMID, None).map_err(|e| match e.kind() {
        io::ErrorKind::PermissionDenied => Error::os(
            format!(
                "segment \"{name}\"{} cannot be removed by {}",
                owned(name),
                me()
            ),
            &e,
        ),
        _ => refused(name, false, &e),
    })
}

/// All segments, also those that refuse us.
#[cfg(target_os = "linux")]
pub(crate) fn list() -> Result<Vec<Info>> {
    let path = "/proc/sysvipc/shm";
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse(&text)),
        // A kernel without System V segments has none.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::os(path, &e)),
    }
}

/// All segments: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn list() -> Result<Vec<Info>> {
    Ok(Vec::new())
}

/// Reads `/proc/sysvipc/shm`: a heading, then a segment a line, in the order of the heading. Lines
/// that are none are left out.
#[cfg(target_os = "linux")]
fn parse(text: &str) -> Vec<Info> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let mut next = || words.next();
        let (key, id) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let bits = u32::from_str_radix(next()?, 8).ok()?;
        let size = next()?.parse().ok()?;
        let (creator, last) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let attached = next()?.parse().ok()?;
        let uid = next()?.parse().ok()?;
        Some(Info {
            key,
            id,
            size,
            uid,
            mode: bits & 0o777,
            attached,
            creator,
            last,
            doomed: bits & DOOMED != 0,
        })
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// The bit beside the permissions that says "removed, still attached" (`SHM_DEST`).
#[cfg(target_os = "linux")]
const DOOMED: u32 = 0o1000;

/// The id of a segment; for one named by id, that id.
fn find(name: Name) -> Result<i32> {
    match name {
        Name::Id(id) => Ok(id),
        // As a key it would make a new segment.
        Name::Key(0) => Err(private()),
        Name::Key(key) => shmget(key, 0, 0).map_err(|e| refused(name, false, &e)),
    }
}

fn attach(name: Name, id: i32, writable: bool) -> Result<Mapping> {
    let flags = if writable { 0 } else { libc::SHM_RDONLY };
    // SAFETY: with a null address the kernel chooses a free place, so nothing that exists is replaced.
    let base = unsafe { libc::shmat(id, std::ptr::null(), flags) };
    let Some(base) = NonNull::new(base.cast::<u8>()).filter(|base| base.addr().get() != usize::MAX)
    else {
        return Err(refused(name, writable, &io::Error::last_os_error()));
    };
    // Asked only now: while we are attached this id means this segment, whose size never changes.
    let size = stat(id)
        .map_err(|e| refused(name, writable, &e))
        .and_then(|info| {
            usize::try_from(info.size).map_err(|_| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!("segment \"{name}\" is larger than this process can attach"),
                )
            })
        });
    // SAFETY: attached just now at `base`, for us alone to detach; as many bytes as the kernel says,
    // or none for a mapping that goes at once.
    let mapping =
        unsafe { Mapping::new(base, *size.as_ref().unwrap_or(&0), writable, detach, None) };
    size.map(|_| mapping)
}

/// Undoes [`attach`].
unsafe fn detach(base: *mut u8, _len: usize) {
    // SAFETY: called once, by the drop of the mapping that `attach` made at `base`.
    unsafe { libc::shmdt(base.cast()) };
}

fn stat(id: i32) -> io::Result<Info> {
    // SAFETY: all-zero bytes are a valid shmid_ds, which holds integers only.
    let mut found: libc::shmid_ds = unsafe { std::mem::zeroed() };
    shmctl(id, libc::IPC_STAT, Some(&mut found))?;
    let bits = found.shm_perm.mode as u32;
    Ok(Info {
        #[cfg(target_os = "linux")]
        key: found.shm_perm.__key,
        #[cfg(not(target_os = "linux"))]
        key: 0,
        id,
        size: found.shm_segsz as u64,
        uid: found.shm_perm.uid,
        mode: bits & 0o777,
        attached: found.shm_nattch as u64,
        creator: found.shm_cpid,
        last: found.shm_lpid,
        #[cfg(target_os = "linux")]
        doomed: bits & DOOMED != 0,
        #[cfg(not(target_os = "linux"))]
        doomed: false,
    })
}

fn shmget(key: i32, size: usize, flags: libc::c_int) -> io::Result<i32> {
    // SAFETY: takes integers only.
    match unsafe { libc::shmget(key, size, flags) } {
        -1 => Err(io::Error::last_os_error()),
        id => Ok(id),
    }
}

fn shmctl(id: i32, command: libc::c_int, answer: Option<&mut libc::shmid_ds>) -> io::Result<()> {
    let answer = answer.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: `answer` is null (which the commands without an answer ignore) or a valid shmid_ds.
    match unsafe { libc::shmctl(id, command, answer) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The segment as the kernel's list has it.
fn listed(name: Name) -> Option<Info> {
    list().ok()?.into_iter().find(|info| match name {
        Name::Key(key) => info.key == key,
        Name::Id(id) => info.id == id,
    })
}

/// ` (owner ada, mode 0600)`, where it can be told.
fn owned(name: Name) -> String {
    match listed(name) {
        Some(info) => format!(" (owner {}, mode {:04o})", user(info.uid), info.mode),
        None => String::new(),
    }
}

fn private() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "key 0 is IPC_PRIVATE, which nobody else can open; use id=NUMBER",
    )
}

/// Why a segment could not be found, attached or asked about.
fn refused(name: Name, writable: bool, error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::EIDRM | libc::EINVAL) => Error::new(
            ErrorKind::NotFound,
            format!("there is no segment \"{name}\""),
        )
        .with_hint(nearby(name)),
        Some(libc::EACCES | libc::EPERM) => denied(
            format!("segment \"{name}\"{} refuses {}", owned(name), me()),
            writable,
            error,
        ),
        _ => Error::os(format!("segment \"{name}\""), error),
    }
}

/// What there is instead of `name`.
fn nearby(name: Name) -> String {
    let all = list().unwrap_or_default();
    let meant = all.iter().find_map(|info| match name {
        // The same digits read as hexadecimal, or the number of an id taken for a key.
        Name::Key(key) if i64::from_str_radix(&key.to_string(), 16) == Ok(i64::from(info.key)) => {
            Some(format!("sysv:{:#x}", info.key))
        }
        Name::Key(key) if format!("{key:x}") == info.key.to_string() => {
            Some(format!("sysv:{}", info.key))
        }
        Name::Key(key) if key == info.id => Some(format!("sysv:id={key}")),
        Name::Id(id) if id == info.key => Some(format!("sysv:{id}")),
        _ => None,
    });
    if let Some(meant) = meant {
        return format!("did you mean {meant}?");
    }
    if all.is_empty() {
        return "there is no System V segment on this system; start the program that makes it, or wait for it with a time-out".to_owned();
    }
    let mut shown: Vec<String> = all
        .iter()
        .take(5)
        .map(|info| match info.key {
            0 => format!("sysv:id={}", info.id),
            key => format!("sysv:{key} ({key:#x}, id {})", info.id),
        })
        .collect();
    if all.len() > shown.len() {
        shown.push(format!("{} more", all.len() - shown.len()));
    }
    format!("there is {}", shown.join(", "))
}

/// Why `shmget` did not create `name`.
fn not_created(name: Name, size: usize, error: &io::Error) -> Error {
    let asked = bytes(size as u64);
    let limit = |file: &str| {
        std::fs::read_to_string(format!("/proc/sys/kernel/{file}"))
            .ok()
            .map(|text| text.trim().to_owned())
    };
    match error.raw_os_error() {
        Some(libc::EINVAL) if size == 0 => Error::new(
            ErrorKind::Invalid,
            format!("segment \"{name}\" cannot be created with 0 bytes"),
        ),
        Some(libc::EINVAL) => {
            let largest =
                limit("shmmax").map_or_else(String::new, |max| format!("; kernel.shmmax is {max}"));
            Error::new(
                ErrorKind::TooLarge,
                format!("segment \"{name}\" is too large to create: asked for {asked}{largest}"),
            )
        }
        Some(libc::ENOSPC) => {
            let limits = match (limit("shmmni"), limit("shmall")) {
                (Some(segments), Some(pages)) => {
                    format!(
                        "; kernel.shmmni allows {segments} segments, kernel.shmall {pages} pages in all"
                    )
                }
                _ => String::new(),
            };
            Error::new(
                ErrorKind::NoSpace,
                format!("no room for segment \"{name}\": asked for {asked}{limits}"),
            )
            .with_hint("remove segments with nobody attached: crosspage gc --foreign")
        }
        Some(libc::ENOMEM) => Error::new(
            ErrorKind::NoSpace,
            format!("no memory for segment \"{name}\": asked for {asked}"),
        ),
        _ => refused(name, true, error),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_never_makes_a_segment() {
        for attempt in [
            open(Name::Key(0), true).err(),
            create(Name::Key(0), 64, 0o600).err(),
            remove(Name::Key(0)).err(),
        ] {
            assert!(attempt.expect("refused").is_invalid());
        }
    }

    #[test]
    fn the_kernels_list_is_read_and_nonsense_left_out() {
        let text = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n\
            \x20     5678          3   666                  1024  4242  4243      2  1000  1000  1000  1000 1764000000          0 1764000000                  4096                     0\n\
            \x20        0         32  1600               4194304   900   901      1     0     0     0     0          0          0          0                     0                     0\n\
            nonsense\n\n  -1\n";
        let found = parse(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].key, found[0].id, found[0].size), (5678, 3, 1024));
        assert_eq!(
            (
                found[0].uid,
                found[0].mode,
                found[0].attached,
                found[0].doomed
            ),
            (1000, 0o666, 2, false)
        );
        assert_eq!((found[0].creator, found[0].last), (4242, 4243));
        assert_eq!((found[1].mode, found[1].doomed), (0o600, true));
    }
}
