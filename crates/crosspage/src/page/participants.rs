//! The participant table: who is attached to a page, in which role.
//!
//! A record says who took an index; the lock on the index's byte (see `liveness`) says whether they
//! still live. Records change only under the page's registration lock, so the algorithms here are
//! sequential; they are functions of closures for the locks so that the models can crash them.

use crate::atomic::{AtomicU64, Ordering};

/// One participant's 32 bytes.
#[cfg_attr(loom, derive(Default))]
#[repr(C)]
pub(crate) struct Record {
    /// `generation << 32 | role << 8 | used`: one word, so a record is taken in one store.
    state: AtomicU64,
    /// `language << 32 | pid`, for people.
    process: AtomicU64,
    /// When the process began, in clock ticks since boot, for people.
    started: AtomicU64,
    /// When it attached, in ns since 1970.
    attached_at: AtomicU64,
}

const USED: u64 = 1;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) index: u16,
    pub(crate) generation: u32,
    pub(crate) role: u8,
    pub(crate) pid: u32,
    pub(crate) language: u8,
    pub(crate) started: u64,
    pub(crate) attached_at: u64,
}

/// Who wants to be entered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newcomer {
    pub(crate) role: u8,
    pub(crate) pid: u32,
    pub(crate) language: u8,
    pub(crate) started: u64,
    pub(crate) attached_at: u64,
}

/// All records of a page.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a>(pub(crate) &'a [Record]);

impl Table<'_> {
    /// Who is entered under `index`; `None` when nobody is.
    pub(crate) fn entry(&self, index: u16) -> Option<Entry> {
        let record = self.0.get(usize::from(index))?;
        // Acquire: pairs with the Release in `enter`, so the other words are this entry's.
        let state = record.state.load(Ordering::Acquire);
        if state & USED == 0 {
            return None;
        }
        let process = record.process.load(Ordering::Relaxed);
        Some(Entry {
            index,
            generation: (state >> 32) as u32,
            role: (state >> 8) as u8,
            pid: process as u32,
            language: (process >> 32) as u8,
            started: record.started.load(Ordering::Relaxed),
            attached_at: record.attached_at.load(Ordering::Relaxed),
        })
    }

    /// Everybody who is entered, dead or alive.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.0.len() as u16).filter_map(|index| self.entry(index))
    }

    /// Frees the indices of the dead, after `heal` has put right what each left behind in the
    /// pattern. Only under the registration lock. Returns how many there were.
    pub(crate) fn sweep(
        &self,
        mut alive: impl FnMut(u16) -> bool,
        mut heal: impl FnMut(u16),
    ) -> usize {
        let mut dead = 0;
        for entry in self.entries() {
            if !alive(entry.index) {
                // Healing first: who dies between the two leaves an index that is swept again.
                heal(entry.index);
                self.leave(entry.index);
                dead += 1;
            }
        }
        dead
    }

    /// Enters a newcomer under a free index whose lock byte `lock` can take. Only under the
    /// registration lock. `None`: no index is free.
    pub(crate) fn enter<E>(
        &self,
        who: Newcomer,
        mut lock: impl FnMut(u16) -> Result<bool, E>,
    ) -> Result<Option<(u16, u32)>, E> {
        for (index, record) in self.0.iter().enumerate() {
            let state = record.state.load(Ordering::Relaxed);
            // The lock before the record: killed in between, nothing is entered.
            if state & USED != 0 || !lock(index as u16)? {
                continue;
            }
            let generation = ((state >> 32) as u32).wrapping_add(1);
            record.process.store(
                u64::from(who.language) << 32 | u64::from(who.pid),
                Ordering::Relaxed,
            );
            record.started.store(who.started, Ordering::Relaxed);
            record.attached_at.store(who.attached_at, Ordering::Relaxed);
            // Release: pairs with the Acquire in `entry`.
            let state = u64::from(generation) << 32 | u64::from(who.role) << 8 | USED;
            record.state.store(state, Ordering::Release);
            return Ok(Some((index as u16, generation)));
        }
        Ok(None)
    }

    /// Frees an index. Only under the registration lock.
    pub(crate) fn leave(&self, index: u16) {
        if let Some(record) = self.0.get(usize::from(index)) {
            let generation = record.state.load(Ordering::Relaxed) >> 32;
            // Relaxed: nothing is read through a free record.
            record.state.store(generation << 32, Ordering::Relaxed);
        }
    }
}
