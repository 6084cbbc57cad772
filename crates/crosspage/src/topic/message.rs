//! What a subscriber receives.

use std::sync::Arc;

use super::chunks;
use super::lane::Lane;
use super::options::ArrayType;
use super::shared::Holding;
use crate::segment::Mapping;

/// What is known of a message beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// Counts up by one with each message of its publisher; the first is 1.
    pub sequence: u64,
    /// The process that published it, as numbered in its own PID namespace.
    pub publisher: u32,
    /// When it was published, in ns since 1970, where the page has `send_time`.
    pub sent_at: Option<u64>,
}

/// A message: a copy, or held in the page until this is dropped. What it says never changes.
#[derive(Debug)]
pub struct RawMessage {
    meta: Meta,
    body: Body,
    array: Option<Box<ArrayType>>,
    /// The part of the body that is the message.
    start: usize,
    len: usize,
}

#[derive(Debug)]
enum Body {
    Small([u64; SMALL / 8]),
    Large(Buffer),
    Held(Held),
}

/// Bytes that a message carries without memory of its own.
const SMALL: usize = RawMessage::SMALL;

/// Bytes at a multiple of 64, as arrays and structs need them.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code, reason = "read as bytes")] [u8; 64]);

impl Buffer {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(64), Line([0; 64]));
        self.len = len;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `lines` has at least `len` bytes, all initialised.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A chunk that this process holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) by: Holding,
    pub(super) lane: Lane,
    /// What the lane, and the chunk, lie in.
    pub(super) _lane: Arc<Mapping>,
    pub(super) _chunk: Arc<Mapping>,
    pub(super) place: usize,
    pub(super) bytes: *const u8,
    pub(super) len: usize,
}

// SAFETY: the bytes stay mapped with `_chunk`, and nobody writes them while the mark stands.
unsafe impl Send for Held {}
// SAFETY: as above; they are only read.
unsafe impl Sync for Held {}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes inside of the mapping that `_chunk` keeps, checked when it was held; while
        // the mark stands, no publisher that keeps to the protocol writes to them (SYNC POINT hold/reuse).
        unsafe { std::slice::from_raw_parts(self.bytes, self.len) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A forked child has a copy of the message, but not its parent's place in the page.
        let Holding(shared) = &self.by;
        if shared.page.is_mine() {
            // The mark goes before the place may.
            chunks::release(&self.lane, shared.index(), self.place);
        }
    }
}

impl RawMessage {
    /// The bytes of messages of no more than this may lie in the message itself.
    pub(super) const SMALL: usize = 64;

    pub(super) fn small(meta: Meta, len: usize, fill: impl FnOnce(*mut u8)) -> RawMessage {
        debug_assert!(len <= SMALL);
        let mut words = [0u64; SMALL / 8];
        fill(words.as_mut_ptr().cast());
        RawMessage {
            meta,
            body: Body::Small(words),
            array: None,
            start: 0,
            len,
        }
    }

    pub(super) fn fits_small(len: usize) -> bool {
        len <= SMALL
    }

    pub(super) fn large(meta: Meta, buffer: Buffer) -> RawMessage {
        RawMessage {
            meta,
            array: None,
            start: 0,
            len: buffer.len(),
            body: Body::Large(buffer),
        }
    }

    pub(super) fn held(meta: Meta, held: Held) -> RawMessage {
        RawMessage {
            meta,
            array: None,
            start: 0,
            len: held.len,
            body: Body::Held(held),
        }
    }

    /// Leaves out the bytes before an array.
    pub(super) fn with_array(mut self, array: ArrayType, start: usize) -> RawMessage {
        self.start = start;
        self.len -= start;
        self.array = Some(Box::new(array));
        self
    }

    /// The message as this side lays it out (structs), or its bytes; of an array its elements. They begin
    /// at a multiple of 8, and where there are more than 64 of them at a multiple of 64.
    pub fn bytes(&self) -> &[u8] {
        let whole = match &self.body {
            // SAFETY: the words' bytes.
            Body::Small(words) => unsafe {
                std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), SMALL)
            },
            Body::Large(buffer) => buffer.bytes(),
            Body::Held(held) => held.bytes(),
        };
        &whole[self.start..self.start + self.len]
    }

    /// The type and shape of an array.
    pub fn array(&self) -> Option<&ArrayType> {
        self.array.as_deref()
    }

    /// What is known of the message.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Whether the bytes lie in the page, and the publisher's memory is held.
    pub fn is_held(&self) -> bool {
        matches!(self.body, Body::Held(_))
    }
}
