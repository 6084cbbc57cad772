mod shared {
    pub extern crate crosspage as pages;
}

#[derive(Clone, Copy, shared::pages::Layout)]
#[repr(C)]
#[layout(crate = "shared::pages")]
struct Point {
    x: f64,
}

fn main() {
    let _ = Point { x: 1.0 }.x;
}
