#[derive(Clone, Copy, Debug, PartialEq, Eq, crosspage::Layout)]
#[repr(u8)]
pub enum Mode {
    Idle = 0,
    Driving = 2,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
pub struct Joint {
    #[layout(unit = "rad")]
    pub angle: f32,
    pub torque: f64,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C, packed(1))]
pub struct Tool {
    pub id: u8,
    pub weight: f64,
}

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
pub struct Robot {
    /// says "who"
    pub process_id: i32,
    #[layout(unit = "°C")]
    pub temperature: f64,
    pub ready: bool,
    pub big: u64,
    #[layout(unit = "x")]
    pub label: crosspage::Text<8>,
    pub names: [crosspage::Text<4>; 3],
    /// of the base
    #[layout(unit = "m")]
    pub position: [f32; 3],
    pub grid: [[i16; 3]; 2],
    pub cube: [[[u8; 4]; 3]; 2],
    pub mode: Mode,
    /// of both
    pub modes: [Mode; 2],
    pub class: u16,
    pub arm: [Joint; 2],
    /// in hand
    pub tool: Tool,
}
