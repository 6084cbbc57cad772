//! The limit: a ring for one sender and one receiver, of messages of one size, with nothing else. Who
//! is killed inside stops the other for ever; a slow receiver stops the sender; nobody can join later.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Copies, Link, Message};
use crate::pair::Line;

/// 256 KiB, as much as a topic keeps by default.
const SLOTS: usize = 4096;

/// The most that is looked at in place before its slots are given back.
const CHUNK: u64 = SLOTS as u64 / 8;

/// Lies in memory that both processes see; all zero at first.
#[repr(C)]
pub struct Ring {
    /// How many were sent: written by the sender.
    tail: Line<AtomicU64>,
    /// How many were received and their slots given back: written by the receiver.
    head: Line<AtomicU64>,
    slots: Line<[Slot; SLOTS]>,
}

#[repr(C, align(64))]
struct Slot(UnsafeCell<MaybeUninit<Message>>);

// SAFETY: `tail` and `head` say whose slot it is: the sender's up to `head` + SLOTS, then, with the
// store to `tail`, the receiver's, until its store to `head`.
unsafe impl Sync for Slot {}

/// The sending side. One for a ring.
pub struct Sender {
    ring: &'static Ring,
    /// What `tail` is, or will be once it is stored.
    next: u64,
    /// `head` when it was looked at last.
    head: u64,
}

/// The receiving side. One for a ring.
pub struct Receiver {
    ring: &'static Ring,
    next: u64,
    /// `tail` when it was looked at last.
    tail: u64,
}

impl Sender {
    pub fn new(ring: &'static Ring) -> Sender {
        Sender {
            ring,
            next: 0,
            head: 0,
        }
    }

    #[inline(always)]
    fn slot(&mut self) -> *mut Message {
        if self.next - self.head == SLOTS as u64 {
            self.wait();
        }
        self.ring.slots.0[self.next as usize % SLOTS].0.get().cast()
    }

    /// Waits for a slot.
    #[cold]
    fn wait(&mut self) {
        while self.next - self.head == SLOTS as u64 {
            // Pairs with the receiver's store: it has read what is in the slots up to there.
            self.head = self.ring.head.0.load(Ordering::Acquire);
            std::hint::spin_loop();
        }
    }

    /// Pairs with the receiver's load: the messages are in their slots.
    #[inline(always)]
    fn publish(&self) {
        self.ring.tail.0.store(self.next, Ordering::Release);
    }

    /// Copies the message in.
    #[inline(always)]
    pub fn send(&mut self, message: &Message) {
        let slot = self.slot();
        // SAFETY: a slot of the ring, which is this side's until `publish`.
        unsafe { copy(message, slot) };
        self.next += 1;
        self.publish();
    }

    /// Has `make` make the message in its place.
    #[inline(always)]
    pub fn send_in_place(&mut self, make: impl FnOnce(&mut MaybeUninit<Message>)) {
        let slot = self.slot();
        // SAFETY: a slot of the ring, which is this side's until `publish`.
        make(unsafe { &mut *slot.cast() });
        self.next += 1;
        self.publish();
    }

    /// Has `make` make `count` messages in their places, and publishes them together.
    #[inline(always)]
    pub fn send_many_in_place(
        &mut self,
        count: usize,
        mut make: impl FnMut(&mut MaybeUninit<Message>),
    ) {
        for _ in 0..count {
            let slot = self.slot();
            // SAFETY: a slot of the ring, which is this side's until `publish`.
            make(unsafe { &mut *slot.cast() });
            self.next += 1;
        }
        self.publish();
    }
}

impl Receiver {
    pub fn new(ring: &'static Ring) -> Receiver {
        Receiver {
            ring,
            next: 0,
            tail: 0,
        }
    }

    /// How many messages are there.
    #[inline(always)]
    fn available(&mut self) -> u64 {
        if self.next == self.tail {
            // Pairs with the sender's store.
            self.tail = self.ring.tail.0.load(Ordering::Acquire);
        }
        self.tail - self.next
    }

    /// Gives the slots of the messages received back: pairs with the sender's load in `wait`.
    #[inline(always)]
    fn give_back(&self) {
        self.ring.head.0.store(self.next, Ordering::Release);
    }

    #[inline(always)]
    fn slot(&self) -> *const Message {
        self.ring.slots.0[self.next as usize % SLOTS].0.get().cast()
    }

    /// Copies the next message out.
    #[inline(always)]
    pub fn try_receive(&mut self, message: &mut Message) -> bool {
        if self.available() == 0 {
            return false;
        }
        // SAFETY: the slot of a message that was published and not given back.
        unsafe { copy(self.slot(), message) };
        self.next += 1;
        self.give_back();
        true
    }

    /// Shows each message that is there in its place, and then gives their slots back.
    #[inline(always)]
    pub fn receive_many_in_place(&mut self, mut look: impl FnMut(&Message)) -> u64 {
        let available = self.available().min(CHUNK);
        for _ in 0..available {
            // SAFETY: the slot of a message that was published and not given back.
            look(unsafe { &*self.slot() });
            self.next += 1;
        }
        self.give_back();
        available
    }
}

/// Copies word by word: a wider load of a word that was stored just before waits for that store, and
/// messages are made just before they are sent (measured: half as many a second).
///
/// # Safety
///
/// Both are valid for this, and nobody else writes to them meanwhile, nor reads `to`.
#[inline(always)]
unsafe fn copy(from: *const Message, to: *mut Message) {
    for word in 0..8 {
        // SAFETY: words of the messages, as the caller says; volatile, so that they stay words.
        unsafe {
            let value = (&raw const (*from).words[word]).read_volatile();
            (&raw mut (*to).words[word]).write_volatile(value);
        }
    }
}

/// One ring there and one back, messages copied in and out.
pub struct Ends {
    pub sender: Sender,
    pub receiver: Receiver,
    copies: Copies,
}

impl Ends {
    pub fn new([to, from]: [&'static Ring; 2]) -> Ends {
        Ends {
            sender: Sender::new(to),
            receiver: Receiver::new(from),
            copies: Copies::new(),
        }
    }
}

impl Link for Ends {
    #[inline(always)]
    fn send(&mut self, n: u64) {
        self.sender.send(self.copies.message(n));
    }

    #[inline(always)]
    fn try_receive(&mut self) -> Option<u64> {
        self.copies.received(|into| self.receiver.try_receive(into))
    }
}
