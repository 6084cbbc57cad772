//! What users do first: installing what is published, outside of this tree, and running the README's programs.
//!
//! The CMake package is tried by the tests of crosspage-capi, and for Windows by a step of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use crate::Result;
use crate::process::{command, run};
use crate::python::Venv;
use crate::steps::Done;
use crate::{demo, readme, workspace};

/// What other crates need from the registry, and what depends on them.
const LIBRARIES: [&str; 2] = ["crosspage-derive", "crosspage"];

pub fn run_step(long: bool) -> Result<Done> {
    let place = Outside::new()?;
    let namespace = format!("install-{}", process::id());
    let venv = wheel(&place.0, long)?;
    let outcome = rust(&place.0, long).and_then(|()| exchange(&place.0, &venv, &namespace));
    demo::remove_pages(&mut venv.python(), &namespace)?;
    outcome.map(|()| Done::Ran)
}

/// The README's programs, with what was installed: Python reads what Rust wrote, and the other way round.
fn exchange(place: &Path, venv: &Venv, namespace: &str) -> Result {
    let rust = |program| {
        let mut rust = cargo();
        rust.current_dir(place.join(APP))
            .args(["run", "--quiet", "--bin", program]);
        rust
    };
    let python = |program| {
        let mut python = venv.python();
        python.current_dir(place).arg(program);
        python
    };
    for name in ["writer.py", "reader.py"] {
        write(&place.join(name), &readme::file(name)?)?;
    }
    for mut program in [
        rust("writer"),
        python("reader.py"),
        python("writer.py"),
        rust("reader"),
    ] {
        run(program.env("CROSSPAGE_NAMESPACE", namespace))?;
    }
    Ok(())
}

/// `cargo package` of every crate; then a package that depends on what that made.
fn rust(place: &Path, long: bool) -> Result {
    let mut package = cargo();
    package.args(["package", "--quiet", "--workspace", "--exclude", "xtask"]);
    package.arg("--allow-dirty");
    if !long {
        // The programs below compile what most people use; this compiles every crate by itself.
        package.arg("--no-verify");
    }
    run(&mut package)?;

    let version = env!("CARGO_PKG_VERSION");
    let unpacked = |name: &str| place.join(format!("{name}-{version}"));
    for name in LIBRARIES.into_iter().chain(["crosspage-cli"]) {
        let file = target().join(format!("package/{name}-{version}.crate"));
        run(command("tar").arg("-xzf").arg(file).arg("-C").arg(place))?;
    }
    // What the registry would have.
    let mut patches = String::from("[patch.crates-io]\n");
    for name in LIBRARIES {
        patches += &format!("{name} = {{ path = {:?} }}\n", unpacked(name));
    }
    write(&place.join(".cargo/config.toml"), &patches)?;

    let app = place.join(APP);
    run(cargo().args(["new", "--quiet", "--vcs", "none"]).arg(&app))?;
    for name in ["writer.rs", "reader.rs"] {
        write(&app.join("src/bin").join(name), &readme::file(name)?)?;
    }
    run(cargo()
        .current_dir(&app)
        .args(["add", "--quiet", "crosspage", "--path"])
        .arg(unpacked("crosspage")))?;

    if long {
        let root = place.join("root");
        run(cargo()
            .current_dir(place)
            .args(["install", "--quiet", "--debug", "--root"])
            .arg(&root)
            .arg("--path")
            .arg(unpacked("crosspage-cli")))?;
        run(command(root.join("bin/crosspage"))
            .current_dir(place)
            .arg("ls"))?;
    }
    Ok(())
}

/// The package that depends on crosspage.
const APP: &str = "telemetry";

/// Its target directory is kept from run to run.
fn target() -> PathBuf {
    workspace::target().join("install")
}

fn cargo() -> Command {
    let mut cargo = crate::process::cargo();
    cargo.env("CARGO_TARGET_DIR", target());
    cargo
}

/// An environment that has nothing but a wheel.
fn wheel(place: &Path, long: bool) -> Result<Venv> {
    let venv = Venv::empty(place.join("venv"))?;
    let mut pip = venv.python();
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    if long {
        // As the README says it: pip brings maturin, and compiles with optimisation.
        pip.arg(workspace::root().join("crates/crosspage-py"));
    } else {
        let wheels = place.join("wheels");
        run(Venv::ready()?
            .program("maturin")
            .args(["build", "--quiet", "--profile", "dev", "--manifest-path"])
            .arg("crates/crosspage-py/Cargo.toml")
            .arg("--out")
            .arg(&wheels))?;
        pip.args(["--no-index", "--find-links"])
            .arg(wheels)
            .arg("crosspage");
    }
    run(&mut pip)?;
    Ok(venv)
}

fn write(path: &Path, text: &str) -> Result {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// A directory outside of the source tree, removed in the end.
struct Outside(PathBuf);

impl Outside {
    fn new() -> Result<Outside> {
        let path = env::temp_dir().join(format!("crosspage-install-{}", process::id()));
        fs::create_dir_all(&path).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
        Ok(Outside(path))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
