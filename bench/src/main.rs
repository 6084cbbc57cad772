//! crosspage against its rivals, on this machine.
//!
//! `bench latest` measures the newest-value rows of the table of targets: everything in one run, in
//! one pair of processes pinned to two CPUs, so that ratios between rows mean something.

mod latest;
mod measure;
mod method;
mod pair;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: bench latest [--quick] [--repetitions N] [--json FILE]

  --quick          fewer operations and repetitions: a smoke test, not a measurement
  --repetitions N  how often everything is measured; the table shows medians (default 9, at least 7)
  --json FILE      the same figures as one JSON document ('-': instead of the table)";

/// What the command line asks for.
pub struct Options {
    pub repetitions: usize,
    pub quick: bool,
    pub json: Option<PathBuf>,
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
    match latest::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options {
        repetitions: 0,
        quick: false,
        json: None,
    };
    let mut suite = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--quick" => options.quick = true,
            "--repetitions" => {
                let n = args.next().and_then(|n| n.parse().ok()).filter(|&n| n >= 1);
                options.repetitions = n.ok_or("--repetitions needs a number")?;
            }
            "--json" => options.json = Some(args.next().ok_or("--json needs a file")?.into()),
            "latest" if suite.is_none() => suite = Some(arg),
            _ => return Err(format!("unexpected {arg:?}")),
        }
    }
    if suite.is_none() {
        return Err("what to measure? there is: latest".to_owned());
    }
    if options.repetitions == 0 {
        options.repetitions = if options.quick { 3 } else { 9 };
    } else if options.repetitions < 7 && !options.quick {
        return Err("fewer than 7 repetitions are no measurement; add --quick".to_owned());
    }
    Ok(Some(options))
}
