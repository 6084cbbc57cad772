//! Writes a counter and a temperature ten times a second.
//!
//! ```sh
//! cargo run --example latest_writer
//! ```

use crosspage::latest::Writer;

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct Telemetry {
    counter: i32,
    #[layout(unit = "°C")]
    temperature: f64,
    state: crosspage::Text<16>,
}

fn main() -> crosspage::Result<()> {
    let mut writer = Writer::<Telemetry>::create("telemetry")?;
    for counter in 0.. {
        let state = crosspage::Text::new(if counter % 2 == 0 { "even" } else { "odd" })?;
        writer.write(&Telemetry {
            counter,
            temperature: 20.0 + f64::from(counter % 50) / 10.0,
            state,
        })?;
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(())
}
