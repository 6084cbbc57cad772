//! `crosspage diff`: two layouts side by side.

use crosspage::layout::{self, Match};

use crate::source::Source;
use crate::table::harmless;
use crate::{Outcome, Result};

/// Compare two layouts: exit code 0 where they agree, 1 where they differ, 2 for trouble
#[derive(clap::Args)]
#[command(after_help = "\
Case and `_` in names do not matter, nor do the names of types.

Examples:
  crosspage diff telemetry schema.toml#SharedData
  crosspage diff old.toml#SharedData new.toml#SharedData")]
pub struct Args {
    /// A segment or a layout source (PATH#TYPE)
    #[arg(value_name = "A")]
    a: Source,
    /// Another
    #[arg(value_name = "B")]
    b: Source,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let (a, learned_a) = args.a.layout()?;
    let (b, learned_b) = args.b.layout()?;
    let learned: String = [learned_a, learned_b]
        .iter()
        .flatten()
        .map(|how| format!("note: {}\n", harmless(how)))
        .collect();
    Ok(match layout::compare(&a, &b, Match::Exact) {
        Ok(notes) => {
            let notes: String = notes.iter().map(|note| format!("note: {note}\n")).collect();
            Outcome::Done(format!(
                "{} and {} agree: {} bytes, {} fields\n{notes}{learned}",
                args.a,
                args.b,
                a.size(),
                a.fields().len()
            ))
        }
        Err(differences) => {
            let (a, b) = (args.a.to_string(), args.b.to_string());
            Outcome::Different(layout::difference_table(&a, &b, &differences) + "\n" + &learned)
        }
    })
}
