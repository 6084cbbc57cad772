//! The golden record from every language to every language, and one canonical layout from all of them:
//! tests/golden.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::player::Player;
use crate::python::Venv;
use crate::steps::Done;
use crate::{demo, native, process, tools, workspace};

/// The programs, from the root of the repository.
pub const C: &str = "tests/golden/golden.c";
pub const CPP: &str = "tests/golden/golden.cpp";
pub const PYTHON: &str = "tests/golden/golden.py";
/// The one that knows nothing of crosspage.
pub const PLAIN: &str = "tests/golden/plain.cpp";

/// A language, and how to run its program.
pub struct Language {
    name: String,
    program: Box<dyn Fn() -> Command>,
}

impl Language {
    pub fn new(name: &str, program: impl Fn() -> Command + 'static) -> Language {
        Language {
            name: name.to_owned(),
            program: Box::new(program),
        }
    }

    fn command(&self, action: &str, page: &str, namespace: &str) -> Command {
        let mut command = (self.program)();
        command
            .args([action, page])
            .env("CROSSPAGE_NAMESPACE", namespace);
        command
    }

    fn run(&self, action: &str, page: &str, namespace: &str) -> Result<String> {
        let said = process::output(&mut self.command(action, page, namespace))
            .map_err(|e| format!("{} {action}: {e}", self.name))?;
        // C's streams end lines in two bytes on Windows.
        Ok(said.replace("\r\n", "\n"))
    }
}

pub fn run(_long: bool) -> Result<Done> {
    let languages = native()?;
    let namespace = format!("golden-{}", std::process::id());
    let outcome = exchange(&languages, &namespace);
    demo::remove_pages(&mut Venv::ready()?.python(), &namespace)?;
    outcome?;

    let program = tools::scratch("golden")?.join("plain");
    native::compile(Path::new(PLAIN), &program)?;
    let plain = Language::new("plain C++", move || process::command(&program));
    println!("foreign segments:");
    exchange_foreign(&languages, &plain, &format!("posix:/{namespace}"))?;
    Ok(Done::Ran)
}

/// The languages on this platform, built.
pub fn native() -> Result<Vec<Language>> {
    process::run(process::cargo().args([
        "build",
        "--quiet",
        "--package",
        "crosspage",
        "--example",
        "golden",
    ]))?;
    let programs = tools::scratch("golden")?;
    let (c, cpp) = (programs.join("golden-c"), programs.join("golden-cpp"));
    native::compile(Path::new(C), &c)?;
    native::compile(Path::new(CPP), &cpp)?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let rust = workspace::debug()
        .join("examples")
        .join(format!("golden{}", std::env::consts::EXE_SUFFIX));
    Ok(vec![
        Language::new("Rust", move || process::command(&rust)),
        Language::new("C", move || process::command(&c)),
        Language::new("C++", move || process::command(&cpp)),
        Language::new("Python", move || {
            let mut python = venv.python();
            python.arg(PYTHON);
            python
        }),
    ])
}

/// Every language writes a page that every one reads.
pub fn exchange(languages: &[Language], namespace: &str) -> Result {
    let mut layouts = Vec::new();
    for writer in languages {
        for reader in languages {
            // A page of each pair's own, so that no reader sees another writer's value.
            let page = format!("{}-to-{}", writer.name, reader.name);
            let page = page.replace('+', "p").replace(' ', "-");
            writer.run("write", &page, namespace)?;
            let said = reader.run("read", &page, namespace)?;
            agreed(writer, reader, &said)?;
        }
        layouts.push((&writer.name, writer.run("layout", "-", namespace)?));
    }
    let (first, canonical) = &layouts[0];
    for (name, other) in &layouts[1..] {
        if other != canonical {
            return Err(format!(
                "the canonical layouts of {first} and {name} differ:\n{canonical}{other}"
            ));
        }
    }
    println!("one canonical layout: {} bytes", canonical.trim().len() / 2);
    Ok(())
}

/// Every language, and `plain` which knows nothing of crosspage, makes a foreign segment that every one reads.
pub fn exchange_foreign(languages: &[Language], plain: &Language, segment: &str) -> Result {
    for (i, holder) in languages.iter().chain([plain]).enumerate() {
        // One of its own each: on POSIX a name stays until it is removed.
        let segment = format!("{segment}-{i}");
        let mut holding = Player::quiet(&mut holder.command("hold", &segment, NO_NAMESPACE))?;
        holding.play_until(Some("golden held"))?;
        for reader in languages.iter().chain([plain]) {
            let said = reader.run("view", &segment, NO_NAMESPACE)?;
            agreed(holder, reader, &said)?;
        }
        holding.press_enter()?;
        holding.play_until(None)?;
        holding.finish()?;
    }
    Ok(())
}

/// Whether a reader found what was written.
fn agreed(writer: &Language, reader: &Language, said: &str) -> Result {
    if said.trim() != "golden ok" {
        return Err(format!(
            "{} wrote, {} read: {said}",
            writer.name, reader.name
        ));
    }
    println!("{:>14} -> {:<14} golden", writer.name, reader.name);
    Ok(())
}

/// Every one of `writers` writes a page in a file that every one of `readers` reads on another platform.
/// Its directory has two names: one there, one here.
pub fn across(writers: (&[Language], &str), readers: (&[Language], &str)) -> Result {
    for writer in writers.0 {
        let page =
            |directory: &str| format!("file:{directory}/{}.page", writer.name.replace(' ', "-"));
        writer.run("write", &page(writers.1), NO_NAMESPACE)?;
        for reader in readers.0 {
            let said = reader.run("read", &page(readers.1), NO_NAMESPACE)?;
            agreed(writer, reader, &said)?;
        }
    }
    Ok(())
}

/// A page in a file and a foreign segment have none, but its programs may be told of one.
const NO_NAMESPACE: &str = "golden";
