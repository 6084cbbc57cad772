//! `crosspage gc`: remove what nobody can use any more.

use std::io::{BufRead, Write};

use crosspage::{Locator, foreign, registry};

use crate::Result;
use crate::table;

/// Remove what nobody can use any more
#[derive(clap::Args)]
#[command(after_help = "\
Removed are pages of lifetime `while_used` without a living participant, and half-made pages whose \
maker died. Pages of lifetime `keep` stay: `crosspage rm` removes them.")]
pub struct Args {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Also System V segments that nobody has attached, after asking for each
    #[arg(long)]
    foreign: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let verb = if args.dry_run {
        "would remove"
    } else {
        "removed"
    };
    let pages = if args.dry_run {
        registry::garbage()?
    } else {
        registry::gc()?
    };
    let mut text: String = pages
        .iter()
        .map(|page| format!("{verb} {}: {}\n", page.name, page.reason))
        .collect();
    if args.foreign {
        for segment in foreign::list()?
            .iter()
            .filter(|segment| segment.attached == Some(0) && !segment.doomed)
        {
            // By id: by the time of the answer the key may name another segment.
            let Some(id) = segment.id else { continue };
            if !args.dry_run {
                if !asked(segment) {
                    continue;
                }
                crosspage::remove(&Locator::SysvId(id).to_string())?;
            }
            text += &format!("{verb} {}\n", segment.locator);
        }
    }
    Ok(text)
}

/// Asks on stderr and takes the answer from stdin, whose end is a no.
fn asked(segment: &foreign::Info) -> bool {
    eprint!(
        "remove {} (id {}, {}, of {}, mode {:04o}, nobody attached)? [y/N] ",
        segment.locator,
        segment.id.unwrap_or_default(),
        table::bytes(segment.size),
        segment.owner,
        segment.mode,
    );
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && !answer.ends_with('\n') {
        eprintln!();
    }
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
