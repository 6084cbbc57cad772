// Types that cannot be shared, each with what to use instead.
use std::collections::HashMap;

#[derive(crosspage::Layout)]
#[repr(C)]
struct Everything {
    reference: &'static u32,
    text: &'static str,
    pointer: *const u8,
    function: fn(),
    size: usize,
    sizes: [isize; 4],
    letter: char,
    owned: String,
    list: Vec<f32>,
    boxed: Box<i32>,
    maybe: Option<u8>,
    pair: (u8, u8),
    nothing: (),
    wide: u128,
    map: HashMap<u8, u8>,
    count: std::sync::atomic::AtomicU32,
    nonzero: std::num::NonZeroU8,
    time: std::time::Duration,
    slice: [u8],
}

fn main() {}
