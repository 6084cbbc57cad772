//! A small kernel: names, files, and locks that it releases when their holder dies.
//!
//! It stands where `segment::file` is, with the same functions. Each system call is one step that
//! nothing interrupts, and two calls that look at the same file's locks, or at the names, happen one
//! after the other, as those of a real kernel do under its own locks. A read of a whole file, a mapping
//! and an allocation are no steps: what they touch is never written once the file has its name.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::actor;
use crate::atomic::Ordering;
use crate::latest::cell::{Area, Geometry};
use crate::segment::{Identity, Stat};

std::thread_local! {
    // loom runs all of a model on one thread. No borrow of it lives where loom may switch.
    static KERNEL: Mutex<Option<Arc<Kernel>>> = const { Mutex::new(None) };
}

struct Kernel {
    /// Orders the calls that use names.
    names: Turn,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    names: BTreeMap<PathBuf, Arc<Inode>>,
    directories: BTreeSet<PathBuf>,
    open: Vec<Open>,
    actors: usize,
    numbers: u64,
    /// Counts what anybody may be waiting for.
    changes: u64,
    /// What each actor had seen of them when a call last refused it something.
    seen: BTreeMap<usize, u64>,
    sleepers: Vec<loom::thread::Thread>,
    geometry: Option<Geometry>,
    kept: Vec<Box<[u64]>>,
}

struct Open {
    number: u64,
    actor: usize,
    inode: Arc<Inode>,
}

struct Inode {
    number: u64,
    /// Orders the calls that use its locks.
    locking: Turn,
    state: Mutex<Contents>,
    /// The words that change once the file has its name, as objects of loom, by their offsets.
    words: Mutex<BTreeMap<usize, Box<dyn Any + Send + Sync>>>,
    area: OnceLock<Area>,
}

#[derive(Default)]
struct Contents {
    bytes: Vec<u8>,
    links: u64,
    mode: u32,
    locks: Vec<Lock>,
}

struct Lock {
    byte: u64,
    file: u64,
    shared: bool,
}

/// One call after the other, and each sees what those before it have done.
struct Turn(loom::sync::atomic::AtomicUsize);

impl Turn {
    fn new() -> Turn {
        Turn(loom::sync::atomic::AtomicUsize::new(0))
    }

    fn take(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn locked<T, R>(mutex: &Mutex<T>, with: impl FnOnce(&mut T) -> R) -> R {
    with(&mut mutex.lock().unwrap_or_else(PoisonError::into_inner))
}

fn kernel() -> Arc<Kernel> {
    KERNEL
        .with(|kernel| locked(kernel, |kernel| kernel.clone()))
        .expect("a model is running")
}

/// A kernel as after a restart of the machine.
pub(crate) fn boot() {
    let state = State {
        // One writer, no pins, two words.
        geometry: Geometry::new(1, 0, 16),
        directories: [PathBuf::from("/tmp"), PathBuf::from("/dev/shm")].into(),
        ..State::default()
    };
    let fresh = Arc::new(Kernel {
        names: Turn::new(),
        state: Mutex::new(state),
    });
    KERNEL.with(|kernel| locked(kernel, |kernel| *kernel = Some(fresh)));
}

/// How the areas of the pages that this model makes are divided.
pub(crate) fn set_geometry(geometry: Geometry) {
    locked(&kernel().state, |state| state.geometry = Some(geometry));
}

/// Keeps a copy for as long as the execution lasts.
pub(crate) fn keep(words: Box<[u64]>) -> *mut u64 {
    locked(&kernel().state, |state| {
        state.kept.push(words);
        state.kept.last_mut().expect("just pushed").as_mut_ptr()
    })
}

pub(crate) fn new_actor() -> usize {
    locked(&kernel().state, |state| {
        state.actors += 1;
        state.actors
    })
}

/// Makes the files that the model has open the running actor's, as if it had opened them itself.
pub(crate) fn adopt() {
    let me = actor::id();
    locked(&kernel().state, |state| {
        let of_the_model = state.open.iter_mut().filter(|open| open.actor == 0);
        of_the_model.for_each(|open| open.actor = me);
    });
}

/// Closes the dead actor's files, one after the other.
pub(crate) fn exit() {
    let me = actor::id();
    let kernel = kernel();
    let take = |state: &mut State| {
        let at = state.open.iter().position(|open| open.actor == me)?;
        Some(state.open.remove(at))
    };
    while let Some(open) = locked(&kernel.state, take) {
        open.inode.release(open.number);
    }
}

/// Sleeps until anything has changed since a call refused this actor something.
pub(crate) fn pause(_: Duration) {
    if !actor::lives() {
        return;
    }
    let me = actor::id();
    let sleeps = locked(&kernel().state, |state| {
        let changes = state.changes;
        let sleeps = state.seen.insert(me, changes) == Some(changes);
        if sleeps {
            state.sleepers.push(loom::thread::current());
        }
        sleeps
    });
    if sleeps {
        loom::thread::park();
    }
}

impl Kernel {
    /// A call that only looks at names. `None`: the caller is dead.
    fn look<R>(&self, look: impl FnOnce(&mut State) -> R) -> Option<R> {
        actor::lives().then(|| {
            self.names.take();
            locked(&self.state, look)
        })
    }

    /// A call that changes names.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> io::Result<R>) -> io::Result<R> {
        if !actor::step() {
            return Err(dead());
        }
        self.names.take();
        let result = locked(&self.state, change);
        if result.is_ok() {
            self.changed();
        }
        result
    }

    fn changed(&self) {
        let sleepers = locked(&self.state, |state| {
            state.changes += 1;
            std::mem::take(&mut state.sleepers)
        });
        for sleeper in sleepers {
            sleeper.unpark();
        }
    }

    fn refused(&self) {
        let me = actor::id();
        locked(&self.state, |state| state.seen.insert(me, state.changes));
    }

    fn open(&self, inode: Arc<Inode>) -> File {
        let actor = actor::id();
        let number = locked(&self.state, |state| {
            state.numbers += 1;
            let (number, inode) = (state.numbers, inode.clone());
            state.open.push(Open {
                number,
                actor,
                inode,
            });
            state.numbers
        });
        File { number, inode }
    }
}

fn dead() -> io::Error {
    io::Error::other("the actor is dead")
}

fn not_found() -> io::Error {
    ErrorKind::NotFound.into()
}

impl Inode {
    fn release(&self, file: u64) {
        let holds = |contents: &mut Contents| contents.locks.iter().any(|lock| lock.file == file);
        if locked(&self.state, holds) {
            self.locking.take();
            locked(&self.state, |contents| {
                contents.locks.retain(|lock| lock.file != file);
            });
            kernel().changed();
        }
    }

    fn stat(&self) -> Stat {
        locked(&self.state, |contents| Stat {
            size: contents.bytes.len() as u64,
            identity: Identity {
                device: 1,
                number: self.number.into(),
            },
            named: contents.links != 0,
            regular: true,
            mode: contents.mode,
            uid: current_uid(),
        })
    }
}

/// An open file. Locks belong to it, as open-file-description locks do.
pub(crate) struct File {
    number: u64,
    inode: Arc<Inode>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({})", self.number)
    }
}

pub(crate) type User = u32;
pub(crate) const NO_ROOM: &str = "";
pub(crate) const GOOD_FILE_SYSTEMS: &str = "";

impl File {
    pub(crate) fn open(path: &Path, _writable: bool) -> io::Result<File> {
        let kernel = kernel();
        let found = kernel.look(|state| state.names.get(path).cloned());
        match found.ok_or_else(dead)? {
            Some(inode) => Ok(kernel.open(inode)),
            None => {
                kernel.refused();
                Err(not_found())
            }
        }
    }

    pub(crate) fn create_new(path: &Path, mode: u32, _lasting: bool) -> io::Result<File> {
        let kernel = kernel();
        let inode = kernel.change(|state| {
            let parent = path.parent().unwrap_or(path);
            if !state.directories.contains(parent) {
                return Err(not_found());
            }
            if state.names.contains_key(path) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.numbers += 1;
            let inode = Arc::new(Inode {
                number: state.numbers,
                locking: Turn::new(),
                state: Mutex::new(Contents {
                    mode,
                    links: 1,
                    ..Contents::default()
                }),
                words: Mutex::default(),
                area: OnceLock::new(),
            });
            state.names.insert(path.to_owned(), inode.clone());
            Ok(inode)
        })?;
        Ok(kernel.open(inode))
    }

    pub(crate) fn stat(&self) -> io::Result<Stat> {
        // The number of links depends on the names.
        kernel().look(|_| self.inode.stat()).ok_or_else(dead)
    }

    /// Models do not grow pages: only the whole of a new file is allocated.
    pub(crate) fn allocate(&self, at: u64, len: u64) -> io::Result<()> {
        assert_eq!(at, 0);
        let geometry = locked(&kernel().state, |state| state.geometry);
        if let Some(geometry) = geometry {
            let _ = self.inode.area.set(Area::new(&geometry));
        }
        locked(&self.inode.state, |contents| {
            contents.bytes.resize(len as usize, 0);
        });
        Ok(())
    }

    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        locked(&self.inode.state, |contents| {
            let bytes = contents.bytes.get(offset as usize..).unwrap_or_default();
            let bytes = bytes.get(..buffer.len()).ok_or(ErrorKind::UnexpectedEof)?;
            buffer.copy_from_slice(bytes);
            Ok(())
        })
    }

    pub(crate) fn map(&self, len: usize, writable: bool) -> io::Result<Mapping> {
        self.map_range(0, len, writable)
    }

    pub(crate) fn map_range(&self, at: u64, _len: usize, writable: bool) -> io::Result<Mapping> {
        assert_eq!(at, 0);
        let inode = self.inode.clone();
        Ok(Mapping { inode, writable })
    }

    pub(crate) fn try_lock(&self, byte: u64, shared: bool) -> io::Result<bool> {
        if !actor::step() {
            return Err(dead());
        }
        self.inode.locking.take();
        let taken = locked(&self.inode.state, |contents| {
            let mut others = contents
                .locks
                .iter()
                .filter(|lock| lock.byte == byte && lock.file != self.number);
            let taken = others.all(|lock| shared && lock.shared);
            if taken {
                contents
                    .locks
                    .retain(|lock| lock.byte != byte || lock.file != self.number);
                contents.locks.push(Lock {
                    byte,
                    file: self.number,
                    shared,
                });
            }
            taken
        });
        if !taken {
            kernel().refused();
        }
        Ok(taken)
    }

    pub(crate) fn unlock(&self, byte: u64) -> io::Result<()> {
        if !actor::step() {
            return Err(dead());
        }
        self.inode.locking.take();
        locked(&self.inode.state, |contents| {
            contents
                .locks
                .retain(|lock| lock.byte != byte || lock.file != self.number);
        });
        kernel().changed();
        Ok(())
    }

    pub(crate) fn is_locked(&self, byte: u64) -> io::Result<bool> {
        if !actor::lives() {
            return Err(dead());
        }
        self.inode.locking.take();
        Ok(locked(&self.inode.state, |contents| {
            let mut locks = contents.locks.iter();
            locks.any(|lock| lock.byte == byte && lock.file != self.number)
        }))
    }

    pub(crate) fn refused_file_system(&self) -> io::Result<Option<&'static str>> {
        Ok(None)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A dead actor's files are closed by `exit`.
        if actor::lives() {
            locked(&kernel().state, |state| {
                state.open.retain(|open| open.number != self.number);
            });
            self.inode.release(self.number);
        }
    }
}

/// A file's words: see [`crate::segment`] for the real one.
pub(crate) struct Mapping {
    inode: Arc<Inode>,
    writable: bool,
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapping({})", self.inode.number)
    }
}

impl Mapping {
    /// The words there, zero to begin with. Who makes the page is the first to ask for them.
    pub(crate) unsafe fn slice<T: Default + Send + Sync + 'static>(
        &self,
        offset: usize,
        count: usize,
    ) -> &[T] {
        locked(&self.inode.words, |words| {
            let words = words.entry(offset).or_insert_with(|| {
                let fresh: Box<[T]> = (0..count).map(|_| T::default()).collect();
                Box::new(fresh)
            });
            let words: &[T] = words.downcast_ref::<Box<[T]>>().expect("of one type");
            assert_eq!(words.len(), count);
            // SAFETY: boxed, and never taken out for as long as the inode lives, which `self` holds.
            unsafe { std::slice::from_raw_parts(words.as_ptr(), count) }
        })
    }

    /// The pattern's area, which is the only thing that is asked for in this way.
    pub(crate) unsafe fn at(&self, _offset: usize) -> *mut u8 {
        let area = self.inode.area.get().expect("the model sets a geometry");
        std::ptr::from_ref(area).cast_mut().cast()
    }

    pub(crate) unsafe fn fill(&self, offset: usize, bytes: &[u8]) {
        locked(&self.inode.state, |contents| {
            contents.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        });
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }
}

pub(crate) fn is_link(_: &io::Error) -> bool {
    false
}

pub(crate) fn stat(path: &Path) -> io::Result<Stat> {
    let found = kernel().look(|state| state.names.get(path).map(|inode| inode.stat()));
    found.ok_or_else(dead)?.ok_or_else(not_found)
}

fn add_links(inode: &Inode, more: i64) {
    locked(&inode.state, |contents| {
        contents.links = contents.links.strict_add_signed(more);
    });
}

pub(crate) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    kernel().change(|state| {
        if state.names.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.names.remove(from).ok_or_else(not_found)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    })
}

pub(crate) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    kernel().change(|state| {
        let inode = state.names.remove(from).ok_or_else(not_found)?;
        if let Some(old) = state.names.insert(to.to_owned(), inode) {
            add_links(&old, -1);
        }
        Ok(())
    })
}

pub(crate) fn unlink(path: &Path) -> io::Result<()> {
    kernel().change(|state| {
        let inode = state.names.remove(path).ok_or_else(not_found)?;
        add_links(&inode, -1);
        Ok(())
    })
}

pub(crate) fn directory(uid: User) -> PathBuf {
    PathBuf::from(format!("/dev/shm/crosspage-{uid}"))
}

pub(crate) fn make_directory(path: &Path, _uid: User) -> io::Result<()> {
    kernel().change(|state| {
        state.directories.insert(path.to_owned());
        Ok(())
    })
}

pub(crate) fn remove_directory_if_empty(path: &Path) {
    let _ = kernel().change(|state| {
        if !state.names.keys().any(|name| name.starts_with(path)) {
            state.directories.remove(path);
        }
        Ok(())
    });
}

pub(crate) fn names(path: &Path) -> io::Result<Vec<OsString>> {
    let list = |state: &mut State| {
        let names = state
            .names
            .keys()
            .filter(|name| name.parent() == Some(path));
        names
            .filter_map(|name| name.file_name())
            .map(OsStr::to_owned)
            .collect()
    };
    kernel().look(list).ok_or_else(dead)
}

pub(crate) fn current_uid() -> User {
    1000
}

pub(crate) fn uid_of(_user: &str) -> io::Result<Option<User>> {
    Ok(None)
}

pub(crate) fn user_name(_uid: User) -> Option<String> {
    None
}

pub(crate) fn text(name: &OsStr) -> Option<&str> {
    name.to_str()
}

pub(crate) fn random(buffer: &mut [u8]) -> io::Result<()> {
    let number = locked(&kernel().state, |state| {
        state.numbers += 1;
        state.numbers
    });
    let len = buffer.len().min(8);
    buffer[..len].copy_from_slice(&number.to_le_bytes()[..len]);
    Ok(())
}
