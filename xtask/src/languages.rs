//! The golden record from every language to every language, and one canonical layout from all of them:
//! tests/golden.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::python::Venv;
use crate::steps::Done;
use crate::{demo, native, process, tools, workspace};

/// A language, and how to run its program.
struct Language {
    name: &'static str,
    program: PathBuf,
    /// What `program` runs, where it is an interpreter.
    script: Option<&'static str>,
}

impl Language {
    fn run(&self, action: &str, page: &str, namespace: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.current_dir(workspace::root());
        command
            .args(self.script)
            .args([action, page])
            .env("CROSSPAGE_NAMESPACE", namespace);
        process::output(&mut command).map_err(|e| format!("{} {action}: {e}", self.name))
    }
}

pub fn run(_long: bool) -> Result<Done> {
    let languages = build()?;
    let namespace = format!("golden-{}", std::process::id());
    let outcome = exchange(&languages, &namespace);
    demo::remove_pages(&Venv::ready()?, &namespace)?;
    outcome.map(|()| Done::Ran)
}

fn build() -> Result<Vec<Language>> {
    process::run(process::cargo().args([
        "build",
        "--quiet",
        "--package",
        "crosspage",
        "--example",
        "golden",
    ]))?;
    let cpp = tools::scratch("golden")?.join("golden");
    native::compile(Path::new("tests/golden/golden.cpp"), &cpp)?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let python = PathBuf::from(venv.python().get_program());
    let rust = workspace::debug()
        .join("examples")
        .join(format!("golden{}", std::env::consts::EXE_SUFFIX));
    Ok(vec![
        Language {
            name: "Rust",
            program: rust,
            script: None,
        },
        Language {
            name: "C++",
            program: cpp,
            script: None,
        },
        Language {
            name: "Python",
            program: python,
            script: Some("tests/golden/golden.py"),
        },
    ])
}

fn exchange(languages: &[Language], namespace: &str) -> Result {
    let mut layouts = Vec::new();
    for writer in languages {
        for reader in languages {
            // A page of each pair's own, so that no reader sees another writer's value.
            let page = format!("{}-to-{}", writer.name, reader.name).replace('+', "p");
            writer.run("write", &page, namespace)?;
            let said = reader.run("read", &page, namespace)?;
            if said.trim() != "golden ok" {
                return Err(format!(
                    "{} wrote, {} read: {said}",
                    writer.name, reader.name
                ));
            }
            println!("{:>6} -> {:<6} golden", writer.name, reader.name);
        }
        layouts.push((writer.name, writer.run("layout", "-", namespace)?));
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
