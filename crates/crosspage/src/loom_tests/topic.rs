//! Models of `topic`: its ring ([`ring`]) and its chunks ([`chunks`]).
//!
//! Rings are as small as they can be: a record or two in each eighth, so that a lap is a few messages.
//! What comes before the race is published before the actors start, which costs no interleavings.

mod chunks;
mod ring;
mod succession;

use std::convert::Infallible;
use std::sync::Arc;

use super::actor::{self, Handle};
use crate::atomic::{AtomicU64, Ordering, Words};
use crate::topic::chunks as marks;
use crate::topic::lane::{Area, Geometry, Lane};
use crate::topic::ring::{self as rings, Peek, Reader, Record, Writer, kind};
use crate::wait::{Alarm, Sleep, WaitWord, until};

/// A lane, and what a topic's page has beside it.
#[derive(Clone)]
struct Shared(Arc<Page>);

struct Page {
    area: Area,
    geometry: Geometry,
    blocks: bool,
    /// Nobody is notified; see [`Shared::quiet`].
    quiet: bool,
    /// One more than the highest index of a subscriber.
    end: AtomicU64,
    messages: WaitWord,
    space: WaitWord,
    /// Of the pool: two words stand for 64 bytes.
    memory: Vec<AtomicU64>,
}

impl Shared {
    /// An eighth of the ring has `step` bytes.
    fn new(step: usize, blocks: bool) -> Shared {
        Shared::with_chunks(step, blocks, 0)
    }

    fn with_chunks(step: usize, blocks: bool, chunks: usize) -> Shared {
        let geometry = Geometry {
            participants: 2,
            held: 1,
            chunks,
            ring: 8 * step,
        };
        Shared(Arc::new(Page {
            area: Area::new(&geometry),
            geometry,
            blocks,
            quiet: false,
            end: AtomicU64::default(),
            messages: WaitWord::default(),
            space: WaitWord::default(),
            memory: (0..2 * chunks).map(|_| AtomicU64::default()).collect(),
        }))
    }

    /// Nobody sleeps, so nobody is notified: to do so takes a fence in these models, which would stand in for
    /// others. In truth it takes none where the kernel has light ones.
    fn quiet(mut self) -> Shared {
        Arc::get_mut(&mut self.0).expect("it is new").quiet = true;
        self
    }

    fn lane(&self) -> Lane {
        let area = (&raw const self.0.area).cast_mut().cast();
        // SAFETY: of this geometry, and alive as long as `self`, which outlives what tests do with it.
        unsafe { Lane::new(area, self.0.geometry) }
    }

    /// A chunk's bytes, which the caller may write to.
    fn fill(&self, offset: u64, number: u64) {
        let at = offset as usize / 32;
        self.0.memory[at].store(number, Ordering::Relaxed);
        self.0.memory[at + 1].store(!number, Ordering::Relaxed);
    }

    /// Looks at a chunk's bytes in place, as a handle does that holds it: loom ends the model if a write
    /// to them could meet this plain read.
    fn look_at(&self, offset: u64, number: u64) {
        let at = offset as usize / 32;
        let words = Words(&self.0.memory[at..at + 2]);
        // SAFETY: a copy of two words that lives as long as the execution.
        let seen = unsafe { words.as_ptr().cast::<[u64; 2]>().read() };
        assert_eq!(seen, [number, !number], "what is held has changed");
    }

    fn spawn<R: Send + 'static>(
        &self,
        run: impl FnOnce(&Shared) -> R + Send + 'static,
    ) -> Handle<R> {
        let shared = self.clone();
        actor::spawn(move || run(&shared))
    }

    fn rows(&self) -> usize {
        self.0.end.load(Ordering::Relaxed) as usize
    }

    /// What `RawSubscriber::enter` does before it looks at lanes.
    fn enter(&self, index: usize) {
        if self.0.end.load(Ordering::Relaxed) <= index as u64 {
            self.0.end.store(index as u64 + 1, Ordering::Relaxed);
        }
    }

    /// A subscriber that was there before the lane.
    fn subscriber(&self, index: usize) -> Subscriber {
        self.enter(index);
        self.lane().row(index).cursor.store(0, Ordering::Relaxed);
        Subscriber {
            shared: self.clone(),
            index,
            reader: Reader::from_start(index, 0, self.0.blocks),
            joined: 0,
            received: 0,
            lost: 0,
            gone: 0,
        }
    }

    /// One that comes now, and the count when it came.
    fn join(&self, index: usize, history: usize) -> (Subscriber, u64) {
        self.enter(index);
        let joined = Reader::join(&self.lane(), index, 0, self.0.blocks, history);
        let (reader, joined) = joined.expect("no damage");
        let subscriber = Subscriber {
            shared: self.clone(),
            index,
            reader,
            joined,
            received: 0,
            lost: 0,
            gone: 0,
        };
        (subscriber, joined)
    }

    /// What a sweep does for a subscriber that is dead, and closing for one that is not.
    fn heal(&self, index: usize) {
        rings::detach(&self.lane(), index);
        marks::release_all(&self.lane(), index);
        self.0.space.wake_all(&Alarm);
    }

    /// The lane's next publisher, whose records have so many words.
    fn publisher(&self, words: usize) -> Publisher {
        Publisher {
            shared: self.clone(),
            writer: Writer::resume(&self.lane(), 0).expect("no damage"),
            words,
        }
    }
}

struct Publisher {
    shared: Shared,
    writer: Writer,
    words: usize,
}

impl Publisher {
    /// What `RawPublisher::put_value` does, where there is room. The message is its own number.
    fn try_put(&mut self) -> bool {
        let number = self.writer.count() + 1;
        self.try_put_record(kind::DATA, &[number, !number, number][..self.words])
    }

    fn try_put_record(&mut self, kind: u8, payload: &[u64]) -> bool {
        let (lane, len) = (self.shared.lane(), 8 * payload.len());
        if self.writer.room(&lane, len).is_none() && !self.make_room(len) {
            return false;
        }
        let room = self.writer.room(&lane, len).expect("it was made");
        self.writer.put(&lane, room, kind, len, &[], |words| {
            for (i, word) in payload.iter().enumerate() {
                words.at(8 * i).store(*word, Ordering::Relaxed);
            }
        });
        true
    }

    fn make_room(&mut self, len: usize) -> bool {
        let (lane, shared) = (self.shared.lane(), self.shared.clone());
        let rows = || shared.rows();
        let rows: Option<&dyn Fn() -> usize> = if shared.0.blocks { Some(&rows) } else { None };
        self.writer.make_room(&lane, len, rows)
    }

    fn publish(&mut self) {
        self.writer.publish(&self.shared.lane());
        if !self.shared.0.quiet {
            self.shared.0.messages.notify_all_lightly(&Alarm);
        }
    }

    /// One message; waits for room.
    fn send(&mut self) {
        let shared = self.shared.clone();
        let sleep = Sleep::OnLight(&shared.0.space, &Alarm);
        let put = until(sleep, None, || {
            Ok::<_, Infallible>(self.try_put().then_some(()))
        });
        put.expect("infallible").expect("there is no deadline");
        self.publish();
    }

    fn send_many(&mut self, count: usize) {
        for _ in 0..count {
            self.send();
        }
    }
}

/// What `RawSubscriber` does with one lane.
struct Subscriber {
    shared: Shared,
    index: usize,
    reader: Reader,
    /// Messages that came before it did.
    joined: u64,
    received: u64,
    lost: u64,
    /// History that was gone when it came to it.
    gone: u64,
}

impl Subscriber {
    /// The number of the next message.
    fn try_recv(&mut self) -> Option<u64> {
        let lane = self.shared.lane();
        loop {
            let record = match self.reader.peek(&lane).expect("no damage") {
                Peek::Nothing => return None,
                Peek::Lapped => {
                    self.resume();
                    continue;
                }
                Peek::Record(record) => record,
            };
            // As plain bytes first where the publisher has to wait: loom ends the model if it does not.
            let plain = self.shared.0.blocks.then(|| plain(&lane, &record));
            let mut payload = vec![0; record.len() / 8];
            // SAFETY: `payload` has as many bytes.
            unsafe {
                record
                    .words(&lane)
                    .read(payload.as_mut_ptr().cast(), record.len());
            };
            if !self.reader.holds(&lane) {
                self.resume();
                continue;
            }
            assert!(plain.is_none_or(|plain| plain == payload));
            if record.header.kind == kind::PAD {
                self.reader.advance(&lane, self.index, &record);
                self.notify();
                continue;
            }
            let number = self.reader.count() + 1;
            if record.header.kind == kind::DATA {
                let whole = [number, !number, number];
                assert_eq!(payload, whole[..payload.len()], "torn, or miscounted");
            } else if !self.hold(number, &payload) {
                if !self.reader.holds(&lane) {
                    self.resume();
                    continue;
                }
                if number > self.joined {
                    assert!(!self.shared.0.blocks, "nothing is lost in block");
                    self.lost += 1;
                } else {
                    self.gone += 1;
                }
                self.reader.advance(&lane, self.index, &record);
                continue;
            }
            self.reader.advance(&lane, self.index, &record);
            self.notify();
            self.received += 1;
            if record.header.kind == kind::REF {
                self.shared.look_at(payload[1], number);
                marks::release(&lane, self.index, 0);
            }
            return Some(number);
        }
    }

    /// Holds the chunk that a reference is to, if it is still that message's, and looks at it.
    fn hold(&self, number: u64, reference: &[u64]) -> bool {
        let (chunk, generation) = (reference[0] >> 32, reference[0] as u32);
        let lane = self.shared.lane();
        let holds = marks::hold(&lane, self.index, 0, chunk as usize, generation);
        if holds {
            self.shared.look_at(reference[1], number);
        }
        holds
    }

    fn resume(&mut self) {
        assert!(!self.shared.0.blocks, "nothing is lost in block");
        let before = self.reader.count();
        let lost = self
            .reader
            .resume(&self.shared.lane(), self.index, self.joined);
        let lost = lost.expect("no damage");
        self.lost += lost;
        self.gone += self.reader.count() - before - lost;
    }

    fn notify(&self) {
        if self.shared.0.blocks && !self.shared.0.quiet {
            self.shared.0.space.notify_all_lightly(&Alarm);
        }
    }

    /// Looks so often.
    fn look(mut self, times: usize) -> Subscriber {
        for _ in 0..times {
            self.try_recv();
        }
        self
    }

    /// The number of the next message; waits for it.
    fn recv(&mut self) -> u64 {
        let shared = self.shared.clone();
        let sleep = Sleep::OnLight(&shared.0.messages, &Alarm);
        let found = until(sleep, None, || Ok::<_, Infallible>(self.try_recv()));
        found.expect("infallible").expect("there is no deadline")
    }

    fn recv_many(mut self, count: usize) -> Subscriber {
        for _ in 0..count {
            self.recv();
        }
        self
    }

    /// Receives what there is, and sees that every message up to `total` is accounted for that came after
    /// `first` ones.
    fn finish(mut self, first: u64, total: u64) {
        while self.try_recv().is_some() {}
        assert_eq!(self.reader.count(), total);
        assert_eq!(self.received + self.lost + self.gone, total - first);
    }
}

fn plain(lane: &Lane, record: &Record) -> Vec<u64> {
    let words = Words(&record.words(lane).0[..record.len() / 8]);
    // SAFETY: a copy of as many words that lives as long as the execution.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u64>(), words.0.len()) }.to_vec()
}
