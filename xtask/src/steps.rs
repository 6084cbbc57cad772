//! A run of named steps: each announced and timed, all of them run, one summary at the end.

use std::time::{Duration, Instant};

use crate::Result;
use crate::tally::Tally;

/// How a step ended, where it did not fail.
pub enum Done {
    /// It ran.
    Ran,
    /// It ran, but not whole: what was left out, and why.
    Partly(String),
    /// It ran tests, which were counted.
    Tested(Tally),
}

/// One thing that `cargo xtask test` does.
pub struct Step {
    pub name: &'static str,
    pub about: &'static str,
    /// The option that asks for it; `None`: it always runs.
    pub option: Option<&'static str>,
    pub run: fn(long: bool) -> Result<Done>,
}

/// Runs all steps, whatever becomes of each, and fails if one did.
pub fn run(steps: &[&Step], long: bool) -> Result {
    let mut rows = Vec::new();
    for step in steps {
        println!("\n=== {}: {} ===", step.name, step.about);
        let start = Instant::now();
        let outcome = (step.run)(long);
        let took = start.elapsed();
        println!(
            "=== {}: {}, {} ===",
            step.name,
            described(&outcome),
            seconds(took)
        );
        rows.push((step.name, took, outcome));
    }

    println!("\n=== summary ===");
    for (name, took, outcome) in &rows {
        println!("{name:<15} {:>9}  {}", seconds(*took), described(outcome));
    }
    println!(
        "{:<15} {:>9}",
        "total",
        seconds(rows.iter().map(|row| row.1).sum())
    );

    for tally in rows.iter().filter_map(|row| tested(&row.2)) {
        println!("\n{}: {}", tally.what, counted(tally));
        for skipped in &tally.skipped {
            println!("  skipped: {skipped}");
        }
    }

    // With the reasons: of a long log, the end is what is kept.
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|(name, _, outcome)| Some(format!("{name} ({})", outcome.as_ref().err()?)))
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

fn described(outcome: &Result<Done>) -> String {
    match outcome {
        Ok(Done::Ran) => "ok".to_owned(),
        Ok(Done::Partly(why)) => format!("ok in part ({why})"),
        Ok(Done::Tested(tally)) => format!("ok ({})", counted(tally)),
        Err(why) => format!("FAILED ({why})"),
    }
}

fn tested(outcome: &Result<Done>) -> Option<&Tally> {
    match outcome {
        Ok(Done::Tested(tally)) => Some(tally),
        _ => None,
    }
}

fn counted(tally: &Tally) -> String {
    format!("{} passed, {} skipped", tally.passed, tally.skipped.len())
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
