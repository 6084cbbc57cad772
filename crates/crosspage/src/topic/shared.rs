//! What a handle of a topic shares with its messages and with other threads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::board::{Board, Extent, Maps, PATTERN, PUBLISHER, SUBSCRIBER, What};
use super::event::{Event, Peers};
use super::lane::NOT_ATTACHED;
use super::options::Options;
use super::pool::{ALIGN, Loaned, Range};
use super::publisher::lane;
use crate::atomic::Ordering;
use crate::atomic::local::{AtomicBool, AtomicU64};
use crate::error::{Error, ErrorKind, Result};
use crate::locator::Locator;
use crate::page::participants::Entry;
use crate::page::{Design, Intent, Me, Page, Participant, Request, Terms, deadline_of};
use crate::segment::Mapping;
#[cfg(feature = "tokio")]
use crate::wait::SleepAsync;
use crate::wait::{self, Sleep};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) page: Page,
    pub(super) maps: Maps,
    pub(super) me: Me,
    role: u8,
    /// Messages that are held in the page, and loans: see [`Holding`].
    held: AtomicU64,
    /// Loans that were dropped, to be given back by the publisher; and whether there are any.
    pub(super) dropped: Mutex<Vec<Loaned>>,
    pub(super) any_dropped: AtomicBool,
    /// What was told of the other side.
    peers: Mutex<Peers>,
    /// The place in the page was given up, and may be another one's: its row is not ours to write to. Locked
    /// for as long as that is done, because a handle may be closed by one thread and dropped by another.
    left: Mutex<bool>,
}

/// Memory of the page that is in use: until this is dropped, the handle keeps its place, and nobody gets the
/// memory. Closing the handle does not end that, but the drop of the last that refers to it.
#[derive(Debug)]
pub(super) struct Holding(pub(super) Arc<Shared>);

impl Holding {
    pub(super) fn new(shared: Arc<Shared>) -> Holding {
        shared.held.fetch_add(1, Ordering::Relaxed);
        Holding(shared)
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `Shared::leave`.
        self.0.held.fetch_sub(1, Ordering::Release);
    }
}

impl Shared {
    pub(super) fn attach(locator: &str, options: &Options, role: u8) -> Result<Shared> {
        wait::use_light_fences();
        let locator: Locator = locator.parse()?;
        let terms = Terms {
            max_participants: options.max_participants,
            permissions: options.permissions,
            lifetime: options.lifetime,
            matching: options.matching,
            read_only: false,
            language: options.language,
        };
        let design = |_: Option<&_>| {
            Ok(Design {
                parameters: [0; 8],
                area: super::board::AREA,
            })
        };
        let page = Page::attach(&Request {
            locator: &locator,
            pattern: &PATTERN,
            role,
            intent: Intent::Attach,
            terms: &terms,
            layout: None,
            timeout: Some(Duration::ZERO),
            design: &design,
            contradictions: &|_| Vec::new(),
        })?;
        let me = page
            .me()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a participant without a place"))?;
        Ok(Shared {
            page,
            maps: Maps::default(),
            me,
            role,
            held: AtomicU64::new(0),
            dropped: Mutex::default(),
            any_dropped: AtomicBool::new(false),
            peers: Mutex::default(),
            left: Mutex::default(),
        })
    }

    #[inline(always)]
    pub(super) fn board(&self) -> Board<'_> {
        Board::of(&self.page)
    }

    /// Where a chunk is mapped, if it lies in one of the page's pools.
    pub(super) fn find(
        &self,
        offset: u64,
        len: u64,
        last: &mut Option<(Range, Arc<Mapping>)>,
    ) -> Result<Option<(Arc<Mapping>, *const u8)>> {
        // Most chunks lie where the last one did.
        if let Some((range, mapping)) = last
            && let Some(at) = place_in(*range, offset, len)
        {
            // SAFETY: inside of the mapping, which has the range's length.
            let bytes = unsafe { mapping.at(at) };
            return Ok(Some((mapping.clone(), bytes.cast_const())));
        }
        let board = self.board();
        // Whoever refers to a chunk has appended its extent before.
        for number in 0..board.extent_count() {
            let Extent { what, range, .. } = board.extent(number)?;
            if what != What::Pool || place_in(range, offset, len).is_none() {
                continue;
            }
            let (range, mapping) = self.maps.get(&board, number)?;
            if let Some(at) = place_in(range, offset, len) {
                // SAFETY: as above.
                let bytes = unsafe { mapping.at(at) };
                *last = Some((range, mapping.clone()));
                return Ok(Some((mapping, bytes.cast_const())));
            }
        }
        Ok(None)
    }

    pub(super) fn index(&self) -> usize {
        usize::from(self.me.index)
    }

    /// Those of the other side that are attached and live.
    fn others(&self) -> Vec<Entry> {
        let other = match self.role {
            PUBLISHER => SUBSCRIBER,
            _ => PUBLISHER,
        };
        let table = self.page.table();
        table
            .entries()
            .filter(|entry| entry.role == other && self.page.is_alive(entry.index))
            .filter(|entry| other == PUBLISHER || self.has_joined(usize::from(entry.index)))
            .collect()
    }

    /// Whether a subscriber gets what is published from now on: it is in the table before it has its cursors,
    /// and has none any more when it was closed.
    fn has_joined(&self, index: usize) -> bool {
        let board = self.board();
        let Ok(Some(decided)) = board.decided() else {
            return true; // There are no lanes yet: who makes one gives it a cursor.
        };
        (0..board.extent_count())
            .filter(|&number| {
                board
                    .extent(number)
                    .is_ok_and(|extent| extent.what == What::Lane)
            })
            .filter_map(|number| lane(self, number, &decided).ok())
            .all(|(lane, _mapping)| lane.row(index).cursor.load(Ordering::Relaxed) != NOT_ATTACHED)
    }

    /// What this handle is, and what the others are.
    fn sides(&self) -> (&'static str, &'static str) {
        match self.role {
            PUBLISHER => ("publisher", "subscribers"),
            _ => ("subscriber", "publishers"),
        }
    }

    fn no_event(&self) -> Error {
        let (_, others) = self.sides();
        Error::new(
            ErrorKind::TimedOut,
            format!(
                "timed out: page \"{}\": no {others} came or went",
                self.page.locator()
            ),
        )
    }

    fn too_few(&self, last: usize, n: usize) -> Error {
        let (role, others) = self.sides();
        Error::new(
            ErrorKind::TimedOut,
            format!(
                "timed out: page \"{}\": this {role} has {last} {others}, not {n}",
                self.page.locator()
            ),
        )
    }

    /// Publishers wait for this subscriber no longer.
    pub(super) fn detach(&self) {
        // In a forked child it is its parent that is attached.
        if self.role != SUBSCRIBER || !self.page.is_mine() {
            return;
        }
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if *left {
            return;
        }
        let board = self.board();
        let Ok(Some(decided)) = board.decided() else {
            return;
        };
        for number in 0..board.extent_count() {
            let is_lane = board
                .extent(number)
                .is_ok_and(|extent| extent.what == What::Lane);
            if is_lane && let Ok((lane, _mapping)) = lane(self, number, &decided) {
                // Release: as in `Reader::advance`.
                lane.row(self.index())
                    .cursor
                    .store(NOT_ATTACHED, Ordering::Release);
            }
        }
        board.space().notify_all_lightly(self.page.alarm());
    }

    /// Makes all calls on the handle fail, and ends those that wait.
    fn shut(&self) {
        self.page.shut();
        self.detach();
        let board = self.board();
        for word in [board.messages(), board.space(), board.changes()] {
            word.wake_all(self.page.alarm());
        }
    }

    /// Gives up the place in the page, unless messages are held in it: then the last of them does.
    pub(super) fn leave(&self) {
        self.shut();
        if self.held.load(Ordering::Acquire) == 0 {
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            *left = true;
            self.page.leave();
            drop(left);
            // Who looked when this was woken in `shut` may have found the handle still attached.
            self.board().changes().notify_all(self.page.alarm());
        }
    }
}

/// Where a chunk lies in a range, if it does.
fn place_in(range: Range, offset: u64, len: u64) -> Option<usize> {
    let at = offset.checked_sub(range.offset)?;
    let len = len.checked_next_multiple_of(8)?;
    let inside = at <= range.len && len <= range.len - at && offset.is_multiple_of(ALIGN);
    inside.then_some(at as usize)
}

/// What other threads may do with a handle while one is inside of it.
#[derive(Debug, Clone)]
pub struct Control(pub(super) Arc<Shared>);

impl Control {
    /// Makes all calls on the handle fail with [`ErrorKind::Closed`], and ends those that wait. The place
    /// in the page is given up when the handle is dropped.
    pub fn close(&self) {
        self.0.shut();
    }

    /// How many of the other side live: a publisher's subscribers, a subscriber's publishers.
    pub fn others(&self) -> usize {
        self.0.others().len()
    }

    /// The next of the other side that came or went, if there is one that was not told of yet. All clones
    /// of a control, and the handle, tell of each once between them.
    ///
    /// # Errors
    /// Closed, replaced, forked.
    pub fn try_event(&self) -> Result<Option<Event>> {
        let shared = &self.0;
        shared.page.check()?;
        let mut peers = (shared.peers.lock()).unwrap_or_else(PoisonError::into_inner);
        Ok(peers.next(|| shared.page.shown(shared.others())))
    }

    /// Waits until one of the other side comes or goes. Who is killed is found within a second.
    ///
    /// # Errors
    /// Timed out; closed, replaced, forked.
    pub fn wait_event(&self, timeout: Option<Duration>) -> Result<Event> {
        let shared = &self.0;
        let sleep = Sleep::On(shared.board().changes(), shared.page.alarm());
        let found = wait::until(sleep, deadline_of(timeout), || self.try_event())?;
        found.ok_or_else(|| shared.no_event())
    }

    /// [`wait_event`](Control::wait_event) for a task.
    #[cfg(feature = "tokio")]
    pub async fn wait_event_async(&self, timeout: Option<Duration>) -> Result<Event> {
        let shared = &self.0;
        let anchor = shared.page.anchor();
        let sleep = SleepAsync::On(shared.board().changes(), &anchor);
        let found = wait::until_async(sleep, deadline_of(timeout), || self.try_event());
        found.await?.ok_or_else(|| shared.no_event())
    }

    /// Waits until there are at least `n` of the other side, and says how many.
    ///
    /// # Errors
    /// Timed out; closed, replaced, forked.
    pub fn wait_others(&self, n: usize, timeout: Option<Duration>) -> Result<usize> {
        let shared = &self.0;
        let sleep = Sleep::On(shared.board().changes(), shared.page.alarm());
        let mut last = 0;
        let found = wait::until(sleep, deadline_of(timeout), || {
            shared.page.check()?;
            last = shared.others().len();
            Ok::<_, Error>((last >= n).then_some(last))
        })?;
        found.ok_or_else(|| shared.too_few(last, n))
    }

    /// [`wait_others`](Control::wait_others) for a task.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "tokio")]
    pub async fn wait_others_async(&self, n: usize, timeout: Option<Duration>) -> Result<usize> {
        let shared = &self.0;
        let anchor = shared.page.anchor();
        let sleep = SleepAsync::On(shared.board().changes(), &anchor);
        let mut last = 0;
        let found = wait::until_async(sleep, deadline_of(timeout), || {
            shared.page.check()?;
            last = shared.others().len();
            Ok::<_, Error>((last >= n).then_some(last))
        });
        match found.await? {
            Some(found) => Ok(found),
            None => Err(shared.too_few(last, n)),
        }
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.0.page.participants()
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.0.page.locator()
    }
}
