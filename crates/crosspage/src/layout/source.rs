//! Layout sources: `PATH#TYPE`.

use std::path::Path;
use std::sync::Arc;

use super::StructType;
use crate::{Error, ErrorKind, Result};

/// The struct that a layout source names: `PATH#TYPE`, split at the last `#`. PATH is a
/// [schema file](super::schema).
///
/// # Errors
/// [`ErrorKind::Invalid`] for a source without a type and for a schema with a mistake in it (with
/// file and line); [`ErrorKind::NotFound`] where there is no such file or no such struct in it;
/// [`ErrorKind::Unsupported`] for compiled programs and C or C++ headers.
pub fn from_source(source: &str) -> Result<Arc<StructType>> {
    let (path, name) = match source.rsplit_once('#') {
        Some((path, name)) if !path.is_empty() && !name.is_empty() => (path, name),
        _ => {
            let message = format!("{source:?} is no layout source, which is PATH#TYPE");
            let error = Error::new(ErrorKind::Invalid, message);
            return Err(error.with_hint("for example robot.toml#SharedData"));
        }
    };
    let path = Path::new(path);
    if let Some(kind) = not_a_schema(path) {
        let message = format!(
            "{} is {kind}, from which layouts cannot be learned yet",
            path.display()
        );
        let error = Error::new(ErrorKind::Unsupported, message);
        return Err(error.with_hint("describe the struct in a schema file: PATH.toml#TYPE"));
    }
    load(path, name)
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

/// What a file is that is surely no schema: by its first bytes, or by its name.
fn not_a_schema(path: &Path) -> Option<&'static str> {
    let mut magic = [0; 4];
    if let Ok(mut file) = std::fs::File::open(path) {
        // A shorter file leaves zeros, which are no magic.
        let _ = std::io::Read::read(&mut file, &mut magic);
    }
    match magic {
        [0x7f, b'E', b'L', b'F'] | [b'M', b'Z', ..] => {
            return Some("a compiled program or library");
        }
        [0xcf, 0xfa, 0xed, 0xfe] | [0xca, 0xfe, 0xba, 0xbe] => {
            return Some("a compiled program or library");
        }
        _ => {}
    }
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "h" | "hh" | "hpp" | "hxx" | "h++" | "c" | "cc" | "cpp" | "cxx" | "c++" => {
            Some("a C or C++ source")
        }
        _ => None,
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
        std::fs::write(at("writer"), b"\x7fELF\x02\x01").unwrap();
        std::fs::write(at("data.h"), "struct S { int x; };").unwrap();
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
            at("writer#S"),
            ErrorKind::Unsupported,
            "is a compiled program or library",
        );
        fails(
            at("data.h#S"),
            ErrorKind::Unsupported,
            "hint: describe the struct in a schema file",
        );
    }
}
