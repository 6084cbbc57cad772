//! crosspage against its rivals, on this machine.
//!
//! `bench latest` measures the newest-value rows of the table of targets, `bench topic` those of
//! messages: everything in one run, in one pair of processes pinned to two CPUs, so that ratios
//! between rows mean something.

mod latest;
mod measure;
mod method;
mod pair;
mod report;
mod topic;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: bench latest|topic [--quick] [--repetitions N] [--json FILE] [--only TEXT]

  --quick          fewer operations and repetitions: a smoke test, not a measurement
  --repetitions N  how often everything is measured; the table shows medians (default 9, at least 7)
  --json FILE      the same figures as one JSON document ('-': instead of the table)
  --only TEXT      of topic, only the rows with this in their names";

/// What the command line asks for.
pub struct Options {
    suite: fn(&Options) -> Result<(), Box<dyn std::error::Error>>,
    pub repetitions: usize,
    pub quick: bool,
    pub json: Option<PathBuf>,
    pub only: Option<String>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match (options.suite)(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        suite: latest::run,
        repetitions: 0,
        quick: false,
        json: None,
        only: None,
    };
    let mut named = false;
    let mut messages = false;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--quick" => options.quick = true,
            "--repetitions" => {
                let n = args.next().and_then(|n| n.parse().ok()).filter(|&n| n >= 1);
                options.repetitions = n.ok_or("--repetitions needs a number")?;
            }
            "--json" => options.json = Some(args.next().ok_or("--json needs a file")?.into()),
            "--only" => options.only = Some(args.next().ok_or("--only needs a text")?),
            "latest" | "topic" if !named => {
                named = true;
                messages = arg == "topic";
                if messages {
                    options.suite = topic::run;
                }
            }
            _ => return Err(format!("unexpected {arg:?}")),
        }
    }
    if !named {
        return Err("what to measure? there are: latest, topic".to_owned());
    }
    if options.only.is_some() && !messages {
        return Err("--only is for topic".to_owned());
    }
    if options.repetitions == 0 {
        options.repetitions = if options.quick { 3 } else { 9 };
    } else if options.repetitions < 7 && !options.quick {
        return Err("fewer than 7 repetitions are no measurement; add --quick".to_owned());
    }
    Ok(Some(options))
}
