//! Locators: how a segment is named (`telemetry`, `file:/x.page`, `posix:/x`, `sysv:5678`, …).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The longest name of a page, in bytes.
pub const MAX_NAME: usize = 200;
/// The longest namespace, in bytes: with it a file's name still fits into 255.
pub const MAX_NAMESPACE: usize = 40;

/// Where a segment is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Locator {
    /// A page in crosspage's namespace; `user` is somebody else's, from `~user/name`.
    Name {
        /// The user whose page it is; `None` is this process's user.
        user: Option<String>,
        /// The page's name: 1–200 bytes of `[A-Za-z0-9._-]`, with `/` for hierarchy.
        name: String,
    },
    /// A page in exactly this file.
    File(PathBuf),
    /// A foreign POSIX shared memory object; the name begins with `/`.
    Posix(String),
    /// A foreign System V segment by its key.
    SysvKey(i32),
    /// A foreign System V segment by its id.
    SysvId(i32),
    /// A foreign named file mapping, as Windows spells it (`Local\Name`).
    Win(String),
}

impl Locator {
    /// Whether this names a page (rather than a segment that somebody else made).
    pub fn is_page(&self) -> bool {
        matches!(self, Locator::Name { .. } | Locator::File(_))
    }
}

fn invalid(text: &str, rule: impl fmt::Display) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(
        ErrorKind::Invalid,
        format!("{shown:?} is not a valid locator: {rule}"),
    )
}

/// The rule for one name or namespace; says what breaks it.
fn check_name(what: &str, text: &str, max: usize, hierarchy: bool) -> Result<(), String> {
    let rule = if hierarchy {
        format!("a {what} is 1 to {max} bytes of A-Z a-z 0-9 . _ - with / between its parts")
    } else {
        format!("a {what} is 1 to {max} bytes of A-Z a-z 0-9 . _ -")
    };
    if text.is_empty() {
        return Err(format!("it is empty; {rule}"));
    }
    if text.len() > max {
        return Err(format!("it has {} bytes; {rule}", text.len()));
    }
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || "._-".contains(c) || (hierarchy && c == '/');
    if let Some(bad) = text.chars().find(|&c| !allowed(c)) {
        return Err(format!("it has {bad:?}; {rule}"));
    }
    if text.split('/').any(str::is_empty) {
        return Err(format!("it has an empty part; {rule}"));
    }
    Ok(())
}

/// Checks a namespace (the value of `CROSSPAGE_NAMESPACE`).
pub(crate) fn check_namespace(text: &str) -> Result<()> {
    check_name("namespace", text, MAX_NAMESPACE, false).map_err(|rule| {
        Error::new(
            ErrorKind::Invalid,
            format!("CROSSPAGE_NAMESPACE={text:?} is not valid: {rule}"),
        )
    })
}

impl FromStr for Locator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Locator> {
        if text.contains('\0') {
            return Err(invalid(text, "it has a NUL byte"));
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            let (user, name) = match text.strip_prefix('~') {
                Some(rest) => match rest.split_once('/') {
                    Some((user, name)) if !user.is_empty() => (Some(user.to_owned()), name),
                    _ => return Err(invalid(text, "write ~user/name for another user's page")),
                },
                None => (None, text),
            };
            check_name("name", name, MAX_NAME, true).map_err(|rule| invalid(text, rule))?;
            return Ok(Locator::Name {
                user,
                name: name.to_owned(),
            });
        };
        match scheme {
            "file" if rest.is_empty() => Err(invalid(
                text,
                "file: needs a path, such as file:./state.page",
            )),
            "file" => Ok(Locator::File(PathBuf::from(rest))),
            "posix" => {
                let name = rest.strip_prefix('/').unwrap_or(rest);
                if name.is_empty()
                    || name.contains('/')
                    || name.len() > 254
                    || name == "."
                    || name == ".."
                {
                    return Err(invalid(
                        text,
                        "posix: needs /NAME of 1 to 254 bytes without another /",
                    ));
                }
                Ok(Locator::Posix(format!("/{name}")))
            }
            "sysv" => sysv(text, rest),
            "win" => {
                let rest = rest.replacen('/', "\\", 1);
                match rest.split_once('\\') {
                    Some(("Local" | "Global", name))
                        if !name.is_empty() && !name.contains(['\\', '/']) =>
                    {
                        Ok(Locator::Win(rest))
                    }
                    _ => Err(invalid(text, r"win: needs Local\NAME or Global\NAME")),
                }
            }
            _ => Err(invalid(
                text,
                format!(
                    "{scheme:?} is no scheme; there are plain names, file:, posix:, sysv: and win:"
                ),
            )),
        }
    }
}

fn sysv(text: &str, rest: &str) -> Result<Locator> {
    let rule = "sysv: needs a key (5678 or 0x162e) or id=NUMBER";
    if let Some(id) = rest.strip_prefix("id=") {
        return id
            .parse()
            .map(Locator::SysvId)
            .map_err(|_| invalid(text, rule));
    }
    // Keys are C `key_t`, a signed int, which tools print as unsigned hexadecimal.
    let key = match rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => {
            u32::from_str_radix(hex, 16).ok().map(|key| key as i32)
        }
        Some(_) => None,
        None => rest.parse::<i64>().ok().and_then(|key| {
            i32::try_from(key)
                .ok()
                .or_else(|| u32::try_from(key).ok().map(|key| key as i32))
        }),
    };
    match key {
        Some(0) => Err(invalid(
            text,
            "key 0 is IPC_PRIVATE, which nobody else can open; use id=NUMBER",
        )),
        Some(key) => Ok(Locator::SysvKey(key)),
        None => Err(invalid(text, rule)),
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Locator::Name { user: None, name } => f.write_str(name),
            Locator::Name {
                user: Some(user),
                name,
            } => write!(f, "~{user}/{name}"),
            Locator::File(path) => write!(f, "file:{}", path.display()),
            Locator::Posix(name) => write!(f, "posix:{name}"),
            Locator::SysvKey(key) => write!(f, "sysv:{key}"),
            Locator::SysvId(id) => write!(f, "sysv:id={id}"),
            Locator::Win(name) => write!(f, "win:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_locators_round_trip() {
        for (text, shown) in [
            ("telemetry", "telemetry"),
            ("robot1/arm/state", "robot1/arm/state"),
            ("~ada/telemetry", "~ada/telemetry"),
            ("file:/tmp/x.page", "file:/tmp/x.page"),
            ("file:./x.page", "file:./x.page"),
            ("posix:/IPCSharedMemory", "posix:/IPCSharedMemory"),
            ("posix:IPCSharedMemory", "posix:/IPCSharedMemory"),
            ("sysv:5678", "sysv:5678"),
            ("sysv:0x162e", "sysv:5678"),
            ("sysv:0xffffffff", "sysv:-1"),
            ("sysv:id=3", "sysv:id=3"),
            (r"win:Local\IPCSharedMemory", r"win:Local\IPCSharedMemory"),
            ("win:Local/IPCSharedMemory", r"win:Local\IPCSharedMemory"),
        ] {
            let locator: Locator = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(locator.to_string(), shown);
            assert_eq!(shown.parse::<Locator>().unwrap(), locator);
        }
    }

    #[test]
    fn bad_locators_quote_themselves_and_the_rule() {
        let long = "x".repeat(201);
        for (text, rule) in [
            ("", "empty"),
            ("a b", "' '"),
            ("naïve", "'ï'"),
            ("a//b", "empty part"),
            ("/a", "empty part"),
            ("a/", "empty part"),
            (r"a\b", r"'\\'"),
            (long.as_str(), "201 bytes"),
            ("~/x", "~user/name"),
            ("~ada", "~user/name"),
            ("http:x", "no scheme"),
            ("file:", "needs a path"),
            ("posix:/a/b", "without another /"),
            ("posix:/", "posix: needs"),
            ("sysv:", "sysv: needs"),
            ("sysv:0", "IPC_PRIVATE"),
            ("sysv:0x1ffffffff", "sysv: needs"),
            ("sysv:id=x", "sysv: needs"),
            ("win:IPCSharedMemory", "win: needs"),
            ("a\0b", "NUL"),
        ] {
            let error = text.parse::<Locator>().expect_err(text);
            assert!(error.is_invalid());
            assert!(error.to_string().contains(rule), "{text:?}: {error}");
        }
    }
}
