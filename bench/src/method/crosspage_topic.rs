//! crosspage's `topic`, through the interface without types that all faces are made of, with its
//! defaults.

use std::time::Duration;

use crosspage::topic::{Kind, Options, Policy, RawPublisher, RawSubscriber};
use crosspage::{ErrorKind, Layout, Result};

use super::{Aligned, Copies, Link, Message};
use crate::measure::BATCH;

fn options(policy: Policy, capacity: Option<u64>) -> Options {
    let mut options = Options::default();
    options.policy = Some(policy);
    options.capacity = capacity;
    options
}

fn kind() -> Kind {
    Kind::Struct(Message::layout().clone())
}

/// Sends and receives 64-byte messages.
pub struct Ends {
    publisher: RawPublisher,
    subscriber: RawSubscriber,
    copies: Copies,
    /// Places for messages that are received together.
    batch: Box<Aligned<[Message; BATCH]>>,
}

impl Ends {
    /// Sends to `to` and receives from `from`.
    pub fn attach([to, from]: [&str; 2], policy: Policy) -> Result<Ends> {
        let options = options(policy, None);
        Ok(Ends {
            publisher: RawPublisher::attach(to, Some(&kind()), &options)?,
            subscriber: RawSubscriber::attach(from, Some(&kind()), &options)?,
            copies: Copies::new(),
            batch: Box::new(Aligned([Message::new(0); BATCH])),
        })
    }

    /// Waits for a message.
    pub fn receive(&mut self) {
        let place = std::ptr::from_mut(&mut self.copies.into.0).cast();
        // SAFETY: a place for a message of the layout that the topic was attached with.
        let received = unsafe { self.subscriber.recv_into(place, None) };
        received.expect("the publisher lives");
    }

    #[inline(always)]
    pub fn send_many(&mut self, messages: &[Message]) {
        let mut sent = 0;
        while sent < messages.len() {
            let rest = &messages[sent..];
            // SAFETY: as many messages of the layout that the topic was attached with.
            let more = unsafe {
                self.publisher
                    .publish_many(rest.as_ptr().cast(), rest.len())
            };
            sent += more.expect("nobody removes the page");
        }
    }

    /// As many as there are, at most a batch.
    #[inline(always)]
    pub fn try_receive_many(&mut self) -> &[Message] {
        let place = self.batch.0.as_mut_ptr().cast();
        let now = Some(Duration::ZERO);
        // SAFETY: places for as many messages of the layout that the topic was attached with.
        let received = unsafe {
            self.subscriber
                .recv_many_into(place, BATCH, now, &mut |_| {})
        };
        match received {
            Ok(n) => &self.batch.0[..n],
            Err(error) if error.kind() == ErrorKind::TimedOut => &[],
            Err(error) => panic!("nobody removes the page: {error}"),
        }
    }

    /// How many messages were overwritten before they were received.
    pub fn lost(&self) -> u64 {
        self.subscriber.lost()
    }
}

impl Link for Ends {
    #[inline(always)]
    fn send(&mut self, n: u64) {
        let message = std::ptr::from_ref(self.copies.message(n)).cast();
        // SAFETY: a message of the layout that the topic was attached with.
        let sent = unsafe { self.publisher.publish(message) };
        sent.expect("nobody removes the page");
    }

    #[inline(always)]
    fn try_receive(&mut self) -> Option<u64> {
        let Ends {
            subscriber, copies, ..
        } = self;
        copies.received(|into| {
            // SAFETY: a place for a message of the layout that the topic was attached with.
            let received = unsafe { subscriber.try_recv_into(std::ptr::from_mut(into).cast()) };
            received.expect("nobody removes the page").is_some()
        })
    }
}

/// Sends and receives messages by loan; eight bytes of each are touched.
pub struct Loans {
    publisher: RawPublisher,
    subscriber: RawSubscriber,
    /// Of the messages to be sent: who echoes sends as much as it received.
    pub len: usize,
}

impl Loans {
    pub fn attach(
        [to, from]: [&str; 2],
        policy: Policy,
        capacity: Option<u64>,
        len: usize,
    ) -> Result<Loans> {
        let options = options(policy, capacity);
        Ok(Loans {
            publisher: RawPublisher::attach(to, Some(&Kind::Bytes), &options)?,
            subscriber: RawSubscriber::attach(from, Some(&Kind::Bytes), &options)?,
            len,
        })
    }
}

impl Link for Loans {
    #[inline(always)]
    fn send(&mut self, n: u64) {
        let sent = self.publisher.loan(self.len).and_then(|mut loan| {
            // SAFETY: the loan has at least eight bytes, and begins at a multiple of 64.
            unsafe { loan.as_mut_ptr().cast::<u64>().write(n) };
            self.publisher.commit(loan)
        });
        sent.expect("nobody removes the page");
    }

    #[inline(always)]
    fn try_receive(&mut self) -> Option<u64> {
        let received = self.subscriber.try_recv();
        let message = received.expect("nobody removes the page")?;
        let (number, rest) = message.bytes().split_first_chunk().expect("of that size");
        self.len = 8 + rest.len();
        Some(u64::from_ne_bytes(*number))
    }
}

/// Publishes to those who [`subscribe`] or [`attend`].
pub struct Crowd {
    publisher: RawPublisher,
    copies: Copies,
}

impl Crowd {
    pub fn attach(name: &str, policy: Policy) -> Result<Crowd> {
        Ok(Crowd {
            publisher: RawPublisher::attach(name, Some(&kind()), &options(policy, None))?,
            copies: Copies::new(),
        })
    }

    #[inline(always)]
    pub fn send(&mut self, n: u64) {
        let message = std::ptr::from_ref(self.copies.message(n)).cast();
        // SAFETY: a message of the layout that the topic was attached with.
        let sent = unsafe { self.publisher.publish(message) };
        sent.expect("nobody removes the page");
    }

    /// Waits until as many subscribers are attached.
    pub fn wait_subscribers(&self, n: usize) -> Result<()> {
        let limit = Some(Duration::from_secs(10));
        self.publisher.wait_subscribers(n, limit).map(drop)
    }
}

/// Attaches, waits for messages and calls `each` for each, until `stopped`.
pub fn subscribe(
    name: &str,
    policy: Policy,
    stopped: impl Fn() -> bool,
    mut each: impl FnMut(),
) -> Result<()> {
    let mut subscriber = RawSubscriber::attach(name, Some(&kind()), &options(policy, None))?;
    let mut message = Message::new(0);
    while !stopped() {
        let limit = Some(Duration::from_millis(200));
        // SAFETY: a place for a message of the layout that the topic was attached with.
        let received =
            unsafe { subscriber.recv_into(std::ptr::from_mut(&mut message).cast(), limit) };
        match received {
            Ok(_) => each(),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Attaches and receives nothing until `stopped`.
pub fn attend(name: &str, policy: Policy, stopped: impl Fn() -> bool) -> Result<()> {
    let _subscriber = RawSubscriber::attach(name, Some(&kind()), &options(policy, None))?;
    while !stopped() {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
