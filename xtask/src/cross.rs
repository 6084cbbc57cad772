//! Compiling for other targets: a cargo and a rustc that can, and a standard library for the target.
//!
//! The toolchain that runs this program is used where it has the target's standard library (`rustup
//! target add`). Otherwise the library is compiled from its sources, once per compiler: those of this
//! toolchain (`rustup component add rust-src`) or those of Debian's packages, with Debian's compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{command, output, run};
use crate::{Result, cache, debian, workspace};

const DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// What compiles for one target.
pub struct Cross {
    target: &'static str,
    compiler: Compiler,
    /// Where the target's standard library is, where the compiler does not find it by itself.
    sysroot: Option<PathBuf>,
    flags: Vec<String>,
    /// Variables for cargo, such as the linker.
    variables: Vec<(String, String)>,
    /// The target directory, under the project's.
    directory: &'static str,
}

/// A standard library that is compiled with flags of its own.
pub struct Instrumented {
    /// Tells it from others in the cache.
    pub name: &'static str,
    pub flags: &'static [&'static str],
    /// How the name of the runtime library ends that programs with these flags link, and which only
    /// prebuilt toolchains have: `librustc-stable_rt.tsan.a`.
    pub runtime: &'static str,
}

#[derive(Clone)]
struct Compiler {
    cargo: PathBuf,
    rustc: PathBuf,
    rustdoc: PathBuf,
}

impl Cross {
    /// A compiler for `target`. Packages are installed and the standard library is compiled where needed.
    pub fn to(target: &'static str) -> Result<Cross> {
        Cross::ready(target, None)
    }

    /// A compiler for `target` with a standard library that is compiled with flags of its own, which
    /// everything else is compiled with too.
    pub fn instrumented(target: &'static str, how: &Instrumented) -> Result<Cross> {
        Cross::ready(target, Some(how))
    }

    fn ready(target: &'static str, how: Option<&Instrumented>) -> Result<Cross> {
        let current = Compiler::current()?;
        let cross = |compiler, sysroot| Cross {
            target,
            compiler,
            sysroot,
            flags: how
                .map_or(&[][..], |how| how.flags)
                .iter()
                .map(|&flag| flag.into())
                .collect(),
            variables: Vec::new(),
            directory: "cross",
        };
        if how.is_none() && current.has(target)? {
            return Ok(cross(current, None));
        }
        let compiler = if current.sources()?.is_dir() {
            current
        } else {
            Compiler::debian()?
        };
        let sysroot = compiler.standard_library(target, how)?;
        Ok(cross(compiler, Some(sysroot)))
    }

    /// Compiles everything with this flag, too.
    pub fn flag(mut self, flag: &str) -> Cross {
        self.flags.push(flag.to_owned());
        self
    }

    pub fn linker(self, program: &str) -> Cross {
        self.of_target("LINKER", program)
    }

    /// What starts the target's programs.
    pub fn runner(self, program: &str) -> Cross {
        self.of_target("RUNNER", program)
    }

    /// A target directory of its own, under the project's.
    pub fn directory(mut self, name: &'static str) -> Cross {
        self.directory = name;
        self
    }

    fn of_target(mut self, what: &str, value: &str) -> Cross {
        let target = self.target.to_uppercase().replace('-', "_");
        self.variables
            .push((format!("CARGO_TARGET_{target}_{what}"), value.to_owned()));
        self
    }

    /// `cargo SUBCOMMAND`, for the target.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = self.compiler.cargo();
        cargo
            .args([subcommand, "--target", self.target])
            .env("CARGO_TARGET_DIR", self.target_directory())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut flags = self.flags.clone();
        if let Some(sysroot) = &self.sysroot {
            flags.push(format!("--sysroot={}", sysroot.display()));
        }
        if !flags.is_empty() {
            // These go to the target's crates alone, because a target is named.
            let flags = flags.join("\x1f");
            cargo.env("CARGO_ENCODED_RUSTFLAGS", &flags);
            cargo.env("CARGO_ENCODED_RUSTDOCFLAGS", &flags);
        }
        cargo
    }

    fn target_directory(&self) -> PathBuf {
        workspace::target().join(self.directory)
    }

    /// Where cargo puts what it builds for the target without `--release`.
    pub fn debug(&self) -> PathBuf {
        self.target_directory().join(self.target).join("debug")
    }
}

impl Compiler {
    /// What runs this program.
    fn current() -> Result<Compiler> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let rustdoc = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
        Ok(Compiler {
            cargo: cargo.into(),
            rustc: rustc.into(),
            rustdoc: rustdoc.into(),
        })
    }

    /// Debian's, which is packaged with its sources.
    fn debian() -> Result<Compiler> {
        debian::require(&DEBIAN).map_err(|e| {
            format!("{e} (`rustup target add` or `rustup component add rust-src`, for the toolchain that runs this, would do as well)")
        })?;
        Ok(Compiler {
            cargo: "/usr/bin/cargo".into(),
            rustc: "/usr/bin/rustc".into(),
            rustdoc: "/usr/bin/rustdoc".into(),
        })
    }

    fn cargo(&self) -> Command {
        let mut cargo = command(&self.cargo);
        cargo
            .env("RUSTC", &self.rustc)
            .env("RUSTDOC", &self.rustdoc)
            // Meant for the toolchain that runs this program.
            .env_remove("LD_LIBRARY_PATH")
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTDOCFLAGS");
        cargo
    }

    fn print(&self, what: &[&str]) -> Result<String> {
        let mut rustc = command(&self.rustc);
        rustc.env_remove("LD_LIBRARY_PATH").args(what);
        Ok(output(&mut rustc)?.trim().to_owned())
    }

    fn has(&self, target: &str) -> Result<bool> {
        let place = self.print(&["--print", "target-libdir", "--target", target])?;
        let mut files = fs::read_dir(place).into_iter().flatten().flatten();
        Ok(files.any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    }

    /// Where the sources of the standard library would be.
    fn sources(&self) -> Result<PathBuf> {
        let sysroot = self.print(&["--print", "sysroot"])?;
        Ok(Path::new(&sysroot).join("lib/rustlib/src/rust/library"))
    }

    /// A sysroot with the standard library for `target`, compiled if it is not in the cache.
    fn standard_library(&self, target: &str, how: Option<&Instrumented>) -> Result<PathBuf> {
        let version = self.print(&["-Vv"])?;
        let flags = how.map_or(&[][..], |how| how.flags);
        let key = cache::key(&[&[version.as_str()], flags].concat());
        let name = how.map_or("std", |how| how.name);
        cache::entry(&format!("{name}-{target}-{key}"), |place| {
            self.compile_standard_library(target, flags, place)?;
            match how {
                Some(how) => self.take_runtime(target, how.runtime, place),
                None => Ok(()),
            }
        })
    }

    fn compile_standard_library(&self, target: &str, flags: &[&str], place: &Path) -> Result {
        println!("compiling the standard library for {target}: this is done once");
        let seed = place.join("seed");
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().expect("a file lies in a directory"))
                .and_then(|()| fs::write(&path, text))
                .map_err(|e| format!("cannot write {}: {e}", path.display()))
        };
        // A workspace of its own, wherever the cache lies.
        let manifest = "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
                        [profile.release]\nopt-level = 2\ndebug = 0\n";
        write(seed.join("Cargo.toml"), manifest)?;
        write(seed.join("src/lib.rs"), "")?;

        let mut cargo = self.cargo();
        let vendor = self.sources()?.join("vendor");
        if vendor.is_dir() {
            // Debian's sources bring what they depend on.
            let config = format!(
                "[source.crates-io]\nreplace-with = \"vendor\"\n[source.vendor]\ndirectory = {:?}\n",
                vendor
            );
            write(seed.join(".cargo/config.toml"), &config)?;
            cargo.arg("--offline");
        }
        cargo
            .current_dir(&seed)
            // Compiling the standard library is an unstable feature of cargo.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", seed.join("target"))
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                [&["-Cembed-bitcode=no"], flags].concat().join("\x1f"),
            )
            .args(["build", "--quiet", "--release", "--target", target])
            .arg("-Zbuild-std=std,panic_unwind,panic_abort,test,proc_macro");
        run(&mut cargo)?;

        let libraries = place.join("lib/rustlib").join(target).join("lib");
        let built = seed.join("target").join(target).join("release/deps");
        take_libraries(&built, &libraries)?;
        self.link_host(target, &place.join("lib/rustlib"))?;
        fs::remove_dir_all(&seed).map_err(|e| format!("cannot remove {}: {e}", seed.display()))
    }

    /// Takes a sanitizer's runtime from whatever toolchain has it: its interface does not depend on
    /// the compiler's version.
    fn take_runtime(&self, target: &str, runtime: &str, place: &Path) -> Result {
        let ours = self.print(&["--print", "target-libdir", "--target", target])?;
        let current =
            Compiler::current()?.print(&["--print", "target-libdir", "--target", target])?;
        let candidates = [ours, current].map(PathBuf::from);
        let found = candidates.iter().find_map(|directory| {
            let files = fs::read_dir(directory).ok()?.flatten();
            let mut names = files.filter_map(|file| file.file_name().into_string().ok());
            names
                .find(|name| name.ends_with(runtime))
                .map(|name| directory.join(name))
        });
        let Some(found) = found else {
            return Err(format!(
                "no toolchain here has the sanitizer's runtime (librustc-*_{runtime}): one that rustup installed has"
            ));
        };
        // By the name that this compiler links.
        let place = place.join("lib/rustlib").join(target).join("lib");
        for channel in ["stable", "nightly", "dev"] {
            let name = place.join(format!("librustc-{channel}_{runtime}"));
            fs::copy(&found, &name).map_err(|e| {
                format!("cannot copy {} to {}: {e}", found.display(), name.display())
            })?;
        }
        Ok(())
    }

    /// A sysroot has the host's libraries beside the target's.
    fn link_host(&self, target: &str, rustlib: &Path) -> Result {
        let host = self.print(&["--print", "host-tuple"])?;
        if host == target {
            return Ok(());
        }
        let sysroot = self.print(&["--print", "sysroot"])?;
        let theirs = Path::new(&sysroot).join("lib/rustlib").join(&host);
        #[cfg(unix)]
        std::os::unix::fs::symlink(&theirs, rustlib.join(&host))
            .map_err(|e| format!("cannot link to {}: {e}", theirs.display()))?;
        #[cfg(not(unix))]
        let _ = (theirs, rustlib);
        Ok(())
    }
}

/// Moves the compiled crates of the standard library to where a sysroot has them.
fn take_libraries(built: &Path, place: &Path) -> Result {
    let failed = |e: std::io::Error| {
        format!(
            "cannot move {} to {}: {e}",
            built.display(),
            place.display()
        )
    };
    fs::create_dir_all(place).map_err(failed)?;
    for entry in fs::read_dir(built).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if (name.ends_with(".rlib") || name.ends_with(".rmeta")) && !name.starts_with("libseed") {
            fs::rename(&path, place.join(&*name)).map_err(failed)?;
        }
    }
    Ok(())
}
