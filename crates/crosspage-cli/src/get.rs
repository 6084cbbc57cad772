//! `crosspage get`: one value, bare.

use std::io::IsTerminal;

use crosspage::{Error, ErrorKind};

use crate::Result;
use crate::segment;
use crate::table::harmless;

/// Print one value, bare
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    segment: segment::Target,
    /// The field, by name or path: temperature, arm.joints[2]
    #[arg(value_name = "FIELD")]
    field: String,
}

pub fn run(args: &Args) -> Result<String> {
    let look = args.segment.look(true)?;
    // An unknown field is the mistake to tell of, even where there is no value yet.
    look.value_layout()?.resolve(&args.field)?;
    let Some(record) = look.value else {
        return Err(Error::new(
            ErrorKind::NoValue,
            format!("page \"{}\" has no value yet", look.locator),
        )
        .with_hint("its writer has written nothing; --timeout S waits for the first value"));
    };
    let value = record.get(&args.field)?.to_string();
    // Bare means bare, but a peer's text must not steer the terminal of who looks at it.
    if std::io::stdout().is_terminal() {
        return Ok(value.lines().map(|line| harmless(line) + "\n").collect());
    }
    Ok(value + "\n")
}
