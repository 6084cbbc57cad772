//! `crosspage ls`: the segments there are.

use std::time::Duration;

use crosspage::page::Participant;
use crosspage::registry::{self, PageInfo};
use crosspage::{foreign, layout};
use serde_json::Value;

use crate::segment::foreign_name;
use crate::table::{self, Align, harmless};
use crate::{Result, json};

/// List pages
#[derive(clap::Args)]
pub struct Args {
    /// Also foreign segments: System V and POSIX shared memory
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<String> {
    let mut rows: Vec<Row> = registry::list()?.iter().map(Row::page).collect();
    if args.all {
        rows.extend(foreign::list()?.iter().map(Row::foreign));
    }
    Ok(if args.json { json::document(&rows.iter().map(Row::json).collect()) } else { text(&rows) })
}
