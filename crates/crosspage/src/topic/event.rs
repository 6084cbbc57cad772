//! Who came and who went.

use std::collections::VecDeque;

use crate::page::Participant;
use crate::page::participants::Entry;

/// What a publisher learns of subscribers, and a subscriber of publishers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A living participant of the other side is attached: each is told once, also one that came first.
    Matched(Participant),
    /// One that had matched has left, was closed, or has died. What it published can still be received.
    Gone(Participant),
}

impl Event {
    /// Who it is.
    pub fn participant(&self) -> &Participant {
        match self {
            Event::Matched(participant) | Event::Gone(participant) => participant,
        }
    }
}

/// What a handle has told of the other side.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: Vec<(Entry, Participant)>,
    events: VecDeque<Event>,
}

impl Peers {
    /// The next event, where these are attached now.
    pub(super) fn next(
        &mut self,
        now: impl FnOnce() -> Vec<(Entry, Participant)>,
    ) -> Option<Event> {
        if self.events.is_empty() {
            self.look(now());
        }
        self.events.pop_front()
    }

    /// Who has gone is told first: an index is one participant's at a time.
    fn look(&mut self, now: Vec<(Entry, Participant)>) {
        let is_in = |list: &[(Entry, Participant)], one: &Entry| {
            list.iter()
                .any(|(other, _)| (other.index, other.generation) == (one.index, one.generation))
        };
        let gone = (self.known.iter()).filter(|(entry, _)| !is_in(&now, entry));
        let gone = gone.map(|(_, participant)| {
            Event::Gone(Participant {
                alive: false,
                ..participant.clone()
            })
        });
        let come = (now.iter()).filter(|(entry, _)| !is_in(&self.known, entry));
        let come = come.map(|(_, participant)| Event::Matched(participant.clone()));
        self.events.extend(gone.chain(come));
        self.known = now;
    }
}

/// The calls of a handle that has a [`Control`](super::Control): who of the other side came and went. `$kept` is what
/// the type of the returned future may depend on.
macro_rules! events {
    ($other:literal, $($kept:ident),*) => {
        #[doc = concat!("The next ", $other, " that came or went, if there is one that was not told of yet: each")]
        /// that is attached is told of once, also one that came first.
        ///
        /// # Errors
        /// Closed; replaced; forked.
        pub fn try_event(&self) -> Result<Option<Event>> {
            self.raw.control().try_event()
        }

        #[doc = concat!("Waits until a ", $other, " comes or goes. `None` waits for ever. One that is killed is")]
        /// found within a second.
        ///
        /// # Errors
        /// Timed out; closed; replaced; forked.
        pub fn wait_event(&self, timeout: impl Into<Option<Duration>>) -> Result<Event> {
            self.raw.control().wait_event(timeout.into())
        }

        /// [`wait_event`](Self::wait_event) for a task; it does not block, and leaves this handle free for
        /// other things.
        ///
        /// # Errors
        /// As there.
        #[cfg(all(feature = "tokio", not(loom)))]
        pub fn wait_event_async<D: Into<Option<Duration>>>(
            &self,
            timeout: D,
        ) -> impl Future<Output = Result<Event>> + use<$($kept),*> {
            let (control, timeout) = (self.raw.control(), timeout.into());
            async move { control.wait_event_async(timeout).await }
        }
    };
}
pub(super) use events;
