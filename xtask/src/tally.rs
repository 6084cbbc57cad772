//! Runs of tests, counted: how many passed, and which were left out and why.

use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::process::{brief, watch};

/// What a step's tests came to.
#[derive(Debug, Default, PartialEq)]
pub struct Tally {
    /// What they are, for the summary: "Rust tests under Wine".
    pub what: &'static str,
    pub passed: usize,
    /// What was left out, each with its reason.
    pub skipped: Vec<String>,
}

impl Tally {
    pub fn of(what: &'static str) -> Tally {
        Tally {
            what,
            ..Tally::default()
        }
    }

    /// Runs a command whose tests are reported as libtest does (`cargo test -- --show-output`).
    pub fn libtest(&mut self, command: &mut Command, limit: Duration) -> Result {
        let before = self.passed;
        let mut reader = Libtest::default();
        let outcome = watch(command, Some(limit), |line| reader.line(line, self));
        outcome?;
        self.expect_some(command, before)
    }

    /// Runs a command whose tests are reported as `pytest -rs` does.
    pub fn pytest(&mut self, command: &mut Command, limit: Duration) -> Result {
        let before = self.passed;
        watch(command, Some(limit), |line| pytest_line(line, self))?;
        self.expect_some(command, before)
    }

    /// A filter or a path that matches nothing is a success to most runners.
    fn expect_some(&self, command: &Command, before: usize) -> Result {
        if self.passed > before {
            Ok(())
        } else {
            Err(format!("`{}` ran no test", brief(command)))
        }
    }
}

/// Reads what libtest prints.
#[derive(Default)]
struct Libtest {
    /// Whose output is being shown.
    shown: Option<String>,
}

impl Libtest {
    fn line(&mut self, line: &str, tally: &mut Tally) {
        if let Some(test) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            self.shown = Some(test.to_owned());
        } else if line == "successes:" || line == "failures:" {
            self.shown = None;
        } else if let Some(why) = line.strip_prefix("skipped: ") {
            let skipped = match &self.shown {
                Some(test) => format!("{test}: {why}"),
                None => why.to_owned(),
            };
            // Some are told of once for each compiler.
            if !tally.skipped.contains(&skipped) {
                tally.skipped.push(skipped);
            }
        } else if let Some((test, rest)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... ignored"))
        {
            let why = rest
                .strip_prefix(", ")
                .unwrap_or("ignored, for no stated reason");
            tally.skipped.push(format!("{test}: {why}"));
        } else if line.starts_with("test ") && line.contains(" ... ok") {
            // Counted here and not by the closing line, which a harness of our own does not print.
            tally.passed += 1;
        }
    }
}

fn pytest_line(line: &str, tally: &mut Tally) {
    if let Some(skipped) = line.strip_prefix("SKIPPED ") {
        tally.skipped.push(skipped.to_owned());
    } else if let Some((counts, _)) = line.trim_matches(['=', ' ']).split_once(" in ")
        && counts.split(", ").all(is_count)
    {
        tally.passed += number_before(counts, " passed");
    }
}

/// `3 skipped`.
fn is_count(words: &str) -> bool {
    words
        .split_once(' ')
        .is_some_and(|(number, word)| number.parse::<usize>().is_ok() && !word.contains(' '))
}

/// The number that stands before `what`; 0: none does.
fn number_before(text: &str, what: &str) -> usize {
    let before = text.split_once(what).map_or("", |(before, _)| before);
    let number = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtest_is_counted() {
        let mut tally = Tally::of("tests");
        let mut reader = Libtest::default();
        let output = "\
running 4 tests
test a ... ok
test b::c ... ignored, needs another user
skipped: kills, which need ptrace(2)
successes:
---- a stdout ----
skipped: g++ is not installed
successes:
    a
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
test src/lib.rs - read (line 12) - compile fail ... ok
test killed_at_random ... ok (420 kills; 3.2s)
test wrong ... FAILED";
        output
            .lines()
            .for_each(|line| reader.line(line, &mut tally));
        assert_eq!(tally.passed, 3);
        assert_eq!(
            tally.skipped,
            [
                "b::c: needs another user",
                "kills, which need ptrace(2)",
                "a: g++ is not installed"
            ]
        );
    }

    #[test]
    fn pytest_is_counted() {
        let mut tally = Tally::of("tests");
        let output = "\
..s.                                                     [100%]
SKIPPED [2] tests/test_x.py:9: POSIX and System V
waited 12 passed in vain in the end
==== 186 passed, 2 skipped in 9.21s ====";
        output
            .lines()
            .for_each(|line| pytest_line(line, &mut tally));
        assert_eq!(tally.passed, 186);
        assert_eq!(tally.skipped, ["[2] tests/test_x.py:9: POSIX and System V"]);
        pytest_line("7 passed in 0.10s", &mut tally);
        assert_eq!(tally.passed, 193);
    }

    #[test]
    fn a_run_without_tests_fails() {
        let mut nothing = Command::new(std::env::current_exe().unwrap());
        nothing.args(["no_test_of_this_name"]);
        let error = Tally::of("tests")
            .libtest(&mut nothing, Duration::from_secs(60))
            .unwrap_err();
        assert!(error.contains("ran no test"), "{error}");
    }
}
