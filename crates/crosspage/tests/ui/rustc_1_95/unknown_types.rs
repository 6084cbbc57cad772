// What the derive cannot see by the name alone, the trait refuses.
type Size = usize;

#[derive(Clone, Copy)]
#[repr(C)]
struct NoLayout {
    x: u8,
}

#[derive(Clone, Copy)]
enum NoRepr {
    A,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct S {
    size: Size,
    inner: NoLayout,
    kind: NoRepr,
}

fn main() {
    let _ = NoRepr::A;
}
