//! The original project's struct, as Rust declares it.

use crosspage::{Layout, Text};

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
pub struct SharedData {
    pub process_id: i32,
    pub message: Text<500>,
    pub data_ready: bool,
    pub counter: i32,
    pub temperature: f64,
    pub coordinates: [f32; 3],
    pub user_name: Text<50>,
    pub timestamp: i64,
    pub data_array: [i32; 10],
}

/// Where the programs named `foreign_...` meet those that know nothing of crosspage.
#[allow(dead_code, reason = "not every program has foreign segments")]
pub const SEGMENT: &str = if cfg!(windows) {
    r"win:Local\IPCSharedMemory"
} else {
    "posix:/IPCSharedMemory"
};
