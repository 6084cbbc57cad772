//! The project's own commands. `cargo xtask help` lists them.

use std::process::ExitCode;

mod bench;
mod cache;
mod canonical;
mod conformance;
mod cross;
mod debian;
mod demo;
mod examples;
mod install;
mod languages;
mod leftovers;
mod native;
mod player;
mod process;
mod python;
mod readme;
mod reasons;
mod steps;
mod tally;
mod targets;
mod test;
mod tools;
mod windows;
mod workspace;

const HELP: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  test            run every test there is on this platform
    --windows       also for Windows, on Linux: everything is built for it and run under Wine
    --aarch64       also the Rust tests for aarch64 Linux, emulated
    --tsan          also the Rust tests under ThreadSanitizer
    --asan          also the hostile tests under AddressSanitizer
    --macos-check   also a check that macOS on aarch64 compiles
    --long          also what takes minutes: kill campaigns, a kill after every instruction, fuzzing
    --all           all of these
    --only STEP     only this step (may be given more than once), optional or not
    --list          name the steps and stop
  demo            build everything, then let a C++ program and a Python program share one struct
    --windows       the same on Windows (under Wine), with a C++ program that knows nothing of crosspage
  bench [NAME]    run the benchmarks in release; NAME is one of them: `latest`, `topic`, `python`
  help            print this

Missing tools (compilers, Python packages) are installed where that is possible: Python packages
into a virtual environment under target/, Debian packages when run as root. Otherwise the command
that installs them is printed. What other platforms need is made once and kept in the user's cache
directory (XDG_CACHE_HOME).
";

/// What failed, in words for people.
type Result<T = ()> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n\n{HELP}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Usage(String),
    Failed(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Failed(message)
    }
}

fn run(args: &[String]) -> std::result::Result<(), Failure> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] | ["help" | "-h" | "--help", ..] => {
            print!("{HELP}");
            Ok(())
        }
        ["test", options @ ..] => {
            let options = test::Options::parse(options).map_err(Failure::Usage)?;
            Ok(test::run(&options)?)
        }
        ["demo"] => Ok(demo::run()?),
        ["demo", "--windows"] => Ok(windows::demo(false).map(drop)?),
        ["bench", rest @ ..] => Ok(bench::run(rest)?),
        ["demo", extra, ..] => Err(Failure::Usage(format!(
            "`demo` takes no argument but --windows, and there is {extra:?}"
        ))),
        [other, ..] => Err(Failure::Usage(format!("there is no command {other:?}"))),
    }
}
