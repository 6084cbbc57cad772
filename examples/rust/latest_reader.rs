//! Shows every value of the page `telemetry`, whoever writes it, in whatever language. Start it before
//! or after the writer.
//!
//! ```sh
//! cargo run --example latest_reader
//! ```

use crosspage::latest::Reader;

#[derive(Clone, Copy, crosspage::Layout)]
#[repr(C)]
struct Telemetry {
    counter: i32,
    #[layout(unit = "°C")]
    temperature: f64,
    state: crosspage::Text<16>,
}

fn main() -> crosspage::Result<()> {
    let reader = Reader::<Telemetry>::open_wait("telemetry", None)?;
    let mut version = 0;
    loop {
        let now = reader.wait_changed(version, None)?;
        version = now.version;
        let Telemetry {
            counter,
            temperature,
            state,
        } = now.value;
        println!("{version}: counter {counter}, {temperature} °C, {state}");
    }
}
