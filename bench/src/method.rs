//! What is compared: one file per way of sharing the newest value, or of sending messages.

pub mod cpp;
pub mod crosspage;
pub mod crosspage_topic;
pub mod iceoryx2;
pub mod iceoryx2_topic;
pub mod raw;
pub mod ring;
pub mod seqlock;

use std::hint::black_box;

use ::iceoryx2::prelude::ZeroCopySend;

/// The value: 640 bytes, no padding. The first and the last word are the same in every sound copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ZeroCopySend, ::crosspage::Layout)]
#[repr(C)]
pub struct Sample {
    pub words: [u64; 80],
}

impl Sample {
    /// The value number `n`.
    pub fn new(n: u64) -> Sample {
        let mut sample = Sample { words: [7; 80] };
        sample.number(n);
        sample
    }

    #[inline(always)]
    pub fn number(&mut self, n: u64) {
        self.words[0] = n;
        self.words[79] = n;
    }

    /// Stops the measurement if the copy is torn: a figure for wrong values is worth nothing.
    #[inline(always)]
    pub fn check(&self) {
        assert_eq!(self.words[0], self.words[79], "torn value");
    }
}

/// A message: 64 bytes, no padding. The first and the last word are the same in every sound copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ZeroCopySend, ::crosspage::Layout)]
#[repr(C)]
pub struct Message {
    pub words: [u64; 8],
}

impl Message {
    /// The message number `n`.
    #[inline(always)]
    pub fn new(n: u64) -> Message {
        let mut message = Message { words: [7; 8] };
        message.number(n);
        message
    }

    #[inline(always)]
    pub fn number(&mut self, n: u64) {
        self.words[0] = n;
        self.words[7] = n;
    }

    /// Its number. Stops the measurement if the copy is torn: a figure for wrong messages is worth
    /// nothing.
    #[inline(always)]
    pub fn check(&self) -> u64 {
        assert_eq!(self.words[0], self.words[7], "torn message");
        self.words[0]
    }
}

/// What begins on a cache line: without this, the figures depend on where the compiler happens to
/// put it.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Aligned<T>(pub T);

/// One end of two directions between the two processes.
pub trait Link {
    /// Sends message number `n`.
    fn send(&mut self, n: u64);

    /// The number of the next message, if there is one.
    fn try_receive(&mut self) -> Option<u64>;
}

/// A message to be sent and one received: methods that copy do so from here and to here.
pub struct Copies {
    out: Aligned<Message>,
    into: Aligned<Message>,
}

impl Copies {
    pub fn new() -> Copies {
        Copies {
            out: Aligned(Message::new(0)),
            into: Aligned(Message::new(0)),
        }
    }

    /// Message number `n`, made as a program makes it. Opaque, so that all of it is copied.
    #[inline(always)]
    pub fn message(&mut self, n: u64) -> &Message {
        self.out.0.number(n);
        &black_box(&self.out).0
    }

    /// What `receive` copied and said was there.
    #[inline(always)]
    pub fn received(&mut self, receive: impl FnOnce(&mut Message) -> bool) -> Option<u64> {
        if !receive(&mut self.into.0) {
            return None;
        }
        Some(black_box(&self.into).0.check())
    }
}
