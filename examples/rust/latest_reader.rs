//! Shows every value of the page `telemetry`, whoever writes it, in whatever language. Start it before
//! or after the writer.
//!
//! ```sh
//! cargo run --example latest_reader
//! ```

use crosspage::latest;

mod shared_data;
use shared_data::SharedData;

fn main() -> crosspage::Result<()> {
    let reader = latest::Reader::<SharedData>::open_wait("telemetry", None)?;
    let mut seen = 0;
    loop {
        let now = reader.wait_changed(seen, None)?;
        seen = now.version;
        let data = &now.value;
        println!(
            "version {seen} by process {}: counter {}, {} °C at {:?}, {:?} from {}",
            data.process_id,
            data.counter,
            data.temperature,
            data.coordinates,
            data.message,
            data.user_name
        );
    }
}
