//! How the tail of a message moves: as many elements as there are bytes for.

use super::{Invalid, Match, Plan, compare};
use crate::layout::{Field, StructType, Type};

/// Where a tail begins on both sides, and how each of its elements moves.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    name: String,
    /// Where it begins in the page; what comes before has its own plan.
    pub(crate) page: usize,
    /// Where it begins here.
    pub(crate) here: usize,
    page_stride: usize,
    here_stride: usize,
    /// Of a struct with one field: an array of one element.
    element: Plan,
    /// Whether the whole message is the same on both sides.
    same: bool,
    /// Whether elements are the same on both sides and have no padding.
    is_dense: bool,
}

impl Tail {
    /// `page` and `here` agree, as `how` says.
    pub(super) fn new(page: &StructType, here: &StructType, how: Match) -> Option<Tail> {
        let last = here.fields().last()?;
        let theirs = page.field(&last.name)?;
        let (Type::Tail(here_element), Type::Tail(page_element)) = (&last.ty, &theirs.ty) else {
            return None;
        };
        // As an array: one-byte integers agree there, as they do in a tail.
        let one = |name: &str, element: &Type| {
            let ty = Type::Array(Box::new(element.clone()), 1);
            StructType::natural("element", vec![Field::new(name, ty)], None).ok()
        };
        let (page_one, here_one) = (
            one(&theirs.name, page_element)?,
            one(&last.name, here_element)?,
        );
        let element = Plan::new(&page_one, &here_one, how).ok()?;
        let (page_stride, here_stride) = (page_element.size(), here_element.size());
        let data: usize = element
            .runs()
            .flat_map(|block| block.ops)
            .map(|run| run.len)
            .sum();
        let same = compare(page, here, Match::Exact).is_ok();
        Some(Tail {
            name: last.name.clone(),
            page: theirs.offset,
            here: last.offset,
            page_stride,
            here_stride,
            is_dense: same && data == here_stride,
            same,
            element,
        })
    }

    pub(crate) fn is_same(&self) -> bool {
        self.same
    }

    /// How many elements a message of the page has whose length is a possible one.
    pub(crate) fn count(&self, page_len: usize) -> usize {
        page_len.saturating_sub(self.page) / self.page_stride
    }

    /// How many a message has as this side lays it out.
    pub(crate) fn here_count(&self, here_len: usize) -> usize {
        here_len.saturating_sub(self.here) / self.here_stride
    }

    /// Bytes that a message of so many elements has in the page; saturates.
    pub(crate) fn page_len(&self, count: usize) -> usize {
        self.page
            .saturating_add(count.saturating_mul(self.page_stride))
    }

    /// Bytes that a message of so many elements has here.
    pub(crate) fn here_len(&self, count: usize) -> usize {
        self.here
            .saturating_add(count.saturating_mul(self.here_stride))
    }

    /// Whether any bytes are an element: it has no bool and no enum.
    #[cfg(not(loom))]
    pub(crate) fn takes_any_bytes(&self) -> bool {
        self.element.takes_any_bytes()
    }

    /// Whether every bool of the elements is 0 or 1; `tail` are their bytes, here.
    pub(crate) fn is_normal(&self, tail: &[u8]) -> bool {
        self.element.bools.is_empty()
            || tail
                .chunks_exact(self.here_stride)
                .all(|one| self.element.is_normal(one))
    }

    /// Makes every bool of the elements 0 or 1.
    pub(crate) fn normalise(&self, tail: &mut [u8]) {
        if !self.element.bools.is_empty() {
            for one in tail.chunks_exact_mut(self.here_stride) {
                self.element.normalise(one);
            }
        }
    }

    /// Copies elements from the page's image, with bools made 0 or 1.
    pub(crate) fn gather(&self, page: &[u8], here: &mut [u8]) {
        let page = page.chunks_exact(self.page_stride);
        for (page, here) in page.zip(here.chunks_exact_mut(self.here_stride)) {
            self.element.gather(page, here);
        }
    }

    /// Checks that every enum of the elements holds a value that has a name.
    ///
    /// # Errors
    /// The first field that does not: `points[3].mode`.
    pub(crate) fn validate(&self, tail: &[u8]) -> Result<(), Invalid> {
        if !self.element.has_enums() {
            return Ok(());
        }
        for (i, one) in tail.chunks_exact(self.here_stride).enumerate() {
            self.element.validate(one).map_err(|invalid| {
                let inner = invalid.field.split_once(']').map_or("", |(_, inner)| inner);
                Invalid {
                    field: format!("{}[{i}]{inner}", self.name),
                    offset: self.here_len(i) + invalid.offset,
                    ..invalid
                }
            })?;
        }
        Ok(())
    }

    /// Elements as the page has them, without a copy: where they are the same and have no padding.
    ///
    /// # Safety
    /// `here` points to `count` elements of this side's layout whose fields are initialised, for `'a`.
    pub(crate) unsafe fn as_page<'a>(&self, here: *const u8, count: usize) -> Option<&'a [u8]> {
        if count == 0 {
            return Some(&[]);
        }
        // SAFETY: without padding all bytes of the elements are their fields'.
        self.is_dense
            .then(|| unsafe { std::slice::from_raw_parts(here, count * self.here_stride) })
    }

    /// Appends elements to the page's image, whose padding is 0.
    ///
    /// # Safety
    /// `here` points to `count` elements of this side's layout whose fields are initialised.
    pub(crate) unsafe fn scatter(&self, here: *const u8, count: usize, image: &mut Vec<u8>) {
        let start = image.len();
        image.resize(start + count * self.page_stride, 0);
        for (i, page) in image[start..]
            .chunks_exact_mut(self.page_stride)
            .enumerate()
        {
            // SAFETY: one of the elements.
            unsafe {
                self.element
                    .scatter_at(here.add(i * self.here_stride), page)
            };
        }
    }

    /// Zeroes the padding of a message, of which the header's plan is `header`. Both sides are the same.
    pub(crate) fn clear_padding(&self, header: &Plan, message: &mut [u8]) {
        let (fixed, tail) = message.split_at_mut(self.page);
        header.clear_gaps(fixed);
        if !self.is_dense {
            for one in tail.chunks_exact_mut(self.page_stride) {
                self.element.clear_gaps(one);
            }
        }
    }
}

impl Plan {
    /// Copies the fields of a value to the page's image; what no field of this side covers stays as it is.
    ///
    /// # Safety
    /// `here` points to a value of this side's layout whose fields (not its padding) are initialised.
    ///
    /// # Panics
    /// Where the image is shorter than the fields.
    pub(crate) unsafe fn scatter_at(&self, here: *const u8, page: &mut [u8]) {
        for block in self.runs() {
            for run in block.ops {
                let (from, to) = (block.here + run.here, block.page + run.page);
                // SAFETY: runs are data bytes of this side's layout, which `here` has.
                let bytes = unsafe { std::slice::from_raw_parts(here.add(from), run.len) };
                page[to..to + run.len].copy_from_slice(bytes);
            }
        }
    }

    /// Zeroes what no field covers, where both sides are the same.
    fn clear_gaps(&self, page: &mut [u8]) {
        let mut done = 0;
        for block in self.runs() {
            for run in block.ops {
                let from = block.page + run.page;
                if done < from {
                    page[done..from].fill(0);
                }
                done = done.max(from + run.len);
            }
        }
        if done < page.len() {
            page[done..].fill(0);
        }
    }
}
