#[derive(crosspage::Layout)]
#[repr(C)]
struct Ambiguous {
    data_ready: bool,
    dataReady: bool,
    a: u8,
    #[layout(rename = "a")]
    b: u8,
    #[layout(rename = "not a name")]
    c: u8,
    #[layout(units = "ms")]
    d: u8,
    #[layout(unit = "")]
    e: u8,
    #[layout(unit = "s", unit = "ms")]
    f: u8,
    #[layout(unit)]
    g: u8,
    #[layout(name = "h")]
    h: u8,
}

#[derive(crosspage::Layout)]
#[repr(C)]
#[layout(rename = "B")]
struct A {
    x: u8,
}

#[derive(crosspage::Layout)]
#[repr(C)]
#[layout(tail = "Points")]
struct Tail {
    points: u8,
}

#[derive(crosspage::Layout)]
#[repr(C)]
#[layout(tail = "no name")]
struct NoName {
    x: u8,
}

fn main() {}
