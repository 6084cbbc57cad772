#[derive(crosspage::Layout)]
struct Point {
    x: f64,
    size: usize,
}

fn main() {}
