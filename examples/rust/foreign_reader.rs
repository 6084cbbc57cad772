//! Reads the segment of a program that knows nothing of crosspage: the original project's writer,
//! which fills a struct in 1,024 bytes of POSIX shared memory and then sets `dataReady`.
//!
//! ```sh
//! cargo run --example foreign_reader -- posix:/IPCSharedMemory
//! ```

use std::time::Duration;

use crosspage::Text;
use crosspage::foreign::View;

/// The C++ struct, in its order. Names may be spelled as Rust likes them.
#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct SharedData {
    process_id: i32,
    message: Text<500>,
    data_ready: bool,
    counter: i32,
    #[layout(unit = "°C")]
    temperature: f64,
    coordinates: [f32; 3],
    user_name: Text<50>,
    #[layout(unit = "ms")]
    timestamp: i64,
    data_array: [i32; 10],
}

fn main() -> crosspage::Result<()> {
    let locator = std::env::args().nth(1);
    let locator = locator.as_deref().unwrap_or("posix:/IPCSharedMemory");
    let view = View::<SharedData>::options()
        .read_only(true)
        .timeout(Duration::from_secs(10)) // the writer may start after us
        .open(locator)?;
    let data = view.read_ready("data_ready", Duration::from_secs(10))?;
    println!("{} (pid {}):", data.user_name, data.process_id);
    println!("{}", data.message);
    println!(
        "counter {}, {} °C at {} ms, {:?}, {:?}",
        data.counter, data.temperature, data.timestamp, data.coordinates, data.data_array
    );
    Ok(())
}
