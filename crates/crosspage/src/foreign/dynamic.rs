//! Foreign segments as structs that are known only at run time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use super::View;
use super::{RawView, ViewOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Record, StructType, Value};

/// A view of a foreign segment as a struct that is known only at run time.
///
/// [The module](super) says what is promised.
pub struct DynView {
    raw: RawView,
}

impl DynView {
    /// The segment at `locator` as `layout` (from a schema, or
    /// [`layout::from_source`](crate::layout::from_source)), for reading and writing.
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn open(locator: &str, layout: &Arc<StructType>) -> Result<DynView> {
        DynView::options().open(locator, layout)
    }

    /// As [`DynView::open`], but waits until the segment is there.
    pub fn open_wait(
        locator: &str,
        layout: &Arc<StructType>,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<DynView> {
        DynView::options().timeout(timeout).open(locator, layout)
    }

    /// As [`View::create`].
    pub fn create(locator: &str, layout: &Arc<StructType>, size: usize) -> Result<DynView> {
        DynView::options().create(locator, layout, size)
    }

    /// [`open`](DynView::open) and [`create`](DynView::create) with options.
    pub fn options() -> ViewOptions<DynView> {
        ViewOptions::default()
    }

    /// The struct as it lies there now, torn if somebody is writing it.
    pub fn read(&self) -> Result<Record> {
        // SAFETY: `take` hands over room for one struct of this view's layout.
        self.take(|value| unsafe { self.raw.read(value) })
    }

    /// As [`View::read_stable`].
    pub fn read_stable(&self, timeout: impl Into<Option<Duration>>) -> Result<Record> {
        // SAFETY: as in `read`.
        self.take(|value| unsafe { self.raw.read_stable(timeout.into(), value) })
    }

    /// As [`View::read_ready`].
    pub fn read_ready(&self, flag: &str, timeout: impl Into<Option<Duration>>) -> Result<Record> {
        // SAFETY: as in `read`.
        self.take(|value| unsafe { self.raw.read_ready(flag, timeout.into(), value) })
    }

    /// [`open_wait`](DynView::open_wait) for a task; it does not block.
    #[cfg(feature = "tokio")]
    pub async fn open_wait_async(
        locator: &str,
        layout: &Arc<StructType>,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<DynView> {
        Ok(DynView {
            raw: RawView::open_async(locator, layout, timeout.into()).await?,
        })
    }

    /// As [`View::read_stable_async`].
    #[cfg(feature = "tokio")]
    pub async fn read_stable_async(&self, timeout: impl Into<Option<Duration>>) -> Result<Record> {
        let bytes = self.raw.read_stable_async(timeout.into()).await?;
        self.deliver(bytes)
    }

    /// As [`View::read_ready_async`].
    #[cfg(feature = "tokio")]
    pub async fn read_ready_async(
        &self,
        flag: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Record> {
        let bytes = self.raw.read_ready_async(flag, timeout.into()).await?;
        self.deliver(bytes)
    }

    #[cfg(feature = "tokio")]
    fn deliver(&self, bytes: Vec<u8>) -> Result<Record> {
        self.take(|value| {
            // SAFETY: as in `read`.
            unsafe { self.raw.deliver(bytes, value) };
            Ok(())
        })
    }

    /// Writes all fields of `record`, whose layout must be this view's. Padding, and what lies
    /// behind the struct, keeps its bytes.
    pub fn write(&mut self, record: &Record) -> Result<()> {
        self.same_layout(record)?;
        // SAFETY: the record's bytes are laid out as this view's layout says.
        unsafe { self.raw.write(record.bytes().as_ptr()) }
    }

    /// As [`View::write_with_ready`].
    pub fn write_with_ready(&mut self, record: &Record, flag: &str) -> Result<()> {
        self.same_layout(record)?;
        // SAFETY: as in `write`.
        unsafe { self.raw.write_with_ready(record.bytes().as_ptr(), flag) }
    }

    /// One field as it lies there now, by its path: `"arm.joints[2]"`.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.raw.get(path)
    }

    /// Writes one field, by its path.
    pub fn set(&mut self, path: &str, value: &Value) -> Result<()> {
        self.raw.set(&[(path, value)])
    }

    /// Writes some fields: checks all of them first, then writes all or none.
    pub fn update(&mut self, fields: &[(&str, &Value)]) -> Result<()> {
        self.raw.set(fields)
    }

    /// The layout that this view reads by.
    pub fn layout(&self) -> &Arc<StructType> {
        self.raw.layout()
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

    fn same_layout(&self, record: &Record) -> Result<()> {
        if record.layout() == self.raw.layout() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LayoutMismatch,
            format!(
                "a record of {} cannot be written to segment \"{}\", which is viewed as {}",
                record.layout().name(),
                self.raw.locator(),
                self.layout().name()
            ),
        ))
    }

    fn take(&self, read: impl FnOnce(*mut u8) -> Result<()>) -> Result<Record> {
        let mut bytes = vec![0; self.layout().size()].into_boxed_slice();
        read(bytes.as_mut_ptr())?;
        Ok(Record::new(self.layout().clone(), bytes))
    }
}

impl ViewOptions<DynView> {
    /// [`DynView::open`].
    pub fn open(self, locator: &str, layout: &Arc<StructType>) -> Result<DynView> {
        Ok(DynView {
            raw: RawView::open(locator, layout, &self.options)?,
        })
    }

    /// [`DynView::create`].
    pub fn create(self, locator: &str, layout: &Arc<StructType>, size: usize) -> Result<DynView> {
        Ok(DynView {
            raw: RawView::create(locator, layout, size, &self.options)?,
        })
    }
}

impl fmt::Debug for DynView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
