//! Debian packages: installed when that is possible, named when it is not.

use std::time::Duration;

use crate::Result;
use crate::process::{command, output, run, succeeds};

/// Somebody else may be installing: that is waited for, not failed on.
const LOCK: &str = "DPkg::Lock::Timeout=600";

/// Makes sure that all of `packages` are installed. `Err` says what to do where that cannot be.
pub fn require(packages: &[&str]) -> Result {
    let missing: Vec<&str> = packages
        .iter()
        .copied()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !succeeds(command("apt-get").arg("--version")) {
        return Err(format!(
            "this needs what Debian 12 has as {}, and there is no apt-get here: install them with this system's \
             package manager",
            missing.join(", ")
        ));
    }
    if !is_root() {
        return Err(format!(
            "packages are missing, and only root can install them: run `{}`, then this again",
            by_hand(&missing)
        ));
    }
    install(&missing)?;
    match missing.iter().find(|package| !is_installed(package)) {
        None => Ok(()),
        Some(package) => Err(format!("apt-get succeeded, but {package} is not installed")),
    }
}

/// Installs packages, as root.
pub fn install(packages: &[&str]) -> Result {
    update();
    run(apt_get()
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
    .map_err(|e| {
        format!(
            "{e}; these packages are in Debian 12 and its security updates: see /etc/apt/sources.list, and try \
             `{}` by hand",
            by_hand(packages)
        )
    })
}

/// What installs the packages when typed.
pub fn by_hand(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install --no-install-recommends {}",
        packages.join(" ")
    )
}

pub fn is_root() -> bool {
    output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn is_installed(package: &str) -> bool {
    let mut query = command("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    query
        .output()
        .is_ok_and(|found| found.status.success() && found.stdout == b"installed")
}

/// The lists' own lock has no time-out in apt: a few tries. Old lists may do, so no failure is final.
fn update() {
    for left in (0..5).rev() {
        if run(apt_get().args(["update", "-qq"])).is_ok() {
            return;
        }
        if left > 0 {
            std::thread::sleep(Duration::from_secs(10));
        }
    }
    println!("`apt-get update` failed: going on with the lists that are there");
}

fn apt_get() -> std::process::Command {
    let mut command = command("apt-get");
    command
        .args(["-o", LOCK])
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}
