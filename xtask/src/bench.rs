//! `cargo xtask bench`: the benchmarks live in `bench/`, a workspace of its own because of its
//! rivals' dependencies; those of Python beside the Python face.

use std::path::PathBuf;

use crate::process::{cargo, command, run as run_command};
use crate::python::Venv;
use crate::{Result, native, tools, workspace};

/// Runs `bench/` in release with these arguments.
pub fn run(args: &[&str]) -> Result {
    if let ["python", rest @ ..] = args {
        return python(rest);
    }
    let manifest = workspace::root().join("bench/Cargo.toml");
    let mut bench = cargo();
    // The only one that measures through the C++ face.
    if args.contains(&"latest") {
        let library = cpp("bench/cpp/latest.cpp", "latest.so", &["-shared", "-fPIC"])?;
        bench.env("CROSSPAGE_BENCH_CPP", library);
    }
    run_command(
        bench
            // cargo's own, which has this program's directory: of the library without optimisation.
            .env_remove("LD_LIBRARY_PATH")
            .args(["run", "--release", "--manifest-path"])
            .arg(manifest)
            .arg("--")
            .args(args),
    )
}

/// Compiles what is measured through the C++ face.
fn cpp(source: &str, name: &str, options: &[&str]) -> Result<PathBuf> {
    run_command(cargo().args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "crosspage-capi",
    ]))?;
    let made = tools::scratch("bench")?.join(name);
    let built = workspace::target().join("release");
    run_command(
        command(native::cpp_compiler()?)
            .args(["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror"])
            .args(options)
            .args(["-Icrates/crosspage-capi/include", source, "-o"])
            .arg(&made)
            .arg(format!("-L{}", built.display()))
            .arg(format!("-Wl,-rpath,{}", built.display()))
            .arg("-lcrosspage"),
    )?;
    Ok(made)
}

/// Runs the benchmarks of the Python face, against a release build of it, and against the rival's binding.
fn python(args: &[&str]) -> Result {
    let publisher = cpp("bench/cpp/stream.cpp", "stream", &[])?;
    let venv = Venv::ready()?;
    run_command(
        venv.program("maturin")
            .args(["develop", "--quiet", "--release", "--extras", "bench"])
            .args(["--manifest-path", "crates/crosspage-py/Cargo.toml"]),
    )?;
    run_command(
        venv.python()
            .arg("crates/crosspage-py/bench_python.py")
            .args(args),
    )?;
    run_command(
        venv.python()
            .arg("crates/crosspage-py/bench_topic.py")
            .arg(publisher)
            .args(args),
    )
}
