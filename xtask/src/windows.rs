//! The Windows leg: what is built for Windows on Linux and run there under Wine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::examples::{self, Examples};
use crate::languages::Language;
use crate::process::{command, output, run};
use crate::python::Venv;
use crate::steps::Done;
use crate::tally::Tally;
use crate::{Result, conformance, demo, languages, tools, workspace};

mod build_host;
mod kit;

use build_host::BuildHost;
pub use kit::Kit;

/// Nothing here is silent for so long unless it hangs. (Building counts, too.)
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Installs and makes what is missing.
pub fn prepare(_long: bool) -> Result<Done> {
    println!("{}", Kit::ready()?.describe()?);
    Ok(Done::Ran)
}

/// The Rust tests, those of the command line and of this program among them.
pub fn rust(long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let host = BuildHost::start()?;
    let mut tally = Tally::of("Rust tests under Wine");
    let mut tests = kit.cargo("test");
    tests
        .args([
            "--no-fail-fast",
            "--package",
            "crosspage",
            "--package",
            "crosspage-derive",
        ])
        .args(["--package", "crosspage-cli", "--package", "xtask"])
        .args(["--", "--show-output"]);
    tally.libtest(crate::test::patience(host.tell(&mut tests), long), PATIENCE)?;
    Ok(Done::Tested(tally))
}

/// The C and C++ tests: programs that mingw compiles, and the library as a DLL.
pub fn cpp(long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    run(kit
        .cargo("build")
        .args(["--quiet", "--package", "crosspage-capi"]))?;
    let host = BuildHost::start()?;
    let mut tally = Tally::of("C and C++ tests under Wine");
    let mut tests = kit.cargo("test");
    tests.env("CROSSPAGE_LIBRARY", kit.debug()).args([
        "--no-fail-fast",
        "--package",
        "crosspage-capi",
        "--",
        "--show-output",
    ]);
    tally.libtest(crate::test::patience(host.tell(&mut tests), long), PATIENCE)?;
    Ok(Done::Tested(tally))
}

/// The CMake package: built, installed, and found by a project outside of the tree.
pub fn cmake(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let scratch = Fresh::in_directory(&tools::scratch("windows-cmake")?)?;
    let [build, prefix, app] = ["build", "prefix", "app"].map(|name| scratch.0.join(name));
    let define = |name: &str, value: &dyn std::fmt::Display| format!("-D{name}={value}");
    let configure = |source: &str, into: &Path| {
        let mut cmake = command("cmake");
        cmake
            .arg("-S")
            .arg(workspace::root().join(source))
            .arg("-B")
            .arg(into)
            .args([
                "-DCMAKE_SYSTEM_NAME=Windows",
                "-DCMAKE_EXE_LINKER_FLAGS=-static",
            ])
            .arg(define("CMAKE_C_COMPILER", &kit::GCC))
            .arg(define("CMAKE_CXX_COMPILER", &kit::GXX));
        cmake
    };
    // CMake runs cargo by itself: as the kit does, and where that has built it already.
    let cargo = kit.cargo("build");
    let target_directory = kit
        .debug()
        .parent()
        .and_then(Path::parent)
        .map(Path::to_owned);
    let target_directory = target_directory.ok_or("no target directory")?;
    run(configure("", &build)
        .arg(define(
            "CROSSPAGE_CARGO",
            &cargo.get_program().to_string_lossy(),
        ))
        .arg(define("CROSSPAGE_TARGET_DIR", &target_directory.display()))
        .arg("-DCROSSPAGE_PROFILE=dev")
        .arg(define("CMAKE_INSTALL_PREFIX", &prefix.display())))?;
    let variables = cargo
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    run(command("cmake").arg("--build").arg(&build).envs(variables))?;
    run(command("cmake").arg("--install").arg(&build))?;

    run(configure("crates/crosspage-capi/tests/cmake", &app)
        .arg(define("CMAKE_PREFIX_PATH", &prefix.display()))
        .arg(define("CMAKE_FIND_ROOT_PATH", &prefix.display())))?;
    run(command("cmake").arg("--build").arg(&app))?;
    copy(
        &prefix.join("bin/crosspage.dll"),
        &app.join("crosspage.dll"),
    )?;
    let manifest = fs::read_to_string(workspace::root().join("Cargo.toml"))
        .map_err(|e| format!("cannot read Cargo.toml: {e}"))?;
    for program in ["shared.exe", "static.exe", "c.exe"] {
        let said = output(&mut kit.wine(&app.join(program)))?;
        if !manifest.contains(&format!("version = {:?}", said.trim())) {
            return Err(format!("{program} says {said:?}, not the version"));
        }
    }
    Ok(Done::Ran)
}

/// The Python tests, by a Windows Python.
pub fn python(long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let packages = stage_python(kit)?;
    let mut tally = Tally::of("Python tests under Wine");
    let mut pytest = kit.python();
    pytest
        .args([
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            "crates/crosspage-py/tests",
        ])
        .env("PYTHONPATH", packages);
    tally.pytest(crate::test::patience(&mut pytest, long), PATIENCE)?;
    Ok(Done::Tested(tally))
}

/// The golden record from every language to every language on Windows, and between Windows and Linux in files.
pub fn languages(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let windows = windows_languages(kit)?;
    let namespace = format!("golden-{}", std::process::id());
    let outcome = languages::exchange(&windows, &namespace);
    let mut python = kit.python();
    python.env("PYTHONPATH", stage_python(kit)?);
    demo::remove_pages(&mut python, &namespace)?;
    outcome?;

    let program = compile(kit, languages::PLAIN, "plain.exe")?;
    let plain = Language::new("plain C++", move || kit.wine(&program));
    println!("foreign segments:");
    languages::exchange_foreign(&windows, &plain, &format!(r"win:Local\{namespace}"))?;

    let linux = languages::native()?;
    let scratch = tools::scratch("across")?;
    let files = Fresh::in_directory(&scratch)?;
    let here = files.0.display().to_string();
    // Wine has the root of Linux's files as drive Z.
    let there = format!("Z:{here}");
    println!("from Linux to Windows, in files:");
    languages::across((&linux, &here), (&windows, &there))?;
    println!("from Windows to Linux, in files:");
    languages::across((&windows, &there), (&linux, &here))?;
    Ok(Done::Ran)
}

fn windows_languages(kit: &'static Kit) -> Result<Vec<Language>> {
    run(kit
        .cargo("build")
        .args(["--quiet", "--package", "crosspage", "--example", "golden"]))?;
    let c = compile(kit, languages::C, "golden-c.exe")?;
    let cpp = compile(kit, languages::CPP, "golden-cpp.exe")?;
    let packages = stage_python(kit)?;
    let rust = kit.debug().join("examples/golden.exe");
    Ok(vec![
        Language::new("Windows Rust", move || kit.wine(&rust)),
        Language::new("Windows C", move || kit.wine(&c)),
        Language::new("Windows C++", move || kit.wine(&cpp)),
        Language::new("Windows Python", move || {
            let mut python = kit.python();
            python.arg(languages::PYTHON).env("PYTHONPATH", &packages);
            python
        }),
    ])
}

/// The scenarios that every language plays with every language, on Windows.
pub fn conformance(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    run(kit
        .cargo("build")
        .args(["--quiet", "--package", "crosspage"])
        .args(["--example", conformance::RUST]))?;
    let c = compile(kit, conformance::C, "player-c.exe")?;
    let cpp = compile(kit, conformance::CPP, "player-cpp.exe")?;
    let packages = stage_python(kit)?;
    let rust = kit
        .debug()
        .join(format!("examples/{}.exe", conformance::RUST));
    let python = move || {
        let mut python = kit.python();
        python.env("PYTHONPATH", &packages);
        python
    };
    let mut cleaner = python();
    let languages = [
        conformance::Language::new("Rust", move || kit.wine(&rust)),
        conformance::Language::new("C", move || kit.wine(&c)),
        conformance::Language::new("C++", move || kit.wine(&cpp)),
        conformance::Language::new("Python", move || {
            let mut player = python();
            player.arg(conformance::PYTHON);
            player
        }),
    ];
    let namespace = format!("conformance-{}", std::process::id());
    let outcome = conformance::play(
        &languages,
        &namespace,
        "scenarios between languages under Wine",
    );
    demo::remove_pages(&mut cleaner, &namespace)?;
    Ok(Done::Tested(outcome?))
}

/// The examples in every language.
pub fn examples(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    run(kit
        .cargo("build")
        .args(["--quiet", "--package", "crosspage", "--examples"]))?;
    for (extension, example) in examples::compiled() {
        let name = format!("{extension}_{example}.exe");
        compile(kit, &examples::source(extension, example), &name)?;
    }
    let programs = tools::scratch("windows-programs")?;
    let at = move |extension, example: &str| {
        kit.wine(&programs.join(format!("{extension}_{example}.exe")))
    };
    let at_too = at.clone();
    let packages = stage_python(kit)?;
    let python = move || {
        let mut python = kit.python();
        python.env("PYTHONPATH", &packages);
        python
    };
    let script = python.clone();
    let languages = [
        Examples::new("Rust", |example| {
            let program = kit.debug().join("examples").join(example);
            kit.wine(&program.with_extension("exe"))
        }),
        Examples::new("C", move |example| at("c", example)),
        Examples::new("C++", move |example| at_too("cpp", example)),
        Examples::new("Python", move |example| {
            let mut python = script();
            python.arg(examples::script(example));
            python
        }),
    ];
    examples::play(&languages, python)?;
    Ok(Done::Ran)
}

/// Compiles a program of C11 or C++20 against the library as a DLL, which comes to lie beside it.
fn compile(kit: &Kit, source: &str, name: &str) -> Result<PathBuf> {
    run(kit
        .cargo("build")
        .args(["--quiet", "--package", "crosspage-capi"]))?;
    let program = tools::scratch("windows-programs")?.join(name);
    copy(
        &kit.debug().join("crosspage.dll"),
        &program.with_file_name("crosspage.dll"),
    )?;
    let (compiler, standard) = match source.ends_with(".c") {
        true => (kit::GCC, "-std=c11"),
        false => (kit::GXX, "-std=c++20"),
    };
    run(command(compiler)
        .args([standard, "-O2", "-static", "-Wall", "-Wextra", "-Werror"])
        .args(["-Icrates/crosspage-capi/include", source, "-o"])
        .arg(&program)
        .arg(kit.debug().join("libcrosspage.dll.a")))?;
    Ok(program)
}

/// The demo on Windows: a C++ program that knows nothing of crosspage, and a Windows Python.
pub fn demo(_long: bool) -> Result<Done> {
    let kit = Kit::ready()?;
    let writer = compile(
        kit,
        "examples/windows/original_writer.cpp",
        "original_writer.exe",
    )?;
    let packages = stage_python(kit)?;
    let mut reader = kit.python();
    reader
        .args([demo::READER, r"win:Local\IPCSharedMemory"])
        .env("PYTHONPATH", packages);
    println!();
    demo::play(&mut kit.wine(&writer), &mut reader)?;
    Ok(Done::Ran)
}

/// A directory of this run, removed after it.
struct Fresh(PathBuf);

impl Fresh {
    fn in_directory(place: &Path) -> Result<Fresh> {
        let path = place.join(std::process::id().to_string());
        fs::create_dir_all(&path).map_err(|e| format!("cannot make {}: {e}", path.display()))?;
        Ok(Fresh(path))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Builds a wheel for Windows and installs it; the directory that the package is in.
fn stage_python(kit: &Kit) -> Result<PathBuf> {
    let scratch = tools::scratch("windows-python")?;
    let (wheels, packages) = (scratch.join("wheels"), scratch.join("packages"));
    for directory in [&wheels, &packages] {
        match fs::remove_dir_all(directory) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("cannot remove {}: {e}", directory.display()));
            }
            _ => {}
        }
    }
    let venv = Venv::ready()?;
    // maturin runs cargo by itself: as the kit does.
    let cargo = kit.cargo("build");
    let mut maturin = venv.program("maturin");
    for (name, value) in cargo.get_envs() {
        match value {
            Some(value) => maturin.env(name, value),
            None => maturin.env_remove(name),
        };
    }
    run(maturin
        .env("CARGO", cargo.get_program())
        .args([
            "build",
            "--quiet",
            "--profile",
            "dev",
            "--target",
            kit::TARGET,
        ])
        .args(["--manifest-path", "crates/crosspage-py/Cargo.toml", "--out"])
        .arg(&wheels))?;
    run(venv
        .python()
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-index", "--no-deps", "--only-binary", ":all:"])
        .args(["--platform", "win_amd64", "--find-links"])
        .arg(&wheels)
        .arg("--target")
        .arg(&packages)
        .arg("crosspage"))?;
    Ok(packages)
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|e| format!("cannot copy {} to {}: {e}", from.display(), to.display()))
}
