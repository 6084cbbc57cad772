//! Layout sources: `PATH#TYPE`.

use std::path::Path;
use std::sync::Arc;

use super::StructType;
use crate::{Error, ErrorKind, Result};

/// A layout from a [source](from_source), and how it is known.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Learned {
    /// The struct.
    pub layout: Arc<StructType>,
    /// For people, where it was not declared but learned: `learned from ./writer (DWARF 5, GNU C++17
    /// 12.2.0): true for what this program writes`.
    pub provenance: Option<String>,
}

/// The struct that a layout source names: `PATH#TYPE`, split at the last `#`.
///
/// PATH is one of
///
/// - a [schema file](super::schema);
/// - a program, library or object file (ELF, or PE as MinGW makes it) with debug information: compiled
///   with `-g`, by a C, C++ or Rust compiler. TYPE is `SharedData`, `robot::Pose<float>`, or a typedef;
///   where several namespaces have the name, `::robot::Pose` begins at the outermost;
/// - a C or C++ header or source file, which is compiled by `$CXX` or `$CC` (or the usual compilers)
///   with `$CPPFLAGS` and `$CXXFLAGS` or `$CFLAGS`. A `.h` is tried as C++, then as C.
///
/// The last two need the feature `debuginfo`. What is learned so is as true as "this program wrote that
/// segment": see [`learn`] for a sentence that says so. Of the alignment, which the debug information
/// mostly leaves out, it is a guess: natural alignment where nothing contradicts it, else 1.
///
/// # Errors
/// [`ErrorKind::Invalid`] for a source without a type, for a schema with a mistake in it (with file and
/// line), for a struct with members that cannot be shared (naming the member), for one that the program
/// has in several ways (naming each), and for a header that does not compile;
/// [`ErrorKind::NotFound`] where there is no such file, no such struct in it, or no debug information;
/// [`ErrorKind::Corrupt`] where that is damaged; [`ErrorKind::Unsupported`] for kinds of files that are
/// not read, where there is no compiler, and where the feature is left out.
pub fn from_source(source: &str) -> Result<Arc<StructType>> {
    Ok(learn(source)?.layout)
}

/// The same as [`from_source`], with a sentence on how the layout is known.
///
/// # Errors
/// As for [`from_source`].
pub fn learn(source: &str) -> Result<Learned> {
    let (path, name) = match source.rsplit_once('#') {
        Some((path, name)) if !path.is_empty() && !name.is_empty() => (path, name),
        _ => {
            let message = format!("{source:?} is no layout source, which is PATH#TYPE");
            let error = Error::new(ErrorKind::Invalid, message);
            return Err(error.with_hint("for example robot.toml#SharedData"));
        }
    };
    let path = Path::new(path);
    match kind(path) {
        Kind::Schema => {
            let layout = load(path, name)?;
            Ok(Learned {
                layout,
                provenance: None,
            })
        }
        Kind::Program => from_program(path, name),
        Kind::Header => from_header(path, name),
        Kind::Other(what, hint) => {
            let message = format!("{} is {what}, which is not read", path.display());
            Err(Error::new(ErrorKind::Unsupported, message).with_hint(hint))
        }
    }
}

#[cfg(feature = "debuginfo")]
fn from_program(path: &Path, name: &str) -> Result<Learned> {
    let found = super::debuginfo::learn(path, name)?;
    let provenance = format!(
        "learned from {} ({}): true for what this program writes",
        path.display(),
        found.compiled
    );
    Ok(Learned {
        layout: Arc::new(found.layout),
        provenance: Some(provenance),
    })
}

#[cfg(feature = "debuginfo")]
fn from_header(path: &Path, name: &str) -> Result<Learned> {
    let found = super::probe::learn(path, name)?;
    let provenance = format!(
        "learned from {} ({}): true for programs compiled with it in the same way",
        path.display(),
        found.compiled
    );
    Ok(Learned {
        layout: Arc::new(found.layout),
        provenance: Some(provenance),
    })
}

#[cfg(not(feature = "debuginfo"))]
fn from_program(path: &Path, _name: &str) -> Result<Learned> {
    Err(without_debuginfo(path, "a compiled program or library"))
}

#[cfg(not(feature = "debuginfo"))]
fn from_header(path: &Path, _name: &str) -> Result<Learned> {
    Err(without_debuginfo(path, "a C or C++ source"))
}

#[cfg(not(feature = "debuginfo"))]
fn without_debuginfo(path: &Path, kind: &str) -> Error {
    let message = format!(
        "{} is {kind}, which this build of crosspage cannot learn from",
        path.display()
    );
    Error::new(ErrorKind::Unsupported, message).with_hint(
        "build it with its feature `debuginfo`, or describe the struct in a schema file: \
         PATH.toml#TYPE",
    )
}

#[cfg(feature = "schema")]
fn load(path: &Path, name: &str) -> Result<Arc<StructType>> {
    super::schema::Schema::load(path)?.get(name)
}

#[cfg(not(feature = "schema"))]
fn load(path: &Path, _name: &str) -> Result<Arc<StructType>> {
    let message = format!("cannot read the schema {}", path.display());
    let error = Error::new(ErrorKind::Unsupported, message);
    Err(error.with_hint("build crosspage with its feature `schema`"))
}

enum Kind {
    Schema,
    Program,
    Header,
    /// What it is, and what to do.
    Other(&'static str, &'static str),
}

/// What a file is: by its first bytes, or by its name.
fn kind(path: &Path) -> Kind {
    let mut magic = [0; 8];
    if let Ok(mut file) = std::fs::File::open(path) {
        // A shorter file leaves zeros, which are no magic.
        let _ = std::io::Read::read(&mut file, &mut magic);
    }
    match magic {
        [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => return Kind::Program,
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => {
            return Kind::Other(
                "a program for macOS (Mach-O)",
                "name the header that declares the struct: PATH.h#TYPE",
            );
        }
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', _] => {
            return Kind::Other(
                "a static library",
                "name a program that is linked with it, or one of its object files",
            );
        }
        _ => {}
    }
    let extension = path.extension().and_then(|e| e.to_str());
    match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
        "h" | "hh" | "hpp" | "hxx" | "h++" | "c" | "cc" | "cpp" | "cxx" | "c++" => Kind::Header,
        // COFF has no magic number.
        "o" | "obj" => Kind::Program,
        _ => Kind::Schema,
    }
}

#[cfg(all(test, feature = "schema"))]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(
            at("a#b.toml"),
            "[struct.Point]\nfields = [{ name = \"x\", type = \"f32\" }]\n",
        )
        .unwrap();
        std::fs::write(at("lib.a"), b"!<arch>\n").unwrap();
        std::fs::write(at("mach"), [0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1]).unwrap();
        assert_eq!(from_source(&(at("a#b.toml") + "#Point")).unwrap().size(), 4);
        let fails = |source: String, kind, message: &str| {
            let error = from_source(&source).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(
                error.to_string().contains(message),
                "{error} lacks {message:?}"
            );
        };
        fails(
            at("a#b.toml") + "#Pint",
            ErrorKind::NotFound,
            "hint: did you mean \"Point\"?",
        );
        fails(
            at("a#b.toml"),
            ErrorKind::NotFound,
            "cannot read the schema",
        );
        fails(
            at("none.toml") + "#P",
            ErrorKind::NotFound,
            "cannot read the schema",
        );
        fails(
            at("none.toml"),
            ErrorKind::Invalid,
            "is no layout source, which is PATH#TYPE",
        );
        fails(
            "x.toml#".into(),
            ErrorKind::Invalid,
            "hint: for example robot.toml#SharedData",
        );
        fails(
            at("lib.a#S"),
            ErrorKind::Unsupported,
            "is a static library, which is not read",
        );
        fails(
            at("mach#S"),
            ErrorKind::Unsupported,
            "hint: name the header that declares the struct",
        );
    }
}
