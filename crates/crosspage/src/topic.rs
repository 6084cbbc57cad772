//! Every message to every subscriber, in order per publisher.
//!
//! Any number of publishers and subscribers, started in any order. Messages are structs, bytes of any
//! length, or arrays. In [`Policy::Overwrite`] a publisher never waits, and a slow subscriber learns
//! exactly how many messages it lost; in [`Policy::Block`] it waits for the slowest living subscriber.
//! What a publisher has published outlives it.

pub(crate) mod chunks;
pub(crate) mod lane;
pub(crate) mod ring;

#[cfg(not(loom))]
pub(crate) mod board;
#[cfg(not(loom))]
mod info;
#[cfg(not(loom))]
mod message;
#[cfg(not(loom))]
mod options;
pub(crate) mod pool;
#[cfg(not(loom))]
mod publisher;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod subscriber;

#[cfg(not(loom))]
pub(crate) use board::PATTERN;
#[cfg(not(loom))]
pub(crate) use info::info;
#[cfg(not(loom))]
pub use info::{TopicInfo, TopicParticipant};
#[cfg(not(loom))]
pub use message::{Meta, RawMessage};
#[cfg(not(loom))]
pub use options::{ArrayType, Kind, Options, Policy};
#[cfg(not(loom))]
pub use publisher::{RawLoan, RawPublisher};
#[cfg(not(loom))]
pub use shared::{Control, Watch};
#[cfg(not(loom))]
pub use subscriber::RawSubscriber;
