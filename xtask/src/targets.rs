//! Other processors, other systems, other builds, as far as this machine can try them.

use std::time::Duration;

use crate::cross::{Cross, Instrumented};
use crate::process::run;
use crate::steps::Done;
use crate::tally::Tally;
use crate::{Result, debian};

/// Nothing here is silent for so long unless it hangs. (Building counts, too.)
const PATIENCE: Duration = Duration::from_secs(15 * 60);

const QEMU: &str = "qemu-aarch64-static -L /usr/aarch64-linux-gnu";

/// Tests that compile programs which must not compile.
const LEAVE_OUT: [&str; 2] = ["--skip", "derive::refusals"];
const LEFT_OUT: &str = "derive::refusals: what the compiler says is the same for every target, and differs between its versions";

/// The Rust tests for aarch64 Linux, emulated: the copies with NEON run. (The emulation keeps the order of
/// memory accesses that x86 has; what a weaker one allows, the models find.)
pub fn aarch64(_long: bool) -> Result<Done> {
    // Not gcc: Debian's cross compilers and its g++-multilib, for -m32, exclude each other.
    debian::require(&[
        "qemu-user-static",
        "clang",
        "lld",
        "libc6-dev-arm64-cross",
        "libgcc-12-dev-arm64-cross",
    ])?;
    let cross = Cross::to("aarch64-unknown-linux-gnu")?
        .directory("aarch64")
        .linker("clang")
        .flag("-Clink-arg=--target=aarch64-linux-gnu")
        .flag("-Clink-arg=-fuse-ld=lld")
        .runner(QEMU);
    let mut tally = Tally::of("Rust tests on aarch64, emulated");
    tally.libtest(
        cross
            .cargo("test")
            // For the programs that tests start.
            .env("CROSSPAGE_TEST_RUNNER", QEMU)
            .args([
                "--no-fail-fast",
                "--package",
                "crosspage",
                "--package",
                "crosspage-cli",
            ])
            .args(["--", "--show-output"])
            .args(LEAVE_OUT),
        PATIENCE,
    )?;
    tally.skipped.push(LEFT_OUT.into());
    Ok(Done::Tested(tally))
}

/// The Rust tests under ThreadSanitizer, which sees every access but those in assembly: so with the
/// portable copies, and a standard library that is instrumented too.
pub fn tsan(_long: bool) -> Result<Done> {
    let host = "x86_64-unknown-linux-gnu";
    let instrumented = Instrumented {
        name: "tsan-std",
        flags: &["-Zsanitizer=thread"],
        runtime: "rt.tsan.a",
    };
    let cross = Cross::instrumented(host, &instrumented)?
        .directory("tsan")
        .flag("--cfg=crosspage_portable_copy");
    let mut tally = Tally::of("Rust tests under ThreadSanitizer");
    tally.libtest(
        cross
            .cargo("test")
            .env("RUSTC_BOOTSTRAP", "1")
            .env("TSAN_OPTIONS", "halt_on_error=1")
            .args([
                "--no-fail-fast",
                "--package",
                "crosspage",
                "--lib",
                "--test",
                "it",
                "--test",
                "foreign",
            ])
            .args(["--", "--show-output"])
            .args(LEAVE_OUT),
        PATIENCE,
    )?;
    tally.skipped.push(LEFT_OUT.into());
    Ok(Done::Tested(tally))
}

/// The hostile tests under AddressSanitizer, with the portable copies (it does not see into assembly); with
/// `--long` a vandal in topics for ten minutes.
pub fn asan(long: bool) -> Result<Done> {
    let host = "x86_64-unknown-linux-gnu";
    let instrumented = Instrumented {
        name: "asan-std",
        flags: &["-Zsanitizer=address"],
        runtime: "rt.asan.a",
    };
    let cross = Cross::instrumented(host, &instrumented)?
        .directory("asan")
        .flag("--cfg=crosspage_portable_copy");
    let mut tests = cross.cargo("test");
    tests
        .env("RUSTC_BOOTSTRAP", "1")
        // Processes that are killed give nothing back.
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .args(["--package", "crosspage", "--test", "hostile"]);
    if long {
        tests.env("CROSSPAGE_VANDAL", "600");
    }
    run(&mut tests)?;
    Ok(Done::Ran)
}

/// Everything compiles for macOS: its differences are in the sources. Nothing is run.
pub fn macos(_long: bool) -> Result<Done> {
    run(Cross::to("aarch64-apple-darwin")?
        .directory("macos")
        .flag("-Dwarnings")
        .cargo("check")
        // The stable ABI needs no Python to compile against.
        .env("PYO3_NO_PYTHON", "1")
        .args(["--quiet", "--workspace", "--all-targets"]))?;
    Ok(Done::Partly("compiled, not run".into()))
}
