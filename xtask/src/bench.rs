//! `cargo xtask bench`: the benchmarks live in `bench/`, a workspace of its own because of its
//! rivals' dependencies.

use std::path::PathBuf;

use crate::process::{cargo, run as run_command};
use crate::{Result, native, tools, workspace};

/// Runs `bench/` in release with these arguments.
pub fn run(args: &[&str]) -> Result {
    let manifest = workspace::root().join("bench/Cargo.toml");
    let mut command = cargo();
    // The only one that measures through the C++ face.
    if args.contains(&"latest") {
        command.env("CROSSPAGE_BENCH_CPP", cpp()?);
    }
    run_command(
        command
            // cargo's own, which has this program's directory: of the library without optimisation.
            .env_remove("LD_LIBRARY_PATH")
            .args(["run", "--release", "--manifest-path"])
            .arg(manifest)
            .arg("--")
            .args(args),
    )
}

/// What is measured through the C++ face, as a shared library.
fn cpp() -> Result<PathBuf> {
    run_command(cargo().args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "crosspage-capi",
    ]))?;
    let library = tools::scratch("bench")?.join("latest.so");
    let built = workspace::target().join("release");
    run_command(
        crate::process::command(native::cpp_compiler()?)
            .args([
                "-std=c++20",
                "-O2",
                "-shared",
                "-fPIC",
                "-Wall",
                "-Wextra",
                "-Werror",
            ])
            .args([
                "-Icrates/crosspage-capi/include",
                "bench/cpp/latest.cpp",
                "-o",
            ])
            .arg(&library)
            .arg(format!("-L{}", built.display()))
            .arg(format!("-Wl,-rpath,{}", built.display()))
            .arg("-lcrosspage"),
    )?;
    Ok(library)
}
