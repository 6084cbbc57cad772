//! What is compared: one file per way of sharing the newest value.

pub mod cpp;
pub mod crosspage;
pub mod iceoryx2;
pub mod raw;
pub mod seqlock;

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
