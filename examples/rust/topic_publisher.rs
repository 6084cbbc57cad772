//! Publishes readings of a sensor: every subscriber, in any language, gets every one of them.
//!
//! ```sh
//! cargo run --example topic_publisher [TOPIC] [COUNT]
//! ```

use std::thread::sleep;
use std::time::Duration;

use crosspage::{Text, topic};

mod reading;
use reading::Reading;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let topic = args.next().unwrap_or_else(|| "readings".to_owned());
    let count = args.next().map_or(Ok(50), |count| count.parse())?;
    let mut publisher = topic::Publisher::<Reading>::attach(&topic)?;
    publisher.wait_subscribers(1, None)?;
    for counter in 1..=count {
        publisher.publish(&Reading {
            counter,
            temperature: 23.5,
            sensor: Text::new("kitchen")?,
        })?;
        sleep(Duration::from_millis(100));
    }
    // What it has published stays for who is attached.
    println!("published {count}");
    Ok(())
}
