//! `crosspage completions` and `crosspage man`: made from the same description as `--help`.

use clap::CommandFactory;
use clap_complete::Shell;
use crosspage::{Error, ErrorKind};

use crate::{Cli, Result};

/// Print completions for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  crosspage completions bash > ~/.local/share/bash-completion/completions/crosspage
  crosspage completions fish > ~/.config/fish/completions/crosspage.fish")]
pub struct Completions {
    shell: Shell,
}

/// Print a man page: of the program, or of a command
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  crosspage man | man -l -
  crosspage man show > crosspage-show.1")]
pub struct Man {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub fn completions(args: &Completions) -> Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "crosspage", &mut script);
    Ok(String::from_utf8_lossy(&script).into_owned())
}

pub fn man(args: &Man) -> Result<String> {
    let mut program = Cli::command();
    // Gives the commands their full names.
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("there is no command {name:?}"))
                .with_hint("crosspage --help lists them")
        })?,
    };
    let title = command
        .get_bin_name()
        .unwrap_or("crosspage")
        .replace(' ', "-");
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .title(title.to_uppercase())
        .render(&mut page)
        .map_err(|error| Error::os("cannot make the man page", &error))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
