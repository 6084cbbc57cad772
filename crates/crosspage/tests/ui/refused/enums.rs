#[derive(crosspage::Layout)]
enum NoRepr {
    A,
}

#[derive(crosspage::Layout)]
#[repr(C)]
enum ReprC {
    A,
}

#[derive(crosspage::Layout)]
#[repr(usize)]
enum Usize {
    A,
}

#[derive(crosspage::Layout)]
#[repr(u8)]
enum WithData {
    A(u8),
}

#[derive(crosspage::Layout)]
#[repr(u8)]
enum Twice {
    A,
    #[layout(rename = "A")]
    B,
}

#[derive(crosspage::Layout)]
enum Empty {}

fn main() {}
