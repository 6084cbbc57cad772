//! How one struct moves between a page and a private copy.

use std::fmt;

use super::{Difference, EnumType, Match, Scalar, StructType, Type, compare, value};

mod program;
mod spans;
#[cfg_attr(
    loom,
    allow(dead_code, reason = "only topic's handles have messages with a tail")
)]
mod tail;
mod words;

use program::Program;
pub use program::{Block, Blocks};
use spans::{Span, program, spans};
pub(crate) use tail::Tail;

/// How to move one struct between a private copy ("here") and the page's bytes: made once per
/// handle; using it allocates nothing.
///
/// A plan comes in [blocks](Block), so that an array of a million structs takes no more room than
/// one of a hundred: a block is a few operations and the distance by which to shift their offsets.
/// Nearly every struct is a single block.
/// ```
/// # use crosspage::layout::{Field, Match, Plan, Scalar, StructType, Type};
/// # let fields = vec![Field::new("x", Type::Scalar(Scalar::F64))];
/// # let (page, here) = (StructType::natural("P", fields.clone(), None)?, StructType::natural("P", fields, None)?);
/// # let (mut page_bytes, here_bytes) = ([0; 8], [1; 8]);
/// let plan = Plan::new(&page, &here, Match::Exact).expect("they agree");
/// for block in plan.runs() {
///     for run in block.ops {
///         let (to, from) = (block.page + run.page, block.here + run.here);
///         page_bytes[to..to + run.len].copy_from_slice(&here_bytes[from..from + run.len]);
///     }
/// }
/// # assert_eq!(page_bytes, here_bytes);
/// # Ok::<(), crosspage::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    runs: Program<Run>,
    /// Empty where the plan is not direct.
    words: Program<WordOp>,
    bools: Program<Run>,
    /// Where they are, if there are only a few: most structs have none to three, and the loops of a
    /// program cost more than these.
    few_bools: Option<Vec<usize>>,
    enums: Program<Span<usize>>,
    /// What the enums of `enums` may hold, by the spans' `what`.
    allowed: Vec<Allowed>,
    /// Of messages that have one on this side. Nothing else here covers it.
    tail: Option<Box<Tail>>,
    /// For the paths in messages.
    here: StructType,
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
        let Invalid {
            field,
            type_name,
            value,
            offset,
        } = self;
        write!(
            f,
            "field {field}: {value} is not a valid {type_name} (offset {offset})"
        )
    }
}

impl std::error::Error for Invalid {}

impl Plan {
    /// The plan for a page of layout `page` and private copies of layout `here`.
    ///
    /// # Errors
    /// The differences, where [`compare()`] finds any.
    pub fn new(page: &StructType, here: &StructType, how: Match) -> Result<Plan, Vec<Difference>> {
        compare(page, here, how)?;
        let run = |span: &Span<()>| Run {
            page: span.page,
            here: span.here,
            len: span.len,
        };
        let data = spans(page, here, &mut |_| Some(()));
        // By name, what no field here covers may be other fields of the page. It is surely
        // padding only where the layouts agree exactly.
        let same = how == Match::Exact || compare(page, here, Match::Exact).is_ok();
        let words = same.then(|| words::program(&data)).flatten();
        let bools = spans(here, here, &mut |ty| match ty {
            Type::Scalar(Scalar::Bool) => Some(()),
            _ => None,
        });
        let mut allowed = Vec::new();
        let enums = spans(here, here, &mut |ty| match ty {
            Type::Enum(e) if !e.variants.is_empty() => {
                allowed.push(Allowed::new(e));
                Some(allowed.len() - 1)
            }
            _ => None,
        });
        let bools = program(&bools, run);
        let few_bools = bools.straight().and_then(|runs| {
            let few = runs.iter().map(|run| run.len).sum::<usize>() <= 64;
            few.then(|| {
                runs.iter()
                    .flat_map(|run| run.here..run.here + run.len)
                    .collect()
            })
        });
        Ok(Plan {
            runs: program(&data, run),
            words: words.unwrap_or_default(),
            bools,
            few_bools,
            enums: program(&enums, |span| *span),
            allowed,
            tail: Tail::new(page, here, how).map(Box::new),
            here: here.clone(),
        })
    }

    /// How the elements of a message's tail move, where this side declares one.
    #[cfg(not(loom))]
    pub(crate) fn tail(&self) -> Option<&Tail> {
        self.tail.as_deref()
    }

    /// Whether bytes of the page are this side's as they are, but for its padding.
    #[cfg(not(loom))]
    pub(crate) fn is_same(&self) -> bool {
        self.tail().map_or(self.is_direct(), Tail::is_same)
    }

    /// Whether every byte has the same offset on both sides and [`words`](Plan::words) has them
    /// all. Otherwise use [`runs`](Plan::runs).
    pub fn is_direct(&self) -> bool {
        !self.words.is_empty()
    }

    /// The runs of data, in order of their offsets in the private copy; never padding.
    #[inline]
    pub fn runs(&self) -> Blocks<'_, Run> {
        self.runs.blocks()
    }

    /// For a [direct](Plan::is_direct) plan: the same data word by word, in order, each word once;
    /// what no operation covers is padding. Otherwise nothing.
    #[inline]
    pub fn words(&self) -> Blocks<'_, WordOp> {
        self.words.blocks()
    }

    /// Whether every bool of a private copy is 0 or 1, so that [`normalise`](Plan::normalise) has nothing to
    /// do.
    ///
    /// # Panics
    /// Where `here` is shorter than the struct.
    pub(crate) fn is_normal(&self, here: &[u8]) -> bool {
        self.bools.blocks().all(|block| {
            block.ops.iter().all(|run| {
                let from = block.here + run.here;
                here[from..from + run.len].iter().all(|&byte| byte <= 1)
            })
        })
    }

    /// Copies a value from the page's image to a private copy, with bools made 0 or 1; what no field of
    /// this side covers stays as it is.
    ///
    /// # Panics
    /// Where either is shorter than its struct.
    pub(crate) fn gather(&self, page: &[u8], here: &mut [u8]) {
        for block in self.runs() {
            for run in block.ops {
                let (from, to) = (block.page + run.page, block.here + run.here);
                here[to..to + run.len].copy_from_slice(&page[from..from + run.len]);
            }
        }
        self.normalise(here);
    }

    /// Whether there are enums that [`validate`](Plan::validate) may refuse.
    pub(crate) fn has_enums(&self) -> bool {
        !self.enums.is_empty()
    }

    /// Whether any bytes are a value of this side's struct: none of its fields is a bool or an enum.
    #[cfg(not(loom))]
    pub(crate) fn takes_any_bytes(&self) -> bool {
        self.enums.is_empty() && self.bools.is_empty()
    }

    /// [`words`](Plan::words) without its loops, where there are none.
    #[inline(always)]
    pub(crate) fn straight_words(&self) -> Option<&[WordOp]> {
        self.words.straight()
    }

    /// Makes every bool of a private copy whose byte is neither 0 nor 1 a 1: anything but 0 reads
    /// as true, and other bytes would be undefined behaviour in Rust and C++.
    ///
    /// # Panics
    /// Where `here` is shorter than the struct.
    #[inline]
    pub fn normalise(&self, here: &mut [u8]) {
        assert!(here.len() >= self.here.size());
        // SAFETY: `here` holds a whole struct.
        unsafe { self.normalise_at(here.as_mut_ptr()) }
    }

    /// The same by address: touches nothing but the bools, so padding may be uninitialised.
    ///
    /// # Safety
    /// `here` is valid for reading and writing a struct of this side's layout, whose bools are
    /// initialised, and nobody else accesses it meanwhile.
    #[inline]
    pub(crate) unsafe fn normalise_at(&self, here: *mut u8) {
        let Some(few) = &self.few_bools else {
            // SAFETY: handed through from the caller.
            return unsafe { self.normalise_many_at(here) };
        };
        for &at in few {
            // SAFETY: the offset of a bool of the layout, valid by the contract.
            unsafe { normalise(here.add(at)) };
        }
    }

    /// # Safety
    /// As for [`Plan::normalise_at`].
    unsafe fn normalise_many_at(&self, here: *mut u8) {
        for block in self.bools.blocks() {
            for run in block.ops {
                for at in 0..run.len {
                    // SAFETY: as above.
                    unsafe { normalise(here.add(block.here + run.here + at)) };
                }
            }
        }
    }

    /// Checks that every enum of a private copy holds a value that has a name. Enums whose names
    /// are not known may hold anything.
    ///
    /// # Errors
    /// The first field that does not.
    ///
    /// # Panics
    /// Where `here` is shorter than the struct.
    #[inline]
    pub fn validate(&self, here: &[u8]) -> Result<(), Invalid> {
        assert!(here.len() >= self.here.size());
        // SAFETY: `here` holds a whole struct.
        unsafe { self.validate_at(here.as_ptr()) }
    }

    /// The same by address: looks at nothing but the enums, so padding may be uninitialised.
    ///
    /// # Safety
    /// `here` is valid for reading a struct of this side's layout, whose enums are initialised.
    ///
    /// # Errors
    /// The first field that does not.
    #[inline]
    pub(crate) unsafe fn validate_at(&self, here: *const u8) -> Result<(), Invalid> {
        if self.enums.is_empty() {
            return Ok(());
        }
        for block in self.enums.blocks() {
            for span in block.ops {
                let allowed = &self.allowed[span.what];
                let (start, size) = (block.here + span.here, allowed.repr.size());
                for offset in (start..start + span.len).step_by(size) {
                    let mut bytes = [0; 8];
                    // SAFETY: the offset of an enum of the layout, of `size` bytes, no more than 8.
                    unsafe {
                        bytes
                            .as_mut_ptr()
                            .copy_from_nonoverlapping(here.add(offset), size)
                    };
                    if !allowed.contains(bytes) {
                        return Err(self.invalid(allowed, bytes, offset));
                    }
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn invalid(&self, allowed: &Allowed, bytes: [u8; 8], offset: usize) -> Invalid {
        Invalid {
            field: self.here.path_at(offset).unwrap_or_default(),
            type_name: allowed.name.clone(),
            value: value::read_int(allowed.repr, &bytes),
            offset,
        }
    }
}

/// # Safety
/// `bool` is valid for reading and writing, initialised, and nobody else accesses it.
#[inline(always)]
unsafe fn normalise(bool: *mut u8) {
    // SAFETY: by the contract.
    unsafe {
        // Nearly always there is nothing to store.
        if *bool > 1 {
            *bool = 1;
        }
    }
}

/// The values that an enum may hold.
#[derive(Debug, Clone)]
struct Allowed {
    name: String,
    repr: Scalar,
    /// Sorted, apart from each other, both ends included.
    ranges: Vec<(i128, i128)>,
}

impl Allowed {
    fn new(e: &EnumType) -> Allowed {
        let mut values: Vec<i128> = e.variants.iter().map(|(_, value)| *value).collect();
        values.sort_unstable();
        let mut ranges: Vec<(i128, i128)> = Vec::new();
        for value in values {
            match ranges.last_mut() {
                Some((_, end)) if value <= *end + 1 => *end = value,
                _ => ranges.push((value, value)),
            }
        }
        Allowed {
            name: e.name.clone(),
            repr: e.repr,
            ranges,
        }
    }

    fn contains(&self, bytes: [u8; 8]) -> bool {
        let value = value::read_int(self.repr, &bytes);
        let after = self.ranges.partition_point(|(start, _)| *start <= value);
        after > 0 && value <= self.ranges[after - 1].1
    }
}

#[cfg(test)]
mod tests;
