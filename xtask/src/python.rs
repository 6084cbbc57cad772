//! The virtual environment that the Python face is built into and tested in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::Result;
use crate::process::{cargo, command, output, run, succeeds};
use crate::workspace;

/// The oldest Python that crosspage supports.
const OLDEST: (u32, u32) = (3, 11);

/// What the tests of the Python face need beside it.
const REQUIREMENTS: &str = "xtask/requirements.txt";

/// What PyO3 would ask the oldest free-threaded Python that it supports.
const FREE_THREADED: &str = "\
implementation=CPython
version=3.14
target_abi=CPython-free_threaded-3.14
shared=true
build_flags=Py_GIL_DISABLED
pointer_width=64
suppress_build_script_link_lines=true
";

/// A virtual environment with what `requirements.txt` asks for.
pub struct Venv {
    path: PathBuf,
}

impl Venv {
    /// The environment under the target directory; made or brought up to date where needed.
    pub fn ready() -> Result<Venv> {
        let venv = Venv {
            path: workspace::target().join("venv"),
        };
        if !succeeds(venv.python().args(["-c", "import pip"])) {
            venv.clear()?;
        }
        venv.install(Path::new(REQUIREMENTS))?;
        Ok(venv)
    }

    /// An environment with pip and nothing else.
    pub fn empty(path: PathBuf) -> Result<Venv> {
        let venv = Venv { path };
        venv.clear()?;
        Ok(venv)
    }

    fn clear(&self) -> Result {
        let python = system_python()?;
        run(command(python)
            .args(["-m", "venv", "--clear"])
            .arg(&self.path))
        .map_err(|e| {
            format!(
                "{e}; on Debian and Ubuntu `apt-get install python3-venv` brings the missing module"
            )
        })
    }

    /// A program of this environment, with the variables that activating it would set.
    pub fn program(&self, name: &str) -> Command {
        let bin = self
            .path
            .join(if cfg!(windows) { "Scripts" } else { "bin" });
        let mut command = command(bin.join(name));
        let mut path = std::ffi::OsString::from(&bin);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(if cfg!(windows) { ";" } else { ":" });
            path.push(rest);
        }
        command
            .env("VIRTUAL_ENV", &self.path)
            .env("PATH", path)
            .env_remove("PYTHONHOME");
        command
    }

    /// This environment's Python.
    pub fn python(&self) -> Command {
        self.program("python")
    }

    /// Builds the Python face and installs it here; once is enough for one run of this program.
    pub fn install_crosspage(&self) -> Result {
        static DONE: OnceLock<Result> = OnceLock::new();
        let install = || {
            let manifest = ["--manifest-path", "crates/crosspage-py/Cargo.toml"];
            run(self
                .program("maturin")
                .args(["develop", "--quiet"])
                .args(manifest))
        };
        DONE.get_or_init(install).clone()
    }

    /// Compiles the Python face for an interpreter without the GIL, which this machine need not have: its
    /// objects are laid out differently, and there is no abi3 of it.
    pub fn check_free_threaded() -> Result {
        let target = workspace::target().join("free-threaded");
        let config = target.join("pyo3-config.txt");
        std::fs::create_dir_all(&target)
            .and_then(|()| std::fs::write(&config, FREE_THREADED))
            .map_err(|e| format!("cannot write {}: {e}", config.display()))?;
        run(cargo()
            .env("PYO3_CONFIG_FILE", config)
            .env("CARGO_TARGET_DIR", target)
            .args(["check", "--quiet", "--package", "crosspage-py"]))
    }

    /// pip is asked only when the list has changed since it last succeeded.
    fn install(&self, requirements: &Path) -> Result {
        let wanted = std::fs::read_to_string(workspace::root().join(requirements))
            .map_err(|e| format!("cannot read {}: {e}", requirements.display()))?;
        let stamp = self.path.join("installed-requirements.txt");
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        run(self
            .python()
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(requirements))?;
        std::fs::write(&stamp, wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))
    }
}

/// The first Python that is new enough, with `$PYTHON` before all.
fn system_python() -> Result<String> {
    let named = std::env::var("PYTHON").ok();
    let usual = [
        "python3",
        "python3.14",
        "python3.13",
        "python3.12",
        "python3.11",
        "python",
    ]
    .map(String::from);
    let mut seen = Vec::new();
    for name in named.into_iter().chain(usual) {
        if !succeeds(command(&name).arg("--version")) {
            continue;
        }
        let text = output(command(&name).args([
            "-c",
            "import sys; print(sys.version_info[0], sys.version_info[1])",
        ]))?;
        let mut numbers = text
            .split_whitespace()
            .filter_map(|word| word.parse::<u32>().ok());
        let Some(version) = numbers.next().zip(numbers.next()) else {
            continue;
        };
        if version >= OLDEST {
            return Ok(name);
        }
        seen.push(format!("{name} is {}.{}", version.0, version.1));
    }
    let found = if seen.is_empty() {
        "there is none".to_owned()
    } else {
        seen.join(", ")
    };
    Err(format!(
        "Python {}.{} or later is needed, but {found}; PYTHON names another",
        OLDEST.0, OLDEST.1
    ))
}
