//! The golden record from Rust; see README.md beside this file.

use std::time::Duration;

use crosspage::foreign::View;
use crosspage::latest::{Reader, Writer};
use crosspage::{Layout, Text};

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
struct SharedData {
    process_id: i32,
    message: Text<500>,
    data_ready: bool,
    counter: i32,
    temperature: f64,
    coordinates: [f32; 3],
    user_name: Text<50>,
    timestamp: i64,
    data_array: [i32; 10],
}

fn golden() -> crosspage::Result<SharedData> {
    Ok(SharedData {
        process_id: 4242,
        message: Text::new("Grüße, 世界")?,
        data_ready: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        user_name: Text::new("Zoë")?,
        timestamp: 1_763_800_000_000,
        data_array: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [action, page] = &arguments[..] else {
        return Err("golden write|read|layout PAGE, golden hold|view SEGMENT".into());
    };
    match action.as_str() {
        "write" => {
            Writer::<SharedData>::create(page)?.write(&golden()?)?;
        }
        "read" => {
            let snapshot = Reader::<SharedData>::open(page)?
                .read()?
                .ok_or("nothing was written")?;
            if snapshot.value != golden()? {
                return Err(format!("not the golden record: {:?}", snapshot.value).into());
            }
            println!("golden ok");
        }
        "hold" => {
            let mut view = View::<SharedData>::create(page, 1024)?;
            view.write_with_ready(&golden()?, "data_ready")?;
            println!("golden held");
            std::io::stdin().read_line(&mut String::new())?;
            drop(view);
            // On Windows it went with the view.
            if !page.starts_with("win:") {
                crosspage::remove(page)?;
            }
        }
        "view" => {
            let patience = Duration::from_secs(10);
            let value = View::<SharedData>::open(page)?.read_ready("data_ready", patience)?;
            if value != golden()? {
                return Err(format!("not the golden record: {value:?}").into());
            }
            println!("golden ok");
        }
        "layout" => {
            let canonical = SharedData::layout().canonical();
            println!(
                "{}",
                canonical
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            );
        }
        other => {
            return Err(format!("{other}: there are write, read, hold, view and layout").into());
        }
    }
    Ok(())
}
