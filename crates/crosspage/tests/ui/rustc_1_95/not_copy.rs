#[derive(crosspage::Layout)]
#[repr(C)]
struct Point {
    x: f64,
}

#[derive(crosspage::Layout)]
#[repr(u8)]
enum Mode {
    Idle,
}

fn main() {
    let _ = Mode::Idle;
}
