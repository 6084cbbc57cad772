//! What a victim has to say: it outlives the victim.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crosspage::{Error, ErrorKind, Result};

use crate::kit::Seen;
use crate::sys;

pub struct Report {
    returned: AtomicU32,
    version: AtomicU64,
    nonce: AtomicU64,
    kind: AtomicU32,
    message: [AtomicU8; 500],
}

// SAFETY: atomics only.
unsafe impl sys::Shared for Report {}

/// How a victim's call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// It did not return.
    Not,
    /// With this value, if it was one that has one.
    Done(Seen),
    /// With this code and message.
    Failed(i32, String),
}

impl Report {
    pub fn new() -> &'static Report {
        sys::shared()
    }

    pub fn clear(&self) {
        self.returned.store(0, Ordering::SeqCst);
    }

    /// A call returned.
    pub fn say(&self, result: &Result<Seen>) {
        let how = match result {
            Ok(seen) => {
                let (version, nonce) = seen.unwrap_or_default();
                self.version.store(version, Ordering::Relaxed);
                self.nonce.store(nonce, Ordering::Relaxed);
                1
            }
            Err(error) => {
                self.kind.store(error.code() as u32, Ordering::Relaxed);
                self.put(error);
                2
            }
        };
        self.returned.store(how, Ordering::Release);
    }

    fn put(&self, error: &Error) {
        let text = error.to_string();
        for (to, from) in self.message.iter().zip(text.bytes().chain([0])) {
            to.store(from, Ordering::Relaxed);
        }
    }

    pub fn get(&self) -> Returned {
        match self.returned.load(Ordering::Acquire) {
            0 => Returned::Not,
            1 => {
                let version = self.version.load(Ordering::Relaxed);
                let nonce = self.nonce.load(Ordering::Relaxed);
                Returned::Done((version != 0).then_some((version, nonce)))
            }
            _ => {
                let bytes = self.message.iter().map(|byte| byte.load(Ordering::Relaxed));
                let bytes: Vec<u8> = bytes.take_while(|&byte| byte != 0).collect();
                let message = String::from_utf8_lossy(&bytes).into_owned();
                Returned::Failed(self.kind.load(Ordering::Relaxed) as i32, message)
            }
        }
    }
}

impl Returned {
    /// Whether the call returned. It must not have failed.
    pub fn is_done(&self) -> bool {
        match self {
            Returned::Not => false,
            Returned::Done(_) => true,
            Returned::Failed(_, message) => panic!("the victim's call failed: {message}"),
        }
    }

    pub fn is_error(&self, kind: ErrorKind) -> bool {
        matches!(self, Returned::Failed(code, _) if *code == kind as i32)
    }
}
