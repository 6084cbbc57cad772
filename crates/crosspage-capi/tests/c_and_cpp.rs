//! The C and C++ faces, tested by programs in C and C++ that are compiled here.
//!
//! A test whose compiler is missing says so and passes. `tests/c` and `tests/cpp` hold the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crosspage::latest::{Reader, Writer};
use crosspage::layout::{
    Difference, Field, Match, StructType, Type, compare, mismatch_error, value,
};
use crosspage::topic::{Kind, Options, Policy, RawPublisher, RawSubscriber};
use crosspage::{ErrorKind, Layout, Text};

#[path = "../../../tests/build_host.rs"]
mod build_host;

/// The struct of the original project.
#[derive(Clone, Copy, Layout)]
#[repr(C)]
struct SharedData {
    process_id: i32,
    message: Text<500>,
    data_ready: bool,
    counter: i32,
    temperature: f64,
    coordinates: [f32; 3],
    user_name: Text<50>,
    timestamp: i64,
    data_array: [i32; 10],
}

fn shared_data() -> SharedData {
    SharedData {
        process_id: 4242,
        message: Text::new("Grüße, 世界").unwrap(),
        data_ready: true,
        counter: 42,
        temperature: 23.5,
        coordinates: [10.5, 20.3, 30.8],
        user_name: Text::new("Zoë").unwrap(),
        timestamp: 1_763_800_000_000,
        data_array: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
    }
}

// ---- Compiling and running ----

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("c_and_cpp")
        .join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Where the library lies, which cargo does not build for integration tests by itself.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // Under Wine there is no cargo: what runs this test has built it.
        if let Some(built) = std::env::var_os("CROSSPAGE_LIBRARY") {
            return built.into();
        }
        // <target>/<profile>/deps/this
        let exe = std::env::current_exe().unwrap();
        let profile = exe.ancestors().nth(2).unwrap().to_owned();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--package",
            "crosspage-capi",
            "--target-dir",
        ]);
        cargo.arg(profile.parent().unwrap()).current_dir(here());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "{cargo:?}");
        profile
    })
}

/// Whether a program starts; says so where it does not.
fn has(program: &str, package: &str) -> bool {
    let starts = build_host::output(Command::new(program).arg("--version"));
    let there = starts.is_ok_and(|built| built.success);
    if !there {
        println!("skipped: {program} is not installed (apt-get install {package})");
    }
    there
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Compiler {
    program: &'static str,
    package: &'static str,
}

const GXX: Compiler = Compiler {
    program: "g++",
    package: "g++",
};
const CLANGXX: Compiler = Compiler {
    program: "clang++",
    package: "clang",
};
const GCC: Compiler = Compiler {
    program: "gcc",
    package: "gcc",
};
const CLANG: Compiler = Compiler {
    program: "clang",
    package: "clang",
};

const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-pedantic",
    "-Wshadow",
    "-Wconversion",
    "-Werror",
];
const SANITIZERS: [&str; 3] = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-g",
];

/// What else links a program: without the DLLs of the compiler, which Windows does not have.
const STATIC: &[&str] = if cfg!(windows) { &["-static"] } else { &[] };

impl Compiler {
    fn is_there(self) -> bool {
        if cfg!(windows) && [CLANG, CLANGXX].contains(&self) {
            println!("skipped: clang, which has no libraries for Windows here");
            return false;
        }
        has(&self.name(), self.package)
    }

    fn name(self) -> String {
        build_host::gnu(self.program)
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.name());
        command.current_dir(here());
        command
    }

    /// Compiles and links programs of this directory; `None` where the compiler is missing.
    fn compile(self, sources: &[&str], flags: &[&str]) -> Option<PathBuf> {
        if !self.is_there() {
            return None;
        }
        if cfg!(windows) && flags.iter().any(|flag| flag.starts_with("-fsanitize")) {
            println!("skipped: sanitizers, which mingw does not have");
            return None;
        }
        let name = [self.program, sources[0]]
            .iter()
            .chain(flags)
            .copied()
            .collect::<Vec<_>>()
            .join(" ");
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let program = scratch("programs").join(name + std::env::consts::EXE_SUFFIX);
        let mut command = self.command();
        command
            .args(WARNINGS)
            .args(["-Iinclude", "-pthread"])
            .args(flags)
            .args(sources);
        compiled(link(command.arg("-o").arg(&program)));
        Some(beside_library(program))
    }
}

/// Adds what links the library.
fn link(command: &mut Command) -> &mut Command {
    if cfg!(windows) {
        return command
            .args(STATIC)
            .arg(library().join("libcrosspage.dll.a"));
    }
    let path = format!("-Wl,-rpath,{}", library().display());
    command
        .arg("-L")
        .arg(library())
        .arg("-lcrosspage")
        .arg(path)
}

/// On Windows a program finds the library in its own directory.
fn beside_library(program: PathBuf) -> PathBuf {
    if cfg!(windows) {
        static COPIED: std::sync::Mutex<BTreeSet<PathBuf>> = std::sync::Mutex::new(BTreeSet::new());
        let there = program.with_file_name("crosspage.dll");
        if COPIED.lock().unwrap().insert(there.clone()) {
            fs::copy(library().join("crosspage.dll"), there).unwrap();
        }
    }
    program
}

/// Runs a compiler, which must succeed.
fn compiled(command: &mut Command) -> String {
    let built = build_host::output(command).unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        built.success,
        "{command:?}\n{}{}",
        built.stdout, built.stderr
    );
    built.stdout
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that must succeed, and gives its output.
fn checked(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let Output {
        status,
        stdout,
        stderr,
    } = &output;
    assert!(
        status.success(),
        "{command:?}: {status}\n{}{}",
        text(stdout),
        text(stderr)
    );
    lines(text(stdout))
}

/// What a program printed as text, with the line ends that the source has: C's streams on Windows have two bytes.
fn lines(printed: String) -> String {
    if cfg!(windows) {
        printed.replace("\r\n", "\n")
    } else {
        printed
    }
}

fn run(program: impl AsRef<OsStr>, args: &[&str]) -> String {
    checked(Command::new(program).args(args))
}

/// Shares this thread's namespace with a child.
fn in_namespace<'a>(
    command: &'a mut Command,
    namespace: &crosspage::testing::Namespace,
) -> &'a mut Command {
    command.env("CROSSPAGE_NAMESPACE", namespace.name())
}

/// A child that does not outlive the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// ---- Layouts, without the library ----

/// Compiles without linking the library: the tables are all there is.
fn layouts_program(compiler: Compiler, flags: &[&str]) -> PathBuf {
    let name = format!(
        "{}{}{}",
        compiler.program,
        flags.concat(),
        std::env::consts::EXE_SUFFIX
    );
    let program = scratch("layouts").join(name);
    let mut command = compiler.command();
    command
        .args(WARNINGS)
        .arg("-Iinclude")
        .args(flags)
        .args(STATIC);
    compiled(command.arg("tests/cpp/layouts.cpp").arg("-o").arg(&program));
    program
}

#[test]
fn cpp_layouts() {
    // `long` has 32 bits on Windows.
    let expected = match cfg!(windows) {
        true => "tests/cpp/layouts_windows.txt",
        false => "tests/cpp/layouts.txt",
    };
    let expected = fs::read_to_string(here().join(expected)).unwrap();
    for compiler in [GXX, CLANGXX] {
        for standard in [
            "-std=c++17",
            "-std=c++20",
            "-std=c++20 -fno-exceptions -fno-rtti -O2",
        ] {
            if compiler.is_there() {
                let flags: Vec<_> = standard.split(' ').collect();
                let printed = run(layouts_program(compiler, &flags), &[]);
                assert_eq!(printed, expected, "{compiler:?} {standard}");
            }
        }
    }
}

fn compiles_for_32_bits() -> bool {
    if cfg!(windows) {
        println!("skipped: programs for 32-bit Windows, which cannot run here");
        return false;
    }
    let source = scratch("m32").join("probe.cpp");
    fs::write(
        &source,
        "#include <string>\nint main() { return std::string().size(); }\n",
    )
    .unwrap();
    let mut command = GXX.command();
    let there = GXX.is_there()
        && (command
            .arg("-m32")
            .arg(&source)
            .arg("-o")
            .arg(source.with_extension(""))
            .output())
        .is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: g++ -m32 does not work here (apt-get install g++-multilib)");
    }
    there
}

/// The structs of a 32-bit program, by what it printed of them: name, size, align and plain fields.
fn printed_structs(printed: &str) -> BTreeMap<String, StructType> {
    let mut structs = BTreeMap::new();
    let mut lines = printed.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, rest)) = line.split_once(": ").filter(|_| !line.starts_with(' ')) else {
            continue;
        };
        let Some((size, align)) = rest.split_once(" bytes, align ") else {
            continue;
        };
        let mut fields = Vec::new();
        while let Some(field) = lines.next_if(|line| line.starts_with("  ")) {
            let words: Vec<_> = field.split_whitespace().collect();
            if let ([offset, name, ty, ..], false) = (&words[..], field.starts_with("   "))
                && let Some(ty) = plain_type(ty)
            {
                fields.push(Field::new(*name, ty).at(offset.parse().unwrap()));
            }
        }
        if let Ok(made) =
            StructType::new(name, size.parse().unwrap(), align.parse().unwrap(), fields)
        {
            structs.entry(name.to_owned()).or_insert(made);
        }
    }
    structs
}

fn plain_type(name: &str) -> Option<Type> {
    use crosspage::layout::Scalar::*;
    let (base, dims) = name.split_once('[').unwrap_or((name, ""));
    let base = match base {
        "text" => return dims.trim_end_matches(']').parse().ok().map(Type::Text),
        "bool" => Bool,
        "i32" => I32,
        "i64" => I64,
        "f32" => F32,
        "f64" => F64,
        _ => return None,
    };
    let base = Type::Scalar(base);
    Some(match dims.trim_end_matches(']').parse() {
        Ok(n) => Type::Array(Box::new(base), n),
        Err(_) => base,
    })
}

#[test]
fn a_32_bit_peer_is_told_apart() {
    if !compiles_for_32_bits() {
        return;
    }
    for standard in ["-std=c++17", "-std=c++20"] {
        let structs = printed_structs(&run(layouts_program(GXX, &["-m32", standard]), &[]));
        // All offsets happen to agree, the alignment does not.
        let data = &structs["SharedData"];
        assert_eq!((data.size(), data.align()), (632, 4));
        let differences = compare(SharedData::layout(), data, Match::Exact).unwrap_err();
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(compare(SharedData::layout(), data, Match::Name).is_ok());

        let local = &structs["Local"];
        let f64_first = StructType::natural(
            "Local",
            vec![
                Field::new("a", plain_type("i32").unwrap()),
                Field::new("b", plain_type("f64").unwrap()),
            ],
            None,
        );
        let here = f64_first.unwrap();
        let differences: Vec<Difference> = compare(&here, local, Match::Exact).unwrap_err();
        let error = mismatch_error(
            "telemetry",
            &here,
            "Rust, pid 1",
            local,
            "C++, this process",
            differences,
        );
        let message = error.to_string();
        assert!(
            message.contains("b             f64 at 8") && message.contains("f64 at 4"),
            "{message}"
        );
        assert!(message.contains("for 32 bits?"), "{message}");
    }
}

#[test]
fn cpp_refuses_what_cannot_be_shared() {
    let source = fs::read_to_string(here().join("tests/cpp/refused.cpp")).unwrap();
    let cases: Vec<(&str, &str)> = (source.lines())
        .filter_map(|line| line.strip_prefix("// CASE ")?.split_once(": "))
        .collect();
    assert!(cases.len() >= 40, "{}", cases.len());
    let setups = [
        (GXX, "c++17"),
        (GXX, "c++20"),
        (CLANGXX, "c++17"),
        (CLANGXX, "c++20"),
    ];
    std::thread::scope(|scope| {
        for (compiler, standard) in setups
            .into_iter()
            .filter(|(compiler, _)| compiler.is_there())
        {
            let cases = &cases;
            scope.spawn(move || refused(compiler, standard, cases));
        }
    });
}

fn refused(compiler: Compiler, standard: &str, cases: &[(&str, &str)]) {
    // The headers are compiled once.
    let prelude = scratch(&format!("refused-{}-{standard}", compiler.program)).join("prelude.hpp");
    fs::write(&prelude, "#include <string>\n#include <string_view>\n#include <vector>\n#include <crosspage/layout.hpp>\n")
        .unwrap();
    let command = || {
        let mut command = compiler.command();
        command.arg(format!("-std={standard}")).arg("-Iinclude");
        command
    };
    let once = prelude.with_extension("hpp.gch");
    compiled(
        command()
            .args(["-x", "c++-header"])
            .arg(&prelude)
            .arg("-o")
            .arg(&once),
    );
    for (name, words) in cases {
        let mut command = command();
        command
            .args(["-fsyntax-only", "-include"])
            .arg(&prelude)
            .arg(format!("-DCASE_{name}"));
        let output = build_host::output(command.arg("tests/cpp/refused.cpp")).unwrap();
        let said = (output.stderr)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let case = format!("{name} with {} -std={standard}", compiler.program);
        if *words == "compiles" {
            assert!(output.success, "{case}: {said}");
            continue;
        }
        assert!(!output.success, "{case} compiles");
        let expected = match words.contains(" | ") {
            true => words.split(" | ").any(|words| said.contains(words)),
            false => words.split("; ").all(|words| said.contains(words)),
        };
        assert!(expected, "{case}: not {words:?} in\n{}", output.stderr);
    }
}

#[test]
fn c_tables() {
    let expected = fs::read_to_string(here().join("tests/c/tables.txt")).unwrap();
    for compiler in [GCC, CLANG] {
        if let Some(program) = compiler.compile(&["tests/c/tables.c"], &["-std=c11"]) {
            assert_eq!(run(program, &[]), expected, "{compiler:?}");
            for bad in [
                "pointer",
                "text_pointer",
                "void_pointer",
                "long_double",
                "nested",
            ] {
                let mut command = compiler.command();
                command.args(["-std=c11", "-Iinclude", "-fsyntax-only"]);
                command.arg(format!("-DBAD_{bad}")).arg("tests/c/tables.c");
                assert!(
                    !build_host::output(&mut command).unwrap().success,
                    "{bad} compiles with {compiler:?}"
                );
            }
        }
    }
}

#[test]
fn arity_is_up_to_date() {
    if has("python3", "python3") {
        compiled(
            Command::new("python3")
                .arg(here().join("include/crosspage/arity.py"))
                .arg("--check"),
        );
    }
}

// ---- The header and the library are one ----

fn header() -> String {
    fs::read_to_string(here().join("include/crosspage.h")).unwrap()
}

#[test]
fn header_and_exports_agree() {
    let header = header();
    // A declaration starts in the first column with its type; comments and macros do not.
    let mut declared = BTreeSet::new();
    for line in header.lines().filter(|line| {
        line.starts_with(|c: char| c.is_ascii_lowercase()) && !line.starts_with("typedef")
    }) {
        let Some((before, _)) = line.split_once('(') else {
            continue;
        };
        let name = before.rsplit([' ', '*']).next().unwrap();
        if name.starts_with("crosspage_") {
            assert!(declared.insert(name.to_owned()), "{name} is declared twice");
        }
    }
    assert!(declared.len() > 40, "{declared:?}");
    let Some(exported) = exports() else { return };
    let missing: Vec<_> = declared.difference(&exported).collect();
    let undeclared: Vec<_> = exported.difference(&declared).collect();
    assert!(
        missing.is_empty() && undeclared.is_empty(),
        "not exported: {missing:?}; not in the header: {undeclared:?}"
    );
}

/// What the shared library exports.
fn exports() -> Option<BTreeSet<String>> {
    let (tool, flags, file): (_, &[_], _) = if cfg!(windows) {
        ("objdump", &["-p"], "crosspage.dll")
    } else {
        ("nm", &["-D", "--defined-only"], "libcrosspage.so")
    };
    if !has(tool, "binutils") {
        return None;
    }
    let listed = compiled(Command::new(tool).args(flags).arg(library().join(file)));
    let last = |line: &str| line.split_whitespace().next_back().map(str::to_owned);
    Some(if cfg!(windows) {
        let names = listed
            .lines()
            .skip_while(|line| !line.starts_with("[Ordinal/Name Pointer]"));
        names
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter_map(last)
            .collect()
    } else {
        listed.lines().filter_map(last).collect()
    })
}

#[test]
fn header_and_numbers_agree() {
    let header = header();
    let numbers: BTreeMap<_, i32> = (header.lines())
        .filter_map(|line| {
            let (name, rest) = line.trim().strip_prefix("CROSSPAGE_")?.split_once(" = ")?;
            Some((
                name,
                rest.split(|c: char| c != '-' && !c.is_ascii_digit())
                    .next()?
                    .parse()
                    .ok()?,
            ))
        })
        .collect();
    let kinds = [
        ("ERR_NOT_FOUND", ErrorKind::NotFound),
        ("ERR_PERMISSION_DENIED", ErrorKind::PermissionDenied),
        ("ERR_TIMED_OUT", ErrorKind::TimedOut),
        ("ERR_LAYOUT_MISMATCH", ErrorKind::LayoutMismatch),
        ("ERR_ALREADY_OWNED", ErrorKind::AlreadyOwned),
        ("ERR_REPLACED", ErrorKind::Replaced),
        ("ERR_CORRUPT", ErrorKind::Corrupt),
        ("ERR_FULL", ErrorKind::Full),
        ("ERR_TOO_LARGE", ErrorKind::TooLarge),
        ("ERR_NO_SPACE", ErrorKind::NoSpace),
        ("ERR_UNSUPPORTED", ErrorKind::Unsupported),
        ("ERR_INVALID", ErrorKind::Invalid),
        ("ERR_IN_USE", ErrorKind::InUse),
        ("ERR_CLOSED", ErrorKind::Closed),
        ("ERR_FORKED", ErrorKind::Forked),
        ("ERR_NO_VALUE", ErrorKind::NoValue),
        ("ERR_IO", ErrorKind::Io),
        ("ERR_INTERNAL", ErrorKind::Internal),
    ];
    for (name, kind) in kinds {
        assert_eq!(numbers[name], kind as i32, "{name}");
    }
    let errors = numbers
        .keys()
        .filter(|name| name.starts_with("ERR_"))
        .count();
    assert_eq!(
        errors,
        kinds.len() + 1,
        "kinds, and CROSSPAGE_ERR_CANCELLED"
    );
    assert_eq!(numbers["ERR_CANCELLED"], -1);
}

#[test]
fn versions_agree() {
    let header = header();
    let number = |part: &str| {
        let line = header
            .lines()
            .find_map(|line| line.strip_prefix(&format!("#define CROSSPAGE_VERSION_{part} ")));
        line.unwrap().to_owned()
    };
    let version = [number("MAJOR"), number("MINOR"), number("PATCH")].join(".");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let cmake = fs::read_to_string(here().join("CMakeLists.txt")).unwrap();
    assert!(cmake.contains(&format!("project(crosspage VERSION {version} ")));
}

#[test]
fn library_has_a_soname() {
    if cfg!(windows) {
        return println!("skipped: a DLL has no SONAME");
    }
    if has("readelf", "binutils") {
        let dynamic = run(
            "readelf",
            &["-d", library().join("libcrosspage.so").to_str().unwrap()],
        );
        assert!(
            dynamic.contains("Library soname: [libcrosspage.so.0.1]"),
            "{dynamic}"
        );
    }
}

// ---- Programs ----

fn c_program(source: &str) {
    for compiler in [GCC, CLANG] {
        if let Some(program) = compiler.compile(&[source], &["-std=c11"]) {
            run(program, &[]);
        }
    }
    if let Some(program) = GCC.compile(&[source], &SANITIZERS) {
        run(program, &[]);
    }
}

#[test]
fn c_latest() {
    c_program("tests/c/latest.c");
}

#[test]
fn c_topic() {
    c_program("tests/c/topic.c");
}

fn cpp_program(source: &str, more: &[&str]) {
    let sanitizers = SANITIZERS.join(" ");
    for (compiler, flags) in [
        (GXX, "-std=c++17"),
        (GXX, &*format!("-std=c++20 {sanitizers}")),
        (CLANGXX, "-std=c++20"),
        (CLANGXX, &*format!("-std=c++17 {sanitizers}")),
    ] {
        let flags: Vec<_> = flags.split(' ').chain(more.iter().copied()).collect();
        if let Some(program) = compiler.compile(&[source], &flags) {
            run(program, &[]);
        }
    }
}

#[test]
fn cpp_latest() {
    cpp_program("tests/cpp/latest.cpp", &[]);
}

#[test]
fn cpp_topic() {
    cpp_program("tests/cpp/topic.cpp", &["-g"]);
}

#[test]
fn cpp_foreign() {
    cpp_program("tests/cpp/foreign.cpp", &["-g"]);
}

#[test]
fn cpp_without_exceptions() {
    cpp_program("tests/cpp/no_exceptions.cpp", &["-fno-exceptions"]);
}

#[test]
fn cpp_errors_by_choice() {
    for flags in [["-std=c++20", "-O2"], ["-std=c++20", "-fno-rtti"]] {
        if let Some(program) = GXX.compile(&["tests/cpp/no_exceptions.cpp"], &flags) {
            run(program, &[]);
        }
    }
}

#[test]
fn hot_paths_do_not_allocate() {
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        return println!("skipped: counts calls of glibc's malloc");
    }
    for compiler in [GXX, CLANGXX] {
        if let Some(program) =
            compiler.compile(&["tests/cpp/allocations.cpp"], &["-std=c++20", "-O1"])
        {
            run(program, &[]);
        }
    }
}

#[test]
fn halves_of_two_standards_link() {
    for compiler in [GXX, CLANGXX] {
        if !compiler.is_there() {
            continue;
        }
        let object = scratch("link").join(format!("{}.o", compiler.program));
        let mut command = compiler.command();
        command.args([
            "-std=c++17",
            "-Iinclude",
            "-c",
            "tests/cpp/link_17.cpp",
            "-o",
        ]);
        compiled(command.arg(&object));
        let sources = ["tests/cpp/link_20.cpp", object.to_str().unwrap()];
        run(compiler.compile(&sources, &["-std=c++20"]).unwrap(), &[]);
    }
}

// ---- With other processes ----

fn peer() -> Option<PathBuf> {
    // One directory for the tests that share it.
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT
        .get_or_init(|| GXX.compile(&["tests/cpp/peer.cpp"], &["-std=c++20", "-O1"]))
        .clone()
}

#[test]
fn golden_record_both_ways() {
    let golden = "../../tests/golden/golden.cpp";
    for (compiler, flags) in [
        (GXX, "-std=c++17"),
        (GXX, "-std=c++20"),
        (CLANGXX, "-std=c++20"),
    ] {
        let Some(program) = compiler.compile(&[golden], &[flags, "-Wno-shadow"]) else {
            continue;
        };
        let namespace = crosspage::testing::namespace();
        let cpp =
            |args: [&str; 2]| checked(in_namespace(Command::new(&program).args(args), &namespace));

        cpp(["write", "from-cpp"]);
        let read = Reader::<SharedData>::open("from-cpp")
            .unwrap()
            .read()
            .unwrap()
            .unwrap();
        let json = |data: &SharedData| {
            // SAFETY: all bytes are initialised: both values started from zeroed memory or a read.
            let bytes = unsafe {
                std::slice::from_raw_parts(std::ptr::from_ref(data).cast(), size_of::<SharedData>())
            };
            value::to_json(&value::read_struct(SharedData::layout(), bytes))
        };
        assert_eq!(json(&read.value), json(&shared_data()));
        assert_eq!(read.version, 1);

        let mut writer = Writer::<SharedData>::create("from-rust").unwrap();
        writer.write(&shared_data()).unwrap();
        assert_eq!(cpp(["read", "from-rust"]), "golden ok\n");

        let canonical: String = SharedData::layout()
            .canonical()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(cpp(["layout", "-"]).trim(), canonical);
    }
}

/// What `crosspage layout --as c` and `--as cpp` print declares the struct that it was made from.
#[test]
fn printed_declarations_declare_the_same() {
    let declared = "../../tests/golden/declared";
    let canonical = ["robot.toml#Robot", "tails.toml#Scan", "tails.toml#Cloud"].map(|source| {
        let source = here().join(declared).join(source).display().to_string();
        let layout = crosspage::layout::from_source(&source).unwrap();
        let hex = layout.canonical().into_iter();
        hex.map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    for (compiler, program, flags) in [
        (GCC, "print.c", "-std=c11"),
        (CLANG, "print.c", "-std=c11"),
        (GXX, "print.cpp", "-std=c++17"),
        (GXX, "print.cpp", "-std=c++20"),
        (CLANGXX, "print.cpp", "-std=c++20"),
    ] {
        let program = format!("{declared}/{program}");
        let Some(program) = compiler.compile(&[&program], &[flags]) else {
            continue;
        };
        let printed = checked(&mut Command::new(&program));
        let printed: Vec<&str> = printed.lines().collect();
        assert_eq!(printed, canonical, "{program:?}");
    }
}

#[test]
fn mismatches_are_explained_in_cpp() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let mut writer = Writer::<SharedData>::create("telemetry").unwrap();
    writer.write(&shared_data()).unwrap();
    let message = |command: &str| {
        checked(in_namespace(
            Command::new(&program).args([command, "telemetry"]),
            &namespace,
        ))
    };
    let rows = |message: &str, expected: &[[&str; 3]]| {
        let head = format!("page (Rust, pid {})", std::process::id());
        assert!(
            message.contains(&head)
                && message.contains("differs from SharedData (C++, this process):"),
            "{message}"
        );
        let rows: Vec<Vec<&str>> = (message.lines())
            .filter_map(|line| line.strip_prefix("  "))
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        for row in expected {
            assert!(
                rows.iter().any(|found| found == row),
                "no {row:?} in\n{message}"
            );
        }
        assert_eq!(rows.len(), expected.len() + 1, "{message}");
    };
    let pack1 = [
        ["counter", "i32 at 508", "i32 at 505"],
        ["temperature", "f64 at 512", "f64 at 509"],
        ["coordinates", "f32[3] at 520", "f32[3] at 517"],
        ["user_name", "text[50] at 532", "text[50] at 529"],
        ["timestamp", "i64 at 584", "i64 at 579"],
        ["data_array", "i32[10] at 592", "i32[10] at 587"],
        ["(size)", "632 bytes", "627 bytes"],
        ["(align)", "8 bytes", "1 byte"],
    ];
    let packed = message("mismatch-pack1");
    rows(&packed, &pack1);
    assert!(packed.contains("hint: offsets differ from natural alignment; is one side compiled with #pragma pack or for 32 bits?"));
    rows(
        &message("mismatch-longer"),
        &[
            ["user_name", "text[50] at 532", "text[64] at 532"],
            ["timestamp", "i64 at 584", "i64 at 600"],
            ["data_array", "i32[10] at 592", "i32[10] at 608"],
            ["(size)", "632 bytes", "648 bytes"],
        ],
    );
    let renamed = message("mismatch-renamed");
    assert!(
        renamed.contains("counter") && renamed.contains("count "),
        "{renamed}"
    );

    // The same header, two layouts: g++ takes the macro in the pragma for a label, clang packs.
    assert_eq!(message("mismatch-labelled"), "no mismatch\n");
    let flags = ["-std=c++20"];
    if let Some(program) = CLANGXX.compile(&["tests/cpp/peer.cpp"], &flags) {
        let mut command = Command::new(program);
        let packed = checked(in_namespace(
            command.args(["mismatch-labelled", "telemetry"]),
            &namespace,
        ));
        rows(&packed, &pack1);
        assert!(packed.contains("#pragma pack(push, MACRO)"), "{packed}");
    }
}

#[test]
fn a_killed_cpp_writer_leaves_whole_values() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let start = |args: &[&str]| {
        let mut command = Command::new(&program);
        Running(
            in_namespace(command.args(args), &namespace)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    };
    let mut last = 0;
    for _ in 0..10 {
        let mut writer = start(&["write", "killed"]);
        let mut line = String::new();
        BufReader::new(writer.0.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(lines(line), "writing\n");
        let checker = start(&["check", "killed", "2000"]).0.wait_with_output_of();
        assert_eq!(checker, "whole\n");
        writer.0.kill().unwrap();
        writer.0.wait().unwrap();
        let reader = Reader::<SharedData>::open("killed").unwrap();
        let left = reader.read().unwrap().unwrap();
        assert_eq!(left.value.counter, left.value.data_array[9]);
        assert_eq!(i64::from(left.value.counter), left.value.timestamp);
        assert!(left.version > last, "{} after {last}", left.version);
        last = left.version;
    }
}

trait WaitWithOutput {
    fn wait_with_output_of(&mut self) -> String;
}

impl WaitWithOutput for std::process::Child {
    fn wait_with_output_of(&mut self) -> String {
        let mut all = String::new();
        std::io::Read::read_to_string(&mut self.stdout.take().unwrap(), &mut all).unwrap();
        assert!(self.wait().unwrap().success());
        lines(all)
    }
}

#[test]
fn crosspage_log_shows_on_stderr() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let mut command = Command::new(program);
    let mut child = in_namespace(command.args(["write", "logged"]), &namespace)
        .env("CROSSPAGE_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    child.kill().unwrap();
    let said = text(&child.wait_with_output().unwrap().stderr);
    assert!(
        said.contains("crosspage debug: ") && said.contains("logged"),
        "{said}"
    );
}

#[test]
fn cmake_package() {
    if cfg!(windows) {
        return println!(
            "skipped: the CMake package, which a step of its own tries (xtask test --only win-cmake)"
        );
    }
    if !has("cmake", "cmake") || !GXX.is_there() {
        return;
    }
    let profile = library();
    let (build, prefix, app) = (
        scratch("cmake/build"),
        scratch("cmake/prefix"),
        scratch("cmake/app"),
    );
    let define = |name: &str, value: &Path| format!("-D{name}={}", value.display());
    let name = if profile.ends_with("release") {
        "release"
    } else {
        "dev"
    };
    checked(
        (Command::new("cmake")
            .arg("-S")
            .arg(here().join("../.."))
            .arg("-B")
            .arg(&build))
        .arg(define("CROSSPAGE_TARGET_DIR", profile.parent().unwrap()))
        .arg(format!("-DCROSSPAGE_PROFILE={name}"))
        .arg(define("CMAKE_INSTALL_PREFIX", &prefix))
        .arg(format!("-DCROSSPAGE_CARGO={}", env!("CARGO"))),
    );
    checked(Command::new("cmake").arg("--build").arg(&build));
    checked(Command::new("cmake").arg("--install").arg(&build));

    checked(
        (Command::new("cmake")
            .arg("-S")
            .arg(here().join("tests/cmake"))
            .arg("-B")
            .arg(&app))
        .arg(define("CMAKE_PREFIX_PATH", &prefix)),
    );
    checked(Command::new("cmake").arg("--build").arg(&app));
    for program in ["shared", "static", "c"] {
        assert_eq!(run(app.join(program), &[]), "0.1.0\n");
    }
    if has("pkg-config", "pkg-config") {
        let config = fs::read_dir(&prefix).unwrap().find_map(|entry| {
            let path = entry.unwrap().path().join("pkgconfig");
            path.is_dir().then_some(path)
        });
        let mut command = Command::new("pkg-config");
        let flags = checked(
            command
                .args(["--cflags", "--libs", "crosspage"])
                .env("PKG_CONFIG_PATH", config.unwrap()),
        );
        let program = scratch("cmake").join("by_pkg_config");
        let mut command = Command::new("g++");
        command
            .arg("-std=c++17")
            .arg(here().join("tests/cmake/app.cpp"))
            .args(flags.split_whitespace());
        checked(command.arg("-o").arg(&program));
        let mut command = Command::new(program);
        let lib = flags
            .split_whitespace()
            .find_map(|flag| flag.strip_prefix("-L"))
            .unwrap();
        assert_eq!(checked(command.env("LD_LIBRARY_PATH", lib)), "0.1.0\n");
    }
}

/// The message that the peer's `fill` makes.
fn filled(n: i32) -> SharedData {
    let letter = char::from(b'a' + (n % 26) as u8).to_string();
    SharedData {
        process_id: n,
        message: Text::new(&letter.repeat(500)).unwrap(),
        data_ready: n % 2 == 1,
        counter: n,
        temperature: n.into(),
        coordinates: [(n % 1000) as f32; 3],
        user_name: Text::new(&letter.repeat(50)).unwrap(),
        timestamp: n.into(),
        data_array: [n; 10],
    }
}

/// Each is slower than the ring is long, so that both wait for each other.
#[test]
fn messages_between_cpp_and_rust() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let kind = Kind::Struct(SharedData::layout().clone());
    let mut options = Options::default();
    options.policy = Some(Policy::Block);
    options.capacity = Some(64 * 1024);
    let wait = Some(Duration::from_secs(10));
    let start = |command: &str, topic: &str| {
        let mut child = Command::new(&program);
        let child = in_namespace(child.args([command, topic, "2000"]), &namespace);
        Running(child.stdout(Stdio::piped()).spawn().unwrap())
    };

    let mut subscriber = RawSubscriber::attach("from-cpp", Some(&kind), &options).unwrap();
    let mut publisher = start("publish", "from-cpp");
    let pid = publisher.0.id();
    for n in 1..=2000 {
        let mut value = filled(0);
        // SAFETY: the value is as its layout says.
        let meta = unsafe { subscriber.recv_into((&raw mut value).cast(), wait) }.unwrap();
        assert_eq!(
            (meta.sequence, meta.publisher, meta.sent_at),
            (n as u64, pid, None)
        );
        let expected = filled(n);
        assert_eq!(
            (
                value.counter,
                value.message.as_str().unwrap(),
                value.data_array
            ),
            (n, expected.message.as_str().unwrap(), [n; 10])
        );
    }
    publisher.0.wait_with_output_of();
    assert_eq!(subscriber.lost(), 0);

    let mut publisher = RawPublisher::attach("from-rust", Some(&kind), &options).unwrap();
    let mut receiver = start("receive", "from-rust");
    publisher.wait_subscribers(1, wait).unwrap();
    for n in 1..=2000 {
        let value = filled(n);
        // SAFETY: the value is as its layout says.
        let sequence = unsafe { publisher.publish((&raw const value).cast()) }.unwrap();
        assert_eq!(sequence, n as u64);
    }
    assert_eq!(receiver.0.wait_with_output_of(), "attached\nwhole\n");
}

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(C)]
#[layout(tail = "points")]
struct Scan {
    stamp: u64,
    moving: bool,
}

/// Both declare the same layout, of which the canonical bytes are told to every language.
#[test]
fn tails_between_cpp_and_rust() {
    use crosspage::topic::{Publisher, Subscriber};
    let points = |n: u64| vec![[n as f32, n as f32 + 0.5, -(n as f32)]; (n * 7 % 1000) as usize];
    let scan = |stamp: u64| Scan {
        stamp,
        moving: stamp.is_multiple_of(2),
    };
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let wait = Duration::from_secs(10);
    let start = |command: &str, topic: &str| {
        let mut child = Command::new(&program);
        let child = in_namespace(child.args([command, topic, "500"]), &namespace);
        Running(child.stdout(Stdio::piped()).spawn().unwrap())
    };

    let mut subscriber = Subscriber::<(Scan, [[f32; 3]])>::options()
        .policy(Policy::Block)
        .attach("tails-from-cpp")
        .unwrap();
    let mut publisher = start("publish-tails", "tails-from-cpp");
    for n in 0..500 {
        let message = subscriber.recv(wait).unwrap();
        assert_eq!(*message.value.header(), scan(n));
        assert_eq!(message.value.tail(), points(n));
    }
    publisher.0.wait_with_output_of();

    let mut publisher = Publisher::<(Scan, [[f32; 3]])>::options()
        .policy(Policy::Block)
        .attach("tails-from-rust")
        .unwrap();
    let mut receiver = start("receive-tails", "tails-from-rust");
    publisher.wait_subscribers(1, wait).unwrap();
    for n in 0..500 {
        publisher.publish(&scan(n), &points(n)).unwrap();
    }
    assert_eq!(receiver.0.wait_with_output_of(), "whole\n");
}

#[test]
fn a_killed_cpp_publisher_leaves_whole_messages() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let kind = Kind::Struct(SharedData::layout().clone());
    let mut subscriber = RawSubscriber::attach("killed", Some(&kind), &Options::default()).unwrap();
    for round in 0..5 {
        let mut command = Command::new(&program);
        let mut publisher = Running(
            in_namespace(command.args(["publish", "killed", "1000000"]), &namespace)
                .spawn()
                .unwrap(),
        );
        let pid = publisher.0.id();
        let mut received = 0;
        let mut next = |subscriber: &mut RawSubscriber| {
            let mut value = filled(0);
            // SAFETY: the value is as its layout says.
            let meta = unsafe { subscriber.try_recv_into((&raw mut value).cast()) }.unwrap()?;
            received += 1;
            assert_eq!((meta.publisher, meta.sequence), (pid, received));
            let expected = filled(received as i32);
            assert_eq!(
                value.message.as_str().unwrap(),
                expected.message.as_str().unwrap()
            );
            assert_eq!(value.data_array, expected.data_array);
            Some(received)
        };
        while next(&mut subscriber).unwrap_or(0) < 100 * (round + 1) {}
        publisher.0.kill().unwrap();
        publisher.0.wait().unwrap();
        // What it has published outlives it.
        while next(&mut subscriber).is_some() {}
    }
}

#[test]
fn cpp_reader_waits_for_rust() {
    let Some(program) = peer() else { return };
    let namespace = crosspage::testing::namespace();
    let mut command = Command::new(program);
    let mut reader = Running(
        in_namespace(command.args(["check", "late", "1"]), &namespace)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    std::thread::sleep(Duration::from_millis(100));
    let layout: &Arc<StructType> = SharedData::layout();
    assert_eq!(
        (layout.size(), layout.field("timestamp").unwrap().offset),
        (632, 584)
    );
    let mut writer = Writer::<SharedData>::create("late").unwrap();
    let filled = |n: i32, c: char| SharedData {
        process_id: n,
        message: Text::new(&c.to_string().repeat(500)).unwrap(),
        data_ready: n % 2 == 1,
        counter: n,
        temperature: n.into(),
        coordinates: [n as f32; 3],
        user_name: Text::new(&c.to_string().repeat(50)).unwrap(),
        timestamp: n.into(),
        data_array: [n; 10],
    };
    writer.write(&filled(1, 'b')).unwrap();
    assert_eq!(reader.0.wait_with_output_of(), "whole\n");
}
