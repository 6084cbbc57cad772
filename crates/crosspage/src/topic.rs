//! Every message to every subscriber, in order per publisher.
//!
//! Any number of publishers and subscribers, started in any order. Messages are structs, bytes of any
//! length, or arrays. In [`Policy::Overwrite`] a publisher never waits, and a slow subscriber learns
//! exactly how many messages it lost; in [`Policy::Block`] it waits for the slowest living subscriber.
//! What a publisher has published outlives it.

mod options;
mod raw;

pub use options::{ArrayType, Kind, Options, Policy};
pub use raw::{Meta, RawLoan, RawMessage, RawPublisher, RawSubscriber};
