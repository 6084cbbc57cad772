//! What is known of a topic without attaching to it.

use super::board::{Board, SUBSCRIBER, policy_of};
use super::chunks::{State, Word};
use super::lane::{Lane, NOT_ATTACHED};
use super::options::{Kind, Policy};
use super::ring;
use crate::atomic::Ordering;
use crate::error::Result;
use crate::layout::Match;
use crate::page::{Language, Page, Participant};

/// A topic, as [`registry::inspect`](crate::registry::inspect) sees it. Options are `None` while nobody
/// has decided them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TopicInfo {
    /// What its messages are; `None` while nobody has said.
    pub kind: Option<Kind>,
    /// What publishers do when a subscriber is slow.
    pub policy: Option<Policy>,
    /// Bytes that a publisher keeps.
    pub capacity: Option<u64>,
    /// The largest message, in bytes.
    pub max_message: Option<u64>,
    /// How many messages of one publisher a subscriber holds in place.
    pub max_held: Option<u32>,
    /// How many past messages of each publisher a new subscriber gets first.
    pub history: Option<u32>,
    /// Whether messages carry the time they were sent.
    pub send_time: Option<bool>,
    /// Whether messages carry a checksum.
    pub checksum: Option<bool>,
    /// How many messages were published, by all publishers there ever were.
    pub messages: u64,
    /// Who is attached, and how far.
    pub participants: Vec<TopicParticipant>,
}

/// A publisher or subscriber of a topic.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TopicParticipant {
    /// Who it is.
    pub participant: Participant,
    /// Messages that a publisher has published.
    pub published: Option<u64>,
    /// Messages that a subscriber has not received yet, of all publishers.
    pub lag: Option<u64>,
    /// Messages that a subscriber lost because it was slow.
    pub lost: Option<u64>,
    /// Messages that a subscriber holds in place.
    pub held: Option<u32>,
    /// Bytes of a publisher's capacity that its messages take.
    pub used: Option<u64>,
}

/// Looks at a page of this pattern, mapped read-only or not.
pub(crate) fn info(page: &Page) -> Result<TopicInfo> {
    let board = Board::of(page);
    let kind = board.typed(None, Match::Exact, Language::Rust)?;
    let stated = board.options();
    let flag = |i: usize| stated[i].map(|value| value == 1);
    let mut info = TopicInfo {
        kind: kind.map(|typed| typed.here()),
        policy: stated[0].map(policy_of),
        capacity: stated[1],
        max_message: stated[2],
        max_held: stated[3].and_then(|n| u32::try_from(n).ok()),
        history: stated[4].and_then(|n| u32::try_from(n).ok()),
        send_time: flag(5),
        checksum: flag(6),
        messages: 0,
        participants: Vec::new(),
    };
    let mut lanes = Vec::new();
    if let Some(decided) = board.decided()? {
        for number in 0..board.extent_count() {
            lanes.extend(board.lane(number, &decided)?);
        }
    }
    let count = |lane: &Lane| lane.count().load(Ordering::Relaxed);
    let counts = lanes.iter().map(|(lane, _)| count(lane));
    info.messages = counts.fold(0, u64::saturating_add);
    let rows = board.subscribers_end().load(Ordering::Relaxed) as usize;
    for (entry, participant) in page.entries() {
        let mut one = TopicParticipant {
            participant,
            published: None,
            lag: None,
            lost: None,
            held: None,
            used: None,
        };
        let index = usize::from(entry.index);
        if entry.role == SUBSCRIBER {
            let (mut lag, mut lost, mut held) = (0u64, 0u64, 0u32);
            for (lane, _) in &lanes {
                let row = lane.row(index);
                if row.cursor.load(Ordering::Relaxed) != NOT_ATTACHED {
                    let received = row.count.load(Ordering::Relaxed);
                    lag = lag.saturating_add(count(lane).saturating_sub(received));
                    lost = lost.saturating_add(row.lost.load(Ordering::Relaxed));
                }
                let marks = row.held.iter();
                held += marks
                    .filter(|mark| mark.load(Ordering::Relaxed) != 0)
                    .count() as u32;
            }
            (one.lag, one.lost, one.held) = (Some(lag), Some(lost), Some(held));
        } else {
            let owner = u64::from(entry.generation) << 16 | u64::from(entry.index + 1);
            let mine = lanes
                .iter()
                .find(|(lane, _)| lane.owner().load(Ordering::Relaxed) == owner);
            if let Some((lane, _)) = mine {
                let first = lane.epochs().iter().map(|epoch| {
                    let number = epoch.number.load(Ordering::Relaxed);
                    (number, epoch.first.load(Ordering::Relaxed))
                });
                let first = first.max().map_or(0, |(_, first)| first);
                one.published = Some(count(lane).saturating_sub(first));
                one.used = Some(used(lane, rows));
            }
        }
        info.participants.push(one);
    }
    Ok(info)
}

/// Bytes of records that the slowest subscriber has not received, and of published chunks.
fn used(lane: &Lane, rows: usize) -> u64 {
    let tail = lane.tail().load(Ordering::Acquire);
    let waiting = tail.saturating_sub(ring::slowest(lane, rows));
    let chunks = lane
        .chunks()
        .iter()
        .filter(|chunk| Word(chunk.word.load(Ordering::Relaxed)).is(State::Published));
    let chunks: u64 = chunks
        .map(|chunk| chunk.len.load(Ordering::Relaxed))
        .fold(0, u64::saturating_add);
    waiting
        .min(lane.geometry().ring as u64)
        .saturating_add(chunks)
}
