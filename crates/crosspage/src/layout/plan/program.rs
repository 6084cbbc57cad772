//! Operations with loops around them, and the iterator that unrolls the loops block by block.

use super::super::MAX_DEPTH;

/// Operations in order; loops may nest. Offsets are those of each loop's first round.
#[derive(Debug, Clone)]
pub(super) struct Program<Op> {
    ops: Vec<Op>,
    steps: Vec<Step>,
    /// The steps at which the loops begin that are still being written.
    open: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// These operations.
    Ops { start: usize, end: usize },
    /// A loop begins.
    Start { count: usize },
    /// The loop ends that begins at step `start`.
    End {
        start: usize,
        count: usize,
        page_stride: usize,
        here_stride: usize,
    },
}

/// A few operations, and how far to shift their offsets.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a, Op> {
    /// Add this to the operations' offsets in the page.
    pub page: usize,
    /// Add this to the operations' offsets in the private copy. The same as `page` where the plan
    /// is direct.
    pub here: usize,
    /// What to do, in order.
    pub ops: &'a [Op],
}

impl<Op> Default for Program<Op> {
    fn default() -> Self {
        Program {
            ops: Vec::new(),
            steps: Vec::new(),
            open: Vec::new(),
        }
    }
}

impl<Op> Program<Op> {
    pub(super) fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// All operations, where there are no loops.
    #[inline(always)]
    pub(super) fn straight(&self) -> Option<&[Op]> {
        (self.steps.len() <= 1).then_some(&self.ops[..])
    }

    pub(super) fn push(&mut self, op: Op) {
        match self.steps.last_mut() {
            Some(Step::Ops { end, .. }) => *end += 1,
            _ => self.steps.push(Step::Ops {
                start: self.ops.len(),
                end: self.ops.len() + 1,
            }),
        }
        self.ops.push(op);
    }

    /// The operation that the next one follows without a loop's edge in between.
    pub(super) fn last_mut(&mut self) -> Option<&mut Op> {
        match self.steps.last() {
            Some(Step::Ops { .. }) => self.ops.last_mut(),
            _ => None,
        }
    }

    /// Begins a loop: what is pushed until [`end_loop`](Program::end_loop) is its first round.
    pub(super) fn start_loop(&mut self) {
        // A layout nests at most MAX_DEPTH arrays, so no program nests more loops.
        assert!(
            self.open.len() < MAX_DEPTH,
            "loops nested deeper than any layout"
        );
        self.open.push(self.steps.len());
        self.steps.push(Step::Start { count: 0 });
    }

    /// Ends the innermost loop; each round is shifted by the strides against the one before.
    pub(super) fn end_loop(&mut self, count: usize, page_stride: usize, here_stride: usize) {
        let start = self.open.pop().expect("a loop to end");
        self.steps[start] = Step::Start { count };
        self.steps.push(Step::End {
            start,
            count,
            page_stride,
            here_stride,
        });
    }

    #[inline]
    pub(super) fn blocks(&self) -> Blocks<'_, Op> {
        Blocks {
            program: self,
            next: 0,
            page: 0,
            here: 0,
            open: 0,
            left: [0; MAX_DEPTH],
        }
    }
}

/// The blocks of a program, in order.
#[derive(Debug, Clone)]
pub struct Blocks<'a, Op> {
    program: &'a Program<Op>,
    next: usize,
    page: usize,
    here: usize,
    /// Loops that are being run, and the rounds each has left. No count exceeds 2^28.
    open: usize,
    left: [u32; MAX_DEPTH],
}

impl<'a, Op> Iterator for Blocks<'a, Op> {
    type Item = Block<'a, Op>;

    #[inline]
    fn next(&mut self) -> Option<Block<'a, Op>> {
        while let Some(step) = self.program.steps.get(self.next) {
            self.next += 1;
            match *step {
                Step::Ops { start, end } => {
                    let ops = &self.program.ops[start..end];
                    return Some(Block {
                        page: self.page,
                        here: self.here,
                        ops,
                    });
                }
                Step::Start { count } => {
                    self.left[self.open] = count as u32;
                    self.open += 1;
                }
                Step::End {
                    start,
                    count,
                    page_stride,
                    here_stride,
                } => {
                    let left = &mut self.left[self.open - 1];
                    *left -= 1;
                    if *left > 0 {
                        self.page += page_stride;
                        self.here += here_stride;
                        self.next = start + 1;
                    } else {
                        self.page -= page_stride * (count - 1);
                        self.here -= here_stride * (count - 1);
                        self.open -= 1;
                    }
                }
            }
        }
        None
    }
}
