//! `latest` for pages whose type this program does not have: their values are records.

use std::sync::Arc;
use std::time::Duration;

use super::raw::{Meta, Options, RawReader, RawWriter};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Record, StructType, Value};
use crate::locator::Locator;
use crate::page::Participant;
use crate::wait::bell::Raw as RawHandle;
use crate::wait::{Waits, Watch};

/// Reads a page whose type this program does not have.
#[derive(Debug)]
pub struct DynReader {
    raw: RawReader,
}

/// A value of a page whose type this program does not have.
#[derive(Debug, Clone)]
pub struct DynSnapshot {
    /// The value: complete, never torn.
    pub record: Record,
    /// Version, time and writer.
    pub meta: Meta,
}

impl DynSnapshot {
    /// One field by its path, such as `arm.joints[2]`.
    ///
    /// # Errors
    /// Not found, with the nearest name.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.record.get(path)
    }
}

impl DynReader {
    /// Joins a page that exists.
    ///
    /// # Errors
    /// As [`Reader::open`](super::Reader::open), but for the layout.
    pub fn open(locator: &str) -> Result<DynReader> {
        DynReader::open_wait(locator, Duration::ZERO)
    }

    /// Joins a page, and waits for it to be made: `None` waits for ever.
    ///
    /// # Errors
    /// Timed out; and as [`open`](DynReader::open).
    pub fn open_wait(locator: &str, timeout: impl Into<Option<Duration>>) -> Result<DynReader> {
        DynReader::open_with(
            locator,
            &Options {
                timeout: timeout.into(),
                ..Options::default()
            },
        )
    }

    /// [`open_wait`](DynReader::open_wait) for a task; it does not block.
    ///
    /// # Errors
    /// As [`open_wait`](DynReader::open_wait).
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn open_wait_async(
        locator: &str,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<DynReader> {
        let options = Options {
            timeout: timeout.into(),
            ..Options::default()
        };
        Ok(DynReader {
            raw: RawReader::open_async(locator, None, &options).await?,
        })
    }

    /// [`wait_changed`](DynReader::wait_changed) for a task; see
    /// [`Reader::wait_changed_async`](super::Reader::wait_changed_async).
    ///
    /// # Errors
    /// As [`wait_changed`](DynReader::wait_changed).
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn wait_changed_async(
        &self,
        since: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<DynSnapshot> {
        let found = self.raw.wait_changed_async(since, timeout.into()).await;
        found.map(|(bytes, meta)| self.snapshot(bytes, meta))
    }

    /// Joins a page with these options.
    ///
    /// # Errors
    /// As [`open`](DynReader::open).
    pub fn open_with(locator: &str, options: &Options) -> Result<DynReader> {
        Ok(DynReader {
            raw: RawReader::open(locator, None, options)?,
        })
    }

    /// The newest complete value; `None` before the first write.
    ///
    /// # Errors
    /// As [`Reader::read`](super::Reader::read), but for enums: unnamed values are their integers here.
    pub fn read(&self) -> Result<Option<DynSnapshot>> {
        let mut bytes = vec![0u8; self.layout().size()].into_boxed_slice();
        // SAFETY: `bytes` has the layout's size.
        let meta = unsafe { self.raw.read(bytes.as_mut_ptr()) }?;
        Ok(meta.map(|meta| self.snapshot(bytes, meta)))
    }

    /// Waits until there is a value of another version than `since` (0: any value).
    ///
    /// # Errors
    /// Timed out; and as [`read`](DynReader::read).
    pub fn wait_changed(
        &self,
        since: u64,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<DynSnapshot> {
        let mut bytes = vec![0u8; self.layout().size()].into_boxed_slice();
        // SAFETY: `bytes` has the layout's size.
        let meta = unsafe {
            self.raw
                .wait_changed(since, timeout.into(), bytes.as_mut_ptr())
        }?;
        Ok(self.snapshot(bytes, meta))
    }

    /// What an event loop waits on (epoll, poll, Qt, tokio's `AsyncFd`; on Windows a handle for
    /// `WaitForMultipleObjects`): ready while there may be a value of another version than was read last, or an
    /// error to tell, until that is read. It belongs to this reader: only wait on it. The first call starts a
    /// thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; replaced; forked.
    pub fn wait_handle(&self) -> Result<RawHandle> {
        self.raw.wait_handle()
    }

    fn snapshot(&self, bytes: Box<[u8]>, meta: Meta) -> DynSnapshot {
        DynSnapshot {
            record: Record::new(self.layout().clone(), bytes),
            meta,
        }
    }

    /// The page's layout.
    pub fn layout(&self) -> &Arc<StructType> {
        self.raw.layout()
    }

    /// Whether the process that wrote a value still holds the writer's role.
    pub fn writer_alive(&self, meta: &Meta) -> bool {
        self.raw.writer_alive(meta)
    }

    /// Attaches to the page that has the name now: after the error *replaced*.
    ///
    /// # Errors
    /// As [`open`](DynReader::open).
    pub fn reopen(&mut self) -> Result<()> {
        self.raw.reopen()
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

impl Waits for DynReader {
    fn has_news(&mut self) -> bool {
        self.raw.has_news()
    }

    fn watch(&self) -> Watch {
        self.raw.watch()
    }
}

/// Writes a page whose type this program does not have.
#[derive(Debug)]
pub struct DynWriter {
    raw: RawWriter,
}

impl DynWriter {
    /// Makes a page of a layout that is known at run time, or takes over from a writer that is gone.
    ///
    /// # Errors
    /// As [`Writer::create`](super::Writer::create).
    pub fn create(locator: &str, layout: &Arc<StructType>, options: &Options) -> Result<DynWriter> {
        Ok(DynWriter {
            raw: RawWriter::create(locator, layout, options)?,
        })
    }

    /// Joins a page of this layout as a writer, or makes it.
    ///
    /// # Errors
    /// As [`Writer::attach`](super::Writer::attach).
    pub fn attach(locator: &str, layout: &Arc<StructType>, options: &Options) -> Result<DynWriter> {
        Ok(DynWriter {
            raw: RawWriter::attach(locator, layout, options)?,
        })
    }

    /// Joins a page that exists as a writer.
    ///
    /// # Errors
    /// Not found; already owned, where a writer lives and the page allows no other; permission denied;
    /// full; corrupt; unsupported.
    pub fn open(locator: &str) -> Result<DynWriter> {
        DynWriter::open_with(locator, &Options::default())
    }

    /// Joins a page that exists with these options.
    ///
    /// # Errors
    /// As [`open`](DynWriter::open).
    pub fn open_with(locator: &str, options: &Options) -> Result<DynWriter> {
        Ok(DynWriter {
            raw: RawWriter::open(locator, options)?,
        })
    }

    /// Publishes a value and returns its version.
    ///
    /// # Errors
    /// Layout mismatch, where the record is of another layout than the page; replaced; forked.
    pub fn write(&mut self, record: &Record) -> Result<u64> {
        if record.layout() != self.layout() {
            return Err(Error::new(
                ErrorKind::LayoutMismatch,
                format!(
                    "a record of {} cannot be written to page \"{}\", which holds {}",
                    record.layout().name(),
                    self.locator(),
                    self.layout().name()
                ),
            ));
        }
        // SAFETY: a record has as many bytes as its layout says, all initialised; and its layout is this
        // handle's, as was just compared.
        unsafe { self.raw.write(record.bytes().as_ptr()) }
    }

    /// Changes the current value, atomically among writers: if another publishes meanwhile, `change`
    /// runs again on the newer value. Returns the new version.
    ///
    /// # Errors
    /// No value, before the first write; what `change` returns (nothing is written then); and as
    /// [`write`](DynWriter::write).
    pub fn update(&mut self, mut change: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        let layout = self.layout().clone();
        let mut scratch = vec![0u8; layout.size()].into_boxed_slice();
        let at = scratch.as_mut_ptr();
        // SAFETY: `scratch` has the layout's size, outlives the call, and is reached through `at` alone
        // meanwhile. The closure gets that pointer, its bytes initialised by `update`, and leaves there
        // the bytes of a record, which are all initialised.
        unsafe {
            self.raw.update(at, &mut |bytes| {
                let bytes = std::slice::from_raw_parts_mut(bytes, layout.size());
                let mut record = Record::new(layout.clone(), Box::from(&*bytes));
                change(&mut record)?;
                bytes.copy_from_slice(record.bytes());
                Ok(())
            })
        }
    }

    /// The page's layout.
    pub fn layout(&self) -> &Arc<StructType> {
        self.raw.layout()
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}
