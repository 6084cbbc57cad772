//! `cargo xtask test`: every test there is on this platform.

use std::process::Command;

use crate::process::{cargo, output, run as run_command};
use crate::python::Venv;
use crate::steps::{self, Done, Step};
use crate::{Result, demo, languages, leftovers, readme, tools, workspace};

/// The Python face is an extension module: it links only inside of a Python, so maturin builds it.
const WITHOUT_PYTHON: [&str; 3] = ["--workspace", "--exclude", "crosspage-py"];

const STEPS: [Step; 12] = [
    Step {
        name: "tools",
        about: "compilers and Python packages",
        run: prepare,
    },
    Step {
        name: "format",
        about: "rustfmt",
        run: format,
    },
    Step {
        name: "lint",
        about: "clippy, nothing let through",
        run: lint,
    },
    Step {
        name: "rust",
        about: "the library, its C and C++ face, the command line",
        run: rust,
    },
    Step {
        name: "crash",
        about: "kills with portable copies; at every instruction (--long)",
        run: crash,
    },
    Step {
        name: "docs",
        about: "rustdoc, nothing let through",
        run: docs,
    },
    Step {
        name: "loom",
        about: "every interleaving of the algorithms' models",
        run: loom,
    },
    Step {
        name: "fuzz",
        about: "new inputs for the parsers, for a minute each (--long)",
        run: fuzz,
    },
    Step {
        name: "python",
        about: "pytest, mypy and stubtest",
        run: python,
    },
    Step {
        name: "languages",
        about: "the golden record, from every language to every language",
        run: languages::run,
    },
    Step {
        name: "readme",
        about: "the README's programs",
        run: readme::run,
    },
    Step {
        name: "demo",
        about: "cargo xtask demo",
        run: play_demo,
    },
];

/// What the command line asks for.
#[derive(Debug, Default)]
pub struct Options {
    /// Also what takes minutes. Tests see it as `CROSSPAGE_LONG=1`.
    long: bool,
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
                "--long" | "--all" => options.long = true,
                "--list" => options.list = true,
                "--only" => {
                    let name = *args.next().ok_or("--only needs the name of a step")?;
                    if !STEPS.iter().any(|step| step.name == name) {
                        let names = STEPS.map(|step| step.name).join(", ");
                        return Err(format!("there is no step {name:?}; the steps are {names}"));
                    }
                    options.only.push(name.to_owned());
                }
                "--windows" => {
                    return Err("--windows is not there yet: the Windows backend comes next".into());
                }
                other => return Err(format!("`test` knows no argument {other:?}")),
            }
        }
        Ok(options)
    }
}

/// Runs the steps.
pub fn run(options: &Options) -> Result {
    let wanted =
        |step: &&Step| options.only.is_empty() || options.only.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(wanted).collect();
    if options.list {
        for step in steps {
            println!("{:<10} {}", step.name, step.about);
        }
        return Ok(());
    }
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
    run_command(
        cargo()
            .env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "--quiet", "--no-deps"])
            .args(WITHOUT_PYTHON),
    )?;
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
    let (face, examples) = ("crates/crosspage-py", "examples/python");
    run_command(patience(&mut venv.program("pytest"), long).args(["-q", "-rs", face]))?;
    let package = format!("{face}/python/crosspage");
    run_command(venv.program("mypy").args(["--strict", &package]))?;
    run_command(venv.program("mypy").args(["--strict", examples]))?;
    run_command(venv.program("stubtest").args(["crosspage._crosspage"]))?;
    Ok(Done::Ran)
}

fn play_demo(_long: bool) -> Result<Done> {
    demo::run()?;
    Ok(Done::Ran)
}

/// Tells the tests whether they may take minutes.
fn patience(command: &mut Command, long: bool) -> &mut Command {
    if long {
        command.env("CROSSPAGE_LONG", "1")
    } else {
        command
    }
}
