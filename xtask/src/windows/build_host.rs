//! The other end of tests/build_host.rs: runs compilers for tests that run under Wine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fs, io};

use crate::{Result, tools};

/// How often the mailbox is looked into.
const LOOK: Duration = Duration::from_millis(10);

/// Serves requests until it is dropped.
pub struct BuildHost {
    mailbox: PathBuf,
    /// Its end is what ends the thread.
    alive: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BuildHost {
    pub fn start() -> Result<BuildHost> {
        let mailbox = tools::scratch(&format!("build-host/{}", std::process::id()))?;
        let (alive, end) = mpsc::channel();
        let thread = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                while end.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    for request in requests(&mailbox) {
                        std::thread::spawn(move || serve(&request));
                    }
                }
            }
        });
        Ok(BuildHost {
            mailbox,
            alive: Some(alive),
            thread: Some(thread),
        })
    }

    /// Tells a test, and what it starts, where to leave requests.
    pub fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("CROSSPAGE_BUILD_HOST", &self.mailbox)
    }
}

impl Drop for BuildHost {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = fs::remove_dir_all(&self.mailbox);
    }
}

/// Requests that nobody has taken yet; they are taken by this.
fn requests(mailbox: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(mailbox).into_iter().flatten().flatten();
    let new = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "request"));
    new.filter_map(|path| {
        let taken = path.with_extension("taken");
        fs::rename(&path, &taken).ok().map(|()| taken)
    })
    .collect()
}

fn serve(request: &Path) {
    let text = fs::read_to_string(request).unwrap_or_default();
    let mut words = text.split('\0');
    let (directory, program) = (
        words.next().unwrap_or("."),
        words.next().unwrap_or_default(),
    );
    let outcome = Command::new(program)
        .args(words)
        .current_dir(directory)
        .output();
    let (status, stdout, stderr) = match outcome {
        Ok(output) if output.status.success() => ("ok", output.stdout, output.stderr),
        Ok(output) => ("failed", output.stdout, output.stderr),
        Err(e) if e.kind() == io::ErrorKind::NotFound => ("none", Vec::new(), Vec::new()),
        Err(e) => ("failed", Vec::new(), e.to_string().into_bytes()),
    };
    // The status comes last, as a whole: it is what the other end waits for.
    let write = |end: &str, bytes: &[u8]| fs::write(request.with_extension(end), bytes);
    let written = write("stdout", &stdout)
        .and_then(|()| write("stderr", &stderr))
        .and_then(|()| write("draft", status.as_bytes()))
        .and_then(|()| {
            fs::rename(
                request.with_extension("draft"),
                request.with_extension("status"),
            )
        });
    if let Err(e) = written {
        println!("cannot answer {}: {e}", request.display());
    }
}
