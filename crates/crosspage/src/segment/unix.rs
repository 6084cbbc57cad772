//! What the POSIX and the System V backend say in the same words.

use super::file;
use crate::error::Error;

/// The refusal with the way out of it.
pub(super) fn denied(message: String, writable: bool, source: &std::io::Error) -> Error {
    let (asked, hint) = match writable {
        true => (
            "reading and writing",
            "open it read-only, or let its owner give it wider permissions (group, all)",
        ),
        false => (
            "reading",
            "let its owner give it wider permissions (group, all)",
        ),
    };
    Error::os(format!("{message} {asked}"), source).with_hint(hint)
}

/// A size for people.
pub(super) fn bytes(size: u64) -> String {
    let unit = |shift: u32, name| {
        format!(
            "{:.1} {name} ({size} bytes)",
            size as f64 / f64::from(1u32 << shift)
        )
    };
    match size {
        1 => "1 byte".to_owned(),
        0..=0xf_ffff => format!("{size} bytes"),
        0x10_0000..=0x3fff_ffff => unit(20, "MiB"),
        _ => unit(30, "GiB"),
    }
}

/// Free and total bytes of the file system at `path`.
#[cfg(target_os = "linux")]
pub(super) fn room(path: &str) -> Option<(u64, u64)> {
    let path = std::ffi::CString::new(path).ok()?;
    // SAFETY: all-zero bytes are a valid statvfs, which holds integers only.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is NUL-terminated, `found` a valid place for the answer.
    if unsafe { libc::statvfs(path.as_ptr(), &mut found) } != 0 {
        return None;
    }
    let unit = found.f_frsize as u64;
    Some((
        unit.saturating_mul(found.f_bavail as u64),
        unit.saturating_mul(found.f_blocks as u64),
    ))
}

/// A line of `/proc/PID/maps` that maps a file.
#[cfg(target_os = "linux")]
pub(super) struct Mapped<'a> {
    /// As the kernel prints it: `00:1a`, major and minor number in hexadecimal.
    pub(super) device: &'a str,
    pub(super) inode: u64,
    pub(super) path: &'a str,
}

/// The processes with a mapping that is `wanted`, as far as we may look into them.
#[cfg(target_os = "linux")]
pub(super) fn processes(wanted: impl Fn(&Mapped<'_>) -> bool) -> Vec<u32> {
    let has = |pid: &u32| {
        let maps = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        let maps = String::from_utf8_lossy(&maps);
        maps.lines().any(|line| {
            // address permissions offset device inode path
            let mut words = line.split_ascii_whitespace().skip(3);
            let (Some(device), Some(inode)) = (words.next(), words.next()) else {
                return false;
            };
            let path = words.next().unwrap_or_default();
            inode.parse().is_ok_and(|inode| {
                wanted(&Mapped {
                    device,
                    inode,
                    path,
                })
            })
        })
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<u32> = pids.filter(has).collect();
    found.sort_unstable();
    found
}

/// `ada (uid 1000)`, or `uid 1000` where the number has no name.
pub(crate) fn user(uid: u32) -> String {
    match file::user_name(uid) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("uid {uid}"),
    }
}

/// Who we are to the permission checks.
pub(super) fn me() -> String {
    user(file::current_uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(1024), "1024 bytes");
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(3 << 20), "3.0 MiB (3145728 bytes)");
        assert_eq!(bytes(1 << 31), "2.0 GiB (2147483648 bytes)");
    }

    #[test]
    fn users_have_names() {
        assert_eq!(user(0), "root (uid 0)");
        assert_eq!(user(3_999_999_999), "uid 3999999999");
    }
}
