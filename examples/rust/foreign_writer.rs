//! Writes the struct into a plain segment, for programs that know nothing of crosspage: C with shm_open or
//! OpenFileMapping, or Python's mmap and struct.unpack. The field `dataReady` says when the rest is there.
//!
//! ```sh
//! cargo run --example foreign_writer
//! ```

use crosspage::Text;
use crosspage::foreign::View;

mod shared_data;
use shared_data::{SEGMENT, SharedData};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut view = View::<SharedData>::create(SEGMENT, 1024)?;
    let data = SharedData {
        process_id: std::process::id() as i32,
        message: Text::new("Hello from Rust!")?,
        data_ready: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        user_name: Text::new("nobody")?,
        timestamp: 98765,
        data_array: std::array::from_fn(|i| 10 * (i as i32 + 1)),
    };
    view.write_with_ready(&data, "data_ready")?;
    println!(
        "counter 42 and 23.5 °C are in {SEGMENT} ({} bytes)",
        view.size()
    );
    println!("Press Enter to remove it and exit...");
    std::io::stdin().read_line(&mut String::new())?;
    drop(view);
    // On Windows it is gone with the last program that has it open.
    #[cfg(not(windows))]
    crosspage::remove(SEGMENT)?;
    Ok(())
}
