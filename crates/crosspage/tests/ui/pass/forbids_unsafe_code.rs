// A crate without unsafe code of its own can share structs.
#![forbid(unsafe_code)]
#![deny(warnings)]

/// A point.
#[derive(Debug, Clone, Copy, crosspage::Layout)]
#[repr(C)]
pub struct Point {
    x: f64,
    kind: Kind,
}

/// Its kind.
#[derive(Debug, Clone, Copy, crosspage::Layout)]
#[repr(u8)]
pub enum Kind {
    /// One.
    A,
    /// Other.
    B,
}

fn main() {
    let _ = Point { x: 1.0, kind: Kind::A };
    let _ = Kind::B;
    assert_eq!(<Point as crosspage::Layout>::layout().size(), 16);
}
