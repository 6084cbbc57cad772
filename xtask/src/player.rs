//! Programs that are talked to while they run.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::Result;
use crate::process::{cannot_start, line};

/// How long a program may be silent before something is certainly wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program whose output is shown and kept.
pub struct Player {
    name: String,
    child: Child,
    output: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    quiet: bool,
}

impl Player {
    /// Starts a program whose output is kept and not shown.
    pub fn quiet(command: &mut Command) -> Result<Player> {
        let mut player = Player::start(command)?;
        player.quiet = true;
        Ok(player)
    }

    /// Starts the program, with pipes for all it says and is told.
    pub fn start(command: &mut Command) -> Result<Player> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Pipes, whatever ours are: under Wine a Windows Python does not start with files.
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| cannot_start(command, &e))?;
        let mut stdout = child.stdout.take().expect("stdout is a pipe");
        let mut stderr = child.stderr.take().expect("stderr is a pipe");
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::stderr()));
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = stdout.read(&mut chunk) {
                if sender.send(chunk[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Player {
            name: line(command),
            child,
            output,
            seen: Vec::new(),
            quiet: false,
        })
    }

    /// Takes what the program prints, up to `prompt` (or its end).
    pub fn play_until(&mut self, prompt: Option<&str>) -> Result {
        loop {
            if prompt.is_some_and(|prompt| String::from_utf8_lossy(&self.seen).contains(prompt)) {
                return Ok(());
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(chunk) if self.quiet => self.seen.extend(chunk),
                Ok(chunk) => {
                    let shown = std::io::stdout()
                        .write_all(&chunk)
                        .and_then(|()| std::io::stdout().flush());
                    shown.map_err(|e| format!("cannot show the output of {}: {e}", self.name))?;
                    self.seen.extend(chunk);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    return Err(format!(
                        "`{}` printed nothing for {} s, after {:?}",
                        self.name,
                        PATIENCE.as_secs(),
                        String::from_utf8_lossy(&self.seen)
                    ));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return match prompt {
                        None => Ok(()),
                        Some(prompt) => Err(format!(
                            "`{}` ended before it printed {prompt:?}, after {:?}",
                            self.name,
                            String::from_utf8_lossy(&self.seen)
                        )),
                    };
                }
            }
        }
    }

    pub fn press_enter(&mut self) -> Result {
        self.tell("")
    }

    /// Types a line.
    pub fn tell(&mut self, line: &str) -> Result {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .map_err(|e| format!("`{}` reads nothing any more: {e}", self.name))
    }

    /// The next line that the program prints, which is not shown.
    pub fn hear(&mut self, patience: Duration) -> Result<String> {
        loop {
            if let Some(end) = self.seen.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.seen.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            match self.output.recv_timeout(patience) {
                Ok(chunk) => self.seen.extend(chunk),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    return Err(format!("no answer within {} s", patience.as_secs()));
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(format!("`{}` has ended", self.name));
                }
            }
        }
    }

    /// Waits for the program's end and gives all it printed.
    pub fn finish(mut self) -> Result<String> {
        let status = self
            .child
            .wait()
            .map_err(|e| format!("cannot wait for `{}`: {e}", self.name))?;
        if !status.success() {
            return Err(format!("`{}` failed ({status})", self.name));
        }
        let seen = std::mem::take(&mut self.seen);
        // C's streams end lines in two bytes on Windows.
        String::from_utf8(seen)
            .map(|seen| seen.replace("\r\n", "\n"))
            .map_err(|_| format!("`{}` printed what is not UTF-8", self.name))
    }
}

impl Drop for Player {
    /// On failure nobody is left behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
