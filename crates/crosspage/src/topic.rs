//! Every message to every subscriber, in order per publisher.
//!
//! Any number of [`Publisher`]s and [`Subscriber`]s, started in any order. Messages are structs (also with a
//! [tail](Payload)), bytes of any length, or arrays ([`NdArray`]). In [`Policy::Overwrite`] a publisher never waits, and a slow subscriber
//! learns exactly how many messages it lost; in [`Policy::Block`] it waits for the slowest living subscriber,
//! and what [`publish`](Publisher::publish) returned for is delivered to all that are attached. What a
//! publisher has published outlives it.
//!
//! ```
//! use crosspage::topic;
//!
//! #[derive(Clone, Copy, crosspage::Layout)]
//! #[repr(C)]
//! struct Reading {
//!     sensor: u32,
//!     temperature: f64,
//! }
//!
//! # let _namespace = crosspage::testing::namespace();
//! let mut subscriber = topic::Subscriber::<Reading>::attach("readings")?; // usually another process
//!
//! let mut publisher = topic::Publisher::<Reading>::attach("readings")?;
//! publisher.publish(&Reading { sensor: 7, temperature: 23.5 })?;
//!
//! let message = subscriber.recv(None)?; // waits for ever
//! assert_eq!((message.value.sensor, message.sequence), (7, 1));
//! assert!(subscriber.try_recv()?.is_none());
//! # Ok::<(), crosspage::Error>(())
//! ```

pub(crate) mod chunks;
pub(crate) mod lane;
pub(crate) mod ring;

#[cfg(not(loom))]
mod array;
#[cfg(not(loom))]
pub(crate) mod board;
#[cfg(not(loom))]
mod dynamic;
#[cfg(not(loom))]
mod event;
#[cfg(not(loom))]
mod info;
#[cfg(not(loom))]
mod message;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod payload;
pub(crate) mod pool;
#[cfg(not(loom))]
mod publisher;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod subscriber;
#[cfg(not(loom))]
mod typed;

#[cfg(not(loom))]
pub use array::{Element, NdArray};
#[cfg(not(loom))]
pub(crate) use board::PATTERN;
#[cfg(not(loom))]
pub use dynamic::{DynMessage, DynPublisher, DynSubscriber, DynValue};
#[cfg(not(loom))]
pub use event::Event;
#[cfg(not(loom))]
pub(crate) use info::info;
#[cfg(not(loom))]
pub use info::{TopicInfo, TopicParticipant};
#[cfg(not(loom))]
pub use message::{Meta, RawMessage};
#[cfg(not(loom))]
pub use options::{ArrayType, Kind, Options, Policy};
#[cfg(not(loom))]
pub use payload::{Message, Payload, Value, Whole};
#[cfg(not(loom))]
pub use publisher::{RawLoan, RawPublisher};
#[cfg(not(loom))]
pub use shared::Control;
#[cfg(not(loom))]
pub use subscriber::RawSubscriber;
#[cfg(all(feature = "tokio", not(loom)))]
pub use typed::Stream;
#[cfg(not(loom))]
pub use typed::{Iter, Loan, Publisher, PublisherOptions, Subscriber, SubscriberOptions};
