//! Writes one struct for programs in any language: latest_reader in Rust, C, C++ and Python reads it, and
//! so does `crosspage show telemetry`.
//!
//! ```sh
//! cargo run --example latest_writer
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use crosspage::{Text, latest};

mod shared_data;
use shared_data::SharedData;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = latest::Writer::<SharedData>::create("telemetry")?;
    writer.write(&SharedData {
        process_id: std::process::id() as i32,
        message: Text::new("Hello from Rust Process!")?,
        data_ready: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        user_name: Text::truncate_from(&std::env::var("USER").unwrap_or_default()),
        timestamp: SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64,
        data_array: std::array::from_fn(|i| 10 * (i as i32 + 1)),
    })?;
    println!(
        "Written. Press Enter to count on, Ctrl-D to end: the value stays for whoever reads later."
    );
    while std::io::stdin().read_line(&mut String::new())? > 0 {
        let version = writer.update(|data| data.counter += 1)?;
        println!("version {version}");
    }
    Ok(())
}
