//! `topic` for Rust types.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
#[cfg(all(feature = "tokio", not(loom)))]
use std::pin::Pin;
#[cfg(all(feature = "tokio", not(loom)))]
use std::task::{Context, Poll};
use std::time::Duration;

use super::array::{self, Element, NdArray};
use super::event::{Event, events};
use super::message::Meta;
use super::options::{ArrayType, Options, Policy};
use super::payload::{Message, Payload, Whole, sealed};
use super::publisher::{RawLoan, RawPublisher};
use super::subscriber::RawSubscriber;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::plan::Tail;
use crate::layout::{FieldType, Layout, Match, Plan};
use crate::locator::Locator;
use crate::page::{Lifetime, Participant};
use crate::segment::Permissions;
use crate::wait::bell::Raw as RawHandle;
#[cfg(all(feature = "tokio", not(loom)))]
use crate::wait::{self, TaskSleep};
use crate::wait::{Waits, Watch};

macro_rules! shared_options {
    () => {
        /// What publishers do when a subscriber is slow. A topic for which nobody says:
        /// [`Policy::Overwrite`].
        #[must_use]
        pub fn policy(mut self, policy: Policy) -> Self {
            self.options.policy = Some(policy);
            self
        }

        /// How many bytes of messages a publisher keeps for subscribers. Otherwise 256 KiB for structs
        /// that are small, 16 MiB for what is larger.
        #[must_use]
        pub fn capacity(mut self, bytes: u64) -> Self {
            self.options.capacity = Some(bytes);
            self
        }

        /// The largest message, in bytes. Otherwise the capacity; in [`Policy::Block`], where messages
        /// may be larger than that, 1 GiB.
        #[must_use]
        pub fn max_message(mut self, bytes: u64) -> Self {
            self.options.max_message = Some(bytes);
            self
        }

        /// How many messages of one publisher a subscriber holds in place; further ones are received as
        /// copies. Otherwise 8.
        #[must_use]
        pub fn max_held(mut self, n: u32) -> Self {
            self.options.max_held = Some(n);
            self
        }

        /// How many past messages of each publisher a new subscriber gets first. Otherwise 0.
        #[must_use]
        pub fn history(mut self, n: u32) -> Self {
            self.options.history = Some(n);
            self
        }

        /// Whether messages carry the time they were sent. Otherwise no.
        #[must_use]
        pub fn send_time(mut self, yes: bool) -> Self {
            self.options.send_time = Some(yes);
            self
        }

        /// Whether messages carry an XXH3-64 checksum that subscribers verify. Otherwise no.
        #[must_use]
        pub fn checksum(mut self, yes: bool) -> Self {
            self.options.checksum = Some(yes);
            self
        }

        /// How many participants the topic has room for (1 to 4096). Otherwise 128.
        #[must_use]
        pub fn max_participants(mut self, n: u32) -> Self {
            self.options.max_participants = Some(n);
            self
        }

        /// Who may attach. A new page: its owner.
        #[must_use]
        pub fn permissions(mut self, permissions: Permissions) -> Self {
            self.options.permissions = Some(permissions);
            self
        }

        /// How long the page stays. A new page: while it is used.
        #[must_use]
        pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
            self.options.lifetime = Some(lifetime);
            self
        }

        /// How much of the layouts has to agree: [`Match::Exact`] unless told otherwise.
        #[must_use]
        pub fn match_by(mut self, matching: Match) -> Self {
            self.options.matching = matching;
            self
        }
    };
}

macro_rules! options_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<P: ?Sized> {
            options: Options,
            _type: PhantomData<fn(&P)>,
        }

        impl<P: ?Sized> $name<P> {
            fn new() -> Self {
                $name {
                    options: Options::default(),
                    _type: PhantomData,
                }
            }
        }

        impl<P: ?Sized> Clone for $name<P> {
            fn clone(&self) -> Self {
                $name {
                    options: self.options.clone(),
                    _type: PhantomData,
                }
            }
        }

        impl<P: ?Sized> std::fmt::Debug for $name<P> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.options.fmt(f)
            }
        }
    };
}

options_type! {
    /// How to join a topic as a publisher, or to make it. What is not said is as the topic has it; who says
    /// something first decides it for all, and who contradicts is refused with both values.
    PublisherOptions
}

options_type! {
    /// How to join a topic as a subscriber, or to make it. What is not said is as the topic has it; who says
    /// something first decides it for all, and who contradicts is refused with both values.
    SubscriberOptions
}

impl<P: Payload + ?Sized> PublisherOptions<P> {
    shared_options!();

    /// How long [`publish`](Publisher::publish), [`Loan::commit`] and the like wait for room in
    /// [`Policy::Block`]. Zero never waits, `None` (the default) waits for ever.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.options.timeout = timeout.into();
        self
    }

    /// See [`Publisher::attach`].
    ///
    /// # Errors
    /// As there.
    pub fn attach(&self, locator: &str) -> Result<Publisher<P>> {
        Ok(Publisher {
            raw: RawPublisher::attach(locator, Some(&P::kind()?), &self.options)?,
            _type: PhantomData,
        })
    }
}

impl<P: Payload + ?Sized> SubscriberOptions<P> {
    shared_options!();

    /// See [`Subscriber::attach`].
    ///
    /// # Errors
    /// As there.
    pub fn attach(&self, locator: &str) -> Result<Subscriber<P>> {
        Ok(Subscriber {
            raw: RawSubscriber::attach(locator, Some(&P::kind()?), &self.options)?,
            found: None,
            _type: PhantomData,
        })
    }
}

/// Publishes messages to every subscriber of a topic.
pub struct Publisher<P: ?Sized> {
    raw: RawPublisher,
    _type: PhantomData<fn(&P)>,
}

macro_rules! debug {
    ($($type:ty: $inner:ident),*) => {$(
        impl<P: ?Sized> std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.$inner.fmt(f)
            }
        }
    )*};
}

// Not derived: what is no `Debug` has handles all the same.
debug!(Publisher<P>: raw, Subscriber<P>: raw, Loan<'_, P>: loan, Iter<'_, P>: subscriber);

impl<P: Payload + ?Sized> Publisher<P> {
    /// The options of the topic, to be changed before [`PublisherOptions::attach`].
    pub fn options() -> PublisherOptions<P> {
        PublisherOptions::new()
    }

    /// Joins the topic as a publisher, or makes it.
    ///
    /// # Errors
    /// Layout mismatch, with every differing field; invalid, for a bad name, options that contradict the
    /// topic's, or messages of another kind; permission denied; full, where the participant table is; no
    /// space; corrupt; unsupported.
    pub fn attach(locator: &str) -> Result<Publisher<P>> {
        Self::options().attach(locator)
    }

    /// How many subscribers are attached.
    pub fn subscribers(&self) -> usize {
        self.raw.subscribers()
    }

    /// Waits until at least `n` subscribers are attached, and returns how many. `None` waits for ever.
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

    /// [`wait_subscribers`](Publisher::wait_subscribers) for a task; it does not block, and leaves
    /// this handle free for other things.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn wait_subscribers_async<D: Into<Option<Duration>>>(
        &self,
        n: usize,
        timeout: D,
    ) -> impl Future<Output = Result<usize>> + use<P, D> {
        let (control, timeout) = (self.raw.control(), timeout.into());
        async move { control.wait_others_async(n, timeout).await }
    }

    events!("subscriber", P, D);

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

impl<P: ?Sized> Publisher<P> {
    /// Publishes with another time-out.
    fn within(
        &mut self,
        timeout: Option<Duration>,
        publish: impl FnOnce(&mut Self) -> Result<u64>,
    ) -> Result<u64> {
        let usual = self.raw.timeout();
        self.raw.set_timeout(timeout);
        let published = publish(self);
        self.raw.set_timeout(usual);
        published
    }
}

fn none_in_time(published: Result<u64>) -> Result<Option<u64>> {
    match published {
        Err(error) if error.is_timed_out() => Ok(None),
        published => published.map(Some),
    }
}

impl<P: Whole + ?Sized> Publisher<P> {
    /// Publishes a message and returns its sequence, which counts from 1. A subscriber that is attached when
    /// this returns receives it, also after this publisher is gone, unless it is lost to one that is slow
    /// ([`Policy::Overwrite`]). In [`Policy::Block`] this waits for the slowest living subscriber, for as
    /// long as [`timeout`](PublisherOptions::timeout) allows; with none attached it does not wait.
    ///
    /// Small messages are published without an allocation, and without a system call unless somebody
    /// sleeps.
    ///
    /// # Errors
    /// Timed out, naming who holds it up; too large, naming the limit; no space; replaced, where the page was
    /// removed; forked, in a forked child. Nothing is published then.
    #[inline]
    pub fn publish(&mut self, value: &P) -> Result<u64> {
        P::publish(&mut self.raw, value)
    }

    /// [`publish`](Publisher::publish) without waiting: `None` where there is no room.
    ///
    /// # Errors
    /// As there, but for timed out.
    pub fn try_publish(&mut self, value: &P) -> Result<Option<u64>> {
        none_in_time(self.publish_timeout(value, Duration::ZERO))
    }

    /// [`publish`](Publisher::publish) with a time-out of its own.
    ///
    /// # Errors
    /// As there.
    pub fn publish_timeout(
        &mut self,
        value: &P,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<u64> {
        self.within(timeout.into(), |publisher| publisher.publish(value))
    }

    /// [`publish`](Publisher::publish) for a task; it does not block, but for a message that is larger than
    /// the capacity ([`Policy::Block`]), whose fragments do. To drop the future is not to publish.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn publish_async(&mut self, value: &P) -> Result<u64> {
        let timeout = self.raw.timeout();
        self.raw.room_async(P::len(value), timeout).await?;
        self.publish(value)
    }
}

impl<T: Layout> Publisher<T> {
    /// Publishes many messages in one go, which costs less than one by one. Returns how many there was room
    /// for before the time-out: the first ones.
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish), where that says so for the first of them.
    pub fn publish_many(&mut self, values: &[T]) -> Result<usize> {
        // SAFETY: as for `publish`, for each of them; they lie one after the other.
        unsafe { self.raw.publish_many(values.as_ptr().cast(), values.len()) }
    }

    /// Memory of the page to fill, so that a large message is published without a copy.
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish).
    pub fn loan(&mut self) -> Result<Loan<'_, T>> {
        let loan = self.raw.loan(size_of::<T>())?;
        Ok(Loan::new(&mut self.raw, loan, false))
    }
}

/// Messages of a struct with a tail: the fields of `H`, then as many `T` as each message has; see [`Payload`].
///
/// ```
/// use crosspage::topic;
///
/// #[derive(Clone, Copy, crosspage::Layout)]
/// #[repr(C)]
/// #[layout(tail = "points")] // for C: struct { uint32_t scan; float points[][3]; }
/// struct Cloud {
///     scan: u32,
/// }
///
/// # let _namespace = crosspage::testing::namespace();
/// let mut publisher = topic::Publisher::<(Cloud, [[f32; 3]])>::attach("cloud")?;
/// let mut subscriber = topic::Subscriber::<(Cloud, [[f32; 3]])>::attach("cloud")?;
/// publisher.publish(&Cloud { scan: 7 }, &[[0.0, 0.5, 1.0], [1.0, 1.5, 2.0]])?;
/// let message = subscriber.recv(None)?;
/// assert_eq!((message.value.header().scan, message.value.tail().len()), (7, 2));
///
/// let mut loan = publisher.loan(&Cloud { scan: 8 }, 100_000)?;
/// loan.tail_mut().fill([0.5; 3]); // in the page: nothing is copied
/// loan.commit()?;
/// assert_eq!(subscriber.recv(None)?.value.tail()[99_999], [0.5; 3]);
/// # Ok::<(), crosspage::Error>(())
/// ```
impl<H: Layout, T: FieldType> Publisher<(H, [T])> {
    /// Publishes a message and returns its sequence, as [`publish`](Publisher::publish) of other messages
    /// does. An empty tail is one, too.
    ///
    /// # Errors
    /// As there.
    pub fn publish(&mut self, header: &H, tail: &[T]) -> Result<u64> {
        let header = std::ptr::from_ref(header).cast();
        // SAFETY: `raw` is attached with the layout of these types, so that their fields are where it says;
        // those of references are initialised.
        unsafe {
            self.raw
                .publish_tail(header, tail.as_ptr().cast(), tail.len())
        }
    }

    /// [`publish`](Publisher::publish) without waiting: `None` where there is no room.
    ///
    /// # Errors
    /// As there, but for timed out.
    pub fn try_publish(&mut self, header: &H, tail: &[T]) -> Result<Option<u64>> {
        none_in_time(self.publish_timeout(header, tail, Duration::ZERO))
    }

    /// [`publish`](Publisher::publish) with a time-out of its own.
    ///
    /// # Errors
    /// As there.
    pub fn publish_timeout(
        &mut self,
        header: &H,
        tail: &[T],
        timeout: impl Into<Option<Duration>>,
    ) -> Result<u64> {
        self.within(timeout.into(), |publisher| publisher.publish(header, tail))
    }

    /// [`publish`](Publisher::publish) for a task; as for other messages.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn publish_async(&mut self, header: &H, tail: &[T]) -> Result<u64> {
        let timeout = self.raw.timeout();
        let len = self.raw.len_with_tail(tail.len())?;
        self.raw.room_async(len, timeout).await?;
        self.publish(header, tail)
    }

    /// Memory of the page for a message with this header and a tail of `len` elements, to be filled in
    /// place.
    ///
    /// # Errors
    /// Unsupported where `T` has a bool or an enum, or is aligned to more than 64: not all bytes are such an
    /// element, and who breaks the protocol could write some while it is filled. And as
    /// [`publish`](Publisher::publish).
    pub fn loan(&mut self, header: &H, len: usize) -> Result<Loan<'_, (H, [T])>> {
        let bytes = self.raw.len_with_tail(len)?;
        let tail = self.raw.plan().and_then(Plan::tail);
        if align_of::<T>() > 64 || !tail.is_some_and(Tail::takes_any_bytes) {
            return Err(tail_in_place(H::TAIL));
        }
        let loan = self.raw.loan(bytes)?;
        let mut loan: Loan<'_, (H, [T])> = Loan::new(&mut self.raw, loan, true);
        loan.set_header(header);
        Ok(loan)
    }
}

impl Publisher<[u8]> {
    /// Memory of the page for a message of `len` bytes, so that it is published without a copy.
    ///
    /// ```
    /// # let _namespace = crosspage::testing::namespace();
    /// use crosspage::topic;
    ///
    /// let mut publisher = topic::Publisher::<[u8]>::attach("frames")?;
    /// let mut subscriber = topic::Subscriber::<[u8]>::attach("frames")?;
    /// let mut frame = publisher.loan(1 << 20)?;
    /// frame.fill(7); // what it holds before is undefined
    /// frame.commit()?;
    /// assert!(subscriber.try_recv()?.is_some_and(|frame| frame.value.iter().all(|&byte| byte == 7)));
    /// # Ok::<(), crosspage::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish).
    pub fn loan(&mut self, len: usize) -> Result<Loan<'_, [u8]>> {
        let loan = self.raw.loan(len)?;
        Ok(Loan::new(&mut self.raw, loan, true))
    }
}

impl Publisher<NdArray> {
    /// Publishes an array of `shape` with these elements, without making an [`NdArray`] of them first.
    ///
    /// # Errors
    /// Invalid, where the shape is for another number of elements; and as [`publish`](Publisher::publish).
    pub fn publish_slice<E: Element>(&mut self, shape: &[u64], elements: &[E]) -> Result<u64> {
        let array = array::array_type::<E>(shape, elements.len())?;
        self.raw.publish_array(&array, array::bytes_of(elements))
    }

    /// Memory of the page for an array of `shape`, so that it is published without a copy.
    ///
    /// # Errors
    /// As [`publish`](Publisher::publish).
    pub fn loan<E: Element>(&mut self, shape: &[u64]) -> Result<Loan<'_, NdArray>> {
        let array = array::type_of_shape::<E>(shape)?;
        self.loan_as(&array)
    }

    /// [`loan`](Publisher::loan) for a type that Rust does not have.
    ///
    /// # Errors
    /// As there; and invalid, for a `dtype` that numpy does not have.
    pub fn loan_as(&mut self, array: &ArrayType) -> Result<Loan<'_, NdArray>> {
        let loan = self.raw.loan_array(array)?;
        Ok(Loan::new(&mut self.raw, loan, true))
    }
}

/// Memory of the page that becomes a message with [`commit`](Loan::commit). Dropped before that, nothing
/// happened.
pub struct Loan<'p, P: ?Sized> {
    publisher: &'p mut RawPublisher,
    /// Dropped, it gives itself back.
    loan: RawLoan,
    /// Whether a message lies there: of bytes and arrays any bytes are one.
    filled: bool,
    _type: PhantomData<fn(&P)>,
}

impl<'p, P: Payload + ?Sized> Loan<'p, P> {
    fn new(publisher: &'p mut RawPublisher, loan: RawLoan, filled: bool) -> Loan<'p, P> {
        Loan {
            publisher,
            loan,
            filled,
            _type: PhantomData,
        }
    }

    /// Publishes what is there, and returns the message's sequence.
    ///
    /// # Errors
    /// As [`Publisher::publish`]; and invalid, where nothing was written to the loan of a struct. Nothing is
    /// published then.
    pub fn commit(self) -> Result<u64> {
        self.check()?;
        self.publisher.commit(self.loan)
    }

    /// [`commit`](Loan::commit) for a task; it does not block.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn commit_async(self) -> Result<u64> {
        self.check()?;
        let timeout = self.publisher.timeout();
        // For the message's reference alone: its bytes have their room already.
        self.publisher
            .room_async(super::publisher::REFERENCE, timeout)
            .await?;
        self.commit()
    }

    fn check(&self) -> Result<()> {
        match self.filled {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::Invalid,
                "nothing was written to the loan",
            )),
        }
    }
}

macro_rules! bytes_in_place {
    ($($payload:ty),*) => {$(
        /// The message's bytes; what they are before they are filled is undefined.
        impl Deref for Loan<'_, $payload> {
            type Target = [u8];

            fn deref(&self) -> &[u8] {
                // SAFETY: as many bytes of the page, which this loan has for itself.
                unsafe { std::slice::from_raw_parts(self.loan.as_ptr(), self.loan.len()) }
            }
        }

        impl DerefMut for Loan<'_, $payload> {
            fn deref_mut(&mut self) -> &mut [u8] {
                let len = self.loan.len();
                // SAFETY: as many bytes of the page, which this loan has for itself.
                unsafe { std::slice::from_raw_parts_mut(self.loan.as_mut_ptr(), len) }
            }
        }
    )*};
}

bytes_in_place!([u8], NdArray);

impl Loan<'_, NdArray> {
    /// The elements, to be filled; `None` where the loan's bytes are no whole number of them.
    pub fn as_slice_mut<E: Element>(&mut self) -> Option<&mut [E]> {
        // SAFETY: any bytes are an `E`, and an `E` is any bytes.
        let (before, elements, after) = unsafe { self.align_to_mut::<E>() };
        (before.is_empty() && after.is_empty()).then_some(elements)
    }
}

impl<T: Layout> Loan<'_, T> {
    /// Makes the message this value.
    pub fn write(&mut self, value: &T) {
        // SAFETY: the memory of a `T` in this side's layout, which this loan has for itself; it may be less
        // aligned than a `T`.
        unsafe {
            let at = self.loan.as_mut_ptr();
            at.copy_from_nonoverlapping(std::ptr::from_ref(value).cast(), size_of::<T>());
        }
        self.filled = true;
    }

    /// The message, to be filled in place; all zero where nothing was written yet.
    ///
    /// # Errors
    /// Unsupported for a struct with a bool or an enum: not all bytes are such a struct, and who breaks the
    /// protocol could write some while it is filled. [`write`](Loan::write) takes one from elsewhere.
    pub fn as_mut(&mut self) -> Result<&mut T> {
        let any_bytes = self.publisher.plan().is_some_and(Plan::takes_any_bytes);
        let at = self.loan.as_mut_ptr().cast::<T>();
        if !any_bytes || !at.is_aligned() {
            return Err(in_place::<T>());
        }
        // SAFETY: the memory of a `T` in this side's layout, which this loan has for itself. Any bytes are a
        // `T`, so that it stays one whatever others may write.
        unsafe {
            if !std::mem::replace(&mut self.filled, true) {
                at.write_bytes(0, 1);
            }
            Ok(&mut *at)
        }
    }
}

impl<H: Layout, T: FieldType> Loan<'_, (H, [T])> {
    /// Makes this the message's header, in place of the one before.
    pub fn set_header(&mut self, header: &H) {
        let (at, len) = (self.loan.as_mut_ptr(), self.loan.len());
        // SAFETY: all of the message's memory, which this loan has for itself.
        let message = unsafe { std::slice::from_raw_parts_mut(at, len) };
        if let Some(plan) = self.publisher.plan() {
            // SAFETY: a header of this side's layout, whose fields are initialised. The page's is the same.
            unsafe { plan.scatter_at(std::ptr::from_ref(header).cast(), message) };
        }
    }

    /// The elements of the tail, to be filled; what they are before is undefined.
    pub fn tail_mut(&mut self) -> &mut [T] {
        let len = self.loan.len();
        let Some(tail) = self.publisher.plan().and_then(Plan::tail) else {
            return &mut [];
        };
        // SAFETY: so many elements lie behind the header, in memory which this loan has for itself; it begins
        // at a multiple of 64, and the tail at one of its alignment, which is no more (`loan`). Any bytes are
        // a `T`.
        unsafe {
            let elements = self.loan.as_mut_ptr().add(tail.here).cast();
            std::slice::from_raw_parts_mut(elements, tail.here_count(len))
        }
    }
}

#[cold]
fn tail_in_place(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{name} is not filled in place: its elements have a bool or an enum, or are aligned to more than 64"),
    )
    .with_hint("publish copies them from elsewhere")
}

#[cold]
fn in_place<T: Layout>() -> Error {
    let name = T::layout().name();
    Error::new(
        ErrorKind::Unsupported,
        format!("a {name} is not filled in place: it has a bool or an enum, or is aligned to more than 64"),
    )
    .with_hint("fill one elsewhere, and write it to the loan")
}

/// Receives the messages of a topic, of each publisher in order.
pub struct Subscriber<P: ?Sized> {
    raw: RawSubscriber,
    /// An error that came up behind messages of one batch: for the next call.
    found: Option<Error>,
    _type: PhantomData<fn() -> *const P>,
}

impl<P: Payload + ?Sized> Subscriber<P> {
    /// The options of the topic, to be changed before [`SubscriberOptions::attach`].
    pub fn options() -> SubscriberOptions<P> {
        SubscriberOptions::new()
    }

    /// Joins the topic as a subscriber, or makes it: a subscriber may come first. From here on every message
    /// is received, or counted by [`lost`](Subscriber::lost).
    ///
    /// # Errors
    /// As [`Publisher::attach`].
    pub fn attach(locator: &str) -> Result<Subscriber<P>> {
        Self::options().attach(locator)
    }

    /// The next message; `None` where there is none yet. Structs of up to 4 KiB are received without an
    /// allocation or a system call.
    ///
    /// # Errors
    /// Invalid, where an enum of the message holds a value without a name (the error names field and value);
    /// corrupt, where a checksum does not hold; after either the next call goes on. Replaced; forked.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Option<Message<P>>> {
        if self.found.is_some() {
            return self.found.take().map_or(Ok(None), Err);
        }
        P::try_recv(&mut self.raw)
    }

    /// The next message, for which it waits: `None` waits for ever. Spins for a few microseconds, then sleeps
    /// without using the processor.
    ///
    /// # Errors
    /// Timed out; and as [`try_recv`](Subscriber::try_recv).
    #[inline]
    pub fn recv(&mut self, timeout: impl Into<Option<Duration>>) -> Result<Message<P>> {
        if let Some(error) = self.found.take() {
            return Err(error);
        }
        P::recv(&mut self.raw, timeout.into())
    }

    /// [`recv`](Subscriber::recv) for a task. Does not block, needs no thread of its own, and belongs to no
    /// executor. To drop the future is to wait no longer; no message is lost by it.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn recv_async(&mut self, timeout: impl Into<Option<Duration>>) -> Result<Message<P>> {
        if let Some(error) = self.found.take() {
            return Err(error);
        }
        self.raw.recv_async(timeout.into(), P::try_recv).await
    }

    /// At least one message, for which it waits, and all there are then, but no more than `max`. One
    /// allocation for all of them.
    ///
    /// # Errors
    /// As [`recv`](Subscriber::recv). An error behind other messages is returned by the next call.
    pub fn recv_many(
        &mut self,
        max: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Vec<Message<P>>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let first = self.recv(timeout)?;
        Ok(self.with_more(first, max))
    }

    /// [`recv_many`](Subscriber::recv_many) for a task; see [`recv_async`](Subscriber::recv_async).
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub async fn recv_many_async(
        &mut self,
        max: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Vec<Message<P>>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let first = self.recv_async(timeout).await?;
        Ok(self.with_more(first, max))
    }

    /// The first message and those that are there.
    fn with_more(&mut self, first: Message<P>, max: usize) -> Vec<Message<P>> {
        let mut messages = Vec::with_capacity(max.min(64));
        messages.push(first);
        while messages.len() < max {
            match self.try_recv() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    self.found = Some(error);
                    break;
                }
            }
        }
        messages
    }

    /// All messages, for which it waits. After an error that does not pass, such as that the page was
    /// removed, there are no more.
    ///
    /// ```no_run
    /// # use crosspage::topic;
    /// # #[derive(Clone, Copy, crosspage::Layout)]
    /// # #[repr(C)]
    /// # struct Telemetry { counter: i32 }
    /// # let mut subscriber = topic::Subscriber::<Telemetry>::attach("telemetry")?;
    /// for message in &mut subscriber {
    ///     println!("{}", message?.value.counter);
    /// }
    /// # Ok::<(), crosspage::Error>(())
    /// ```
    pub fn iter(&mut self) -> Iter<'_, P> {
        Iter {
            subscriber: self,
            done: false,
        }
    }

    /// All messages, for a task: as [`iter`](Subscriber::iter), without blocking. To drop it loses no message.
    ///
    /// ```no_run
    /// # use crosspage::topic;
    /// # use std::pin::Pin;
    /// # use futures_core::Stream;
    /// # async fn follow(mut subscriber: topic::Subscriber<[u8]>) -> crosspage::Result<()> {
    /// let mut stream = subscriber.stream();
    /// // With `StreamExt` of tokio-stream or futures: `while let Some(message) = stream.next().await`
    /// while let Some(message) = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
    ///     println!("{} bytes", message?.value.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn stream(&mut self) -> Stream<'_, P> {
        Stream {
            subscriber: self,
            sleep: None,
            done: false,
        }
    }

    /// How many messages were published while this was attached, and overwritten before it received them
    /// ([`Policy::Overwrite`]).
    pub fn lost(&self) -> u64 {
        self.raw.lost()
    }

    /// How many publishers are attached.
    pub fn publishers(&self) -> usize {
        self.raw.publishers()
    }

    /// Waits until at least `n` publishers are attached, and returns how many. `None` waits for ever.
    ///
    /// # Errors
    /// Timed out; replaced; forked.
    pub fn wait_publishers(&self, n: usize, timeout: impl Into<Option<Duration>>) -> Result<usize> {
        self.raw.wait_publishers(n, timeout.into())
    }

    /// [`wait_publishers`](Subscriber::wait_publishers) for a task; it does not block, and leaves
    /// this handle free for other things.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(feature = "tokio", not(loom)))]
    pub fn wait_publishers_async<D: Into<Option<Duration>>>(
        &self,
        n: usize,
        timeout: D,
    ) -> impl Future<Output = Result<usize>> + use<P, D> {
        let (control, timeout) = (self.raw.control(), timeout.into());
        async move { control.wait_others_async(n, timeout).await }
    }

    /// What an event loop waits on (epoll, poll, Qt, tokio's `AsyncFd`; on Windows a handle for
    /// `WaitForMultipleObjects`): ready while there may be a message, or an error to tell, until
    /// [`try_recv`](Subscriber::try_recv) finds nothing. It belongs to this subscriber: only wait on it. The
    /// first call starts a thread.
    ///
    /// # Errors
    /// No descriptor, or no thread, is to be had; replaced; forked.
    pub fn wait_handle(&mut self) -> Result<RawHandle> {
        self.raw.wait_handle()
    }

    events!("publisher", P, D);

    /// The page's locator.
    pub fn locator(&self) -> &Locator {
        self.raw.locator()
    }

    /// Who is attached.
    pub fn participants(&self) -> Vec<Participant> {
        self.raw.participants()
    }
}

impl<P: Payload + ?Sized> Waits for Subscriber<P> {
    fn has_news(&mut self) -> bool {
        self.found.is_some() || self.raw.has_news()
    }

    fn watch(&self) -> Watch {
        self.raw.watch()
    }
}

impl<T: Layout> Subscriber<T> {
    /// [`try_recv`](Subscriber::try_recv) into a place of the caller's (a large value on the heap, say),
    /// without a copy on the way. Where it says `None`, or fails, parts of a message that was lost or refused
    /// may be there.
    ///
    /// # Errors
    /// As there.
    pub fn try_recv_into(&mut self, value: &mut T) -> Result<Option<Meta>> {
        if let Some(error) = self.found.take() {
            return Err(error);
        }
        // Before there is a publisher it is not known; there is no message either.
        if self.raw.plan().is_none_or(Plan::has_enums) {
            let message = <T as sealed::Payload>::try_recv(&mut self.raw)?;
            return Ok(message.map(|message| {
                *value = *message.value;
                message.meta()
            }));
        }
        let bytes = std::ptr::from_mut(value).cast::<u8>();
        // SAFETY: `value` is a `T`, which has the layout's size. Without enums any bytes are a `T` once its
        // bools are 0 or 1: a message that was received has seen to that.
        let received = unsafe { self.raw.try_recv_into(bytes) };
        if !matches!(received, Ok(Some(_)))
            && let Some(plan) = self.raw.plan()
        {
            // SAFETY: as above.
            unsafe { plan.normalise_at(bytes) };
        }
        received
    }

    /// At least one message, for which it waits, and all there are then, but no more than `max`: appended to
    /// `values`, whose memory can be used again and again. Returns how many; they may be of several
    /// publishers. Costs less than one by one.
    ///
    /// # Errors
    /// As [`recv`](Subscriber::recv). An error behind other messages is returned by the next call.
    pub fn recv_many_into(
        &mut self,
        values: &mut Vec<T>,
        max: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<usize> {
        /// No more room is made at once, however many messages there may be.
        const MOST: usize = 4096;
        if let Some(error) = self.found.take() {
            return Err(error);
        }
        if max == 0 {
            return Ok(0);
        }
        let max = max.min(MOST);
        values.reserve(max);
        if self.raw.plan().is_none_or(Plan::has_enums) {
            return self.recv_valid_into(values, max, timeout.into());
        }
        let end = values.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: room for `max` values. What was received there is a `T`: its bools are 0 or 1, and it has
        // no enums.
        unsafe {
            let received = self
                .raw
                .recv_many_into(end, max, timeout.into(), &mut |_| ())?;
            values.set_len(values.len() + received);
            Ok(received)
        }
    }

    /// The same for structs that may have enums: each has to be looked at before the next is taken.
    fn recv_valid_into(
        &mut self,
        values: &mut Vec<T>,
        max: usize,
        timeout: Option<Duration>,
    ) -> Result<usize> {
        let before = values.len();
        values.push(*self.recv(timeout)?.value);
        while values.len() - before < max {
            match self.try_recv() {
                Ok(Some(message)) => values.push(*message.value),
                Ok(None) => break,
                Err(error) => {
                    self.found = Some(error);
                    break;
                }
            }
        }
        Ok(values.len() - before)
    }
}

impl<'s, P: Payload + ?Sized> IntoIterator for &'s mut Subscriber<P> {
    type Item = Result<Message<P>>;
    type IntoIter = Iter<'s, P>;

    fn into_iter(self) -> Iter<'s, P> {
        self.iter()
    }
}

/// All messages; see [`Subscriber::iter`].
pub struct Iter<'s, P: ?Sized> {
    subscriber: &'s mut Subscriber<P>,
    done: bool,
}

impl<P: Payload + ?Sized> Iterator for Iter<'_, P> {
    type Item = Result<Message<P>>;

    fn next(&mut self) -> Option<Result<Message<P>>> {
        if self.done {
            return None;
        }
        let received = self.subscriber.recv(None);
        if let Err(error) = &received {
            self.done = !error.is_invalid() && !error.is_corrupt();
        }
        Some(received)
    }
}

/// All messages, for a task; see [`Subscriber::stream`].
#[cfg(all(feature = "tokio", not(loom)))]
pub struct Stream<'s, P: Payload + ?Sized> {
    subscriber: &'s mut Subscriber<P>,
    sleep: Option<TaskSleep>,
    done: bool,
}

#[cfg(all(feature = "tokio", not(loom)))]
impl<P: Payload + ?Sized> futures_core::Stream for Stream<'_, P> {
    type Item = Result<Message<P>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        let polled = wait::poll_next(
            &mut *this.subscriber,
            &mut this.sleep,
            context,
            Waits::watch,
            Subscriber::try_recv,
        );
        if let Poll::Ready(Err(error)) = &polled {
            this.done = !error.is_invalid() && !error.is_corrupt();
        }
        polled.map(Some)
    }
}
