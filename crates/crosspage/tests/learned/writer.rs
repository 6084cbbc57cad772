//! Compiled by itself, as a program is that has its own `Text`.
#![crate_type = "lib"]

use std::sync::atomic::{AtomicBool, AtomicU32};

pub mod text {
    #[repr(transparent)]
    pub struct Text<const N: usize>(pub [u8; N]);
}

#[repr(u8)]
pub enum Mode {
    Idle,
    Driving = 4,
}

#[repr(C)]
pub struct Inner {
    pub a: u8,
    pub b: f64,
}

#[repr(C)]
pub struct FromRust {
    pub inner: [Inner; 2],
    pub mode: Mode,
    pub count: AtomicU32,
    pub on: AtomicBool,
    pub label: text::Text<20>,
    pub grid: [[i16; 2]; 3],
    pub nothing: std::marker::PhantomData<u8>,
}

pub struct HasString {
    pub text: String,
}

pub struct HasOption {
    pub option: Option<u32>,
}

#[unsafe(no_mangle)]
pub fn uses(a: FromRust, b: HasString, c: HasOption) -> usize {
    a.mode as usize + b.text.len() + c.option.map_or(0, |n| n as usize)
}
