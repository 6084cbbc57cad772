//! iceoryx2's publish-subscribe.

use std::error::Error;

use iceoryx2::node::Node;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;

use super::{Copies, Link, Message};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What happens when a subscriber's buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The oldest message in it is lost. The default.
    Overflow,
    /// The publisher retries until it is delivered.
    Retry,
}

/// Sends and receives 64-byte messages, each by one copy in; they are looked at in place.
pub struct Ends {
    publisher: Publisher<ipc::Service, Message, ()>,
    subscriber: Subscriber<ipc::Service, Message, ()>,
    copies: Copies,
}

impl Ends {
    /// Sends to `to` and receives from `from`; `buffer`: messages that a subscriber's buffer takes.
    pub fn attach(
        node: &Node<ipc::Service>,
        [to, from]: [&str; 2],
        full: Full,
        buffer: usize,
    ) -> Outcome<Ends> {
        let service = |name: &str| {
            let service = node
                .service_builder(&name.try_into()?)
                .publish_subscribe::<Message>()
                .enable_safe_overflow(full == Full::Overflow)
                .subscriber_max_buffer_size(buffer)
                .open_or_create()?;
            Ok::<_, Box<dyn Error>>(service)
        };
        Ok(Ends {
            publisher: service(to)?
                .publisher_builder()
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create()?,
            subscriber: service(from)?.subscriber_builder().create()?,
            copies: Copies::new(),
        })
    }
}

impl Link for Ends {
    #[inline(always)]
    fn send(&mut self, n: u64) {
        self.publisher
            .send_copy(*self.copies.message(n))
            .expect("nobody removes the service");
    }

    #[inline(always)]
    fn try_receive(&mut self) -> Option<u64> {
        let sample = self.subscriber.receive().expect("the publisher lives");
        sample.map(|sample| sample.payload().check())
    }
}

/// Sends and receives messages of one size by loan; eight bytes of each are touched.
pub struct Loans {
    publisher: Publisher<ipc::Service, [u8], ()>,
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    len: usize,
}

impl Loans {
    pub fn attach(
        node: &Node<ipc::Service>,
        [to, from]: [&str; 2],
        full: Full,
        len: usize,
    ) -> Outcome<Loans> {
        let service = |name: &str| {
            let service = node
                .service_builder(&name.try_into()?)
                .publish_subscribe::<[u8]>()
                .enable_safe_overflow(full == Full::Overflow)
                .open_or_create()?;
            Ok::<_, Box<dyn Error>>(service)
        };
        Ok(Loans {
            publisher: service(to)?
                .publisher_builder()
                .initial_max_slice_len(len)
                .create()?,
            subscriber: service(from)?.subscriber_builder().create()?,
            len,
        })
    }
}

impl Link for Loans {
    #[inline(always)]
    fn send(&mut self, n: u64) {
        let mut sample = self
            .publisher
            .loan_slice_uninit(self.len)
            .expect("one loan at a time");
        sample.payload_mut()[..8].write_copy_of_slice(&n.to_ne_bytes());
        // SAFETY: bytes of memory that was all zero, or of earlier messages, are sound bytes; that
        // nothing else is written is what this measures.
        let sample = unsafe { sample.assume_init() };
        sample.send().expect("nobody removes the service");
    }

    #[inline(always)]
    fn try_receive(&mut self) -> Option<u64> {
        let sample = self.subscriber.receive().expect("the publisher lives")?;
        let (number, _) = sample.payload().split_first_chunk().expect("of that size");
        Some(u64::from_ne_bytes(*number))
    }
}

/// What wakes a subscriber: an event beside the messages.
pub struct Event {
    notifier: Notifier<ipc::Service>,
    listener: Listener<ipc::Service>,
}

impl Event {
    pub fn attach(node: &Node<ipc::Service>, [to, from]: [&str; 2]) -> Outcome<Event> {
        let service = |name: &str| {
            let service = node.service_builder(&name.try_into()?).event();
            Ok::<_, Box<dyn Error>>(service.open_or_create()?)
        };
        Ok(Event {
            notifier: service(to)?.notifier_builder().create()?,
            listener: service(from)?.listener_builder().create()?,
        })
    }

    pub fn notify(&self) {
        self.notifier.notify().expect("nobody removes the service");
    }

    pub fn wait(&self) {
        self.listener
            .blocking_wait(|_| ())
            .expect("nobody interrupts it");
    }
}
