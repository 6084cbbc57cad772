//! Compilers for tests, wherever the tests run.
//!
//! A test for Windows that runs under Wine can start no program of the Linux around it. It leaves the
//! command in the directory that CROSSPAGE_BUILD_HOST names; `cargo xtask test --windows` runs it there and
//! leaves what came of it beside it.

use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io};

/// What came of a command.
#[derive(Debug)]
pub struct Built {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command (its program, arguments and directory; no variables) where the compilers are.
pub fn output(command: &mut Command) -> io::Result<Built> {
    match std::env::var_os("CROSSPAGE_BUILD_HOST") {
        Some(mailbox) => elsewhere(command, Path::new(&mailbox)),
        None => {
            let output = command.output()?;
            Ok(Built {
                success: output.status.success(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        }
    }
}

/// The compiler of the GNU collection for this platform, by its usual name (`gcc`, `g++`).
pub fn gnu(name: &str) -> String {
    if cfg!(windows) && std::env::var_os("CROSSPAGE_BUILD_HOST").is_some() {
        format!("x86_64-w64-mingw32-{name}-posix")
    } else {
        name.to_owned()
    }
}

fn elsewhere(command: &Command, mailbox: &Path) -> io::Result<Built> {
    static SENT: Mutex<u32> = Mutex::new(0);
    let number = {
        let mut sent = SENT.lock().unwrap_or_else(|e| e.into_inner());
        *sent += 1;
        *sent
    };
    let letter = mailbox.join(format!("{}-{number}", id()));
    let with = |end: &str| PathBuf::from(format!("{}.{end}", letter.display()));

    let directory = command
        .get_current_dir()
        .unwrap_or(Path::new("."))
        .as_os_str();
    let words = [directory, command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<String> = words.map(|word| unix(&word.to_string_lossy())).collect();
    // Moved there when it is whole.
    fs::write(with("draft"), words.join("\0"))?;
    fs::rename(with("draft"), with("request"))?;

    let end = Instant::now() + Duration::from_secs(300);
    let status = loop {
        match fs::read_to_string(with("status")) {
            Ok(status) => break status,
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            Err(e) => return Err(e),
        }
    };
    let read =
        |end: &str| fs::read(with(end)).map(|said| String::from_utf8_lossy(&said).into_owned());
    let built = Built {
        success: status == "ok",
        stdout: read("stdout")?,
        stderr: read("stderr")?,
    };
    match &status[..] {
        "none" => Err(io::ErrorKind::NotFound.into()),
        _ => Ok(built),
    }
}

/// A word as Linux has it: `Z:` is the root of its files, under Wine.
fn unix(word: &str) -> String {
    word.replace("Z:", "").replace('\\', "/")
}
