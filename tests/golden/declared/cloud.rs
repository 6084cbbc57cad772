#[derive(Clone, Copy, Debug, PartialEq, Eq, crosspage::Layout)]
#[repr(u8)]
pub enum Kind {
    Inner = 0,
    Outer = 1,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
pub struct Corner {
    pub at: [f64; 2],
    pub kind: Kind,
    pub label: crosspage::Text<3>,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
#[layout(tail = "class")]
pub struct Cloud {
    pub count: u8,
}

/// With the tail `class` (`Corner[]`)
pub type CloudWithTail = (Cloud, [Corner]);
