//! Messages of Rust types: what may be one, and how it is received.

use std::any::TypeId;
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::array::NdArray;
use super::message::{Meta, RawMessage};
use super::options::Kind;
use super::publisher::RawPublisher;
use super::subscriber::RawSubscriber;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::rust::Keep;
use crate::layout::{Field, FieldType, Layout, StructType, Type};

/// What the messages of a topic may be: a struct that derives [`Layout`](macro@crate::Layout); one with a
/// tail, `(Header, [T])`; `[u8]` (bytes of any length); or [`NdArray`].
///
/// `(Header, [T])` is a struct whose last field is a tail `T[]`: the fields of `Header`, and then as many `T`
/// as each message has. C writes it as a flexible array member, `struct { …; T tail[]; }`, and so it lies in
/// memory: the tail begins at the next multiple of its alignment behind the header's last field. The tail is
/// called `tail`, unless `#[layout(tail = "points")]` on the header says otherwise.
#[diagnostic::on_unimplemented(
    message = "messages of a topic cannot be `{Self}`",
    label = "no message",
    note = "messages are structs with `#[derive(Clone, Copy, crosspage::Layout)]` and `#[repr(C)]`, \
            `(Header, [T])` for such a struct and a tail, `[u8]`, or `crosspage::topic::NdArray`"
)]
pub trait Payload: sealed::Payload {}

impl<T: Layout> Payload for T {}
impl<H: Layout, T: FieldType> Payload for (H, [T]) {}
impl Payload for [u8] {}
impl Payload for NdArray {}

/// Messages that one reference refers to: all but those with a tail, `(Header, [T])`.
pub trait Whole: Payload + sealed::Whole {}

impl<P: Payload + sealed::Whole + ?Sized> Whole for P {}

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

impl<P: Payload + ?Sized> fmt::Debug for Message<P>
where
    Value<P>: fmt::Debug,
{
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
/// not all bytes are such a struct, and who breaks the protocol could still write some. Of a struct with a tail
/// the header is always copied, and the tail held or copied by the same rule.
#[repr(transparent)]
pub struct Value<P: sealed::Payload + ?Sized>(P::Store);

impl Value<NdArray> {
    /// The array itself, which stays held.
    pub fn into_inner(self) -> NdArray {
        self.0
    }
}

impl<H: Layout, T: FieldType> Value<(H, [T])> {
    /// The fields before the tail.
    pub fn header(&self) -> &H {
        self.0.header.get(|never| match *never {})
    }

    /// The elements of the tail.
    pub fn tail(&self) -> &[T] {
        match &self.0.tail {
            sealed::Tail::Message { message, at, count } => {
                let elements = &message.bytes()[*at..];
                // SAFETY: by `with_tail`, so many `T` lie there in place.
                unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), *count) }
            }
            sealed::Tail::Own(elements) => elements,
        }
    }
}

impl<H: Layout + fmt::Debug, T: FieldType + fmt::Debug> fmt::Debug for Value<(H, [T])> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("")
            .field(self.header())
            .field(&self.tail())
            .finish()
    }
}

impl<P: Whole + ?Sized> Deref for Value<P> {
    type Target = P;

    #[inline(always)]
    fn deref(&self) -> &P {
        P::get(&self.0)
    }
}

impl<P: Whole + fmt::Debug + ?Sized> fmt::Debug for Value<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<P: Whole + PartialEq + ?Sized> PartialEq<P> for Value<P> {
    fn eq(&self, other: &P) -> bool {
        **self == *other
    }
}

pub(super) mod sealed {
    use super::*;

    pub trait Payload: 'static {
        /// A value that was received.
        type Store: Send;

        /// # Errors
        /// Invalid, where there can be no such messages.
        fn kind() -> Result<Kind>;

        /// `raw` is attached with [`kind`](Payload::kind).
        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<Self>>>;

        /// As there.
        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<Self>>;
    }

    pub trait Whole: Payload {
        fn get(store: &Self::Store) -> &Self;

        /// How many bytes it is as a message.
        #[cfg(feature = "tokio")]
        fn len(value: &Self) -> usize;

        /// `raw` is attached with [`kind`](Payload::kind).
        fn publish(raw: &mut RawPublisher, value: &Self) -> Result<u64>;
    }

    impl<T: Layout> Whole for T {
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
    }

    impl<T: Layout> Payload for T {
        type Store = T::Kept<RawMessage>;

        fn kind() -> Result<Kind> {
            Ok(Kind::Struct(T::layout().clone()))
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

    /// A message with a tail that was received.
    pub struct WithTail<H: Layout, T> {
        pub(super) header: H::Kept<Infallible>,
        pub(super) tail: Tail<T>,
    }

    /// Its elements: where they were received, or copied.
    pub enum Tail<T> {
        Message {
            message: RawMessage,
            at: usize,
            count: usize,
        },
        Own(Box<[T]>),
    }

    impl<H: Layout, T: FieldType> Payload for (H, [T]) {
        type Store = WithTail<H, T>;

        fn kind() -> Result<Kind> {
            layout_with_tail::<H, T>().map(Kind::Struct)
        }

        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<(H, [T])>>> {
            let message = raw.try_recv()?;
            message.map(|message| with_tail(raw, message)).transpose()
        }

        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<(H, [T])>> {
            let message = raw.recv(timeout)?;
            with_tail(raw, message)
        }
    }

    impl Payload for [u8] {
        type Store = RawMessage;

        fn kind() -> Result<Kind> {
            Ok(Kind::Bytes)
        }

        fn try_recv(raw: &mut RawSubscriber) -> Result<Option<Message<[u8]>>> {
            Ok(raw.try_recv()?.map(bytes))
        }

        fn recv(raw: &mut RawSubscriber, timeout: Option<Duration>) -> Result<Message<[u8]>> {
            Ok(bytes(raw.recv(timeout)?))
        }
    }

    impl Whole for [u8] {
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
    }

    impl Payload for NdArray {
        type Store = NdArray;

        fn kind() -> Result<Kind> {
            Ok(Kind::Array)
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

    impl Whole for NdArray {
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
    }
}

/// The layout of a header's fields and a tail behind them, made once per type.
fn layout_with_tail<H: Layout, T: FieldType>() -> Result<Arc<StructType>> {
    static MADE: Mutex<Option<HashMap<TypeId, Arc<StructType>>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_default();
    let of_type = TypeId::of::<(H, [T])>();
    if let Some(layout) = made.get(&of_type) {
        return Ok(layout.clone());
    }
    let tail = Field::new(H::TAIL, Type::Tail(Box::new(T::ty())));
    let layout = Arc::new(H::layout().with_tail(tail, align_of::<T>())?);
    made.insert(of_type, layout.clone());
    Ok(layout)
}

/// A message with a tail: the header a copy; the tail where it was received, where that can only be a `[T]`,
/// otherwise copied.
fn with_tail<H: Layout, T: FieldType>(
    raw: &RawSubscriber,
    message: RawMessage,
) -> Result<Message<(H, [T])>> {
    let meta = *message.meta();
    let plan = raw.plan().ok_or_else(no_plan)?;
    let tail = plan.tail().ok_or_else(no_plan)?;
    let bytes = message.bytes();
    if bytes.len() < tail.here {
        return Err(damaged(raw, &meta));
    }
    // A short tail may lie in what is the header's padding.
    let fixed = &bytes[..bytes.len().min(size_of::<H>())];
    // SAFETY: the fixed part of the message has all fields of an `H`; a private copy of them is one once its
    // bools are 0 or 1 and its enums are valid.
    let header = unsafe {
        let fill = |header: *mut u8| {
            header.copy_from_nonoverlapping(fixed.as_ptr(), fixed.len());
            plan.normalise_at(header);
            validate(raw, header, &meta)
        };
        match <H::Kept<Infallible> as Keep<H, Infallible>>::SMALL {
            true => {
                // Nothing but an `H`.
                let mut header = MaybeUninit::<H::Kept<Infallible>>::uninit();
                fill(header.as_mut_ptr().cast())?;
                header.assume_init()
            }
            false => {
                let mut header = Box::<H>::new_uninit();
                fill(header.as_mut_ptr().cast())?;
                Keep::boxed(header.assume_init())
            }
        }
    };
    let count = tail.here_count(bytes.len());
    let elements = &bytes[tail.here..][..count * size_of::<T>()];
    let invalid = |invalid| invalid_value(raw, &meta, &invalid);
    // What is no longer in the page, nobody can change after it was looked at; its bools are 0 or 1.
    let stays = !message.is_held() || tail.takes_any_bytes();
    // Small messages move with their bytes; they are aligned to 8 wherever they are.
    let is_aligned = align_of::<T>() <= 8 || bytes.len() > RawMessage::SMALL;
    let tail = if stays && is_aligned && elements.as_ptr().cast::<T>().is_aligned() {
        tail.validate(elements).map_err(invalid)?;
        let at = tail.here;
        sealed::Tail::Message { message, at, count }
    } else {
        let mut copy = Box::<[T]>::new_uninit_slice(count);
        // SAFETY: a place for as many elements, whose bytes all are initialised by the copy; they are `T`s once
        // their bools are 0 or 1 and their enums are valid.
        sealed::Tail::Own(unsafe {
            let at = copy.as_mut_ptr().cast::<u8>();
            at.copy_from_nonoverlapping(elements.as_ptr(), elements.len());
            let elements = std::slice::from_raw_parts_mut(at, elements.len());
            tail.normalise(elements);
            tail.validate(elements).map_err(invalid)?;
            copy.assume_init()
        })
    };
    Ok(Message::new(sealed::WithTail { header, tail }, meta))
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
