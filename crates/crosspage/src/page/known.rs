//! Layouts that this process has compared already.
//!
//! Decoding a descriptor and comparing it field by field costs more than opening and mapping a page. A
//! process that opens pages of one type again and again does it once: what it remembers is keyed by the
//! descriptor's bytes themselves, so nothing is taken on trust.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Difference, Match, Plan, StructType};

/// A page's layout, this side's, and how to move values between them.
#[derive(Debug, Clone)]
pub(crate) struct Agreement {
    pub(crate) page: Arc<StructType>,
    pub(crate) here: Arc<StructType>,
    pub(crate) plan: Arc<Plan>,
}

impl Agreement {
    /// A layout agrees with itself.
    pub(crate) fn of_one(layout: Arc<StructType>) -> Result<Agreement> {
        let plan = Plan::new(&layout, &layout, Match::Exact)
            .map_err(|_| Error::new(ErrorKind::Internal, "a layout differs from itself"))?;
        Ok(Agreement {
            page: layout.clone(),
            here: layout,
            plan: Arc::new(plan),
        })
    }
}

/// What comparing came to.
pub(crate) enum Verdict {
    Agree(Agreement),
    Differ {
        page: Arc<StructType>,
        differences: Vec<Difference>,
    },
}

struct Entry {
    descriptor: Box<[u8]>,
    /// Held, so that no other layout can come to lie at its address.
    here: Option<Arc<StructType>>,
    matching: Match,
    agreement: Agreement,
}

impl Entry {
    fn is(&self, descriptor: &[u8], here: Option<&Arc<StructType>>, matching: Match) -> bool {
        let same = match (&self.here, here) {
            (Some(known), Some(here)) => Arc::ptr_eq(known, here),
            (None, None) => true,
            _ => false,
        };
        same && self.matching == matching && *self.descriptor == *descriptor
    }
}

/// Enough for the types that one program opens again and again; a program of thousands still works.
const REMEMBERED: usize = 32;

static KNOWN: Mutex<VecDeque<Entry>> = Mutex::new(VecDeque::new());

/// Compares the layout of a page with the one declared here; `None` takes the page's own.
///
/// # Errors
/// Corrupt: the descriptor is no layout.
pub(crate) fn compare(
    descriptor: &[u8],
    here: Option<&Arc<StructType>>,
    matching: Match,
) -> Result<Verdict> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(entry) = known
        .iter()
        .find(|entry| entry.is(descriptor, here, matching))
    {
        return Ok(Verdict::Agree(entry.agreement.clone()));
    }
    drop(known);
    let page = Arc::new(StructType::decode(descriptor)?);
    let side = here.unwrap_or(&page).clone();
    let plan = match Plan::new(&page, &side, matching) {
        Ok(plan) => Arc::new(plan),
        Err(differences) => return Ok(Verdict::Differ { page, differences }),
    };
    let agreement = Agreement {
        page,
        here: side,
        plan,
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.truncate(REMEMBERED - 1);
    known.push_front(Entry {
        descriptor: descriptor.into(),
        here: here.cloned(),
        matching,
        agreement: agreement.clone(),
    });
    Ok(Verdict::Agree(agreement))
}
