//! Extents: ranges by which a page grows behind its end, and which are mapped one by one.
//!
//! A page's header says what it had when it was made, and is never changed. What a pattern needs
//! later is appended to the file. Where the extents lie and what they are for, the pattern writes into
//! its own area; nothing here keeps a list. They are never given back, so that a mapping of one stays
//! good for as long as it is held.

use super::{Page, header, reserve};
use crate::error::{Error, ErrorKind, Result};
use crate::segment::Mapping;

/// Extents begin at multiples of this: Windows maps a file only from there.
pub(crate) const EXTENT: u64 = 64 << 10;

impl Page {
    /// Where the first extent can begin.
    pub(crate) fn extents_start(&self) -> u64 {
        // No overflow: `place` keeps `total` far below.
        self.facts.total.next_multiple_of(EXTENT)
    }

    /// Makes the file reach to the end of a new extent, its blocks allocated and zero. Under the
    /// registration lock; the pattern knows which extents there are, and says where this one goes.
    /// Bytes before it stay as they are, and no file ever becomes shorter.
    pub(crate) fn extend(&self, at: u64, len: u64) -> Result<()> {
        self.extent_end(at, len)?;
        // Extents follow each other. Who says otherwise would have the file grow without an end.
        let size = self.file_size()?;
        if at > size.next_multiple_of(EXTENT) {
            return Err(self.corrupt(format_args!(
                "its extents end at {at}, but its file has {size} bytes"
            )));
        }
        reserve(&self.locator, &self.place, &self.file, at, len)
    }

    /// Maps an extent, writable like the page itself. What says where it lies may be anybody's: the
    /// numbers are checked here, also against the file's length.
    pub(crate) fn map_extent(&self, at: u64, len: u64) -> Result<Mapping> {
        let end = self.extent_end(at, len)?;
        let size = self.file_size()?;
        if end > size {
            return Err(self.corrupt(format_args!(
                "an extent of {len} bytes at {at}, but its file has {size}"
            )));
        }
        let mapped = usize::try_from(len).map_err(|_| {
            Error::new(
                ErrorKind::TooLarge,
                format!(
                    "page \"{}\" has an extent of {len} bytes, more than this process can map",
                    self.locator
                ),
            )
        })?;
        self.file
            .map_range(at, mapped, self.mapping.writable())
            .map_err(|e| {
                Error::os(
                    format_args!("page \"{}\": cannot map {len} bytes at {at}", self.locator),
                    &e,
                )
            })
    }

    /// Where an extent ends that may lie there.
    fn extent_end(&self, at: u64, len: u64) -> Result<u64> {
        if !at.is_multiple_of(EXTENT) {
            return Err(self.corrupt(format_args!(
                "an extent at {at}, which is no multiple of {EXTENT}"
            )));
        }
        let total = self.facts.total;
        if at < total {
            return Err(self.corrupt(format_args!(
                "an extent at {at}, inside the first {total} bytes"
            )));
        }
        match at.checked_add(len) {
            Some(end) if len > 0 && end <= header::MAX_TOTAL => Ok(end),
            _ => Err(self.corrupt(format_args!("an extent of {len} bytes at {at}"))),
        }
    }
}
