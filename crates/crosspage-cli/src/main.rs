//! `crosspage`: look at, read and clean up shared memory.
//!
//! One file per command. A command builds its whole output before any of it is printed, so that
//! stdout stays empty when it fails; `echo`, whose output has no end, prints line by line. Exit codes are decided here: 0 ok, 1 failed, 2 usage (`diff`: 0
//! same, 1 different, 2 trouble).
#![forbid(unsafe_code)]

mod declare;
mod diff;
mod echo;
mod gc;
mod generate;
mod get;
mod hex;
mod json;
mod layout;
mod ls;
mod publish;
mod rm;
mod segment;
mod set;
mod show;
mod source;
mod table;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use crosspage::Result;

/// Look at, read and clean up shared memory that Rust, C, C++ and Python programs share.
#[derive(Parser)]
#[command(
    name = "crosspage",
    // Without the .exe of Windows.
    bin_name = "crosspage",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(after_help = "\
A segment is named by its locator: `telemetry` (a page), `file:PATH` (a page in a file), and foreign
segments: `posix:/NAME`, `sysv:KEY`, `sysv:id=ID`, on Windows `win:Local\\NAME`, `win:Global\\NAME`.
CROSSPAGE_NAMESPACE puts plain names into a namespace of their own.

Exit codes: 0 ok, 1 failed (stderr says why), 2 wrong usage.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Ls(ls::Args),
    Show(show::Args),
    Get(get::Args),
    Set(set::Args),
    Pub(publish::Args),
    #[command(visible_alias = "sub")]
    Echo(echo::Args),
    Hex(hex::Args),
    Layout(layout::Args),
    Diff(diff::Args),
    Rm(rm::Args),
    Gc(gc::Args),
    Completions(generate::Completions),
    Man(generate::Man),
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let trouble = match command {
        Command::Diff(_) => 2,
        _ => 1,
    };
    let result = match command {
        Command::Ls(args) => ls::run(&args).map(Outcome::Done),
        Command::Show(args) => show::run(&args).map(Outcome::Done),
        Command::Get(args) => get::run(&args).map(Outcome::Done),
        Command::Set(args) => set::run(&args).map(Outcome::Done),
        Command::Pub(args) => publish::run(&args).map(Outcome::Done),
        Command::Echo(args) => echo::run(&args).map(Outcome::Done),
        Command::Hex(args) => hex::run(&args).map(Outcome::Done),
        Command::Layout(args) => layout::run(&args).map(Outcome::Done),
        Command::Diff(args) => diff::run(&args),
        Command::Rm(args) => rm::run(&args).map(Outcome::Done),
        Command::Gc(args) => gc::run(&args).map(Outcome::Done),
        Command::Completions(args) => generate::completions(&args).map(Outcome::Done),
        Command::Man(args) => generate::man(&args).map(Outcome::Done),
    };
    let printed = result.and_then(|outcome| match outcome {
        Outcome::Done(output) => print(&output).map(|()| ExitCode::SUCCESS),
        Outcome::Different(output) => print(&output).map(|()| ExitCode::FAILURE),
    });
    printed.unwrap_or_else(|error| {
        report(&error);
        ExitCode::from(trouble)
    })
}

/// What a command that did not fail has to say.
enum Outcome {
    Done(String),
    /// The layouts differ: exit code 1.
    Different(String),
}

/// A closed pipe is no error: whoever closed it has seen enough.
fn print(output: &str) -> Result<()> {
    print_on(output).map(|_| ())
}

/// The same, for who prints more: false when nobody reads it any longer.
fn print_on(output: &str) -> Result<bool> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(output.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(crosspage::Error::os("cannot write to stdout", &e)),
    }
}

fn report(error: &crosspage::Error) {
    let coloured = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let label = |word: &str, colour: u8| {
        if coloured {
            format!("\x1b[1;{colour}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    };
    let mut text = format!("{} {}\n", label("error:", 31), error.message());
    if let Some(hint) = error.hint() {
        text += &format!("{} {hint}\n", label("hint:", 36));
    }
    // Nobody is left to tell when stderr is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
