//! Foreign segments from outside: what there is, who uses it, and how it is removed.

use std::time::SystemTime;

use super::raw::all_bytes;
use crate::error::{Error, ErrorKind, Result};
use crate::locator::Locator;

/// What is known about a foreign segment from outside; `None` is unknown or does not apply.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Info {
    /// Where it is; by key where it has one.
    pub locator: Locator,
    /// Bytes.
    pub size: u64,
    /// The owner's user id (Windows: the last number of the owner's SID).
    pub uid: u32,
    /// The owner's name, or `uid 1000` (Windows: the SID) where there is none.
    pub owner: String,
    /// The nine permission bits.
    pub mode: u32,
    /// POSIX: when it was last written by a system call (stores to the memory do not count).
    pub modified: Option<SystemTime>,
    /// System V: the key, where it has one.
    pub key: Option<i32>,
    /// System V: the id.
    pub id: Option<i32>,
    /// System V: how many times it is attached, over all processes.
    pub attached: Option<u64>,
    /// System V: who made it.
    pub creator_pid: Option<u32>,
    /// System V: who attached or detached last.
    pub last_pid: Option<u32>,
    /// System V: removed already, and gone when the last one detaches.
    pub doomed: bool,
}

/// All foreign segments that the system tells of: POSIX objects and System V segments on Linux,
/// none elsewhere.
pub fn list() -> Result<Vec<Info>> {
    backend::list()
}

/// What is known about the foreign segment at `locator`.
pub fn info(locator: &str) -> Result<Info> {
    backend::info(&locator.parse()?)
}

/// The bytes of the foreign segment at `locator` as they are now; needs no layout.
pub fn bytes(locator: &str) -> Result<Vec<u8>> {
    Ok(all_bytes(&backend::open(&locator.parse()?, false)?))
}

/// The processes that have the foreign segment at `locator` mapped, by pid. On Linux those that this
/// user may look into; elsewhere none.
pub fn processes(locator: &str) -> Result<Vec<u32>> {
    backend::processes(&locator.parse()?)
}

/// Removes the foreign segment at `locator`: the name at once, the bytes when nobody has them mapped
/// any more. *Unsupported* on Windows, where a segment goes with its last handle.
///
/// # Errors
/// *In use* where somebody is known to have it mapped, unless `force`; then they keep their bytes.
/// *Not found*; *permission denied*.
pub(crate) fn remove(locator: &str, force: bool) -> Result<()> {
    let locator: Locator = locator.parse()?;
    let info = backend::info(&locator)?;
    if !force {
        let processes = backend::processes(&locator)?;
        let unknown = info
            .attached
            .is_some_and(|times| times > 0 && processes.is_empty());
        if unknown || !processes.is_empty() {
            let by: Vec<String> = processes
                .iter()
                .map(|&pid| match pid == std::process::id() {
                    true => "this process".to_owned(),
                    false => format!("pid {pid}"),
                })
                .collect();
            let by = match unknown {
                true => "another user's process".to_owned(),
                false => by.join(", "),
            };
            return Err(Error::new(
                ErrorKind::InUse,
                format!("segment \"{locator}\" is in use by {by}"),
            )
            .with_hint(
                "end those programs first, or force the removal: they keep their bytes, new ones find nothing",
            ));
        }
    }
    backend::remove(&locator)
}

/// A locator that names no foreign segment, or none of this system.
fn not_foreign(locator: &Locator) -> Error {
    if locator.is_page() {
        return Error::new(ErrorKind::Invalid, format!("\"{locator}\" names a page, not a foreign segment")).with_hint(
            "open a page by its pattern (crosspage::latest); foreign segments are posix:/NAME, sysv:KEY and, on Windows, win:Local\\NAME",
        );
    }
    let here = if cfg!(windows) {
        "win:Local\\NAME"
    } else {
        "posix:/NAME or sysv:KEY"
    };
    Error::new(
        ErrorKind::Unsupported,
        format!("\"{locator}\" names a segment of another platform; here use {here}"),
    )
}

#[cfg(unix)]
pub(super) mod backend {
    use super::{Info, not_foreign};
    use crate::error::Result;
    use crate::locator::Locator;
    use crate::segment::sysv::Name;
    use crate::segment::{Mapping, Permissions, posix, sysv, unix};

    pub(in super::super) fn open(locator: &Locator, writable: bool) -> Result<Mapping> {
        match locator {
            Locator::Posix(name) => posix::open(name, writable),
            Locator::SysvKey(key) => sysv::open(Name::Key(*key), writable),
            Locator::SysvId(id) => sysv::open(Name::Id(*id), writable),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn create(
        locator: &Locator,
        size: usize,
        permissions: Permissions,
    ) -> Result<(Mapping, bool)> {
        match locator {
            Locator::Posix(name) => posix::create(name, size, permissions.mode()),
            Locator::SysvKey(key) => sysv::create(Name::Key(*key), size, permissions.mode()),
            Locator::SysvId(id) => sysv::create(Name::Id(*id), size, permissions.mode()),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn remove(locator: &Locator) -> Result<()> {
        match locator {
            Locator::Posix(name) => posix::unlink(name),
            Locator::SysvKey(key) => sysv::remove(Name::Key(*key)),
            Locator::SysvId(id) => sysv::remove(Name::Id(*id)),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn processes(locator: &Locator) -> Result<Vec<u32>> {
        match locator {
            Locator::Posix(name) => posix::processes(name),
            Locator::SysvKey(key) => sysv::processes(Name::Key(*key)),
            Locator::SysvId(id) => sysv::processes(Name::Id(*id)),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn info(locator: &Locator) -> Result<Info> {
        match locator {
            Locator::Posix(name) => posix::info(name).map(Info::from),
            Locator::SysvKey(key) => sysv::info(Name::Key(*key)).map(Info::from),
            Locator::SysvId(id) => sysv::info(Name::Id(*id)).map(Info::from),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn list() -> Result<Vec<Info>> {
        let mut found: Vec<Info> = posix::list()?.into_iter().map(Info::from).collect();
        found.extend(sysv::list()?.into_iter().map(Info::from));
        Ok(found)
    }

    impl From<posix::Info> for Info {
        fn from(info: posix::Info) -> Info {
            Info {
                locator: Locator::Posix(info.name),
                size: info.size,
                uid: info.uid,
                owner: unix::user(info.uid),
                mode: info.mode,
                modified: info.modified,
                key: None,
                id: None,
                attached: None,
                creator_pid: None,
                last_pid: None,
                doomed: false,
            }
        }
    }

    impl From<sysv::Info> for Info {
        fn from(info: sysv::Info) -> Info {
            Info {
                locator: match info.key {
                    0 => Locator::SysvId(info.id),
                    key => Locator::SysvKey(key),
                },
                size: info.size,
                uid: info.uid,
                owner: unix::user(info.uid),
                mode: info.mode,
                modified: None,
                key: (info.key != 0).then_some(info.key),
                id: Some(info.id),
                attached: Some(info.attached),
                creator_pid: u32::try_from(info.creator).ok().filter(|&pid| pid != 0),
                last_pid: u32::try_from(info.last).ok().filter(|&pid| pid != 0),
                doomed: info.doomed,
            }
        }
    }
}

#[cfg(windows)]
pub(super) mod backend {
    use super::{Info, not_foreign};
    use crate::error::Result;
    use crate::locator::Locator;
    use crate::segment::windows::named;
    use crate::segment::{Mapping, Permissions};

    /// The name, if it is one of this system.
    fn name(locator: &Locator) -> Result<&str> {
        match locator {
            Locator::Win(name) => Ok(name),
            _ => Err(not_foreign(locator)),
        }
    }

    pub(in super::super) fn open(locator: &Locator, writable: bool) -> Result<Mapping> {
        named::open(name(locator)?, writable)
    }

    pub(in super::super) fn create(
        locator: &Locator,
        size: usize,
        permissions: Permissions,
    ) -> Result<(Mapping, bool)> {
        named::create(name(locator)?, size, permissions.mode())
    }

    pub(in super::super) fn remove(locator: &Locator) -> Result<()> {
        named::remove(name(locator)?)
    }

    /// Windows does not tell.
    pub(in super::super) fn processes(locator: &Locator) -> Result<Vec<u32>> {
        named::info(name(locator)?).map(|_| Vec::new())
    }

    pub(in super::super) fn info(locator: &Locator) -> Result<Info> {
        named::info(name(locator)?).map(Info::from)
    }

    /// Windows does not tell.
    pub(in super::super) fn list() -> Result<Vec<Info>> {
        Ok(Vec::new())
    }

    impl From<named::Info> for Info {
        fn from(info: named::Info) -> Info {
            Info {
                locator: Locator::Win(info.name),
                size: info.size,
                uid: info.user.relative_id(),
                owner: named::user(info.user),
                mode: info.mode,
                modified: None,
                key: None,
                id: None,
                attached: None,
                creator_pid: None,
                last_pid: None,
                doomed: false,
            }
        }
    }
}
