//! How one struct moves between a page and a private copy. (in progress)

use std::fmt;

use super::{Difference, Match, StructType, compare};

/// How to move one struct between a private copy ("here") and the page's bytes: made once per
/// handle; using it allocates nothing.
///
/// A plan comes in blocks, so that an array of a million structs takes no more room than one of
/// two: each block is a few operations and the distance by which their offsets are shifted.
/// ```ignore
/// for block in plan.words() {            // only where plan.is_direct()
///     for op in block.ops { /* at block.page + op.offset */ }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    direct: bool,
    words: Vec<WordOp>,
    runs: Vec<Run>,
}

/// Some operations, and how far their offsets are shifted.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a, Op> {
    /// Add this to the operations' offsets in the page.
    pub page: usize,
    /// Add this to the operations' offsets in the private copy. The same as `page` where the plan
    /// is direct.
    pub here: usize,
    /// What to do.
    pub ops: &'a [Op],
}

/// Bytes of data without padding that lie together on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where in the page.
    pub page: usize,
    /// Where in the private copy.
    pub here: usize,
    /// How many bytes.
    pub len: usize,
}

/// Data in whole words of 8 bytes, at the same offset on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordOp {
    /// Words that are all data.
    Bulk {
        /// A multiple of 8.
        offset: usize,
        /// A multiple of 8.
        len: usize,
    },
    /// A word that is partly padding, or reaches over the end of the struct.
    Partial {
        /// A multiple of 8.
        offset: usize,
        /// 0xff for each byte that is data, the first byte lowest.
        mask: u64,
    },
}

/// A value that no variant of its enum has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field's path.
    pub field: String,
    /// The enum's name.
    pub type_name: String,
    /// What the field holds.
    pub value: i128,
    /// Where the field lies in the private copy.
    pub offset: usize,
}

/// `field mode: 3 is not a valid Mode (offset 632)`
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Invalid { field, type_name, value, offset } = self;
        write!(f, "field {field}: {value} is not a valid {type_name} (offset {offset})")
    }
}

impl Plan {
    /// The plan for a page of layout `page` and private copies of layout `here`.
    ///
    /// # Errors
    /// The differences, where [`compare`] finds any.
    pub fn new(
        page: &StructType,
        here: &StructType,
        how: Match,
    ) -> Result<Plan, Vec<Difference>> {
        compare(page, here, how)?;
        // (in progress: moves padding too)
        let len = page.size() / 8 * 8;
        let mut words = vec![WordOp::Bulk { offset: 0, len }];
        if page.size() % 8 != 0 {
            words.push(WordOp::Partial { offset: len, mask: (1 << (page.size() % 8 * 8)) - 1 });
        }
        let runs = vec![Run { page: 0, here: 0, len: page.size() }];
        Ok(Plan { direct: true, words, runs })
    }

    /// Whether every byte has the same offset on both sides, so that [`words`](Plan::words) can
    /// be used.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// The runs of data, in order of their offsets in the private copy; never padding.
    pub fn runs(&self) -> impl Iterator<Item = Block<'_, Run>> {
        std::iter::once(Block { page: 0, here: 0, ops: &self.runs[..] })
    }

    /// For a [direct](Plan::is_direct) plan: the same data word by word, in order, each word once;
    /// bytes that no operation covers are padding. Otherwise nothing.
    pub fn words(&self) -> impl Iterator<Item = Block<'_, WordOp>> {
        std::iter::once(Block { page: 0, here: 0, ops: &self.words[..] })
    }

    /// Makes every bool byte of a private copy that is neither 0 nor 1 a 1, since any value but 0
    /// is true and other bytes are undefined behaviour in Rust.
    ///
    /// # Panics
    /// Where `here` is shorter than the struct.
    pub fn normalise(&self, here: &mut [u8]) {
        let _ = here;
    }

    /// Checks that every enum of a private copy holds a value that has a name.
    ///
    /// # Errors
    /// The first field that does not.
    ///
    /// # Panics
    /// Where `here` is shorter than the struct.
    pub fn validate(&self, here: &[u8]) -> Result<(), Invalid> {
        let _ = here;
        Ok(())
    }
}
