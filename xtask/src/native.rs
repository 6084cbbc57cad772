//! Compiling C and C++ programs against the faces for them.

use std::path::Path;

use crate::Result;
use crate::process::{cargo, command, run, succeeds};
use crate::workspace;

/// Compiles one file of C11 or C++20, as its name says, against the library, which is built first.
pub fn compile(source: &Path, program: &Path) -> Result {
    let standard = match is_c(source) {
        true => "-std=c11",
        false => "-std=c++20",
    };
    compile_with(source, program, &[standard, "-O2"])
}

fn is_c(source: &Path) -> bool {
    source.extension().is_some_and(|extension| extension == "c")
}

/// The same with flags that say how.
pub fn compile_with(source: &Path, program: &Path, flags: &[&str]) -> Result {
    run(cargo().args(["build", "--quiet", "--package", "crosspage-capi"]))?;
    let compiler = match is_c(source) {
        true => compiler("CC", "gcc")?,
        false => cpp_compiler()?,
    };
    let library = workspace::debug();
    run(command(compiler)
        .args(flags)
        .args([
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Icrates/crosspage-capi/include",
        ])
        .arg(source)
        .arg("-o")
        .arg(program)
        .arg(format!("-L{}", library.display()))
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .arg("-lcrosspage"))
}

/// The C++ compiler.
pub fn cpp_compiler() -> Result<String> {
    compiler("CXX", "g++")
}

/// The compiler that `variable` names, or the usual one.
fn compiler(variable: &str, usual: &str) -> Result<String> {
    let name = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    if succeeds(command(&name).arg("--version")) {
        return Ok(name);
    }
    Err(format!(
        "{name:?} does not start; `apt-get install g++` brings gcc and g++, {variable} names another"
    ))
}
