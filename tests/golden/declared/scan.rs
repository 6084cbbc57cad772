#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
#[layout(tail = "points")]
pub struct Scan {
    #[layout(unit = "ns")]
    pub stamp: u64,
    pub frame: crosspage::Text<4>,
}

/// With the tail `points` (`f32[][3]`, in m, in the frame)
pub type ScanWithTail = (Scan, [[f32; 3]]);
