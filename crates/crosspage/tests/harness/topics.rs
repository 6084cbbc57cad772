//! Topics whose messages say who sent them, and show whether they are whole; and how to ask a topic
//! whether it has survived.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crosspage::Result;
use crosspage::layout::{Field, Scalar, StructType, Type};
use crosspage::topic::{Kind, Meta, Options, Policy, RawPublisher, RawSubscriber};

use super::kit::{self, mix};
use super::stopwatch::Stopwatch;

/// Who published a message, and as which of his.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// One publisher from attaching to leaving.
    pub life: u64,
    pub sequence: u64,
}

impl Key {
    fn word(self) -> u64 {
        self.life << 40 | self.sequence
    }
}

/// Words of a struct; its last three bytes are padding.
const WORDS: usize = 8;
pub const SIZE: usize = 8 * WORDS;
const DATA: usize = SIZE - 3;

pub fn layout() -> Arc<StructType> {
    let array = |of, n| Type::Array(Box::new(Type::Scalar(of)), n);
    let fields = vec![
        Field::new("key", Type::Scalar(Scalar::U64)),
        Field::new("pattern", array(Scalar::U64, WORDS - 2)),
        Field::new("end", array(Scalar::U8, 5)),
    ];
    let layout = StructType::natural("Note", fields, None).unwrap();
    assert_eq!(layout.size(), SIZE);
    Arc::new(layout)
}

/// One sort of topic.
#[derive(Clone)]
pub struct Sort {
    pub name: &'static str,
    pub locator: &'static str,
    pub kind: Kind,
    pub options: Options,
    pub places: usize,
    /// What lengths its messages have; none: they are structs.
    pub lengths: &'static [usize],
    /// The same for lives with [`LONG`]: beyond the capacity.
    pub long: &'static [usize],
}

/// A life whose messages go in fragments: somebody has to receive meanwhile.
pub const LONG: u64 = 1 << 22;

impl Sort {
    pub fn new(name: &'static str, kind: Kind, set: impl FnOnce(&mut Options)) -> Sort {
        let mut options = Options::default();
        options.timeout = Some(Duration::from_secs(20));
        options.max_participants = Some(8);
        set(&mut options);
        Sort {
            name,
            locator: "page",
            kind,
            places: options.max_participants.unwrap() as usize,
            options,
            lengths: &[],
            long: &[],
        }
    }

    /// Small structs in the smallest ring.
    pub fn structs(policy: Policy) -> Sort {
        let name = match policy {
            Policy::Block => "structs, block",
            _ => "structs, overwrite",
        };
        Sort::new(name, Kind::Struct(layout()), |o| {
            o.policy = Some(policy);
            o.capacity = Some(4096);
        })
    }

    /// Bytes: in the ring, in chunks, and in `block` in fragments.
    pub fn bytes(policy: Policy) -> Sort {
        let name = match policy {
            Policy::Block => "bytes, block",
            _ => "bytes, overwrite",
        };
        let sort = Sort::new(name, Kind::Bytes, |o| {
            o.policy = Some(policy);
            o.capacity = Some(65_536);
            o.max_held = Some(2);
        });
        // In `block` three of them fit, whether they are received or not.
        let short: &[usize] = match policy {
            Policy::Block => &[8, 20, 1000, 4000, 4001, 20_000],
            _ => &[8, 20, 1000, 4000, 4001, 20_000, 65_536],
        };
        sort.with_lengths(short, &[65_537, 66_000, 100_000])
    }

    pub fn with_lengths(mut self, short: &'static [usize], long: &'static [usize]) -> Sort {
        (self.lengths, self.long) = (short, long);
        self
    }

    pub fn blocks(&self) -> bool {
        self.options.policy == Some(Policy::Block)
    }

    pub fn is_struct(&self) -> bool {
        matches!(self.kind, Kind::Struct(_))
    }

    pub fn path(&self) -> PathBuf {
        kit::directory().join(format!("{}@{}.page", kit::namespace(), self.locator))
    }

    /// Whether somebody holds the page's registration lock (docs/layout.md has its byte).
    #[cfg(target_os = "linux")]
    pub fn is_locked(&self) -> bool {
        let file = std::fs::File::open(self.path());
        file.is_ok_and(|file| super::sys::is_locked(&file, 1 << 40))
    }

    pub fn publisher(&self) -> Result<RawPublisher> {
        RawPublisher::attach(self.locator, Some(&self.kind), &self.options)
    }

    pub fn subscriber(&self) -> Result<RawSubscriber> {
        RawSubscriber::attach(self.locator, Some(&self.kind), &self.options)
    }

    /// How long this message is.
    pub fn length(&self, key: Key) -> usize {
        let lengths = match key.life & LONG {
            0 => self.lengths,
            _ => self.long,
        };
        match lengths.len() {
            0 => SIZE,
            n => lengths[(mix(key.word(), 7) % n as u64) as usize],
        }
    }

    /// All of it follows from its key.
    pub fn encode(&self, key: Key) -> Message {
        let len = self.length(key);
        let mut words = vec![0; len.div_ceil(8).max(1)];
        fill(&mut words, key);
        Message { words, len }
    }

    /// How many messages go more than once round the ring, and the memory.
    pub fn round(&self) -> u64 {
        match self.is_struct() {
            true => 120,
            false => 40,
        }
    }

    /// How many messages fill the ring, or the memory.
    pub fn turn(&self) -> u64 {
        match self.is_struct() {
            true => self.options.capacity.unwrap() / (8 + SIZE as u64),
            false => 12,
        }
    }

    /// How many chunks a publisher has, and so how many loans at a time.
    pub fn chunks(&self) -> usize {
        let held = self.options.max_held.unwrap_or(8) as usize + 1;
        (self.options.capacity.unwrap() / 4096).clamp(16, 1024) as usize + 4 * held
    }

    /// Whose message these bytes are, which must be whole.
    pub fn decode(&self, bytes: &[u8]) -> Key {
        let word = bytes.get(..8).expect("TORN: too short for a key");
        let word = u64::from_le_bytes(word.try_into().unwrap());
        let key = Key {
            life: word >> 40,
            sequence: word & ((1 << 40) - 1),
        };
        assert_eq!(bytes.len(), self.length(key), "TORN: the length of {key:?}");
        let data = if self.is_struct() { DATA } else { bytes.len() };
        let expected = self.encode(key);
        if bytes[..data] != expected.bytes()[..data] {
            let at = (0..data).find(|&at| bytes[at] != expected.bytes()[at]);
            panic!("TORN: {key:?} is wrong at {at:?} of {}", bytes.len());
        }
        key
    }

    /// Publishes the next message of this life, which must be the `sequence`th.
    pub fn publish(&self, publisher: &mut RawPublisher, key: Key) -> Result<u64> {
        let message = self.encode(key);
        let sequence = match self.is_struct() {
            // SAFETY: a value of the layout.
            true => unsafe { publisher.publish(message.bytes().as_ptr()) }?,
            false => publisher.publish_bytes(message.bytes())?,
        };
        assert_eq!(sequence, key.sequence, "the sequence of {key:?}");
        Ok(sequence)
    }

    /// The same by a loan, which has to fit into the capacity.
    pub fn publish_by_loan(&self, publisher: &mut RawPublisher, key: Key) -> Result<u64> {
        let message = self.encode(key);
        let mut loan = publisher.loan(message.len)?;
        // SAFETY: the loan has as many bytes.
        unsafe {
            loan.as_mut_ptr()
                .copy_from_nonoverlapping(message.bytes().as_ptr(), message.len);
        }
        let sequence = publisher.commit(loan)?;
        assert_eq!(sequence, key.sequence, "the sequence of {key:?}");
        Ok(sequence)
    }

    /// Structs, all at once; how many went out.
    pub fn publish_many(&self, publisher: &mut RawPublisher, key: Key, n: usize) -> Result<usize> {
        let mut words = vec![0; n * WORDS];
        for (turn, words) in words.chunks_exact_mut(WORDS).enumerate() {
            let sequence = key.sequence + turn as u64;
            fill(words, Key { sequence, ..key });
        }
        // SAFETY: `n` values of the layout.
        unsafe { publisher.publish_many(words.as_ptr().cast(), n) }
    }

    /// Receives a message, which must be whole.
    pub fn receive(&self, subscriber: &mut RawSubscriber) -> Result<Option<(Key, Meta)>> {
        if self.is_struct() {
            let mut words = [0xaaaa_aaaa_aaaa_aaaau64; WORDS];
            // SAFETY: `words` has the layout's size.
            let meta = unsafe { subscriber.try_recv_into(words.as_mut_ptr().cast()) }?;
            return Ok(meta.map(|meta| (self.decode(bytes_of(&words)), meta)));
        }
        let message = subscriber.try_recv()?;
        Ok(message.map(|message| (self.decode(message.bytes()), *message.meta())))
    }
}

pub struct Message {
    words: Vec<u64>,
    pub len: usize,
}

impl Message {
    pub fn bytes(&self) -> &[u8] {
        &bytes_of(&self.words)[..self.len]
    }
}

pub fn bytes_of(words: &[u64]) -> &[u8] {
    // SAFETY: the words' bytes, all of them initialised; any bytes are u8.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 8 * words.len()) }
}

fn fill(words: &mut [u64], key: Key) {
    let word = key.word();
    words[0] = word.to_le();
    for (turn, to) in words.iter_mut().enumerate().skip(1) {
        *to = (word ^ turn as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
            .to_le();
    }
}

/// What one subscriber has received: of every life in order, and in `block` without a gap.
#[derive(Default)]
pub struct Ledger {
    last: HashMap<u64, u64>,
    pub received: u64,
    /// Messages that were jumped over.
    pub gaps: u64,
}

impl Ledger {
    pub fn enter(&mut self, sort: &Sort, key: Key, meta: &Meta) {
        // The page forgets the names of those who left long ago.
        if meta.publisher != 0 {
            assert_eq!(meta.sequence, key.sequence, "the sequence of {key:?}");
        }
        self.received += 1;
        let Some(last) = self.last.insert(key.life, key.sequence) else {
            return;
        };
        assert!(key.sequence > last, "TWICE: {key:?} after {last}");
        let gap = key.sequence - last - 1;
        assert!(gap == 0 || !sort.blocks(), "LOST: {key:?} after {last}");
        self.gaps += gap;
    }

    /// Of a subscriber that has lost so many.
    pub fn with_gaps(gaps: u64) -> Ledger {
        Ledger {
            gaps,
            ..Ledger::default()
        }
    }

    /// The last message of a life.
    pub fn last(&self, life: u64) -> Option<u64> {
        self.last.get(&life).copied()
    }
}

/// How long those who live on may be held up by somebody's death.
pub const HELD_UP: Duration = Duration::from_secs(1);

/// What is at work beside a victim: a publisher and a subscriber that go on.
pub struct Survivors {
    pub publisher: Option<RawPublisher>,
    pub subscriber: Option<RawSubscriber>,
    pub ledger: Ledger,
    /// What the publisher has published.
    pub sent: u64,
}

/// The lives in a scene.
pub const SURVIVOR: u64 = 1;
pub const VICTIM: u64 = 2;
pub const PEER: u64 = 3;
pub const SUCCESSOR: u64 = 4;
/// One that has died before.
pub const DEAD: u64 = 5;

impl Survivors {
    pub fn none() -> Survivors {
        Survivors {
            publisher: None,
            subscriber: None,
            ledger: Ledger::default(),
            sent: 0,
        }
    }

    /// Both, with some messages received.
    pub fn both(sort: &Sort) -> Survivors {
        let subscriber = sort.subscriber().unwrap();
        let publisher = sort.publisher().unwrap();
        let mut both = Survivors {
            publisher: Some(publisher),
            subscriber: Some(subscriber),
            ..Survivors::none()
        };
        for _ in 0..3 {
            both.publish(sort);
        }
        both.drain(sort);
        both
    }

    /// The survivor's next message.
    pub fn publish(&mut self, sort: &Sort) {
        self.sent += 1;
        let key = Key {
            life: SURVIVOR,
            sequence: self.sent,
        };
        let publisher = self.publisher.as_mut().unwrap();
        sort.publish(publisher, key).unwrap();
    }

    /// Receives all there is.
    pub fn drain(&mut self, sort: &Sort) {
        if let Some(subscriber) = &mut self.subscriber {
            drain(sort, subscriber, &mut self.ledger);
        }
    }

    /// All of them, and those who come now, go on: what died leaves no trace, and in the end nothing is
    /// left.
    pub fn go_on(mut self, sort: &Sort) {
        self.drain(sort);
        let lost = self.subscriber.as_ref().map_or(0, |one| one.lost());
        assert_eq!(lost, self.ledger.gaps, "LOST: messages, or their number");
        let start = Stopwatch::start();
        if self.publisher.is_some() {
            // As many as go round the ring and the memory more than once.
            for _ in 0..sort.round() {
                self.publish(sort);
                self.drain(sort);
            }
            if self.subscriber.is_some() {
                assert_eq!(
                    self.ledger.last(SURVIVOR),
                    Some(self.sent),
                    "LOST: of a survivor's"
                );
            }
        }
        let mut successor = sort.publisher().unwrap();
        let mut fresh = sort.subscriber().unwrap();
        let mut seen = Ledger::default();
        drain(sort, &mut fresh, &mut seen);
        // A message whose publisher died while it published may still be new to whoever comes.
        let history = sort.options.history.unwrap_or(0) as u64;
        assert!(
            seen.received <= (history * sort.places as u64).max(2),
            "the past of others"
        );
        for sequence in 1..=sort.round() {
            let key = Key {
                life: SUCCESSOR,
                sequence,
            };
            sort.publish(&mut successor, key).unwrap();
            self.drain(sort);
            drain(sort, &mut fresh, &mut seen);
        }
        let sequence = sort.round();
        assert_eq!(seen.last(SUCCESSOR), Some(sequence), "LOST: a successor's");
        if self.subscriber.is_some() {
            let last = self.ledger.last(SUCCESSOR);
            assert_eq!(last, Some(sequence), "LOST: a successor's");
        }
        let took = start.elapsed();
        assert!(took < 3 * HELD_UP, "HELD UP for {took:?}");

        // No memory is held by the dead, nor lost.
        for publisher in [Some(&mut successor), self.publisher.as_mut()] {
            if let Some(publisher) = publisher.filter(|_| !sort.is_struct()) {
                uses_everything(sort, publisher);
            }
        }

        // Nor a place.
        let mut more = Vec::new();
        let full = loop {
            match sort.subscriber() {
                Ok(subscriber) => more.push(subscriber),
                Err(error) => break error,
            }
        };
        assert!(full.is_full(), "{full}");
        let participants = successor.participants();
        assert!(participants.iter().all(|one| one.alive), "{participants:?}");
        assert_eq!(participants.len(), sort.places);
        drop((more, fresh, successor, self));
        assert!(!sort.path().exists(), "its last user has left");
        kit::clean();
    }
}

pub fn drain(sort: &Sort, subscriber: &mut RawSubscriber, ledger: &mut Ledger) {
    while let Some((key, meta)) = sort.receive(subscriber).unwrap() {
        ledger.enter(sort, key, &meta);
    }
}

/// A publisher whose messages are all received has all its memory: no chunk is anybody else's.
pub fn uses_everything(sort: &Sort, publisher: &mut RawPublisher) {
    let patience = publisher.timeout();
    publisher.set_timeout(Some(Duration::ZERO));
    let mut loans = Vec::new();
    let full = loop {
        match publisher.loan(1) {
            Ok(loan) => loans.push(loan),
            Err(error) => break error,
        }
    };
    assert!(full.is_full() || full.is_timed_out(), "{full}");
    assert_eq!(loans.len(), sort.chunks(), "LEAKED: a chunk");
    for loan in loans {
        publisher.discard(loan);
    }
    let whole = publisher.loan(sort.options.capacity.unwrap() as usize);
    publisher.discard(whole.expect("LEAKED: some of the memory"));
    publisher.set_timeout(patience);
}
