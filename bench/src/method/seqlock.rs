//! The limit: one slot, one sequence. A writer that is killed inside leaves it unreadable for ever.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::Sample;
use crate::pair::Line;

/// Lies in memory that both processes see.
#[repr(C)]
pub struct Cell {
    sequence: Line<AtomicU64>,
    words: Line<[AtomicU64; 80]>,
}

impl Cell {
    #[inline]
    pub fn write(&self, value: &Sample) {
        let sequence = self.sequence.0.load(Ordering::Relaxed);
        self.sequence.0.store(sequence + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.words.0.iter().zip(&value.words) {
            word.store(*value, Ordering::Relaxed);
        }
        self.sequence.0.store(sequence + 2, Ordering::Release);
    }

    #[inline]
    pub fn read(&self) -> Sample {
        let mut value = Sample { words: [0; 80] };
        loop {
            let before = self.sequence.0.load(Ordering::Acquire);
            for (value, word) in value.words.iter_mut().zip(&self.words.0) {
                *value = word.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.sequence.0.load(Ordering::Relaxed) == before {
                return value;
            }
        }
    }
}
