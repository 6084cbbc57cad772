#[derive(Clone, Copy)]
#[repr(C)]
struct Point {
    x: f64,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(u8)]
enum Mode {
    Idle,
}

fn layout_of<T: crosspage::Layout>() {
    T::layout();
}

fn main() {
    layout_of::<Point>();
    layout_of::<Mode>();
    let _ = Mode::Idle;
}
