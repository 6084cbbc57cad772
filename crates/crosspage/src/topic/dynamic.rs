//! `topic` for pages whose type this program does not have.

use std::time::{Duration, SystemTime};

use super::array::NdArray;
use super::event::{Event, events};
use super::message::{Meta, RawMessage};
use super::options::{Kind, Options};
use super::payload::{Value, array, bytes, damaged, time_of};
use super::publisher::RawPublisher;
use super::subscriber::RawSubscriber;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Record;
use crate::locator::Locator;
use crate::page::Participant;
use crate::wait::bell::Raw as RawHandle;
use crate::wait::{Waits, Watch};

/// A message of a topic whose type this program does not have.
#[derive(Debug)]
pub struct DynMessage {
    /// What was published. It does not change.
    pub value: DynValue,
    /// Sequence, publisher and time.
    pub meta: Meta,
}

impl DynMessage {
    /// When it was published, where the topic has `send_time`.
    pub fn sent_at(&self) -> Option<SystemTime> {
        time_of(&self.meta)
    }
}

/// What a message says. Records are copies; bytes and arrays are held in the page where they can be, until
/// this is dropped.
#[derive(Debug)]
#[non_exhaustive]
pub enum DynValue {
    /// A struct.
    Record(Record),
    /// Bytes.
    Bytes(Value<[u8]>),
    /// An array.
    Array(NdArray),
}

/// Subscribes to a topic whose type this program does not have, and which nobody may have declared yet.
#[derive(Debug)]
pub struct DynSubscriber {
    raw: RawSubscriber,
}

impl DynSubscriber {
    /// Joins the topic, or makes it; what its messages are is left to others.
    ///
    /// # Errors
    /// As [`Subscriber::attach`](super::Subscriber::attach), but for the layout.
    pub fn attach(locator: &str) -> Result<DynSubscriber> {
        DynSubscriber::attach_with(locator, &Options::default())
    }

    /// Joins the topic with these options.
    ///
    /// # Errors
    /// As [`attach`](DynSubscriber::attach).
    pub fn attach_with(locator: &str, options: &Options) -> Result<DynSubscriber> {
        Ok(DynSubscriber {
            raw: RawSubscriber::attach(locator, None, options)?,
        })
    }

    /// What the messages are; `None` while nobody has said.
    ///
    /// # Errors
    /// Corrupt; replaced; forked.
    pub fn kind(&mut self) -> Result<Option<&Kind>> {
        self.raw.kind()
    }

    /// The next message; `None` where there is none yet.
    ///
    /// # Errors
    /// As [`Subscriber::try_recv`](super::Subscriber::try_recv), but for enums: unnamed values are their
    /// integers here.
    pub fn try_recv(&mut self) -> Result<Option<DynMessage>> {
        try_recv(&mut self.raw)
    }

    /// The next message, for which it waits: `None` waits for ever.
    ///
    /// # Errors
    /// Timed out; and as [`try_recv`](DynSubscriber::try_recv).
    pub fn recv(&mut self, timeout: impl Into<Option<Duration>>) -> Result<DynMessage> {
        let message = self.raw.recv(timeout.into())?;
        understood(&mut self.raw, message)
    }

    /// [`recv`](DynSubscriber::recv) for a task; see [`Subscriber::recv_async`](super::Subscriber::recv_async).
    ///
    /// # Errors
    /// As [`recv`](DynSubscriber::recv).
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn recv_async(&mut self, timeout: impl Into<Option<Duration>>) -> Result<DynMessage> {
        self.raw.recv_async(timeout.into(), try_recv).await
    }

    /// How many messages were published while this was attached, and overwritten before it received them.
    pub fn lost(&self) -> u64 {
        self.raw.lost()
    }

    /// How many publishers are attached.
    pub fn publishers(&self) -> usize {
        self.raw.publishers()
    }

    /// Waits until at least `n` publishers are attached; see
    /// [`Subscriber::wait_publishers`](super::Subscriber::wait_publishers).
    ///
    /// # Errors
    /// Timed out; replaced; forked.
    pub fn wait_publishers(&self, n: usize, timeout: impl Into<Option<Duration>>) -> Result<usize> {
        self.raw.wait_publishers(n, timeout.into())
    }

    /// [`wait_publishers`](DynSubscriber::wait_publishers) for a task; it does not block.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn wait_publishers_async<D: Into<Option<Duration>>>(
        &self,
        n: usize,
        timeout: D,
    ) -> impl Future<Output = Result<usize>> + use<D> {
        let (control, timeout) = (self.raw.control(), timeout.into());
        async move { control.wait_others_async(n, timeout).await }
    }

    events!("publisher", D);

    /// What an event loop waits on (epoll, poll, Qt, tokio's `AsyncFd`; on Windows a handle for
    /// `WaitForMultipleObjects`): ready while there may be a message, or an error to tell, until
    /// [`try_recv`](DynSubscriber::try_recv) finds nothing. It belongs to this subscriber: only wait on it. The
    /// first call starts a thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; replaced; forked.
    pub fn wait_handle(&mut self) -> Result<RawHandle> {
        self.raw.wait_handle()
    }

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

impl Waits for DynSubscriber {
    fn has_news(&mut self) -> bool {
        self.raw.has_news()
    }

    fn watch(&self) -> Watch {
        self.raw.watch()
    }
}

fn try_recv(raw: &mut RawSubscriber) -> Result<Option<DynMessage>> {
    let message = raw.try_recv()?;
    message.map(|message| understood(raw, message)).transpose()
}

fn understood(raw: &mut RawSubscriber, message: RawMessage) -> Result<DynMessage> {
    let meta = *message.meta();
    let layout = match raw.kind()? {
        Some(Kind::Struct(layout)) => Some(layout.clone()),
        _ => None,
    };
    let value = match layout {
        Some(layout) => {
            let tail = layout.fields().last().filter(|_| layout.tail().is_some());
            if message.bytes().len() < tail.map_or(layout.size(), |tail| tail.offset) {
                return Err(damaged(raw, &meta));
            }
            DynValue::Record(Record::new(layout, message.bytes().into()))
        }
        None if message.array().is_some() => {
            DynValue::Array(array(raw, message)?.value.into_inner())
        }
        None => DynValue::Bytes(bytes(message).value),
    };
    Ok(DynMessage { value, meta })
}

/// Publishes to a topic whose type this program does not have.
#[derive(Debug)]
pub struct DynPublisher {
    raw: RawPublisher,
}

impl DynPublisher {
    /// Joins the topic, or makes it. Messages are of `kind`; `None`: whatever the topic's are.
    ///
    /// # Errors
    /// As [`Publisher::attach`](super::Publisher::attach).
    pub fn attach(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<DynPublisher> {
        Ok(DynPublisher {
            raw: RawPublisher::attach(locator, kind, options)?,
        })
    }

    /// What the messages are; `None` while nobody has said.
    ///
    /// # Errors
    /// Corrupt; no space; replaced; forked.
    pub fn kind(&mut self) -> Result<Option<&Kind>> {
        self.raw.kind()
    }

    /// Says what the messages are, where nobody has.
    ///
    /// # Errors
    /// As [`attach`](DynPublisher::attach), where somebody has and said something else.
    pub fn declare(&mut self, kind: &Kind) -> Result<()> {
        self.raw.declare(kind)
    }

    /// How long publishing waits for room in `block`: zero never waits, `None` waits for ever.
    pub fn set_timeout(&mut self, timeout: impl Into<Option<Duration>>) {
        self.raw.set_timeout(timeout.into());
    }

    /// Publishes a struct and returns its sequence.
    ///
    /// # Errors
    /// Layout mismatch, where the record is of another layout than the topic's messages; invalid, where nobody
    /// has said what they are; and as [`Publisher::publish`](super::Publisher::publish).
    pub fn publish(&mut self, record: &Record) -> Result<u64> {
        let tail = match self.raw.kind()?.cloned() {
            Some(Kind::Struct(layout)) if layout == *record.layout() => layout.tail().is_some(),
            // The call below says that nobody has.
            None => true,
            Some(kind) => return Err(self.other_kind(record, &kind)),
        };
        if tail {
            return self.raw.publish_bytes(record.bytes());
        }
        // SAFETY: a record without a tail has as many bytes as its layout says, all initialised; and its
        // layout is this handle's, as was just compared.
        unsafe { self.raw.publish(record.bytes().as_ptr()) }
    }

    #[cold]
    fn other_kind(&self, record: &Record, kind: &Kind) -> Error {
        let (name, locator) = (record.layout().name(), self.locator());
        Error::new(
            ErrorKind::LayoutMismatch,
            format!(
                "a record of {name} cannot be published to topic \"{locator}\", whose messages are {kind}"
            ),
        )
    }

    /// Publishes bytes and returns the message's sequence.
    ///
    /// # Errors
    /// As [`Publisher::publish`](super::Publisher::publish); and layout mismatch or invalid, where the topic's
    /// messages are no bytes.
    pub fn publish_bytes(&mut self, bytes: &[u8]) -> Result<u64> {
        self.raw.publish_bytes(bytes)
    }

    /// Publishes an array and returns the message's sequence.
    ///
    /// # Errors
    /// As [`Publisher::publish`](super::Publisher::publish); and layout mismatch, where the topic's messages
    /// are no arrays.
    pub fn publish_array(&mut self, array: &NdArray) -> Result<u64> {
        self.raw.publish_array(array.array_type(), array.as_bytes())
    }

    /// Waits, in a task, until there is room for a message of `len` bytes, so that what publishes it next
    /// does not block; see [`Publisher::publish_async`](super::Publisher::publish_async).
    ///
    /// # Errors
    /// Timed out, by [`set_timeout`](DynPublisher::set_timeout); replaced; forked.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn room_async(&mut self, len: usize) -> Result<()> {
        let timeout = self.raw.timeout();
        self.raw.room_async(len, timeout).await
    }

    /// How many subscribers are attached.
    pub fn subscribers(&self) -> usize {
        self.raw.subscribers()
    }

    /// Waits until at least `n` subscribers are attached; see
    /// [`Publisher::wait_subscribers`](super::Publisher::wait_subscribers).
    ///
    /// # Errors
    /// Timed out; replaced; forked.
    pub fn wait_subscribers(
        &self,
        n: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<usize> {
        self.raw.wait_subscribers(n, timeout.into())
    }

    /// [`wait_subscribers`](DynPublisher::wait_subscribers) for a task; it does not block.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn wait_subscribers_async<D: Into<Option<Duration>>>(
        &self,
        n: usize,
        timeout: D,
    ) -> impl Future<Output = Result<usize>> + use<D> {
        let (control, timeout) = (self.raw.control(), timeout.into());
        async move { control.wait_others_async(n, timeout).await }
    }

    events!("subscriber", D);

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}
