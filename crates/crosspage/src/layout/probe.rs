//! Layouts learned from C and C++ headers: a probe that includes the header is compiled with the
//! user's compiler and flags, and its debug information is read.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::debuginfo::{self, Found};
use crate::{Error, ErrorKind, Result};

/// The variable whose type is the struct.
const VARIABLE: &str = "crosspage_probe";
/// A header that takes longer does not end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a compiler says is shown.
const MOST_LINES: usize = 12;

#[derive(Clone, Copy, PartialEq)]
enum Language {
    C,
    Cpp,
}

/// The struct called `name` in a header or source file.
pub(super) fn learn(path: &Path, name: &str) -> Result<Found> {
    check_name(name)?;
    let header = std::fs::canonicalize(path)
        .and_then(|_| std::path::absolute(path))
        .map_err(|e| Error::os(format!("cannot read {}", path.display()), &e))?;
    let mut first_trouble = None;
    for (language, spelled) in attempts(path, name) {
        let error = match compile(&header, path, language, &spelled, name) {
            Ok(found) => return Ok(found),
            Err(Trouble::Fatal(error)) => return Err(error),
            Err(Trouble::Refused(error)) => error,
        };
        // The first attempt is the likeliest, unless only a later one had a compiler at all.
        match &first_trouble {
            None => first_trouble = Some(error),
            Some(first) if first.is_unsupported() && !error.is_unsupported() => {
                first_trouble = Some(error);
            }
            Some(_) => {}
        }
    }
    Err(first_trouble.expect("there is at least one attempt"))
}

/// The languages that a file may be in, and what its type is called there.
fn attempts(path: &Path, name: &str) -> Vec<(Language, String)> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let in_c = !name.contains(['<', ':']);
    // In C a struct without a typedef has no name without `struct`.
    let c = [name.to_owned(), format!("struct {name}")].map(|name| (Language::C, name));
    let cpp = (Language::Cpp, name.to_owned());
    match extension {
        "c" => c.into(),
        "h" if in_c => [cpp].into_iter().chain(c).collect(),
        _ => vec![cpp],
    }
}

/// A name goes into the probe's source, so it is a name and nothing else.
fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_alphanumeric() || "_$:<>, *()".contains(c);
    if name.len() <= 1000 && name.chars().all(fits) {
        return Ok(());
    }
    let message = format!("{name:?} is no name of a C or C++ type");
    Err(Error::new(ErrorKind::Invalid, message))
}

enum Trouble {
    /// Another language will not help.
    Fatal(Error),
    Refused(Error),
}

fn compile(
    header: &Path,
    shown: &Path,
    language: Language,
    spelled: &str,
    name: &str,
) -> Result<Found, Trouble> {
    let fatal = |what: &str, e| Trouble::Fatal(Error::os(what, &e));
    let dir = tempfile::Builder::new()
        .prefix("crosspage-probe-")
        .tempdir()
        .map_err(|e| fatal("cannot make a directory for the probe", e))?;
    let source = dir.path().join(match language {
        Language::C => "probe.c",
        Language::Cpp => "probe.cpp",
    });
    let object = dir.path().join("probe.o");
    let said = dir.path().join("said");
    let text = format!("{spelled} {VARIABLE};\nchar {VARIABLE}_align[__alignof__({VARIABLE})];\n");
    std::fs::write(&source, text).map_err(|e| fatal("cannot write the probe", e))?;

    for compiler in compilers(language) {
        let Some((program, arguments)) = compiler.split_first() else {
            continue;
        };
        let stderr = File::create(&said).map_err(|e| fatal("cannot write the probe", e))?;
        let spawned = Command::new(program)
            .args(arguments)
            .args(flags(language))
            // -include, not #include: no path needs quoting. What is for a linker, or splits the
            // debug information off, would hide it.
            .args([
                "-w",
                "-g",
                "-fno-debug-types-section",
                "-fno-lto",
                "-c",
                "-include",
            ])
            .arg(header)
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn();
        let child = match spawned {
            Ok(child) => child,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(fatal(&format!("cannot start {program}"), e)),
        };
        let status = wait(child, program).map_err(Trouble::Fatal)?;
        if status.success() {
            return debuginfo::learn_probe(&object, VARIABLE, shown, name).map_err(Trouble::Fatal);
        }
        let said = std::fs::read(&said).unwrap_or_default();
        return Err(Trouble::Refused(refusal(program, shown, name, &said)));
    }
    Err(Trouble::Refused(no_compiler(language, shown)))
}

/// Compilers to try: the one that the environment names, or the usual ones.
fn compilers(language: Language) -> Vec<Vec<String>> {
    let (variable, usual) = match language {
        Language::C => ("CC", ["gcc", "clang", "cc"]),
        Language::Cpp => ("CXX", ["g++", "clang++", "c++"]),
    };
    match std::env::var(variable) {
        Ok(named) if !named.trim().is_empty() => vec![words(&named)],
        _ => usual.map(|name| vec![name.to_owned()]).into(),
    }
}

/// The user's flags, but for one that would put the debug information elsewhere.
fn flags(language: Language) -> Vec<String> {
    let own = match language {
        Language::C => "CFLAGS",
        Language::Cpp => "CXXFLAGS",
    };
    let value = |name| std::env::var(name).unwrap_or_default();
    let mut flags = words(&value("CPPFLAGS"));
    flags.extend(words(&value(own)));
    flags.retain(|flag| !flag.starts_with("-gsplit-dwarf"));
    flags
}

/// Splits as a shell does: at spaces that are not quoted.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            // Paths of Windows keep their backslashes.
            ('\\', None | Some('"'))
                if chars
                    .peek()
                    .is_some_and(|next| matches!(next, ' ' | '"' | '\'' | '\\')) =>
            {
                word.get_or_insert_default().extend(chars.next());
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn wait(mut child: Child, program: &str) -> Result<ExitStatus> {
    let os = |e| Error::os(format!("cannot wait for {program}"), &e);
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().map_err(os)? {
            return Ok(status);
        }
        if Instant::now() >= end {
            // It may have ended meanwhile, which is as well.
            let _ = child.kill();
            let _ = child.wait();
            let message = format!("{program} took longer than {} s", PATIENCE.as_secs());
            return Err(Error::new(ErrorKind::TimedOut, message));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn refusal(program: &str, shown: &Path, name: &str, said: &[u8]) -> Error {
    let said = String::from_utf8_lossy(said);
    let mut message = format!("{program} does not compile {name} of {}:", shown.display());
    for line in said.lines().take(MOST_LINES) {
        let line: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
        let _ = write!(message, "\n  {line}");
    }
    Error::new(ErrorKind::Invalid, message).with_hint(
        "CXX, CC, CPPFLAGS, CXXFLAGS and CFLAGS name the compiler and its flags, as for make: \
         CPPFLAGS=-Iinclude",
    )
}

fn no_compiler(language: Language, shown: &Path) -> Error {
    let tried: Vec<String> = compilers(language).iter().map(|c| c.join(" ")).collect();
    let (language, variable) = match language {
        Language::C => ("C", "CC"),
        Language::Cpp => ("C++", "CXX"),
    };
    let message = format!(
        "{} needs a {language} compiler, and there is none ({} tried)",
        shown.display(),
        tried.join(", ")
    );
    Error::new(ErrorKind::Unsupported, message).with_hint(format!(
        "name one by the environment variable {variable}, or learn the struct from the compiled \
         program, or from a schema file"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_split_like_a_shells() {
        let split = |text| words(text).join("|");
        assert_eq!(split("  -O2   -Iinclude "), "-O2|-Iinclude");
        assert_eq!(split("-DX='a b' -I\"my dir\"/x"), "-DX=a b|-Imy dir/x");
        assert_eq!(
            split(r"-Imy\ dir -DS=\'x\' C:\inc\a"),
            r"-Imy dir|-DS='x'|C:\inc\a"
        );
        assert_eq!(split("'' x"), "|x");
        assert_eq!(split(""), "");
    }

    #[test]
    fn languages() {
        let of = |path: &str, name| {
            let all = attempts(Path::new(path), name);
            let one = |(language, name): &(Language, String)| match language {
                Language::C => format!("C {name}"),
                Language::Cpp => format!("C++ {name}"),
            };
            all.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(of("a.h", "T"), "C++ T, C T, C struct T");
        assert_eq!(of("a.h", "ns::T"), "C++ ns::T");
        assert_eq!(of("a.c", "T"), "C T, C struct T");
        assert_eq!(of("a.hpp", "T"), "C++ T");
    }

    #[test]
    fn only_names_reach_a_compiler() {
        assert!(check_name("robot::Pose<float, 3>").is_ok());
        for bad in ["T; int x", "T\n#include", "T{}", "\"T\""] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
