//! What the programs named `topic_...` send each other, as Rust declares it.

use crosspage::{Layout, Text};

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
pub struct Reading {
    pub counter: u64,
    #[layout(unit = "°C")]
    pub temperature: f64,
    pub sensor: Text<16>,
}
