//! The ways to declare a struct: a program for each, that prints the canonical layout of every one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::model::{Base, Field, Schema, Struct};
use crate::Result;
use crate::python::Venv;
use crate::{native, process, workspace};

/// A way, and the program that takes it.
pub struct Way {
    pub name: &'static str,
    pub program: Command,
    /// Whether it can say what this struct is.
    pub can_say: fn(&Schema, &Struct) -> bool,
}

/// All eight, built in `scratch` for these structs. What the `crosspage` command prints is declared as it
/// prints it: so one of them is there twice, as it was and as it is printed.
pub fn all(schemas: &[Schema], scratch: &Path) -> Result<Vec<Way>> {
    let mut files = Vec::new();
    for (i, schema) in schemas.iter().enumerate() {
        let path = scratch.join(format!("structs{i}.toml"));
        write(&path, &schema.toml())?;
        files.push(path);
    }
    let printed = |form| print_declarations(schemas, &files, form).map(|each| each.concat());
    // A line for each struct.
    let each = |line: &dyn Fn(&str) -> String| -> String {
        let structs = schemas.iter().flat_map(Schema::shown);
        structs.map(|of| line(&of.name)).collect()
    };

    let c = each(&|name| format!("  show(&{name}_layout);\n"));
    let cpp = each(&|name| format!("  show<{name}>({name:?});\n"));
    let rust = each(&|name| format!("    show::<{name}>({name:?});\n"));
    let rust = format!("{RUST}{}\nfn main() {{\n{rust}}}\n", printed("rust")?);
    for (file, text) in [
        ("declared.h", printed("c")?),
        ("declared.hpp", printed("cpp")?),
        ("c.c", format!("{C}int main(void) {{\n{c}}}\n")),
        ("cpp.cpp", format!("{CPP}int main() {{\n{cpp}}}\n")),
        ("rust.rs", rust),
    ] {
        write(&scratch.join(file), &text)?;
    }
    // C++20 takes longest.
    let native = |source, name, flags: &[&str]| native_program(scratch, source, name, flags);
    let (cpp20, cpp17, c, rust) = std::thread::scope(|scope| {
        let cpp20 = scope.spawn(|| native("cpp.cpp", "cpp20", &["-std=c++20", "-DPLAIN"]));
        let cpp17 = native("cpp.cpp", "cpp17", &["-std=c++17"]);
        let c = native("c.c", "c", &["-std=c11"]);
        let rust = rust_program(scratch);
        (cpp20.join().expect("it does not panic"), cpp17, c, rust)
    });

    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let python = |file: &str, declarations: String, entries: String| {
        let path = scratch.join(file);
        let structs = format!("STRUCTS = {{\n{entries}}}\n");
        let program = format!("{declarations}\n\nimport crosspage\n\n{structs}{PYTHON}");
        let mut command = venv.python();
        command.arg(&path);
        write(&path, &program).map(|()| command)
    };
    let variables = |can_say: fn(&Schema, &Struct) -> bool| -> String {
        let structs = schemas.iter().flat_map(|schema| {
            let shown = schema.shown().iter();
            shown.filter(move |of| can_say(schema, of))
        });
        structs
            .map(|of| format!("    {:?}: {},\n", of.name, variable(of)))
            .collect()
    };
    let sources = |files: &[PathBuf]| -> String {
        let pairs = schemas.iter().zip(files);
        let sources = pairs.flat_map(|(schema, file)| {
            let shown = schema.shown().iter();
            shown.map(move |of| format!("    {0:?}: \"{1}#{0}\",\n", of.name, file.display()))
        });
        sources.collect()
    };
    let mut printed_files = Vec::new();
    for (i, text) in print_declarations(schemas, &files, "toml")?
        .iter()
        .enumerate()
    {
        printed_files.push(scratch.join(format!("printed{i}.toml")));
        write(&printed_files[i], text)?;
    }
    let class = python(
        "class_way.py",
        printed("python")?,
        each(&|name| format!("    {name:?}: {name},\n")),
    )?;
    let ctypes = python(
        "ctypes_way.py",
        declarations(schemas, ctypes_class, "import ctypes\n"),
        variables(|_, _| true),
    )?;
    let numpy = python(
        "numpy_way.py",
        declarations(schemas, numpy_dtype, "import numpy\n"),
        variables(Schema::shows_its_alignment),
    )?;
    let toml = python("toml_way.py", String::new(), sources(&files))?;
    let printed_toml = python(
        "printed_toml_way.py",
        String::new(),
        sources(&printed_files),
    )?;

    let way = |name, program| Way {
        name,
        program,
        can_say: |_, _| true,
    };
    Ok(vec![
        way("Rust", rust?),
        way("C++20 struct", cpp20?),
        way("C++17 macro", cpp17?),
        way("C table", c?),
        way("Python class", class),
        way("ctypes", ctypes),
        Way {
            can_say: Schema::shows_its_alignment,
            ..way("numpy dtype", numpy)
        },
        way("TOML", toml),
        way("printed TOML", printed_toml),
    ])
}

/// What `crosspage layout --as` makes of each schema's last struct, which holds all others.
fn print_declarations(schemas: &[Schema], files: &[PathBuf], form: &str) -> Result<Vec<String>> {
    let crosspage = workspace::debug().join(format!("crosspage{}", std::env::consts::EXE_SUFFIX));
    let print = |(schema, file): (&Schema, &PathBuf)| {
        let all = schema.structs.last().ok_or("a schema without structs")?;
        let source = format!("{}#{}", file.display(), all.name);
        process::output(process::command(&crosspage).args(["layout", &source, "--as", form]))
    };
    schemas.iter().zip(files).map(print).collect()
}

fn native_program(scratch: &Path, source: &str, name: &str, flags: &[&str]) -> Result<Command> {
    let program = scratch.join(name);
    native::compile_with(&scratch.join(source), &program, flags)?;
    Ok(process::command(program))
}

/// By rustc alone, against the library that cargo has built.
fn rust_program(scratch: &Path) -> Result<Command> {
    let (source, program) = (scratch.join("rust.rs"), scratch.join("rust"));
    process::run(process::cargo().args(["build", "--quiet", "--package", "crosspage"]))?;
    let library = workspace::debug();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    process::run(
        process::command(rustc)
            .args(["--edition=2024", "--extern"])
            .arg(format!(
                "crosspage={}",
                library.join("libcrosspage.rlib").display()
            ))
            .arg(format!("-Ldependency={}", library.join("deps").display()))
            .arg("-o")
            .args([&program, &source]),
    )?;
    Ok(process::command(program))
}

fn declarations(
    schemas: &[Schema],
    declare: fn(&Schema, &Struct) -> String,
    import: &str,
) -> String {
    let mut out = import.to_owned();
    for schema in schemas {
        out.extend(schema.structs.iter().map(|of| declare(schema, of)));
    }
    out
}

/// No keyword.
fn variable(of: &Struct) -> String {
    format!("{}_", of.name)
}

fn ctypes_class(schema: &Schema, of: &Struct) -> String {
    let mut out = format!("\nclass {}(ctypes.Structure):\n", variable(of));
    if let Some(pack) = of.pack {
        // Python 3.14 asks whose packing it is; it is the same but for bit-fields.
        out += &format!("    _pack_ = {pack}\n    _layout_ = \"ms\"\n");
    }
    out += "    _fields_ = [\n";
    for field in &of.fields {
        let base = match field.base {
            Base::Scalar(scalar) => format!("ctypes.{}", scalar.ctypes),
            Base::Text(n) => format!("(ctypes.c_char * {n})"),
            Base::Struct(i) => variable(&schema.structs[i]),
            Base::Enum(i) => format!("ctypes.{}", schema.enums[i].repr.ctypes),
        };
        let dims = field.dims.iter().rev();
        let ty = dims.fold(base, |ty, n| format!("({ty} * {n})"));
        out += &format!("        ({:?}, {ty}),\n", field.name);
    }
    out + "    ]\n"
}

/// Laid out by numpy where nothing is packed; it knows no packing, but takes offsets.
fn numpy_dtype(schema: &Schema, of: &Struct) -> String {
    let ty = |field: &Field| {
        let base = match field.base {
            Base::Scalar(scalar) => format!("{:?}", scalar.numpy),
            Base::Text(n) => format!("\"S{n}\""),
            Base::Struct(i) => variable(&schema.structs[i]),
            Base::Enum(i) => format!("{:?}", schema.enums[i].repr.numpy),
        };
        let dims: String = field.dims.iter().map(|n| format!("{n}, ")).collect();
        match field.dims.is_empty() {
            true => base,
            false => format!("({base}, ({dims}))"),
        }
    };
    let name = variable(of);
    if !schema.is_packed(of) {
        let fields: String = (of.fields.iter())
            .map(|field| format!("({:?}, {}), ", field.name, ty(field)))
            .collect();
        return format!("{name} = numpy.dtype([{fields}], align=True)\n");
    }
    let place = schema.place(of);
    let names: Vec<&str> = of.fields.iter().map(|field| field.name.as_str()).collect();
    let formats: Vec<String> = of.fields.iter().map(ty).collect();
    format!(
        "{name} = numpy.dtype({{\"names\": {names:?}, \"formats\": [{}], \"offsets\": {:?}, \"itemsize\": {}}})\n",
        formats.join(", "),
        place.offsets,
        place.size
    )
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

const PYTHON: &str = "
for name, declaration in STRUCTS.items():
    print(name, crosspage.layout_of(declaration).canonical().hex())
";

const C: &str = r#"#include "declared.h"

#include <stdio.h>
#include <stdlib.h>

static void show(const crosspage_struct *table) {
  crosspage_error error = CROSSPAGE_ERROR_INIT;
  crosspage_layout *layout = NULL;
  if (crosspage_layout_from_struct(table, &layout, &error)) {
    fprintf(stderr, "error: %s: %s\n", table->name, error.message);
    exit(1);
  }
  const size_t size = crosspage_layout_canonical(layout, NULL, 0);
  unsigned char *canonical = malloc(size);
  crosspage_layout_canonical(layout, canonical, size);
  printf("%s ", table->name);
  for (size_t i = 0; i < size; ++i) printf("%02x", canonical[i]);
  puts("");
  free(canonical);
  crosspage_layout_free(layout);
}

"#;

/// With PLAIN nobody names the members.
const CPP: &str = r#"#include <crosspage.hpp>

#ifdef PLAIN
#undef CROSSPAGE_STRUCT
#define CROSSPAGE_STRUCT(...) static_assert(true)
#endif
#include "declared.hpp"

#include <cstdio>

template <class T>
void show(const char *name) {
  std::printf("%s ", name);
  for (const auto byte : crosspage::canonical<T>()) std::printf("%02x", static_cast<unsigned>(byte));
  std::puts("");
}

"#;

const RUST: &str = "#![allow(warnings)]

fn show<T: crosspage::Layout>(name: &str) {
    let canonical = T::layout().canonical();
    let hex: std::string::String = canonical.iter().map(|byte| format!(\"{byte:02x}\")).collect();
    println!(\"{name} {hex}\");
}

";
