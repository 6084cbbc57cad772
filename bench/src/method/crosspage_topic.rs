//! crosspage's `topic`, through the interface without types that all faces are made of, with its
//! defaults.

use std::mem::MaybeUninit;
use std::time::Duration;

use crosspage::topic::{Kind, Options, Policy, RawPublisher, RawSubscriber};
use crosspage::{Error, ErrorKind, Layout, Result};

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
}

impl Ends {
    /// Sends to `to` and receives from `from`.
    pub fn attach([to, from]: [&str; 2], policy: Policy) -> Result<Ends> {
        let options = options(policy, None);
        Ok(Ends {
            publisher: RawPublisher::attach(to, Some(&kind()), &options)?,
            subscriber: RawSubscriber::attach(from, Some(&kind()), &options)?,
            copies: Copies::new(),
        })
    }

    /// Waits for a message.
    pub fn receive(&mut self) -> Option<u64> {
        let Ends {
            subscriber, copies, ..
        } = self;
        copies.received(|into| {
            // SAFETY: a place for a message of the layout that the topic was attached with.
            let received = unsafe { subscriber.recv_into(std::ptr::from_mut(into).cast(), None) };
            received.is_ok()
        })
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
    pub fn try_receive_many<'a>(
        &mut self,
        messages: &'a mut Aligned<[MaybeUninit<Message>; BATCH]>,
    ) -> &'a [Message] {
        let place = messages.0.as_mut_ptr();
        // SAFETY: places for as many messages of the layout that the topic was attached with.
        let received = unsafe {
            self.subscriber
                .recv_many_into(place.cast(), BATCH, Some(Duration::ZERO), &mut |_| {})
        };
        // SAFETY: as many messages as it says were just written there.
        unsafe { std::slice::from_raw_parts(place.cast(), or_none(received)) }
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

fn or_none(received: Result<usize>) -> usize {
    match received {
        Ok(n) => n,
        Err(error) if error.kind() == ErrorKind::TimedOut => 0,
        Err(error) => panic!("nobody removes the page: {error}"),
    }
}

/// Sends and receives messages by loan; eight bytes of each are touched.
pub struct Loans {
    publisher: RawPublisher,
    subscriber: RawSubscriber,
    /// Of the messages to be sent; as long as the last one received.
    pub len: usize,
}

impl Loans {
    pub fn attach([to, from]: [&str; 2], policy: Policy, capacity: Option<u64>) -> Result<Loans> {
        let options = options(policy, capacity);
        Ok(Loans {
            publisher: RawPublisher::attach(to, Some(&Kind::Bytes), &options)?,
            subscriber: RawSubscriber::attach(from, Some(&Kind::Bytes), &options)?,
            len: 0,
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

/// Publishes to subscribers that [`subscribe`].
pub struct Crowd(RawPublisher);

impl Crowd {
    pub fn attach(name: &str, policy: Policy) -> Result<Crowd> {
        RawPublisher::attach(name, Some(&kind()), &options(policy, None)).map(Crowd)
    }

    #[inline(always)]
    pub fn send(&mut self, message: &Message) {
        // SAFETY: a message of the layout that the topic was attached with.
        let sent = unsafe { self.0.publish(std::ptr::from_ref(message).cast()) };
        sent.expect("nobody removes the page");
    }

    /// Waits until as many subscribers are attached.
    pub fn wait_subscribers(&self, n: usize) -> Result<()> {
        self.0
            .wait_subscribers(n, Some(Duration::from_secs(10)))
            .map(drop)
    }
}

/// Attaches and calls `each` for each message, or `idle` again and again where it is not to receive,
/// until `stopped`.
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
    Ok::<(), Error>(())
}
