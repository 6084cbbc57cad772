//! Messages of Rust types: what may be one, and how it is received.

use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::array::NdArray;
use super::message::{Meta, RawMessage};
use super::options::Kind;
use super::publisher::RawPublisher;
use super::subscriber::RawSubscriber;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::Layout;
use crate::layout::rust::Keep;

/// What the messages of a topic may be: a struct that derives [`Layout`](macro@crate::Layout), `[u8]`
/// (bytes of any length), or [`NdArray`].
#[diagnostic::on_unimplemented(
    message = "messages of a topic cannot be `{Self}`",
    label = "no message",
    note = "messages are structs with `#[derive(Clone, Copy, crosspage::Layout)]` and `#[repr(C)]`, `[u8]`, \
            or `crosspage::topic::NdArray`"
)]
pub trait Payload: sealed::Payload {}

impl<T: Layout> Payload for T {}
impl Payload for [u8] {}
impl Payload for NdArray {}

/// A message and what is known of it.
// The value first, in place of a number of words: it is received into the message, not moved there.
#[non_exhaustive]
#[repr(C)]
pub struct Message<P: sealed::Payload + ?Sized> {
    /// What was published. It does not change.
    pub value: Value<P>,
    /// Counts up by one with each message of its publisher; the first is 1.
    pub sequence: u64,
    /// When it was published, where the topic has `send_time`.
    pub sent_at: Option<SystemTime>,
    /// The process that published it, as numbered in its own PID namespace.
    pub publisher: u32,
    here: Here,
}

/// Where `Option` and `Result` mark that there is no message: not in the middle of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Here {
    Yes = 1,
}

impl<P: Payload + ?Sized> Message<P> {
    fn new(value: P::Store, meta: Meta) -> Message<P> {
        Message {
            value: Value(value),
            sequence: meta.sequence,
            sent_at: time_of(&meta),
            publisher: meta.publisher,
            here: Here::Yes,
        }
    }

    /// What is known of it beside its value.
    pub(super) fn meta(&self) -> Meta {
        let since_1970 = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Meta {
            sequence: self.sequence,
            publisher: self.publisher,
            sent_at: self.sent_at.map(|at| since_1970(at).as_nanos() as u64),
        }
    }
}

impl<P: Payload + fmt::Debug + ?Sized> fmt::Debug for Message<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("value", &self.value)
            .field("sequence", &self.sequence)
            .field("sent_at", &self.sent_at)
            .field("publisher", &self.publisher)
            .finish()
    }
}

/// When a message was published, where that is known.
pub(super) fn time_of(meta: &Meta) -> Option<SystemTime> {
    meta.sent_at.map(|ns| UNIX_EPOCH + Duration::from_nanos(ns))
}

/// What a message says: a copy, or held in the page until this is dropped. Either way it does not change.
///
/// Structs of up to 4 KiB are copies. Larger ones, bytes and arrays are held where they lie in memory that
/// their publisher does not use again before; but structs with a bool or an enum are always copied, because
/// not all bytes are such a struct, and who breaks the protocol could still write some.
#[repr(transparent)]
pub struct Value<P: sealed::Payload + ?Sized>(P::Store);

impl Value<NdArray> {
    /// The array itself, which stays held.
    pub fn into_inner(self) -> NdArray {
        self.0
    }
}

impl<P: Payload + ?Sized> Deref for Value<P> {
    type Target = P;

    #[inline(always)]
    fn deref(&self) -> &P {
        P::get(&self.0)
    }
}

impl<P: Payload + fmt::Debug + ?Sized> fmt::Debug for Value<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<P: Payload + PartialEq + ?Sized> PartialEq<P> for Value<P> {
    fn eq(&self, other: &P) -> bool {
        **self == *other
    }
}

pub(super) mod sealed {
    use super::*;

    pub trait Payload: 'static {
        /// A value that was received.
        type Store: Send;

        fn kind() -> Kind;

        fn get(store: &Self::Store) -> &Self;

        /// How many bytes it is as a message.
        #[cfg(feature = "tokio")]
        fn len(value: &Self) -> usize;

        /// `raw` is attached with [`kind`](Payload::kind).
        fn publish(raw: &mut RawPublisher, value: &Self) -> Result<u64>;

        /// As there.
        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<Self>>>;

        /// As there.
        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<Self>>;
    }

    impl<T: Layout> Payload for T {
        type Store = T::Kept<RawMessage>;

        fn kind() -> Kind {
            Kind::Struct(T::layout().clone())
        }

        #[inline(always)]
        fn get(store: &Self::Store) -> &T {
            // SAFETY: by `large`, a message that is held is a `T` in place.
            store.get(|message| unsafe { &*message.bytes().as_ptr().cast() })
        }

        #[cfg(feature = "tokio")]
        fn len(_: &T) -> usize {
            size_of::<T>()
        }

        #[inline]
        fn publish(raw: &mut RawPublisher, value: &T) -> Result<u64> {
            // SAFETY: `raw` is attached with the layout of `T`, which describes T exactly, so its fields
            // are where the layout says, and a reference's fields are initialised.
            unsafe { raw.publish(std::ptr::from_ref(value).cast()) }
        }

        #[inline]
        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<T>>> {
            if !<Self::Store as Keep<T, RawMessage>>::SMALL {
                let message = raw.try_recv()?;
                return message.map(|message| large(raw, message)).transpose();
            }
            // SAFETY: `small` gives a place of the struct's size.
            small(raw, |raw, value| unsafe { raw.try_recv_into(value) })
        }

        #[inline]
        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<T>> {
            if !<Self::Store as Keep<T, RawMessage>>::SMALL {
                let message = raw.recv(timeout)?;
                return large(raw, message);
            }
            // SAFETY: `small` gives a place of the struct's size.
            let received = small(raw, |raw, value| unsafe {
                raw.recv_into(value, timeout).map(Some)
            });
            // A closure that gives something.
            received.and_then(|message| message.ok_or_else(no_plan))
        }
    }

    impl Payload for [u8] {
        type Store = RawMessage;

        fn kind() -> Kind {
            Kind::Bytes
        }

        fn get(store: &RawMessage) -> &[u8] {
            store.bytes()
        }

        #[cfg(feature = "tokio")]
        fn len(value: &[u8]) -> usize {
            value.len()
        }

        fn publish(raw: &mut RawPublisher, value: &[u8]) -> Result<u64> {
            raw.publish_bytes(value)
        }

        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<[u8]>>> {
            Ok(raw.try_recv()?.map(bytes))
        }

        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<[u8]>> {
            Ok(bytes(raw.recv(timeout)?))
        }
    }

    impl Payload for NdArray {
        type Store = NdArray;

        fn kind() -> Kind {
            Kind::Array
        }

        fn get(store: &NdArray) -> &NdArray {
            store
        }

        #[cfg(feature = "tokio")]
        fn len(value: &NdArray) -> usize {
            value.as_bytes().len()
        }

        fn publish(raw: &mut RawPublisher, value: &NdArray) -> Result<u64> {
            raw.publish_array(value.array_type(), value.as_bytes())
        }

        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<NdArray>>> {
            let message = raw.try_recv()?;
            message.map(|message| array(raw, message)).transpose()
        }

        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<NdArray>> {
            let message = raw.recv(timeout)?;
            array(raw, message)
        }
    }
}

pub(super) fn bytes(message: RawMessage) -> Message<[u8]> {
    let meta = *message.meta();
    Message::new(message, meta)
}

pub(super) fn array(raw: &RawSubscriber, message: RawMessage) -> Result<Message<NdArray>> {
    let meta = *message.meta();
    let array = NdArray::received(message).ok_or_else(|| damaged(raw, &meta))?;
    Ok(Message::new(array, meta))
}

/// Receives a small struct into the message that it becomes. `receive` writes a value of this side's
/// layout where it gives something.
#[inline(always)]
fn small<T: Layout>(
    raw: &mut RawSubscriber,
    receive: impl FnOnce(&mut RawSubscriber, *mut u8) -> Result<Option<Meta>>,
) -> Result<Option<Message<T>>> {
    let mut message = MaybeUninit::<Message<T>>::uninit();
    let parts = message.as_mut_ptr();
    // SAFETY: a field of the message under construction: a `Small<T>`, which is a `T` and nothing else. What
    // was received is a `T` once its enums are valid: its bools are 0 or 1. Then the other fields.
    unsafe {
        let value = (&raw mut (*parts).value).cast::<u8>();
        let Some(meta) = receive(raw, value)? else {
            return Ok(None);
        };
        validate(raw, value, &meta)?;
        (&raw mut (*parts).here).write(Here::Yes);
        (&raw mut (*parts).sequence).write(meta.sequence);
        (&raw mut (*parts).sent_at).write(time_of(&meta));
        (&raw mut (*parts).publisher).write(meta.publisher);
        Ok(Some(message.assume_init()))
    }
}

/// A large struct: as it was received, where it can only be a `T`; otherwise copied.
fn large<T: Layout>(raw: &RawSubscriber, mut message: RawMessage) -> Result<Message<T>> {
    let meta = *message.meta();
    if message.bytes().len() < size_of::<T>() {
        return Err(damaged(raw, &meta));
    }
    let plan = raw.plan().ok_or_else(no_plan)?;
    // What is no longer in the page, nobody can change after it was looked at; its bools are 0 or 1.
    let stays = !message.is_held() || plan.takes_any_bytes();
    if stays && message.bytes().as_ptr().cast::<T>().is_aligned() {
        // SAFETY: as many bytes as a `T` has, in this side's layout. From here on they are one: any bytes
        // are, or they are private and were just checked; and they are aligned for it.
        unsafe { validate(raw, message.bytes().as_ptr(), &meta)? };
        match Keep::held(message) {
            Ok(held) => return Ok(Message::new(held, meta)),
            Err(back) => message = back,
        }
    }
    let mut copy = Box::<T>::new_uninit();
    // SAFETY: a place of the struct's size, whose bytes all are initialised by the copy; a `T` once its bools
    // are 0 or 1 and its enums are valid.
    unsafe {
        let value = copy.as_mut_ptr().cast::<u8>();
        value.copy_from_nonoverlapping(message.bytes().as_ptr(), size_of::<T>());
        plan.normalise_at(value);
        validate(raw, value, &meta)?;
        Ok(Message::new(Keep::boxed(copy.assume_init()), meta))
    }
}

/// # Safety
/// `value` is a struct of this side's layout, whose enums are initialised.
///
/// # Errors
/// Invalid, where an enum has no such variant.
#[inline(always)]
unsafe fn validate(raw: &RawSubscriber, value: *const u8, meta: &Meta) -> Result<()> {
    // SAFETY: handed through from the caller.
    match unsafe { raw.plan().ok_or_else(no_plan)?.validate_at(value) } {
        Ok(()) => Ok(()),
        Err(invalid) => Err(invalid_value(raw, meta, &invalid)),
    }
}

#[cold]
fn no_plan() -> Error {
    Error::new(ErrorKind::Internal, "a subscriber of structs has no layout")
}

#[cold]
fn invalid_value(raw: &RawSubscriber, meta: &Meta, invalid: &crate::layout::Invalid) -> Error {
    let (locator, sequence) = (raw.locator(), meta.sequence);
    Error::new(
        ErrorKind::Invalid,
        format!(
            "topic \"{locator}\", message {sequence} of pid {}: {invalid}",
            meta.publisher
        ),
    )
    .with_hint(
        "the publisher knows a variant that this program does not; a DynSubscriber reads it as its integer",
    )
}

#[cold]
pub(super) fn damaged(raw: &RawSubscriber, meta: &Meta) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "topic \"{}\", message {} of pid {}: it is not what the topic's messages are",
            raw.locator(),
            meta.sequence,
            meta.publisher
        ),
    )
}
