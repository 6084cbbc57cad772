//! Named bytes: one [`Mapping`], whatever it is made of.
//!
//! Backends are constructors, chosen by `cfg`, with the same function names: [`file`] carries pages;
//! `posix`, `sysv` and (on Windows) `windows::named` carry foreign segments. Nothing here knows of
//! layouts, headers or patterns.

#[cfg(not(loom))]
use std::ptr::NonNull;
#[cfg(not(loom))]
use std::sync::Arc;

#[cfg(all(unix, not(loom)))]
pub(crate) mod file;
#[cfg(all(unix, not(loom)))]
pub(crate) mod posix;
#[cfg(all(unix, not(loom)))]
pub(crate) mod sysv;
#[cfg(all(unix, not(loom)))]
pub(crate) mod unix;
#[cfg(windows)]
pub(crate) mod windows;
#[cfg(windows)]
pub(crate) use windows::file;

#[cfg(loom)]
pub(crate) use crate::loom_tests::files::{self as file, Mapping};

/// The end of the names of files that are nobody's page: not yet, or no longer.
pub(crate) const TEMPORARY: &str = ".new";

/// What is known of an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) size: u64,
    pub(crate) identity: Identity,
    /// Whether it still has a name.
    pub(crate) named: bool,
    pub(crate) regular: bool,
    pub(crate) mode: u32,
    pub(crate) uid: file::User,
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    /// POSIX: the inode.
    pub(crate) number: u128,
}

/// Who may attach to a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Permissions {
    /// Only the user who made it (mode 0600).
    #[default]
    Owner,
    /// The user and the group (mode 0660).
    Group,
    /// Everybody (mode 0666).
    All,
}

impl Permissions {
    /// The POSIX mode bits.
    pub fn mode(self) -> u32 {
        match self {
            Permissions::Owner => 0o600,
            Permissions::Group => 0o660,
            Permissions::All => 0o666,
        }
    }
}

impl std::str::FromStr for Permissions {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Permissions> {
        match text {
            "owner" => Ok(Permissions::Owner),
            "group" => Ok(Permissions::Group),
            "all" => Ok(Permissions::All),
            _ => Err(crate::Error::new(
                crate::ErrorKind::Invalid,
                format!("permissions {text:?}: there are \"owner\", \"group\" and \"all\""),
            )),
        }
    }
}

/// Bytes mapped into this process. Unmapped on drop, unless somebody still keeps them.
#[cfg(not(loom))]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    kept: Arc<Kept>,
}

/// Keeps bytes mapped.
#[cfg(not(loom))]
pub(crate) struct Kept {
    base: NonNull<u8>,
    len: usize,
    unmap: unsafe fn(*mut u8, usize),
    /// What must live as long as the bytes: on Windows the handle that a name lives by.
    _keeps: Option<Box<dyn Send + Sync>>,
}

#[cfg(not(loom))]
// SAFETY: a mapping is an address range owned by this value; nothing about it is tied to a thread.
unsafe impl Send for Mapping {}
#[cfg(not(loom))]
// SAFETY: `&Mapping` only hands out a raw pointer, plain values, and references to atomics.
unsafe impl Sync for Mapping {}

#[cfg(not(loom))]
// SAFETY: as for `Mapping`; it hands out nothing.
unsafe impl Send for Kept {}
#[cfg(not(loom))]
// SAFETY: as above.
unsafe impl Sync for Kept {}

#[cfg(not(loom))]
impl Mapping {
    /// # Safety
    /// `base` is the start of `len` mapped bytes that this value alone may unmap, by `unmap`. It drops
    /// `keeps` after that.
    pub(crate) unsafe fn new(
        base: NonNull<u8>,
        len: usize,
        writable: bool,
        unmap: unsafe fn(*mut u8, usize),
        keeps: Option<Box<dyn Send + Sync>>,
    ) -> Mapping {
        let kept = Arc::new(Kept {
            base,
            len,
            unmap,
            _keeps: keeps,
        });
        Mapping {
            base,
            len,
            writable,
            kept,
        }
    }

    /// What keeps the bytes mapped beyond this value's end.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The `count` values at `offset`.
    ///
    /// # Safety
    /// They lie inside the mapping, aligned; `T` consists of atomics, and any bytes are a `T`.
    #[inline(always)]
    pub(crate) unsafe fn slice<T>(&self, offset: usize, count: usize) -> &[T] {
        // SAFETY: handed through from the caller; mapped for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.as_ptr().add(offset).cast::<T>(), count) }
    }

    /// The address of `offset`.
    ///
    /// # Safety
    /// It is inside the mapping.
    pub(crate) unsafe fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: handed through from the caller.
        unsafe { self.as_ptr().add(offset) }
    }

    /// Writes bytes that nobody else looks at yet.
    ///
    /// # Safety
    /// They lie inside the mapping, which is writable, and nobody else accesses them meanwhile.
    pub(crate) unsafe fn fill(&self, offset: usize, bytes: &[u8]) {
        // SAFETY: handed through from the caller.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(offset), bytes.len()) };
    }

    #[allow(dead_code)] // foreign segments need it
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }
}

#[cfg(not(loom))]
impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: `Mapping::new`'s contract: this range is ours to unmap, with this function, once.
        unsafe { (self.unmap)(self.base.as_ptr(), self.len) }
    }
}

#[cfg(not(loom))]
impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping")
            .field("base", &self.base)
            .field("len", &self.len)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}
