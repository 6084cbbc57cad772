//! Foreign segments as Rust structs.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::time::Duration;

use super::{RawView, ViewOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Value};

/// A view of a foreign segment as the struct `T`.
///
/// [The module](super) says what is promised. Values are copied in and out, never referred to.
pub struct View<T: Layout> {
    raw: RawView,
    value: PhantomData<fn(T) -> T>,
}

impl<T: Layout> View<T> {
    /// The segment at `locator` (`posix:/NAME`, `sysv:KEY`, `sysv:id=ID`; on Windows
    /// `win:Local\NAME`, `win:Global\NAME`), for reading and writing.
    ///
    /// # Errors
    /// *Not found* with what there is instead; *permission denied* with owner and mode; *layout
    /// mismatch* where the segment has fewer bytes than `T`.
    pub fn open(locator: &str) -> Result<View<T>> {
        View::options().open(locator)
    }

    /// As [`View::open`], but waits until the segment is there.
    pub fn open_wait(locator: &str, timeout: impl Into<Option<Duration>>) -> Result<View<T>> {
        View::options().timeout(timeout).open(locator)
    }

    /// [`open_wait`](View::open_wait) for a task; it does not block.
    #[cfg(feature = "tokio")]
    pub async fn open_wait_async(
        locator: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<View<T>> {
        Ok(View {
            raw: RawView::open_async(locator, T::layout(), timeout.into()).await?,
            value: PhantomData,
        })
    }

    /// The segment at `locator` with `size` bytes, at least as many as `T` has; made, all zero,
    /// where there is none. One that exists is used as it is if it is large enough.
    ///
    /// The segment stays when the view is dropped; [`crate::remove`] removes it. (On Windows it goes with
    /// the last view of any program.)
    pub fn create(locator: &str, size: usize) -> Result<View<T>> {
        View::options().create(locator, size)
    }

    /// [`open`](View::open) and [`create`](View::create) with options.
    pub fn options() -> ViewOptions<View<T>> {
        ViewOptions::default()
    }

    /// The struct as it lies there now, torn if somebody is writing it.
    ///
    /// A bool other than 0 and 1 reads as true. An enum's integer outside its names is an error
    /// that names field and value.
    pub fn read(&self) -> Result<T> {
        // SAFETY: `take` hands over room for a `T`, whose layout is this view's.
        self.take(|value| unsafe { self.raw.read(value) })
    }

    /// Reads until two copies, a microsecond apart, agree; *timed out* if none do.
    pub fn read_stable(&self, timeout: impl Into<Option<Duration>>) -> Result<T> {
        // SAFETY: as in `read`.
        self.take(|value| unsafe { self.raw.read_stable(timeout.into(), value) })
    }

    /// Waits for the bool or integer `flag` to be set, then reads until two copies under a set
    /// flag agree; *timed out* if none do.
    pub fn read_ready(&self, flag: &str, timeout: impl Into<Option<Duration>>) -> Result<T> {
        // SAFETY: as in `read`.
        self.take(|value| unsafe { self.raw.read_ready(flag, timeout.into(), value) })
    }

    /// [`read_stable`](View::read_stable) for a task; it does not block.
    #[cfg(feature = "tokio")]
    pub async fn read_stable_async(&self, timeout: impl Into<Option<Duration>>) -> Result<T> {
        let bytes = self.raw.read_stable_async(timeout.into()).await?;
        self.deliver(bytes)
    }

    /// [`read_ready`](View::read_ready) for a task; it does not block.
    #[cfg(feature = "tokio")]
    pub async fn read_ready_async(
        &self,
        flag: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<T> {
        let bytes = self.raw.read_ready_async(flag, timeout.into()).await?;
        self.deliver(bytes)
    }

    #[cfg(feature = "tokio")]
    fn deliver(&self, bytes: Vec<u8>) -> Result<T> {
        self.take(|value| {
            // SAFETY: as in `read`.
            unsafe { self.raw.deliver(bytes, value) };
            Ok(())
        })
    }

    /// Writes all fields. Padding, and what lies behind the struct, keeps its bytes.
    pub fn write(&mut self, value: &T) -> Result<()> {
        // SAFETY: a `T` is laid out as this view's layout says.
        unsafe { self.raw.write(std::ptr::from_ref(value).cast()) }
    }

    /// Clears the bool or integer `flag`, writes all other fields, sets the flag (to 1, whatever
    /// `value` has there), with the barriers that readers on other processors need.
    pub fn write_with_ready(&mut self, value: &T, flag: &str) -> Result<()> {
        // SAFETY: as in `write`.
        unsafe {
            self.raw
                .write_with_ready(std::ptr::from_ref(value).cast(), flag)
        }
    }

    /// Reads, lets `edit` change the value, and writes the fields that it changed. Not atomic: the
    /// other side may write in between.
    pub fn update(&mut self, edit: impl FnOnce(&mut T)) -> Result<()> {
        let before = self.read()?;
        let mut after = before;
        edit(&mut after);
        // SAFETY: both are a `T`.
        unsafe {
            self.raw.write_changed(
                std::ptr::from_ref(&before).cast(),
                std::ptr::from_ref(&after).cast(),
            )
        }
    }

    /// One field as it lies there now, by its path: `"arm.joints[2]"`.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.raw.get(path)
    }

    /// Writes one field, by its path.
    pub fn set(&mut self, path: &str, value: &Value) -> Result<()> {
        self.raw.set(&[(path, value)])
    }

    /// The segment's size in bytes, which may be more than the struct's (Windows maps whole pages).
    pub fn size(&self) -> usize {
        self.raw.size()
    }

    /// Whether this view made the segment (rather than finding it).
    pub fn created(&self) -> bool {
        self.raw.created()
    }

    /// The segment behind this view.
    pub fn raw(&self) -> &RawView {
        &self.raw
    }

    /// Ends the waits of other threads on this view; every later call is the error *closed*.
    pub fn close(&self) {
        self.raw.close();
    }

    fn take(&self, read: impl FnOnce(*mut u8) -> Result<()>) -> Result<T> {
        let mut value = MaybeUninit::<T>::uninit();
        read(value.as_mut_ptr().cast())?;
        // SAFETY: `read` wrote all `size_of::<T>()` bytes (padding as zero).
        let bytes =
            unsafe { std::slice::from_raw_parts(value.as_ptr().cast::<u8>(), size_of::<T>()) };
        self.raw.plan().validate(bytes).map_err(|invalid| {
            Error::new(
                ErrorKind::Invalid,
                format!("segment \"{}\": {invalid}", self.raw.locator()),
            )
        })?;
        // SAFETY: initialised, its bools normalised by `read` and its enums validated just now;
        // `Layout` promises that such bytes are a valid `T`.
        Ok(unsafe { value.assume_init() })
    }
}

impl<T: Layout> ViewOptions<View<T>> {
    /// [`View::open`].
    pub fn open(self, locator: &str) -> Result<View<T>> {
        Ok(View {
            raw: RawView::open(locator, T::layout(), &self.options)?,
            value: PhantomData,
        })
    }

    /// [`View::create`].
    pub fn create(self, locator: &str, size: usize) -> Result<View<T>> {
        Ok(View {
            raw: RawView::create(locator, T::layout(), size, &self.options)?,
            value: PhantomData,
        })
    }
}

impl<T: Layout> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
