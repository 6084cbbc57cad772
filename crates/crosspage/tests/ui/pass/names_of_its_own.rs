// Nothing in the derive's code gets in the way of the crate's own names.
#![allow(non_upper_case_globals, dead_code, non_camel_case_types)]

const COST: usize = 4;
const cost: usize = 5;
const fields: usize = 6;
const LAYOUT: usize = 7;

fn layout() {}

mod rust {
    #[derive(Clone, Copy, crosspage::Layout)]
    #[repr(C)]
    pub struct Arc {
        pub x: u8,
    }
}

mod core {}
mod std {}
struct Some;
struct None;
struct Vec;

#[derive(::std::clone::Clone, ::std::marker::Copy, ::crosspage::Layout)]
#[repr(C)]
struct Point {
    /// Documented.
    #[layout(unit = "m")]
    a: [u8; COST],
    b: [u8; cost],
    c: [u8; fields],
    d: [u8; LAYOUT],
    e: rust::Arc,
}

fn main() {
    assert_eq!(<Point as ::crosspage::Layout>::layout().size(), 23);
}
