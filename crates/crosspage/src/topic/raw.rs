//! `topic` without types: bytes by a layout that is known at run time.
#![allow(unused_variables, missing_docs, clippy::missing_errors_doc, clippy::missing_safety_doc, clippy::todo)]

use std::time::Duration;

use super::options::{ArrayType, Kind, Options};
use crate::error::Result;
use crate::locator::Locator;
use crate::page::Participant;

/// What is known of a message beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// Counts up by one with each message of its publisher; the first is 1.
    pub sequence: u64,
    /// The process that published it, as numbered in its own PID namespace.
    pub publisher: u32,
    /// When it was published, in ns since 1970, where the page has `send_time`.
    pub sent_at: Option<u64>,
}

#[derive(Debug)]
pub struct RawPublisher(());
#[derive(Debug)]
pub struct RawSubscriber(());
/// Memory of the page to be filled and committed.
#[derive(Debug)]
pub struct RawLoan(());
/// A message: a copy, or held in the page until this is dropped.
#[derive(Debug)]
pub struct RawMessage(());

impl RawLoan {
    /// Where its bytes are; aligned to 64.
    pub fn as_mut_ptr(&mut self) -> *mut u8 { todo!() }
    pub fn len(&self) -> usize { todo!() }
    pub fn is_empty(&self) -> bool { todo!() }
}

impl RawPublisher {
    pub fn attach(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<RawPublisher> { todo!() }
    /// What messages are; `None` while nobody has said.
    pub fn kind(&self) -> Option<&Kind> { todo!() }
    pub fn declare(&mut self, kind: &Kind) -> Result<()> { todo!() }
    pub fn set_timeout(&mut self, timeout: Option<Duration>) { todo!() }
    pub fn timeout(&self) -> Option<Duration> { todo!() }
    pub unsafe fn publish(&mut self, value: *const u8) -> Result<u64> { todo!() }
    pub fn publish_bytes(&mut self, bytes: &[u8]) -> Result<u64> { todo!() }
    pub fn publish_array(&mut self, array: &ArrayType, bytes: &[u8]) -> Result<u64> { todo!() }
    pub unsafe fn publish_many(&mut self, values: *const u8, count: usize) -> Result<usize> { todo!() }
    pub fn loan(&mut self, len: usize) -> Result<RawLoan> { todo!() }
    pub fn loan_array(&mut self, array: &ArrayType) -> Result<RawLoan> { todo!() }
    pub fn commit(&mut self, loan: RawLoan) -> Result<u64> { todo!() }
    pub fn discard(&mut self, loan: RawLoan) { todo!() }
    pub fn subscribers(&self) -> usize { todo!() }
    pub fn wait_subscribers(&self, n: usize, timeout: Option<Duration>) -> Result<usize> { todo!() }
    pub fn locator(&self) -> &Locator { todo!() }
    pub fn participants(&self) -> Vec<Participant> { todo!() }
    pub fn close(&self) { todo!() }
}

impl RawSubscriber {
    pub fn attach(locator: &str, kind: Option<&Kind>, options: &Options) -> Result<RawSubscriber> { todo!() }
    /// What messages are, as this side has them; `None` while nobody has said.
    pub fn kind(&mut self) -> Result<Option<&Kind>> { todo!() }
    pub fn try_recv(&mut self) -> Result<Option<RawMessage>> { todo!() }
    pub fn recv(&mut self, timeout: Option<Duration>) -> Result<RawMessage> { todo!() }
    pub unsafe fn try_recv_into(&mut self, value: *mut u8) -> Result<Option<Meta>> { todo!() }
    pub unsafe fn recv_into(&mut self, value: *mut u8, timeout: Option<Duration>) -> Result<Meta> { todo!() }
    pub unsafe fn recv_many_into(&mut self, values: *mut u8, max: usize, timeout: Option<Duration>, each: &mut dyn FnMut(Meta)) -> Result<usize> { todo!() }
    /// Messages that were published while this was attached, and overwritten before it received them.
    pub fn lost(&self) -> u64 { todo!() }
    pub fn publishers(&self) -> usize { todo!() }
    pub fn wait_publishers(&self, n: usize, timeout: Option<Duration>) -> Result<usize> { todo!() }
    pub fn locator(&self) -> &Locator { todo!() }
    pub fn participants(&self) -> Vec<Participant> { todo!() }
    pub fn close(&self) { todo!() }
}

impl RawMessage {
    /// The message as this side lays it out (structs), or its bytes.
    pub fn bytes(&self) -> &[u8] { todo!() }
    pub fn array(&self) -> Option<&ArrayType> { todo!() }
    pub fn meta(&self) -> &Meta { todo!() }
    /// Whether the bytes lie in the page, and the publisher's memory is held.
    pub fn is_held(&self) -> bool { todo!() }
}
