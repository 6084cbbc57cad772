//! Shows the readings that are published, by whatever program, in whatever language. Start it before or
//! after the publisher.
//!
//! ```sh
//! cargo run --example topic_subscriber [TOPIC] [COUNT]
//! ```

use std::time::Duration;

use crosspage::topic;

mod reading;
use reading::Reading;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let topic = args.next().unwrap_or_else(|| "readings".to_owned());
    let count = args.next().map_or(Ok(50), |count| count.parse::<u64>())?;
    let mut subscriber = topic::Subscriber::<Reading>::attach(&topic)?;
    println!("waiting for a publisher of {topic}");
    let mut received = 0;
    while received < count {
        let message = match subscriber.recv(Duration::from_secs(1)) {
            Ok(message) => message,
            // There was a publisher, and it has ended.
            Err(error) if error.is_timed_out() && received > 0 && subscriber.publishers() == 0 => {
                break;
            }
            Err(error) if error.is_timed_out() => continue,
            Err(error) => return Err(error.into()),
        };
        let reading = &message.value;
        println!(
            "{} {} {} °C",
            reading.counter, reading.sensor, reading.temperature
        );
        received += 1;
    }
    println!("lost {}", subscriber.lost());
    Ok(())
}
