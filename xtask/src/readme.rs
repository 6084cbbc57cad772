//! The README's C++ and Python programs are compiled and run, so that they stay true. (Its Rust
//! programs are doc tests.)

use std::path::Path;

use crate::process::{command, run as run_command};
use crate::python::Venv;
use crate::steps::Done;
use crate::{Result, demo, tools, workspace};

/// Runs them in the README's order, in a namespace of their own.
pub fn run(_long: bool) -> Result<Done> {
    let path = workspace::root().join("README.md");
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let scratch = tools::scratch("readme")?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let namespace = format!("readme-{}", std::process::id());

    for (n, block) in blocks(&text).into_iter().enumerate() {
        let file = |extension: &str| scratch.join(format!("block{n}.{extension}"));
        let save = |path: &Path| {
            std::fs::write(path, &block.text)
                .map_err(|e| format!("cannot write {}: {e}", path.display()))
        };
        println!("README.md, line {}: {}", block.line, block.language);
        match block.language {
            "cpp" => {
                let (source, program) = (file("cpp"), file("out"));
                save(&source)?;
                demo::compile_cpp(&source, &program)?;
                run_command(command(program).env("CROSSPAGE_NAMESPACE", &namespace))?;
            }
            "python" => {
                let source = file("py");
                save(&source)?;
                run_command(
                    venv.python()
                        .arg(source)
                        .env("CROSSPAGE_NAMESPACE", &namespace),
                )?;
            }
            _ => {}
        }
    }
    demo::remove_pages(&venv, &namespace)?;
    Ok(Done::Ran)
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
