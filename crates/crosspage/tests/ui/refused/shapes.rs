#[derive(crosspage::Layout)]
#[repr(C)]
struct Tuple(u8, u8);

#[derive(crosspage::Layout)]
#[repr(C)]
struct Unit;

#[derive(crosspage::Layout)]
#[repr(C)]
struct Empty {}

#[derive(crosspage::Layout)]
#[repr(C)]
struct Generic<T> {
    x: T,
}

#[derive(crosspage::Layout)]
#[repr(C)]
struct Borrowed<'a> {
    x: &'a u8,
}

#[derive(crosspage::Layout)]
#[repr(C)]
union Union {
    a: u8,
    b: i8,
}

fn main() {}
