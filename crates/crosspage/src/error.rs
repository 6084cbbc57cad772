//! The one error type, and its numbers.

use std::fmt;

use crate::layout::Difference;

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is. The numbers are shared with C and Python and are
/// append-only: a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorKind {
    /// No segment (or field, type, file) of this name.
    NotFound = 1,
    /// The operating system refused the access.
    PermissionDenied = 2,
    /// The time-out elapsed.
    TimedOut = 3,
    /// Two layouts (or a value and its layout) do not agree.
    LayoutMismatch = 4,
    /// Somebody alive holds the role already.
    AlreadyOwned = 5,
    /// The page was replaced or removed; `reopen` attaches to its successor.
    Replaced = 6,
    /// The segment's bytes break the format or a checksum.
    Corrupt = 7,
    /// A bounded resource (participants, pins, capacity) is used up.
    Full = 8,
    /// A value, text or message exceeds its limit.
    TooLarge = 9,
    /// The file system (often `/dev/shm`) has no room.
    NoSpace = 10,
    /// This platform, file system, or format version cannot do it.
    Unsupported = 11,
    /// A bad name, argument, option, schema or value.
    Invalid = 12,
    /// Participants are alive, so the page may not be removed.
    InUse = 13,
    /// The handle was closed.
    Closed = 14,
    /// The handle belongs to the parent process of this fork.
    Forked = 15,
    /// There is no value yet.
    NoValue = 16,
    /// Any other failure of the operating system.
    Io = 17,
    /// A defect in crosspage itself (C and Python: a caught panic).
    Internal = 18,
}

/// Why a call failed: for the person who reads it, with a [kind](ErrorKind) for the program.
///
/// `Display` prints what happened, in which segment and field, and what was expected;
/// [`hint`](Error::hint) says what to do next, where there is something to do.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    differences: Vec<Difference>,
    os: Option<i32>,
}

impl Error {
    /// An error of `kind` with a message for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            differences: Vec::new(),
            os: None,
        }))
    }

    /// The same error with advice on what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same error with the layout differences that caused it.
    #[must_use]
    pub fn with_differences(mut self, differences: Vec<Difference>) -> Error {
        self.0.differences = differences;
        self
    }

    /// `what` failed in the operating system with `source`; the kind follows from its code.
    pub fn os(what: impl fmt::Display, source: &std::io::Error) -> Error {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::NotFound => ErrorKind::NotFound,
            Io::PermissionDenied => ErrorKind::PermissionDenied,
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::NoSpace,
            Io::TimedOut => ErrorKind::TimedOut,
            Io::Unsupported => ErrorKind::Unsupported,
            Io::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
            _ => ErrorKind::Io,
        };
        let mut error = Error::new(kind, format!("{what}: {source}"));
        error.0.os = source.raw_os_error();
        error
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The kind's number, the same in C and Python.
    pub fn code(&self) -> i32 {
        self.0.kind as i32
    }

    /// The message without the hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The layout differences, for [`ErrorKind::LayoutMismatch`] while attaching.
    pub fn differences(&self) -> &[Difference] {
        &self.0.differences
    }

    /// The operating system's error number (`errno`, `GetLastError`), where one caused this.
    pub fn os_code(&self) -> Option<i32> {
        self.0.os
    }
}

macro_rules! predicates {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(&self) -> bool { self.0.kind == ErrorKind::$kind })*
        }
    };
}

predicates! {
    /// No segment, field, type or file of this name.
    is_not_found => NotFound;
    /// The operating system refused the access.
    is_permission_denied => PermissionDenied;
    /// The time-out elapsed.
    is_timed_out => TimedOut;
    /// Two layouts do not agree; see [`Error::differences`].
    is_layout_mismatch => LayoutMismatch;
    /// Somebody alive holds the role already.
    is_already_owned => AlreadyOwned;
    /// The page was replaced or removed since this handle attached.
    is_replaced => Replaced;
    /// The segment's bytes break the format or a checksum.
    is_corrupt => Corrupt;
    /// A bounded resource is used up.
    is_full => Full;
    /// A value, text or message exceeds its limit.
    is_too_large => TooLarge;
    /// The file system has no room.
    is_no_space => NoSpace;
    /// This platform, file system or format version cannot do it.
    is_unsupported => Unsupported;
    /// A bad name, argument, option, schema or value.
    is_invalid => Invalid;
    /// Participants are alive.
    is_in_use => InUse;
    /// The handle was closed.
    is_closed => Closed;
    /// The handle belongs to the parent process.
    is_forked => Forked;
    /// There is no value yet.
    is_no_value => NoValue;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}
