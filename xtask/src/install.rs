//! What users do first: installing what is published, outside of this tree, and running the README's programs.
//!
//! The CMake package is tried by the tests of crosspage-capi, and for Windows by a step of its own.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use crate::Result;
use crate::process::{cargo, command, run};
use crate::python::Venv;
use crate::steps::Done;
use crate::{demo, readme, workspace};

/// What other crates need from the registry, and what depends on them.
const LIBRARIES: [&str; 2] = ["crosspage-derive", "crosspage"];

pub fn run_step(long: bool) -> Result<Done> {
    let place = Outside::new()?;
    let namespace = format!("install-{}", process::id());
    let venv = wheel(&place.0, long)?;
    let outcome = rust(&place.0, &namespace, long).and_then(|()| {
        let program = place.0.join("telemetry.py");
        write(&program, &readme::program("python")?)?;
        run(venv
            .python()
            .current_dir(&place.0)
            .env("CROSSPAGE_NAMESPACE", &namespace)
            .arg(&program))
    });
    demo::remove_pages(&mut venv.python(), &namespace)?;
    outcome.map(|()| Done::Ran)
}

/// `cargo package` of every crate; then a package that depends on what that made.
fn rust(place: &Path, namespace: &str, long: bool) -> Result {
    let target = workspace::target().join("install");
    let mut package = cargo();
    package.env("CARGO_TARGET_DIR", &target).args([
        "package",
        "--quiet",
        "--workspace",
        "--exclude",
        "xtask",
        "--allow-dirty",
    ]);
    if !long {
        // The programs below compile what most people use; this compiles every crate by itself.
        package.arg("--no-verify");
    }
    run(&mut package)?;

    let version = env!("CARGO_PKG_VERSION");
    let unpacked = |name: &str| place.join(format!("{name}-{version}"));
    for name in LIBRARIES.into_iter().chain(["crosspage-cli"]) {
        let file = target.join(format!("package/{name}-{version}.crate"));
        run(command("tar").arg("-xzf").arg(file).arg("-C").arg(place))?;
    }
    // What the registry would have.
    let mut patches = String::from("[patch.crates-io]\n");
    for name in LIBRARIES {
        patches += &format!("{name} = {{ path = {:?} }}\n", unpacked(name));
    }
    write(&place.join(".cargo/config.toml"), &patches)?;

    let app = place.join("app");
    let cargo = || {
        let mut cargo = cargo();
        cargo.env("CARGO_TARGET_DIR", &target);
        cargo
    };
    run(cargo().args(["init", "--quiet", "--vcs", "none"]).arg(&app))?;
    write(&app.join("src/main.rs"), &readme::program("rust")?)?;
    run(cargo()
        .current_dir(&app)
        .args(["add", "--quiet", "crosspage", "--path"])
        .arg(unpacked("crosspage")))?;
    run(cargo()
        .current_dir(&app)
        .env("CROSSPAGE_NAMESPACE", namespace)
        .args(["run", "--quiet"]))?;

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
            .env("CROSSPAGE_NAMESPACE", namespace)
            .args(["show", "telemetry"]))?;
    }
    Ok(())
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
