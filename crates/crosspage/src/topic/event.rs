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
