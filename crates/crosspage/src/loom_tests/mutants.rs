//! Which model fails when an ordering is weakened.
//!
//! `… cargo test --release -p crosspage --lib loom_tests::mutants -- --ignored --nocapture` runs the
//! models once to find every ordering that they pass, then again with one of them weakened at a time,
//! and prints the table of docs/design.md. It fails where no model does and [`ARGUED`] has no reason. It
//! takes long, and is to be run when an ordering in the source changes; `CROSSPAGE_MUTANTS=topic/ring.rs`
//! tries those of one file alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::atomics::{SITES, WEAKEN};

/// Orderings that no model fails without, each with the reason that docs/design.md gives at length:
/// file, function, operation, ordering, and what weaker one is meant.
const ARGUED: &[(&str, &str, &str, &str, &str)] = &[
    ("latest/raw.rs", "close", "load", "Acquire", "Relaxed"),
    ("latest/raw.rs", "drop", "fetch_sub", "Release", "Relaxed"),
    ("page.rs", "make", "store", "Release", "Relaxed"),
    ("page.rs", "remove_name", "swap", "AcqRel", "Acquire"),
    ("page.rs", "remove_name", "swap", "AcqRel", "Release"),
    ("page.rs", "replaced_by", "store", "Release", "Relaxed"),
    ("page.rs", "settle", "store", "Release", "Relaxed"),
    ("page.rs", "state", "load", "Acquire", "Relaxed"),
    ("topic/chunks.rs", "hold", "store", "Release", "Relaxed"),
    ("topic/pool.rs", "fit", "store", "Release", "Relaxed"),
    ("topic/ring.rs", "resume", "load", "Acquire", "Relaxed"),
    ("topic/ring.rs", "resume", "store", "Release", "Relaxed"),
    ("wait.rs", "arm", "load", "Acquire", "Relaxed"),
    ("wait.rs", "wake", "fetch_add", "Release", "Relaxed"),
    ("wait.rs", "wake_all", "fetch_add", "Release", "Relaxed"),
];

/// What is tried in the place of an ordering.
fn weaker(order: &str) -> &'static [&'static str] {
    match order {
        "Acquire" | "Release" => &["Relaxed"],
        "AcqRel" => &["Acquire", "Release"],
        "SeqCst" => &["AcqRel"],
        _ => &[],
    }
}

fn models() -> Vec<String> {
    let listed = this_test().args(["loom_tests", "--list"]).output();
    let listed = String::from_utf8(listed.expect("it runs").stdout).expect("text");
    listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| !name.contains("::mutants::"))
        .map(str::to_owned)
        .collect()
}

fn this_test() -> Command {
    Command::new(std::env::current_exe().expect("a test is a program"))
}

/// Whether the model holds; one that takes far too long does not.
fn holds(model: &str, variable: (&str, &str), patience: Duration) -> bool {
    let mut child = this_test()
        .args([model, "--exact"])
        .env(variable.0, variable.1)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("it was started") {
            return status.success();
        }
        if Instant::now() > end {
            child.kill().expect("it was started");
            child.wait().expect("it was started");
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The source file, and the function that a line of it is in.
fn place(file: &str, line: usize) -> (String, String) {
    let short = file.rsplit_once("src/").map_or(file, |(_, short)| short);
    let text = std::fs::read_to_string(source().join(short)).expect("the source");
    let lines: Vec<_> = text.lines().take(line).collect();
    let function = lines.iter().rev().find_map(|line| function(line));
    (short.to_owned(), function.unwrap_or_default())
}

fn function(line: &str) -> Option<String> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let is_item = before.split_whitespace().all(|word| {
        [
            "pub",
            "pub(crate)",
            "pub(super)",
            "unsafe",
            "extern",
            "\"C\"",
        ]
        .contains(&word)
    });
    let name = after.split(['(', '<']).next()?;
    is_item.then(|| name.to_owned())
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
#[ignore = "runs every model for every ordering"]
fn table() {
    let sites_file = std::env::temp_dir().join(format!("crosspage-sites-{}", std::process::id()));
    // For each ordering the models that pass it, the quickest first.
    let mut sites = BTreeMap::<String, Vec<(Duration, String)>>::new();
    for model in models() {
        let start = Instant::now();
        let path = sites_file.to_str().expect("text");
        assert!(
            holds(&model, (SITES, path), Duration::MAX / 4),
            "{model} fails by itself"
        );
        let passed = std::fs::read_to_string(&sites_file).expect("it was written");
        std::fs::remove_file(&sites_file).expect("it was written");
        for site in passed.lines().collect::<BTreeSet<_>>() {
            let models = sites.entry(site.to_owned()).or_default();
            models.push((start.elapsed(), model.clone()));
        }
    }
    let only = std::env::var("CROSSPAGE_MUTANTS").unwrap_or_default();
    let mut unexplained = Vec::new();
    println!("| where | operation | ordering | weakened to | fails |\n|---|---|---|---|---|");
    for (site, mut models) in sites {
        models.sort();
        let [file, line, column, operation, order] = site.split(':').collect::<Vec<_>>()[..] else {
            panic!("{site}")
        };
        let (short, function) = place(file, line.parse().expect("a line"));
        if short.starts_with("loom_tests") || !short.contains(&only) {
            continue;
        }
        for weak in weaker(order) {
            let weakened = format!("{file}:{line}:{column}:{operation}:{weak}");
            let fails = models.iter().find(|(time, model)| {
                let patience = Duration::from_secs(60) + *time * 10;
                !holds(model, (WEAKEN, &weakened), patience)
            });
            let argued = ARGUED.contains(&(&short, &function, operation, order, weak));
            let outcome = match fails {
                Some((_, model)) => format!("`{}`", model.trim_start_matches("loom_tests::")),
                None if argued => "argued".to_owned(),
                None => {
                    unexplained.push(site.clone());
                    "**nothing**".to_owned()
                }
            };
            println!("| {short} `{function}` | {operation} | {order} | {weak} | {outcome} |");
        }
    }
    assert!(
        unexplained.is_empty(),
        "no model fails, and nothing is argued: {unexplained:#?}"
    );
}
