//! The table, the targets, and the same as JSON.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value, json};

use crate::Options;
use crate::measure::{self, BATCH, Figures, Single, median};

/// A cache line under this many ns half a round trip: the CPUs are near each other.
pub const NEAR_NS: f64 = 130.0;

/// One repetition: every row's figures, in the same order each time.
pub struct Repetition {
    pub rows: Vec<Measured>,
    /// Parts of a whole that belong to the repetition; the suite knows what they are.
    pub shares: Vec<(&'static str, f64)>,
}

/// A row's figures in one repetition, and how far from each other the CPUs were meanwhile.
pub struct Measured {
    pub name: &'static str,
    pub figures: Figures,
    pub line_ns: f64,
}

/// A promise about a row, in its own repetitions' figures.
pub struct Target {
    pub what: &'static str,
    pub measured: f64,
    pub limit: f64,
    pub formula: &'static str,
}

/// What a suite says beside its figures.
pub struct Suite {
    pub name: &'static str,
    pub heading: &'static str,
    /// What the shares are called in JSON.
    pub shares: &'static str,
    /// The share that stands for several repetitions.
    pub share_of: fn(&[f64]) -> f64,
    pub targets: fn(&Summary) -> Vec<Target>,
    /// What people should know of the shares.
    pub notes: fn(&[(&'static str, f64)]) -> String,
}

/// Medians over the repetitions of one placement of the CPUs.
pub struct Summary {
    pub placement: &'static str,
    pub line_ns: f64,
    rows: Vec<Row>,
    shares: Vec<(&'static str, f64)>,
}

struct Row {
    name: &'static str,
    /// How often it was measured with the CPUs placed so.
    repetitions: usize,
    median: Figures,
    /// The least and the greatest of the repetitions, of what `main_figure` gives.
    range: (f64, f64),
}

/// Prints the table, or writes the JSON, as the options ask for.
pub fn report(
    suite: &Suite,
    repetitions: &[Repetition],
    options: &Options,
) -> Result<(), Box<dyn Error>> {
    let overhead = measure::clock_overhead();
    let summaries: Vec<(Summary, Vec<Target>)> = Summary::of(suite, repetitions)
        .into_iter()
        .map(|summary| {
            let targets = (suite.targets)(&summary);
            (summary, targets)
        })
        .collect();
    let to_stdout = options
        .json
        .as_deref()
        .is_some_and(|path| path.as_os_str() == "-");
    if !to_stdout {
        println!("{}: {}, {}", suite.name, suite.heading, machine());
        println!(
            "two processes on two CPUs; in batch: median of means over a batch of operations;"
        );
        println!(
            "single: one operation and the clock around it, whose own cost of {overhead:.0} ns is included\n"
        );
        for (summary, targets) in &summaries {
            println!("{}", summary.table(suite, targets));
            if summary.repetitions() < 7 {
                println!("note: rows of fewer than 7 repetitions are no measurement\n");
            }
        }
    }
    if let Some(path) = &options.json {
        let placements: Vec<_> = summaries
            .iter()
            .map(|(summary, targets)| summary.json(suite, targets))
            .collect();
        let document = json!({
            "format": 1,
            "suite": suite.name,
            "machine": machine(),
            "quick": options.quick,
            "batch": BATCH,
            "clock_overhead_ns": overhead,
            "placements": placements,
        });
        let text = serde_json::to_string_pretty(&document)?;
        if to_stdout {
            println!("{text}");
        } else {
            fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    Ok(())
}

/// The processor and the kernel, for whoever reads the figures later.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches(['\t', ':', ' ']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, Linux {}",
        model.unwrap_or("unknown processor"),
        kernel.trim()
    )
}

fn main_figure(figures: &Figures) -> f64 {
    let single = figures.single.map_or(f64::NAN, |single| single.p50);
    figures.batch.unwrap_or(single)
}

impl Row {
    fn of(name: &'static str, all: &[Figures]) -> Option<Row> {
        let first = all.first()?;
        let batch = first
            .batch
            .map(|_| median(all.iter().filter_map(|figures| figures.batch)));
        let single = first.single.map(|_| {
            let median_of = |of: fn(Single) -> f64| {
                median(all.iter().filter_map(|figures| figures.single.map(of)))
            };
            Single {
                p50: median_of(|single| single.p50),
                p99: median_of(|single| single.p99),
            }
        });
        let main = all.iter().map(main_figure);
        Some(Row {
            name,
            repetitions: all.len(),
            median: Figures { batch, single },
            range: (
                main.clone().fold(f64::INFINITY, f64::min),
                main.fold(0.0, f64::max),
            ),
        })
    }
}

impl Summary {
    /// One summary for each placement that was seen.
    fn of(suite: &Suite, repetitions: &[Repetition]) -> Vec<Summary> {
        let names = repetitions.first().into_iter().flat_map(|all| &all.rows);
        let names: Vec<&'static str> = names.map(|row| row.name).collect();
        let mut summaries = Vec::new();
        for placement in ["near", "far"] {
            let seen = |row: &&Measured| (row.line_ns < NEAR_NS) == (placement == "near");
            let row = |(i, name): (usize, &&'static str)| {
                let all = repetitions.iter().map(|repetition| &repetition.rows[i]);
                Row::of(
                    name,
                    &all.filter(seen).map(|row| row.figures).collect::<Vec<_>>(),
                )
            };
            let rows: Vec<Row> = names.iter().enumerate().filter_map(row).collect();
            if rows.is_empty() {
                continue;
            }
            let all = repetitions.iter().flat_map(|repetition| &repetition.rows);
            // The shares are not told apart by the placement of the CPUs.
            let shares = repetitions.first().into_iter().flat_map(|all| &all.shares);
            let share = |(i, (name, _)): (usize, &(&'static str, f64))| {
                let all: Vec<f64> = repetitions.iter().map(|all| all.shares[i].1).collect();
                (*name, (suite.share_of)(&all))
            };
            summaries.push(Summary {
                placement,
                line_ns: median(all.filter(seen).map(|row| row.line_ns)),
                rows,
                shares: shares.enumerate().map(share).collect(),
            });
        }
        summaries
    }

    /// Of the row that was measured least often.
    fn repetitions(&self) -> usize {
        self.rows
            .iter()
            .map(|row| row.repetitions)
            .min()
            .unwrap_or(0)
    }

    /// The medians of a row.
    pub fn row(&self, name: &str) -> Option<Figures> {
        self.rows
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.median)
    }

    /// The batch median of a row, or where there is none, the single one.
    pub fn ns(&self, name: &str) -> Option<f64> {
        self.row(name).as_ref().map(main_figure)
    }

    /// The table and the targets, for people.
    fn table(&self, suite: &Suite, targets: &[Target]) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "CPUs {}: one cache line {:.0} ns half a round trip; medians of n repetitions\n",
            self.placement, self.line_ns
        );
        let _ = writeln!(
            out,
            "{:<46} {:>2} {:>9} {:>17} {:>10} {:>9}",
            "ns an operation", "n", "in batch", "(least–greatest)", "single p50", "p99"
        );
        let or_dash = |ns: Option<f64>| ns.map_or_else(|| "–".to_owned(), number);
        for row in &self.rows {
            let range = format!("({}–{})", number(row.range.0), number(row.range.1));
            let _ = writeln!(
                out,
                "{:<46} {:>2} {:>9} {:>17} {:>10} {:>9}",
                row.name,
                row.repetitions,
                or_dash(row.median.batch),
                range,
                or_dash(row.median.single.map(|single| single.p50)),
                or_dash(row.median.single.map(|single| single.p99))
            );
        }
        let _ = write!(out, "\n{}", (suite.notes)(&self.shares));
        if !targets.is_empty() {
            let _ = writeln!(out, "\n{:<46} {:>9} {:>9}", "target", "measured", "limit");
        }
        for target in targets {
            let verdict = if target.holds() { "holds" } else { "MISSED" };
            let _ = writeln!(
                out,
                "{:<46} {:>9} {:>9}  {verdict:<6}  {}",
                target.what,
                number(target.measured),
                number(target.limit),
                target.formula
            );
        }
        out
    }

    /// The same for programs.
    fn json(&self, suite: &Suite, targets: &[Target]) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "repetitions": row.repetitions,
                    "batch_ns": row.median.batch,
                    "p50_ns": row.median.single.map(|single| single.p50),
                    "p99_ns": row.median.single.map(|single| single.p99),
                    "least_ns": row.range.0,
                    "greatest_ns": row.range.1,
                })
            })
            .collect();
        let targets: Vec<Value> = targets
            .iter()
            .map(|target| {
                json!({
                    "what": target.what,
                    "measured_ns": target.measured,
                    "limit_ns": target.limit,
                    "formula": target.formula,
                    "holds": target.holds(),
                })
            })
            .collect();
        let shares: Map<String, Value> = self
            .shares
            .iter()
            .map(|(name, share)| ((*name).to_owned(), json!(share)))
            .collect();
        let mut summary = json!({
            "placement": self.placement,
            "line_ns": self.line_ns,
            "repetitions": self.repetitions(),
            "rows": rows,
            "targets": targets,
        });
        summary[suite.shares] = Value::Object(shares);
        summary
    }
}

impl Target {
    fn holds(&self) -> bool {
        self.measured <= self.limit
    }
}

fn number(ns: f64) -> String {
    if ns < 1000.0 {
        format!("{ns:.1}")
    } else {
        format!("{:.2}k", ns / 1000.0)
    }
}
