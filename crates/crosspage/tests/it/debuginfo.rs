//! Layouts learned from what compilers leave in programs, and from headers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crosspage::layout::{self, Scalar, StructType, Type};
use crosspage::{Error, ErrorKind, Layout, Text};

#[path = "../../../../tests/build_host.rs"]
mod build_host;

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/learned")
        .join(name)
}

fn output(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("learned");
    std::fs::create_dir_all(&dir).unwrap();
    dir.join(name)
}

/// Compiles, or says why not: only a compiler that is not there is no failure.
fn compile(program: &str, arguments: &[&str], source: &Path, output: &Path) -> bool {
    let fresh = output.with_extension(std::process::id().to_string());
    let mut command = Command::new(program);
    command.args(arguments).arg(source).arg("-o").arg(&fresh);
    match build_host::output(&mut command) {
        Ok(built) => {
            let said = format!("{}{}", built.stdout, built.stderr);
            assert!(built.success, "{command:?}: {said}");
            // In one step: another run of these tests may be reading the old one.
            std::fs::rename(&fresh, output).unwrap();
            true
        }
        Err(_) => {
            println!("skipped: {program} is not there");
            false
        }
    }
}

fn gxx() -> String {
    build_host::gnu("g++")
}

/// `rich.cpp` with g++'s usual debug information.
fn rich() -> Option<&'static Path> {
    static RICH: OnceLock<Option<PathBuf>> = OnceLock::new();
    RICH.get_or_init(|| {
        let output = output("rich");
        compile(&gxx(), &["-std=c++17", "-g"], &source("rich.cpp"), &output).then_some(output)
    })
    .as_deref()
}

fn learn(path: &Path, name: &str) -> crosspage::Result<layout::Learned> {
    layout::learn(&format!("{}#{name}", path.display()))
}

#[track_caller]
fn layout_of(path: &Path, name: &str) -> std::sync::Arc<StructType> {
    learn(path, name).unwrap_or_else(|e| panic!("{e}")).layout
}

#[track_caller]
fn fails(path: &Path, name: &str, kind: ErrorKind, parts: &[&str]) -> Error {
    let error = learn(path, name).expect_err(name);
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{error}\nlacks {part:?}");
    }
    error
}

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

#[derive(Clone, Copy, Layout)]
#[repr(u8)]
enum Mode {
    Idle = 0,
    Running = 7,
    Failed = 255,
}

#[derive(Clone, Copy, Layout)]
#[repr(C)]
struct Vec3 {
    x: f32,
    y: f32,
    z: f32,
}

#[derive(Clone, Copy, Layout)]
#[repr(C)]
struct Joint {
    angle: f64,
    ends: [Vec3; 2],
}

#[derive(Clone, Copy, Layout)]
#[repr(C, packed)]
struct Packed {
    flag: i8,
    value: f64,
    tail: i16,
}

#[derive(Clone, Copy, Layout)]
#[repr(C, packed(4))]
struct Four {
    a: i32,
    b: f64,
    c: i8,
}

#[derive(Clone, Copy, Layout)]
#[repr(C)]
struct Nested {
    in1: i16,
    in2: i16,
}

#[derive(Clone, Copy, Layout)]
#[repr(C)]
struct Everything {
    id: i16,
    tag: i8,
    known: bool,
    b: bool,
    sc: i8,
    uc: u8,
    us: u16,
    u: u32,
    ll: i64,
    ull: u64,
    f: f32,
    raw: [u8; 3],
    text: Text<5>,
    lines: [Text<20>; 4],
    name: Text<7>,
    grid: [[i16; 3]; 2],
    matrix: [[f32; 4]; 3],
    mode: Mode,
    levels: [i32; 2],
    plain: u32,
    joints: [Joint; 6],
    packed: Packed,
    atomic: i32,
    flag: bool,
    nested: Nested,
    anonymous: i32,
}

/// What every compiler has to make of `rich.cpp`.
#[track_caller]
fn check_rich(program: &Path) {
    let same = |name: &str, ours: &StructType| {
        let theirs = layout_of(program, name);
        assert_eq!(theirs.canonical(), ours.canonical(), "{theirs:?}\n{ours:?}");
    };
    same("SharedData", SharedData::layout());
    same("app::Everything", Everything::layout());
    same("Joint", Joint::layout());
    same("Packed", Packed::layout());
    same("Four", Four::layout());

    let everything = layout_of(program, "Everything");
    let Some(Type::Enum(mode)) = everything.field("mode").map(|f| &f.ty) else {
        panic!("{everything:?}");
    };
    let variants = [("idle", 0), ("running", 7), ("failed", 255)];
    assert_eq!((mode.name.as_str(), mode.repr), ("Mode", Scalar::U8));
    assert_eq!(mode.variants, variants.map(|(n, v)| (n.to_owned(), v)));
    let Type::Array(level, 2) = &everything.field("levels").unwrap().ty else {
        panic!("{everything:?}");
    };
    let Type::Enum(level) = &**level else {
        panic!("{everything:?}");
    };
    assert_eq!(level.repr, Scalar::I32);
    assert_eq!(level.variants[0], ("low".to_owned(), -1));

    let aligned = layout_of(program, "Aligned");
    let offsets: Vec<usize> = aligned.fields().iter().map(|f| f.offset).collect();
    assert_eq!(
        (aligned.size(), aligned.align(), &offsets[..]),
        (64, 32, &[0, 32][..])
    );
}

#[test]
fn every_form_of_debug_information_says_the_same() {
    let Some(rich) = rich() else { return };
    check_rich(rich);
    let object = ["-std=c++17", "-c"];
    // Object files, which need relocations; without DW_AT_alignment; by another compiler; and all of
    // what may be packed away or put elsewhere.
    let forms: [(String, &[&str]); 5] = [
        (gxx(), &["-g"]),
        (gxx(), &["-gdwarf-4", "-O1"]),
        ("clang++".to_owned(), &["-g"]),
        ("clang++".to_owned(), &["-gdwarf-4", "-gz=zlib"]),
        (gxx(), &["-g", "-fdebug-types-section", "-gz=zlib"]),
    ];
    for (number, (program, flags)) in forms.iter().enumerate() {
        if cfg!(windows) && (program == "clang++" || number == 4) {
            continue; // Of ELF only.
        }
        // Type units of an object file are sections of their own, which a linker joins.
        let linked = flags.contains(&"-fdebug-types-section");
        let arguments: Vec<&str> = flags
            .iter()
            .copied()
            .chain(object.into_iter().filter(|flag| *flag != "-c" || !linked))
            .collect();
        let output = output(&format!("form{number}.o"));
        if compile(program, &arguments, &source("rich.cpp"), &output) {
            println!("{program} {flags:?}");
            check_rich(&output);
        }
    }
}

#[test]
fn what_cannot_be_shared_is_named() {
    let Some(rich) = rich() else { return };
    let refused = [
        ("Pointer", "member in.next is a pointer (const char*)"),
        ("Reference", "member r is a reference (int&)"),
        ("Function", "member call is a pointer (void(…)*)"),
        ("BitField", "member a is a bit-field (int, 3 bits)"),
        ("HasUnion", "member u is a union (Union)"),
        (
            "AnonymousUnion",
            "member (without a name) is a union: nobody",
        ),
        ("LongDouble", "member l is a long double"),
        ("WideChar", "member w is a wchar_t"),
        ("Utf16", "member c is a char16_t, of 2 bytes"),
        ("Flexible", "member data is an array without a fixed length"),
        (
            "WithString",
            "member s is a std::string, which keeps its text elsewhere",
        ),
        ("WithVector", "member v is a std::vector"),
        ("Virtual", "is the pointer to the class's virtual functions"),
        ("VirtualBase", "virtual"),
        (
            "HasEmpty",
            "member e is refused: struct Empty: it has no fields",
        ),
        (
            "CaseOnly",
            "it is refused: struct CaseOnly: fields \"userName\" and \"user_name\" differ only in case",
        ),
        ("Union", "it is a union (Union)"),
        ("Deep<20>", "nested deeper than 16 levels"),
        ("Deep<90>", "nested too deeply"),
        ("Mode", "it is an enum and no struct"),
    ];
    for (name, message) in refused {
        let path = rich.display().to_string();
        fails(rich, name, ErrorKind::Invalid, &[&path, name, message]);
    }
}

#[test]
fn names() {
    let Some(rich) = rich() else { return };
    let size = |name| layout_of(rich, name).size();
    assert_eq!((size("Inner"), size("app::Outer::Inner")), (4, 4));
    assert_eq!((size("Vec<float>"), size("app::Vec< float >")), (12, 12));
    assert_eq!((size("Typedef"), size("::Typedef")), (4, 4));
    assert_eq!((size("Deep<0>"), size("Deep<15>")), (4, 4));
    assert_eq!(layout_of(rich, "Typedef").name(), "Typedef");
    assert_eq!((size("one::Twice"), size("::two::Twice")), (4, 8));
    let several = [
        "has 2 different definitions of Twice:\n",
        "  one::Twice: 4 bytes, in ",
        "  two::Twice: 8 bytes, in ",
        "rich.cpp",
        "hint: say which: by its full name, from the outermost namespace, such as ::one::Twice",
    ];
    fails(rich, "Twice", ErrorKind::Invalid, &several);
    let missing = ErrorKind::NotFound;
    fails(
        rich,
        "SharedDta",
        missing,
        &["did you mean \"SharedData\"?"],
    );
    fails(rich, "::Inner", missing, &["has no struct ::Inner"]);
    fails(
        rich,
        "Qwertyuiop",
        missing,
        &["leave out what a program does not use"],
    );
    fails(
        rich,
        "OnlyDeclared",
        missing,
        &["declares OnlyDeclared, but the definition is not in it"],
    );
    let how = learn(rich, "SharedData").unwrap().provenance.unwrap();
    let begins = format!("learned from {} (DWARF ", rich.display());
    assert!(
        how.starts_with(&begins) && how.contains("GNU C++17 "),
        "{how}"
    );
    assert!(
        how.ends_with("): true for what this program writes"),
        "{how}"
    );
}

#[test]
fn one_header_with_two_layouts_is_noticed() {
    // The original project's `#pragma pack(push, MACRO)`, which takes effect in one file only.
    let (one, two, both) = (output("one.cpp"), output("two.cpp"), output("both"));
    let text = "struct Data { char c; double d; } VARIABLE;\n";
    let packed = format!("#pragma pack(1)\n{text}");
    std::fs::write(&one, text.replace("VARIABLE", "one")).unwrap();
    std::fs::write(&two, packed.replace("VARIABLE", "two")).unwrap();
    let arguments = ["-g", "-shared", one.to_str().unwrap()];
    if compile(&gxx(), &arguments, &two, &both) {
        let several = [
            "Data: 16 bytes, in ",
            "one.cpp",
            "Data: 9 bytes, in ",
            "another #pragma pack",
        ];
        fails(&both, "Data", ErrorKind::Invalid, &several);
    }
}

#[test]
fn a_program_without_types_says_what_it_lacks() {
    let say = |flags: &[&str], parts: &[&str]| {
        let program = output(&format!("bare{}.o", flags[0]));
        let arguments: Vec<&str> = ["-std=c++17", "-c"].iter().chain(flags).copied().collect();
        if compile(&gxx(), &arguments, &source("rich.cpp"), &program) {
            fails(&program, "SharedData", ErrorKind::NotFound, parts);
        }
    };
    say(
        &["-g0"],
        &["has no debug information", "hint: compile with -g"],
    );
    say(
        &["-g1"],
        &[
            "has no struct SharedData",
            "describes no types: compile with -g",
        ],
    );
    #[cfg(unix)]
    say(
        &["-gsplit-dwarf", "-g"],
        &["has no struct SharedData", "(-gsplit-dwarf)"],
    );
}

#[cfg(unix)]
#[test]
fn separate_debug_information_is_followed() {
    let Some(rich) = rich() else { return };
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let objcopy = |arguments: &[&str], from: &Path, to: &Path| {
        let mut command = Command::new("objcopy");
        let output = command
            .args(arguments)
            .arg(from)
            .arg(to)
            .current_dir(dir.path())
            .output();
        assert!(output.unwrap().status.success(), "{command:?}");
    };
    objcopy(&["--only-keep-debug"], rich, &at("stripped.debug"));
    let link = "--add-gnu-debuglink=stripped.debug";
    objcopy(&["--strip-all", link], rich, &at("stripped"));
    assert_eq!(layout_of(&at("stripped"), "SharedData").size(), 632);
    std::fs::create_dir(at(".debug")).unwrap();
    std::fs::rename(at("stripped.debug"), at(".debug/stripped.debug")).unwrap();
    assert_eq!(layout_of(&at("stripped"), "SharedData").size(), 632);
    // That of another build says nothing about this program.
    let mut other = std::fs::read(at(".debug/stripped.debug")).unwrap();
    other.push(0);
    std::fs::write(at(".debug/stripped.debug"), other).unwrap();
    let parts = ["is stripped", "stripped.debug", "hint: "];
    fails(&at("stripped"), "SharedData", ErrorKind::NotFound, &parts);
}

#[test]
fn headers_are_compiled() {
    if cfg!(windows) && std::env::var_os("CROSSPAGE_BUILD_HOST").is_some() {
        return println!("skipped: no compiler runs beside these tests");
    }
    if !Command::new("g++")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success())
    {
        return println!("skipped: g++ is not there");
    }
    let cpp = source("rich.hpp");
    // The alignment of what is packed is no guess here.
    check_header(&cpp, "app::Packed", Packed::layout());
    check_header(&cpp, "SharedData", SharedData::layout());
    let c = source("plain.h");
    let pair = layout_of(&c, "Pair");
    assert_eq!((pair.size(), pair.align()), (8, 1));
    let tagged = layout_of(&c, "Tagged");
    let shown = "Tagged (72 bytes, align 8) { class: i32 at 0, ready: bool at 4, name: text[8] at 5, \
                 raw: u8[4] at 13, values: f64[2][3] at 24 }";
    assert_eq!(format!("{tagged:?}"), shown);
    assert_eq!(
        layout_of(&c, "struct Tagged").canonical(),
        tagged.canonical()
    );
    let how = learn(&c, "Tagged").unwrap().provenance.unwrap();
    assert!(
        how.contains("plain.h (DWARF ") && how.contains("GNU C"),
        "{how}"
    );

    fails(
        &cpp,
        "Pointer",
        ErrorKind::Invalid,
        &["member in.next is a pointer"],
    );
    let unknown = [
        "g++ does not compile Nothing of ",
        "Nothing",
        "hint: CXX, CC, ",
    ];
    fails(&cpp, "Nothing", ErrorKind::Invalid, &unknown);
    fails(
        &cpp,
        "int x; int",
        ErrorKind::Invalid,
        &["is no name of a C or C++ type"],
    );
    fails(
        &source("none.hpp"),
        "T",
        ErrorKind::NotFound,
        &["cannot read ", "none.hpp"],
    );
}

#[track_caller]
fn check_header(path: &Path, name: &str, ours: &StructType) {
    let theirs = layout_of(path, name);
    assert_eq!(theirs.canonical(), ours.canonical(), "{theirs:?}\n{ours:?}");
}

#[test]
fn rust_programs_are_read() {
    let object = output("rust.o");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    if cfg!(windows) {
        return println!(
            "skipped: rustc makes MSVC's or MinGW's debug information as it was built"
        );
    }
    let arguments = ["--edition=2024", "--emit=obj", "-g"];
    if !compile(&rustc, &arguments, &source("writer.rs"), &object) {
        return;
    }
    let shared = layout_of(&object, "FromRust");
    let shown = "FromRust (80 bytes, align 8) { inner: Inner[2] at 0, mode: Mode at 32, count: u32 at 36, \
                 on: bool at 40, label: text[20] at 41, grid: i16[3][2] at 62 }";
    assert_eq!(format!("{shared:?}"), shown);
    let part = "member text is a String, which keeps its text elsewhere";
    fails(&object, "HasString", ErrorKind::Invalid, &[part]);
    let part = "member option is a Rust enum whose variants have fields";
    fails(&object, "HasOption", ErrorKind::Invalid, &[part]);
}

/// Whatever the bytes are, an answer or an error comes, and soon.
#[test]
fn hostile_bytes_are_an_error_and_no_more() {
    let text = output("small.cpp");
    let object = output("small.o");
    let code = "namespace n { enum E { a, b }; struct Inner { char t[4][8]; E e; double d[3]; };\n\
                struct Outer : Inner { Inner all[3]; float *p; }; typedef Inner Alias; }\n\
                n::Outer outer; n::Alias alias;\n";
    std::fs::write(&text, code).unwrap();
    if !compile(&gxx(), &["-g", "-c"], &text, &object) {
        return;
    }
    assert_eq!(layout_of(&object, "n::Alias").size(), 64);
    let whole = std::fs::read(&object).unwrap();
    let path = super::directory().path().with_extension("o");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut answers = [0; 2];
    for round in 0..600 {
        let mut bytes = whole.clone();
        match round % 8 {
            0 => bytes.truncate(random(whole.len())),
            _ => {
                for _ in 0..=random(6) {
                    let at = random(bytes.len());
                    bytes[at] = match random(4) {
                        0 => 0,
                        1 => 0xff,
                        2 => bytes[at] ^ (1 << random(8)),
                        _ => random(256) as u8,
                    };
                }
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        for name in ["Alias", "Outer"] {
            answers[usize::from(learn(&path, name).is_ok())] += 1;
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(answers.iter().all(|&n| n > 50), "{answers:?}");
}
