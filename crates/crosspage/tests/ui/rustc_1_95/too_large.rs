#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct Huge {
    data: [u8; 300 << 20],
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct Deep {
    data: [[[[[[[[[[[[[[[[u8; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1]; 1],
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct Nothing {
    none: [u8; 0],
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct NoText {
    none: crosspage::Text<0>,
}

fn main() {}
