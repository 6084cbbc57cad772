//! The programs in the README and in the pages for each language are compiled and run, so that they stay true.
//! (Python's page is run by the tests of that face.)

use std::path::Path;
use std::process::Command;

use crate::process::{self, command, run as run_command};
use crate::python::Venv;
use crate::steps::Done;
use crate::{Result, demo, native, tools, workspace};

/// Runs them all, in one namespace.
pub fn run(_long: bool) -> Result<Done> {
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let namespace = format!("readme-{}", std::process::id());
    let outcome = PAGES
        .iter()
        .try_for_each(|page| run_page(page, &venv, &namespace));
    demo::remove_pages(&mut venv.python(), &namespace)?;
    outcome.map(|()| Done::Ran)
}

const README: &str = "README.md";
const PAGES: [&str; 4] = [README, "docs/rust.md", "docs/c.md", "docs/cpp.md"];

/// In the page's order, where each program meets what the one before wrote.
fn run_page(page: &str, venv: &Venv, namespace: &str) -> Result {
    let mut programs = 0;
    for block in blocks(&read(page)?) {
        if let Some(mut program) = block.program(venv)? {
            println!("{page}, line {}: {}", block.line, block.language);
            run_command(program.env("CROSSPAGE_NAMESPACE", namespace))?;
            programs += 1;
        }
    }
    match programs {
        0 => Err(format!("{page} has no program")),
        _ => Ok(()),
    }
}

fn read(page: &str) -> Result<String> {
    let path = workspace::root().join(page);
    std::fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

/// A file that the README shows, such as `writer.py`: its first line names it.
pub fn file(name: &str) -> Result<String> {
    let text = read(README)?;
    let found = blocks(&text).into_iter().find(|b| b.name() == Some(name));
    found
        .map(|block| block.text)
        .ok_or_else(|| format!("the README does not show {name}"))
}

impl Block<'_> {
    /// The name of its file, without directories, where the first line says it.
    fn name(&self) -> Option<&str> {
        let first = self.text.lines().next()?;
        let path = first
            .strip_prefix("// ")
            .or_else(|| first.strip_prefix("# "))?;
        let name = path.rsplit('/').next()?;
        (name.contains('.') && !path.contains(' ')).then_some(name)
    }

    /// What runs the block; `None` where it is no program.
    fn program(&self, venv: &Venv) -> Result<Option<Command>> {
        let extension = match self.language {
            "rust" => "rs",
            "python" => "py",
            language @ ("c" | "cpp") => language,
            _ => return Ok(None),
        };
        let name = match self.name() {
            Some(name) => name.to_owned(),
            None => format!("line{}.{extension}", self.line),
        };
        let source = tools::scratch("readme")?.join(name);
        std::fs::write(&source, &self.text)
            .map_err(|e| format!("cannot write {}: {e}", source.display()))?;
        if source.extension().is_some_and(|extension| extension == "h") {
            return Ok(None);
        }
        if self.language == "python" {
            let mut python = venv.python();
            python.arg(source);
            return Ok(Some(python));
        }
        let program = source.with_extension(format!("{extension}.out"));
        match self.language {
            "rust" => compile_rust(&source, &program)?,
            _ => native::compile(&source, &program)?,
        }
        Ok(Some(command(program)))
    }
}

/// With rustc alone: what follows `cargo add crosspage`, without a package of its own.
fn compile_rust(source: &Path, program: &Path) -> Result {
    run_command(process::cargo().args(["build", "--quiet", "--package", "crosspage"]))?;
    let library = workspace::debug();
    run_command(
        command("rustc")
            .args(["--edition=2024", "--deny=warnings"])
            .arg(source)
            .arg("-o")
            .arg(program)
            .arg(format!(
                "--extern=crosspage={}",
                library.join("libcrosspage.rlib").display()
            ))
            .arg(format!("-Ldependency={}", library.join("deps").display())),
    )
}

struct Block<'a> {
    language: &'a str,
    /// Where its text starts, from 1.
    line: usize,
    text: String,
}

/// The fenced blocks that name a language.
fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((n, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let text: String = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| !line.starts_with("```"))
            .map(|line| format!("{line}\n"))
            .collect();
        if !language.is_empty() {
            blocks.push(Block {
                language,
                line: n + 2,
                text,
            });
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_blocks_are_found() {
        let found =
            blocks("a\n```cpp\nint x;\n\nint y;\n```\nb\n```\nplain\n```\n```python\npass\n```\n");
        let found: Vec<_> = found
            .iter()
            .map(|b| (b.language, b.line, b.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [("cpp", 3, "int x;\n\nint y;\n"), ("python", 12, "pass\n")]
        );
    }
}
