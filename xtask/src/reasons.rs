//! Why a command has failed, found in what it printed.

/// Of a long log only some is kept, or read: so many lines of it say why.
const MOST: usize = 20;
/// What a reason has to say goes on for so many lines after the first.
const AFTER: usize = 2;

/// What a line that says why has in it: of rustc, libtest, our own harness, and any other program.
const WORDS: [&str; 8] = [
    "panicked at",
    "FAILED",
    "HANG: ",
    "HANGS: ",
    "error:",
    "error[",
    "Error:",
    "fatal:",
];

/// What pytest begins the lines of an assertion that does not hold with.
const PYTEST: &str = "E   ";

/// Lines of a command's output that say why it failed.
#[derive(Debug, Default)]
pub struct Reasons {
    said: Vec<String>,
    /// How many more lines go on from the last.
    more: usize,
    last: std::collections::VecDeque<String>,
}

impl Reasons {
    /// One line more that the command has printed.
    pub fn line(&mut self, line: &str) {
        let line: String = line.chars().take(300).collect();
        if line.trim().is_empty() {
            return;
        }
        if line.starts_with(PYTEST) || WORDS.iter().any(|word| line.contains(word)) {
            self.more = AFTER + 1;
        }
        // The first failures: what follows may come of them.
        if self.more > 0 && self.said.len() < MOST {
            self.more -= 1;
            self.said.push(line.clone());
        }
        self.last.push_back(line);
        if self.last.len() > MOST / 2 {
            self.last.pop_front();
        }
    }

    /// To follow the sentence that says what has failed; empty if nothing was printed.
    pub fn told(&self) -> String {
        let lines: Vec<&str> = match self.said.is_empty() {
            false => self.said.iter().map(String::as_str).collect(),
            true => self.last.iter().map(String::as_str).collect(),
        };
        match lines.is_empty() {
            false => format!(":\n  | {}\n", lines.join("\n  | ")),
            true => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_among_tests_that_pass() {
        let mut reasons = Reasons::default();
        for line in "running 3 tests
test a ... ok

thread 'main' panicked at tests/x.rs:3:5:
LOST: 3 of 4
test b ... FAILED
test c ... ok
test d ... ok, as CHANGELOG.md says
test e ... ok
failed: b"
            .lines()
        {
            reasons.line(line);
        }
        let told = reasons.told();
        assert!(
            told.contains("LOST: 3 of 4") && told.contains("b ... FAILED"),
            "{told}"
        );
        assert!(!told.contains("test e"), "{told}");
    }

    #[test]
    fn the_end_of_who_says_no_such_word() {
        let mut reasons = Reasons::default();
        (0..100).for_each(|n| reasons.line(&format!("line {n}")));
        let told = reasons.told();
        assert!(
            told.contains("line 99") && !told.contains("line 89\n"),
            "{told}"
        );
        assert_eq!(Reasons::default().told(), "");
    }
}
