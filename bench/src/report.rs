//! The table, the targets, and the same as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::{Figures, median};

/// A cache line under this many ns half a round trip: the CPUs are near each other.
pub const NEAR_NS: f64 = 130.0;

/// One repetition: where the CPUs were, and every row's figures.
pub struct Repetition {
    pub line_ns: f64,
    pub rows: Vec<(&'static str, Figures)>,
    /// By method, the share of the time during which the writer that was to write flat out did so:
    /// where it is small, the machine was busy with something else. Other batches do not count.
    pub flat_out: Vec<(&'static str, f64)>,
}

/// A promise about a row, in its own repetitions' figures.
pub struct Target {
    pub what: &'static str,
    pub measured: f64,
    pub limit: f64,
    pub formula: &'static str,
}

/// Medians over the repetitions of one placement of the CPUs.
pub struct Summary {
    pub placement: &'static str,
    pub line_ns: f64,
    pub repetitions: usize,
    rows: Vec<Row>,
    /// The least over the repetitions.
    flat_out: Vec<(&'static str, f64)>,
}

struct Row {
    name: &'static str,
    median: Figures,
    /// The least and the greatest of the repetitions, of what `main` gives.
    range: (f64, f64),
}

fn main_figure(figures: &Figures) -> f64 {
    figures.batch.unwrap_or(figures.p50)
}

impl Summary {
    /// One summary for each placement that was seen.
    pub fn of(repetitions: &[Repetition]) -> Vec<Summary> {
        let (near, far): (Vec<_>, Vec<_>) = repetitions
            .iter()
            .partition(|repetition| repetition.line_ns < NEAR_NS);
        let mut summaries = Vec::new();
        for (placement, seen) in [("near", near), ("far", far)] {
            let Some(first) = seen.first() else { continue };
            let row = |(i, (name, _)): (usize, &(&'static str, Figures))| {
                let all: Vec<Figures> =
                    seen.iter().map(|repetition| repetition.rows[i].1).collect();
                let median_of = |of: fn(&Figures) -> f64| median(all.iter().map(of));
                let batch = all[0]
                    .batch
                    .map(|_| median(all.iter().filter_map(|figures| figures.batch)));
                let main = all.iter().map(main_figure);
                Row {
                    name,
                    median: Figures {
                        batch,
                        p50: median_of(|f| f.p50),
                        p99: median_of(|f| f.p99),
                    },
                    range: (
                        main.clone().fold(f64::INFINITY, f64::min),
                        main.fold(0.0, f64::max),
                    ),
                }
            };
            summaries.push(Summary {
                placement,
                line_ns: median(seen.iter().map(|repetition| repetition.line_ns)),
                repetitions: seen.len(),
                rows: first.rows.iter().enumerate().map(row).collect(),
                flat_out: first
                    .flat_out
                    .iter()
                    .enumerate()
                    .map(|(i, (method, _))| {
                        (
                            *method,
                            seen.iter()
                                .map(|repetition| repetition.flat_out[i].1)
                                .fold(f64::INFINITY, f64::min),
                        )
                    })
                    .collect(),
            });
        }
        summaries
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
    pub fn table(&self, targets: &[Target]) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "CPUs {}: one cache line {:.0} ns half a round trip; medians of {} repetitions\n",
            self.placement, self.line_ns, self.repetitions
        );
        let _ = writeln!(
            out,
            "{:<46} {:>9} {:>17} {:>9} {:>9}",
            "ns an operation", "in batch", "(least–greatest)", "single p50", "p99"
        );
        for row in &self.rows {
            let batch = row.median.batch.map_or_else(|| "–".to_owned(), number);
            let range = format!("({}–{})", number(row.range.0), number(row.range.1));
            let _ = writeln!(
                out,
                "{:<46} {:>9} {:>17} {:>9} {:>9}",
                row.name,
                batch,
                range,
                number(row.median.p50),
                number(row.median.p99)
            );
        }
        let shares: Vec<String> = self
            .flat_out
            .iter()
            .map(|(method, share)| format!("{method} {:.0} %", share * 100.0))
            .collect();
        let _ = writeln!(
            out,
            "\nshare of the time in which the writer did write flat out: at least {}",
            shares.join(", ")
        );
        if self.flat_out.iter().any(|(_, share)| *share < 0.5) {
            let _ = writeln!(
                out,
                "note: the machine was busy with something else; do not trust those rows"
            );
        }
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
    pub fn json(&self, targets: &[Target]) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "batch_ns": row.median.batch,
                    "p50_ns": row.median.p50,
                    "p99_ns": row.median.p99,
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
        json!({
            "placement": self.placement,
            "line_ns": self.line_ns,
            "repetitions": self.repetitions,
            "rows": rows,
            "flat_out_share": self.flat_out.iter().map(|(method, rate)| (method.to_string(), json!(rate))).collect::<serde_json::Map<_, _>>(),
            "targets": targets,
        })
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
