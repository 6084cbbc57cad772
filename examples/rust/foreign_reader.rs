//! Reads the segment of a program that knows nothing of crosspage: the original project's writer,
//! which fills a struct in 1,024 bytes of shared memory and then sets `dataReady`.
//!
//! ```sh
//! cargo run --example foreign_reader
//! ```

use std::time::Duration;

use crosspage::foreign::View;

mod shared_data;
use shared_data::{SEGMENT, SharedData};

fn main() -> crosspage::Result<()> {
    let view = View::<SharedData>::options()
        .read_only(true)
        .timeout(Duration::from_secs(10)) // the writer may start after us
        .open(SEGMENT)?;
    let data = view.read_ready("data_ready", Duration::from_secs(10))?;
    println!(
        "counter {}, {} °C: {}",
        data.counter, data.temperature, data.message
    );
    Ok(())
}
