//! Starting other programs: what is run is printed, what fails is named.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;
use crate::workspace;

/// `program`, to be run in the repository's root.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}

/// The cargo that runs this program.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Prints the command, runs it, and fails unless it succeeds.
pub fn run(command: &mut Command) -> Result {
    println!("$ {}", line(command));
    let status = command.status().map_err(|e| cannot_start(command, &e))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` failed ({status})", brief(command)))
    }
}

/// What the command prints on stdout. Its stderr goes to ours, through a pipe: under Wine a Windows
/// Python does not start with files.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| cannot_start(command, &e))?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("`{}` failed ({})", brief(command), output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` printed what is not UTF-8", brief(command)))
}

/// Whether the command can be started and succeeds; it prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

pub fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!(
        "`{}` could not be started: {error}",
        command.get_program().to_string_lossy()
    )
}

/// Variables that a whole run has in common: those of a virtual environment, of another target, of Wine.
fn is_background(variable: &str) -> bool {
    let prefixes = [
        "CARGO_ENCODED_",
        "CARGO_TARGET_",
        "RUSTC",
        "RUSTDOC",
        "WINE",
    ];
    ["PATH", "VIRTUAL_ENV"].contains(&variable)
        || prefixes.iter().any(|prefix| variable.starts_with(prefix))
}

/// The variables of a command, as one would set them in a shell.
pub fn variables(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy().replace('\x1f', " ");
        Some(format!(
            "export {}={}\n",
            name.to_string_lossy(),
            quoted(value.as_ref())
        ))
    });
    set.collect()
}

/// The command as one would type it: the variables it sets (but for those in the background), the
/// program, its arguments.
pub fn line(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter(|(name, _)| !is_background(&name.to_string_lossy()))
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    set.chain([brief(command)]).collect::<Vec<_>>().join(" ")
}

/// The same without variables: enough to tell which one failed.
pub fn brief(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = if program.is_absolute() {
        program.file_name()
    } else {
        Some(program.as_os_str())
    };
    let words = program.into_iter().chain(command.get_args()).map(quoted);
    words.collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let root = format!("{}/", workspace::root().display());
    let word = word.strip_prefix(&root).unwrap_or(&word);
    if word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"$&|;<>*".contains(c)) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.to_owned()
    }
}
