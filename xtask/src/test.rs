//! `cargo xtask test`: every test there is on this platform.

use std::process::Command;

use crate::process::{cargo, output, run as run_command};
use crate::python::Venv;
use crate::steps::{self, Done, Step};
use crate::{
    Result, canonical, conformance, demo, examples, install, languages, leftovers, readme, targets,
    tools, windows, workspace,
};

/// The Python face is an extension module: it links only inside of a Python, so maturin builds it.
const WITHOUT_PYTHON: [&str; 3] = ["--workspace", "--exclude", "crosspage-py"];

const STEPS: &[Step] = &[
    Step {
        name: "tools",
        about: "compilers and Python packages",
        option: None,
        run: prepare,
    },
    Step {
        name: "format",
        about: "rustfmt",
        option: None,
        run: format,
    },
    Step {
        name: "lint",
        about: "clippy, nothing let through",
        option: None,
        run: lint,
    },
    Step {
        name: "rust",
        about: "the library, its C and C++ face, the command line",
        option: None,
        run: rust,
    },
    Step {
        name: "crash",
        about: "kills with portable copies; at every instruction (--long)",
        option: None,
        run: crash,
    },
    Step {
        name: "docs",
        about: "rustdoc, nothing let through",
        option: None,
        run: docs,
    },
    Step {
        name: "loom",
        about: "every interleaving of the algorithms' models",
        option: None,
        run: loom,
    },
    Step {
        name: "fuzz",
        about: "new inputs for the parsers, for a minute each (--long)",
        option: None,
        run: fuzz,
    },
    Step {
        name: "python",
        about: "pytest, mypy, pyright and stubtest",
        option: None,
        run: python,
    },
    Step {
        name: "languages",
        about: "the golden record, from every language to every language",
        option: None,
        run: languages::run,
    },
    Step {
        name: "conformance",
        about: "scenarios of the patterns, from every language to every language",
        option: None,
        run: conformance::run,
    },
    Step {
        name: "canonical",
        about: "one canonical layout from nine ways of declaring a struct",
        option: None,
        run: canonical::run,
    },
    Step {
        name: "examples",
        about: "the examples, every language's writer with every language's reader",
        option: None,
        run: examples::run,
    },
    Step {
        name: "readme",
        about: "the README's programs",
        option: None,
        run: readme::run,
    },
    Step {
        name: "install",
        about: "packages and a wheel, installed as users do, outside of this tree",
        option: None,
        run: install::run_step,
    },
    Step {
        name: "demo",
        about: "cargo xtask demo",
        option: None,
        run: play_demo,
    },
    Step {
        name: "win-kit",
        about: "mingw, Wine, a Windows Python, Rust for Windows",
        option: Some("--windows"),
        run: windows::prepare,
    },
    Step {
        name: "win-rust",
        about: "the Rust tests under Wine",
        option: Some("--windows"),
        run: windows::rust,
    },
    Step {
        name: "win-cpp",
        about: "the C and C++ tests under Wine",
        option: Some("--windows"),
        run: windows::cpp,
    },
    Step {
        name: "win-cmake",
        about: "the CMake package, by mingw",
        option: Some("--windows"),
        run: windows::cmake,
    },
    Step {
        name: "win-python",
        about: "the Python tests, by a Windows Python under Wine",
        option: Some("--windows"),
        run: windows::python,
    },
    Step {
        name: "win-golden",
        about: "the golden record between the languages, and between Windows and Linux",
        option: Some("--windows"),
        run: windows::languages,
    },
    Step {
        name: "win-conformance",
        about: "scenarios of the patterns, from every language to every language on Windows",
        option: Some("--windows"),
        run: windows::conformance,
    },
    Step {
        name: "win-examples",
        about: "the examples on Windows, every language's writer with every language's reader",
        option: Some("--windows"),
        run: windows::examples,
    },
    Step {
        name: "win-demo",
        about: "cargo xtask demo --windows",
        option: Some("--windows"),
        run: windows::demo,
    },
    Step {
        name: "aarch64",
        about: "the Rust tests for aarch64 Linux, emulated",
        option: Some("--aarch64"),
        run: targets::aarch64,
    },
    Step {
        name: "tsan",
        about: "the Rust tests under ThreadSanitizer",
        option: Some("--tsan"),
        run: targets::tsan,
    },
    Step {
        name: "asan",
        about: "the hostile tests under AddressSanitizer",
        option: Some("--asan"),
        run: targets::asan,
    },
    Step {
        name: "macos",
        about: "everything compiles for macOS on aarch64",
        option: Some("--macos-check"),
        run: targets::macos,
    },
];

/// What the command line asks for.
#[derive(Debug, Default)]
pub struct Options {
    /// Also what takes minutes. Tests see it as `CROSSPAGE_LONG=1`.
    long: bool,
    /// Also the steps that these ask for.
    also: Vec<&'static str>,
    /// Only the steps of these names; empty: all.
    only: Vec<String>,
    list: bool,
}

impl Options {
    /// `Err`: a usage error.
    pub fn parse(args: &[&str]) -> Result<Options> {
        let mut options = Options::default();
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            match arg {
                "--long" => options.long = true,
                "--all" => {
                    options.long = true;
                    options.also = STEPS.iter().filter_map(|step| step.option).collect();
                }
                "--list" => options.list = true,
                "--only" => {
                    let name = *args.next().ok_or("--only needs the name of a step")?;
                    if !STEPS.iter().any(|step| step.name == name) {
                        let names = STEPS
                            .iter()
                            .map(|step| step.name)
                            .collect::<Vec<_>>()
                            .join(", ");
                        return Err(format!("there is no step {name:?}; the steps are {names}"));
                    }
                    options.only.push(name.to_owned());
                }
                other => match STEPS
                    .iter()
                    .find_map(|step| step.option.filter(|&o| o == other))
                {
                    Some(option) => options.also.push(option),
                    None => return Err(format!("`test` knows no argument {other:?}")),
                },
            }
        }
        Ok(options)
    }
}

/// Runs the steps.
pub fn run(options: &Options) -> Result {
    if options.list {
        for step in STEPS {
            let option = step.option.map_or(String::new(), |o| format!(" ({o})"));
            println!("{:<15} {}{option}", step.name, step.about);
        }
        return Ok(());
    }
    let wanted = |step: &&Step| match &options.only[..] {
        [] => step
            .option
            .is_none_or(|option| options.also.contains(&option)),
        only => only.iter().any(|name| name == step.name),
    };
    let steps: Vec<&Step> = STEPS.iter().filter(wanted).collect();
    let before = leftovers::segments();
    let outcome = steps::run(&steps, options.long);
    // Told and not failed: other programs of this machine make segments too.
    for name in leftovers::segments().difference(&before) {
        println!("left in shared memory: {name}");
    }
    outcome
}

fn prepare(_long: bool) -> Result<Done> {
    Venv::ready()?;
    Ok(match tools::install_missing()? {
        None => Done::Ran,
        Some(remedy) => Done::Partly(format!(
            "the tests that need what is missing are skipped; {remedy}"
        )),
    })
}

fn format(_long: bool) -> Result<Done> {
    run_command(cargo().args(["fmt", "--all", "--check"]))?;
    // Workspaces of their own.
    for workspace in ["bench", "fuzz"] {
        run_command(cargo().args([
            "fmt",
            "--check",
            "--manifest-path",
            &format!("{workspace}/Cargo.toml"),
        ]))?;
    }
    Ok(Done::Ran)
}

fn lint(_long: bool) -> Result<Done> {
    run_command(cargo().args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Done::Ran)
}

fn rust(long: bool) -> Result<Done> {
    // Shown, because a test that leaves something out prints why.
    let show = ["--", "--show-output"];
    run_command(patience(
        cargo().arg("test").args(WITHOUT_PYTHON).args(show),
        long,
    ))?;
    Ok(Done::Ran)
}

/// The kills of the `rust` step over again, in other builds: where values are copied word by word; and,
/// as long as it takes, at every instruction of what an optimiser makes of it.
fn crash(long: bool) -> Result<Done> {
    let flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    let mut portable = flags.clone();
    portable.push(" --cfg crosspage_portable_copy");
    let test = |flags, target: &str, args: &[&str]| {
        let mut command = cargo();
        command
            .env("RUSTFLAGS", flags)
            .env("CARGO_TARGET_DIR", workspace::target().join(target))
            .args(["test", "--package", "crosspage", "--test", "crash"])
            .args(args);
        run_command(patience(&mut command, long))
    };
    if long {
        test(&portable, "portable", &["--test", "hostile", "--release"])?;
        test(&flags, "kills", &["--test", "hostile", "--release"])?;
    } else {
        test(&portable, "portable", &["--", "at_random"])?;
    }
    Ok(Done::Ran)
}

fn docs(_long: bool) -> Result<Done> {
    run_command(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--quiet",
        "--no-deps",
        "--workspace",
    ]))?;
    Ok(Done::Ran)
}

/// loom changes how everything is compiled: a target directory of its own keeps the other builds warm.
fn loom(long: bool) -> Result<Done> {
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(" --cfg loom");
    let target = workspace::target().join("loom");
    let models = || {
        let mut command = cargo();
        command
            .env("RUSTFLAGS", &flags)
            .env("CARGO_TARGET_DIR", &target);
        command.args([
            "test",
            "--release",
            "--package",
            "crosspage",
            "--lib",
            "loom_tests",
        ]);
        command
    };
    run_command(patience(&mut models(), long))?;
    // The filter is a name: should it ever match nothing, cargo would call that a success.
    if !output(models().args(["--quiet", "--", "--list"]))?.contains(": test") {
        return Err("there is no model named loom_tests".into());
    }
    Ok(Done::Ran)
}

/// Known inputs are replayed by the library's tests; this looks for new ones.
fn fuzz(long: bool) -> Result<Done> {
    if !long {
        return Ok(Done::Partly("not run: --long does".into()));
    }
    for target in ["descriptor", "page", "schema"] {
        let found = tools::scratch(&format!("fuzz/{target}"))?;
        let artifacts = tools::scratch("fuzz/artifacts")?;
        run_command(
            cargo()
                // Where its own configuration holds: sanitizer and coverage flags.
                .current_dir(workspace::root().join("fuzz"))
                .env("CARGO_TARGET_DIR", workspace::target().join("fuzz"))
                .args(["run", "--release", "--bin", target, "--"])
                .arg(found)
                .arg(format!("corpus/{target}"))
                .args(["-max_total_time=60", "-timeout=10"])
                .args(["-rss_limit_mb=2048", "-print_final_stats=1"])
                .arg(format!("-artifact_prefix={}/", artifacts.display())),
        )?;
    }
    Ok(Done::Ran)
}

fn python(long: bool) -> Result<Done> {
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    Venv::check_free_threaded()?;
    let (face, examples) = ("crates/crosspage-py", "examples/python");
    run_command(patience(&mut venv.program("pytest"), long).args(["-q", "-rs", face]))?;
    let package = format!("{face}/python/crosspage");
    run_command(venv.program("mypy").args(["--strict", &package]))?;
    run_command(venv.program("mypy").args(["--strict", examples]))?;
    run_command(venv.program("pyright").args(["--project", face]))?;
    // How much of what is public has a type that every checker infers alike: all of it.
    run_command(
        venv.program("pyright")
            .args(["--verifytypes", "crosspage", "--ignoreexternal"]),
    )?;
    run_command(venv.program("stubtest").args(["crosspage._crosspage"]))?;
    Ok(Done::Ran)
}

fn play_demo(_long: bool) -> Result<Done> {
    demo::run()?;
    Ok(Done::Ran)
}

/// Tells the tests whether they may take minutes.
pub fn patience(command: &mut Command, long: bool) -> &mut Command {
    if long {
        command.env("CROSSPAGE_LONG", "1")
    } else {
        command
    }
}
