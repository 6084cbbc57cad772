//! Spans at the same offsets on both sides, cut into words of 8 bytes.

use super::WordOp;
use super::program::Program;
use super::spans::{Loop, Node};

const WORD: usize = 8;

/// The words of the nodes: each word once, in order. `None` where they would take too much room,
/// which only arrays of packed structs with odd sizes, nested several times, can do.
pub(super) fn program(nodes: &[Node<()>]) -> Option<Program<WordOp>> {
    let mut words = Words {
        out: Program::default(),
        word: 0,
        mask: 0,
        fuel: 1 << 16,
    };
    words.nodes(nodes, 0, &(0..usize::MAX))?;
    words.flush();
    Some(words.out)
}

struct Words {
    out: Program<WordOp>,
    /// The word that is being put together, and its mask so far.
    word: usize,
    mask: u64,
    /// Steps that may still be taken.
    fuel: usize,
}

type Range = std::ops::Range<usize>;

impl Words {
    /// Adds the data of `nodes`, shifted by `shift`, as far as it lies in `clip`.
    fn nodes(&mut self, nodes: &[Node<()>], shift: usize, clip: &Range) -> Option<()> {
        for node in nodes {
            self.fuel = self.fuel.checked_sub(1)?;
            match node {
                Node::One(span) => {
                    let start = span.here + shift;
                    self.data(start.max(clip.start), (start + span.len).min(clip.end));
                }
                Node::Loop(array) => self.array(array, shift, clip)?,
            }
        }
        Some(())
    }

    /// Adds an array. The words between its ends repeat after so many elements as fill whole words
    /// (8 at most): those become a loop. What hangs over at either end is written out, since it
    /// may share its word with a neighbour.
    fn array(&mut self, array: &Loop<()>, shift: usize, clip: &Range) -> Option<()> {
        let stride = array.here_stride;
        let base = array.here + shift;
        let (start, end) = (
            base.max(clip.start),
            (base + array.count * stride).min(clip.end),
        );
        if start >= end {
            return Some(());
        }
        let period = stride * (WORD >> stride.trailing_zeros().min(WORD.trailing_zeros()));
        let from = start.next_multiple_of(WORD);
        let rounds = (end / WORD * WORD).saturating_sub(from) / period;
        if rounds < 4 {
            return self.elements(array, shift, start..end);
        }
        let to = from + rounds * period;
        self.elements(array, shift, start..from)?;
        self.flush();
        self.out.start_loop();
        self.elements(array, shift, from..from + period)?;
        self.flush();
        self.out.end_loop(rounds, period, period);
        self.elements(array, shift, to..end)
    }

    /// Adds what of an array lies in `range`, which lies in the array.
    fn elements(&mut self, array: &Loop<()>, shift: usize, range: Range) -> Option<()> {
        if range.is_empty() {
            return Some(());
        }
        let index = |at: usize| (at - array.here - shift) / array.here_stride;
        for i in index(range.start)..=index(range.end - 1) {
            self.nodes(&array.body, shift + i * array.here_stride, &range)?;
        }
        Some(())
    }

    fn data(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let word = at / WORD * WORD;
            if word != self.word {
                self.flush();
                self.word = word;
            }
            let whole = (end / WORD * WORD).saturating_sub(at);
            if at == word && whole > 0 {
                self.bulk(at, whole);
                at += whole;
            } else {
                let upto = end.min(word + WORD);
                self.mask |= bytes_mask(upto - word) & !bytes_mask(at - word);
                at = upto;
            }
        }
    }

    fn flush(&mut self) {
        match std::mem::take(&mut self.mask) {
            0 => {}
            u64::MAX => self.bulk(self.word, WORD),
            mask => self.out.push(WordOp::Partial {
                offset: self.word,
                mask,
            }),
        }
    }

    fn bulk(&mut self, offset: usize, len: usize) {
        match self.out.last_mut() {
            Some(WordOp::Bulk {
                offset: before,
                len: so_far,
            }) if *before + *so_far == offset => {
                *so_far += len;
            }
            _ => self.out.push(WordOp::Bulk { offset, len }),
        }
    }
}

/// 0xff in the lowest `n` bytes.
fn bytes_mask(n: usize) -> u64 {
    if n >= WORD {
        u64::MAX
    } else {
        (1 << (8 * n)) - 1
    }
}
