//! `cargo xtask demo`: a C++ program writes a struct, a Python program reads it.
//!
//! The two programs are `examples/cpp/latest_writer.cpp` and `examples/python/latest_reader.py`.
//! Their outputs have the form of the original project's; this file shows them and checks them
//! against each other, so that a demo that ends well has shown the right values.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::player::Player;
use crate::process::{brief, cannot_start, command};
use crate::python::Venv;
use crate::{native, tools};

/// What the writer prints once its data is there.
const PROMPT: &str = "Press Enter to cleanup and exit...";

/// Builds what the demo needs and plays it.
pub fn run() -> Result {
    let writer = tools::scratch("demo")?.join("latest_writer");
    native::compile(Path::new("examples/cpp/latest_writer.cpp"), &writer)?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    // A namespace of its own, so that the demo meets nobody else's pages.
    let namespace = format!("demo-{}", std::process::id());
    let mut writer = command(&writer);
    let mut reader = venv.python();
    reader.arg(READER).env("PYTHONIOENCODING", "utf-8");
    println!();
    let shown = play(
        writer.env("CROSSPAGE_NAMESPACE", &namespace),
        reader.env("CROSSPAGE_NAMESPACE", &namespace),
    );
    let removed = remove_pages(&mut venv.python(), &namespace);
    shown.and(removed)
}

/// The program that reads, from the root of the repository.
pub const READER: &str = "examples/python/latest_reader.py";

/// Starts the writer, then the reader, shows what they print, and checks it.
pub fn play(writer: &mut Command, reader: &mut Command) -> Result {
    println!("$ {}", brief(writer));
    let mut writer = Player::start(writer)?;
    writer.play_until(Some(PROMPT))?;

    println!("\n\n$ {}", brief(reader));
    let mut reader = Player::start(reader)?;
    reader.play_until(None)?;
    let reader = reader.finish()?;

    println!("\n(Enter, for the C++ program)");
    writer.press_enter()?;
    writer.play_until(None)?;
    let transcript = Transcript {
        writer: writer.finish()?,
        reader,
    };
    transcript.check()?;
    println!("\nBoth programs showed the same, right values.");
    Ok(())
}

struct Transcript {
    writer: String,
    reader: String,
}

impl Transcript {
    fn check(&self) -> Result {
        let expected = [
            ("Counter", "42"),
            ("Temperature", "23.5 °C"),
            ("Coordinates", "[10.5, 20.3, 30.8]"),
            ("Data Array", "[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]"),
        ];
        for (label, value) in expected {
            check_line("C++", &self.writer, label, value)?;
            check_line("Python", &self.reader, label, value)?;
        }
        let pid =
            labelled(&self.writer, "Process ID").ok_or_else(|| missing("C++", "Process ID"))?;
        check_line("Python", &self.reader, "C++ Process ID", pid)?;
        check_line("Python", &self.reader, "Data Ready Flag", "True")?;
        for label in ["Username", "Timestamp"] {
            let written = labelled(&self.writer, label).ok_or_else(|| missing("C++", label))?;
            check_line("Python", &self.reader, label, written)?;
        }
        let written =
            message(&self.writer).ok_or_else(|| missing("C++", "message between dashes"))?;
        let read =
            message(&self.reader).ok_or_else(|| missing("Python", "message between dashes"))?;
        if written != read {
            return Err(format!(
                "the message was written as {written:?} and read as {read:?}"
            ));
        }
        let count = format!(
            "Successfully read {} characters from shared memory",
            read.chars().count()
        );
        if !self.reader.lines().any(|line| line == count) {
            return Err(format!(
                "the Python program's output lacks the line {count:?}"
            ));
        }
        Ok(())
    }
}

fn check_line(who: &str, output: &str, label: &str, value: &str) -> Result {
    match labelled(output, label) {
        Some(shown) if shown == value => Ok(()),
        Some(shown) => Err(format!(
            "the {who} program showed {label} as {shown:?}, not {value:?}"
        )),
        None => Err(missing(who, label)),
    }
}

fn missing(who: &str, what: &str) -> String {
    format!("the {who} program's output lacks {what:?}")
}

/// What follows `label: ` on the first line that starts with it.
fn labelled<'a>(output: &'a str, label: &str) -> Option<&'a str> {
    output
        .lines()
        .find_map(|line| line.strip_prefix(label)?.strip_prefix(": "))
}

/// The lines between the first two lines of dashes.
fn message(output: &str) -> Option<String> {
    let dashes = |line: &&str| line.len() >= 20 && line.bytes().all(|b| b == b'-');
    let mut lines = output.lines();
    lines.by_ref().find(dashes)?;
    let mut message = Vec::new();
    for line in lines {
        if dashes(&line) {
            return Some(message.join("\n"));
        }
        message.push(line);
    }
    None
}

/// Removes all pages of a namespace: `latest` pages are meant to outlive their programs, but those
/// of a demo are of no use to anybody.
pub fn remove_pages(python: &mut Command, namespace: &str) -> Result {
    let remove = "import crosspage\nfor page in crosspage.list(): crosspage.remove(page.locator)";
    let outcome = python
        .args(["-c", remove])
        .env("CROSSPAGE_NAMESPACE", namespace)
        // Pipes: under Wine a Windows Python does not start with a file.
        .output();
    match outcome {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "the pages of namespace {namespace:?} could not be removed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )),
        Err(e) => Err(cannot_start(python, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript() -> Transcript {
        let dashes = "-".repeat(50);
        let values = "Counter: 42\nTemperature: 23.5 °C\nCoordinates: [10.5, 20.3, 30.8]\nUsername: ann\n\
                      Timestamp: 98765 ms\nData Array: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]\n";
        Transcript {
            writer: format!("Process ID: 7\n{values}{dashes}\nHello\nthere\n{dashes}\n"),
            reader: format!(
                "Data Ready Flag: True\nC++ Process ID: 7\n{values}{dashes}\nHello\nthere\n{dashes}\n\
                 Successfully read 11 characters from shared memory\nPython Process ID: 8\n"
            ),
        }
    }

    #[test]
    fn right_values_pass() {
        transcript().check().unwrap();
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrongs = [
            ("C++ Process ID: 7", "C++ Process ID: 9", "Process ID"),
            ("Ready Flag: True", "Ready Flag: False", "Data Ready Flag"),
            ("Counter: 42", "Counter: 43", "Counter"),
            ("20.3", "20.299999237060547", "Coordinates"),
            ("23.5 °C", "23.5", "Temperature"),
            ("100]", "101]", "Data Array"),
            ("Username: ann", "Username: bob", "Username"),
            ("98765", "98766", "Timestamp"),
            ("Hello", "Hallo", "message"),
            ("read 11", "read 98", "read 11 characters"),
        ];
        for (right, wrong, named) in wrongs {
            let mut transcript = transcript();
            assert!(transcript.reader.contains(right), "{right}");
            transcript.reader = transcript.reader.replace(right, wrong);
            let error = transcript.check().unwrap_err();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }
}
