use super::super::tests::shared_data;
use super::*;

const SHARED_DATA: &str = r#"
[struct.SharedData]            # natural C alignment unless pack = 1|2|4|8
size = 632
fields = [
  { name = "processId", type = "i32" },
  { name = "message",   type = "text[500]" },
  { name = "dataReady", type = "bool" },
  { name = "counter",   type = "i32" },
  { name = "temperature", type = "f64" },
  { name = "coordinates", type = "f32[3]" },
  { name = "userName",  type = "text[50]" },
  { name = "timestamp", type = "i64", unit = "ms", offset = 584 },
  { name = "dataArray", type = "i32[10]" },
]
"#;

fn parse(text: &str) -> Schema {
    Schema::parse(text, "robot.toml").unwrap()
}

#[test]
fn known_vector() {
    let schema = parse(SHARED_DATA);
    assert_eq!(*schema.get("SharedData").unwrap(), shared_data(None));
    let packed = SHARED_DATA
        .replace("size = 632", "pack = 1")
        .replace("584", "579");
    assert_eq!(
        *parse(&packed).get("SharedData").unwrap(),
        shared_data(Some(1))
    );
}

#[test]
fn everything() {
    let schema = parse(
        r#"
        # Used before it is declared.
        [struct.Robot]
        align = 64
        fields = [
            { name = "mode", type = "Mode" },
            { name = "arms", type = "Arm[2]", doc = "left, right" },
            { name = "grid", type = " i32 [4] [2] " },
            { name = "names", type = "text[16][3]" },
            { name = "größe", type = "u16", size = 2, offset = 92 },
            { name = "modes", type = "robot::Long[2]" },
        ]
        [struct."robot::Point<float>"]
        fields = [{ name = "x", type = "f32" }]
        [struct.Arm]
        pack = 1
        fields = [
            { name = "tag", type = "u8" },
            { name = "at", type = "robot::Point<float>" },
        ]
        [struct.Message]
        fields = [{ name = "n", type = "u64" }, { name = "data", type = "f32[][3]" }]
        [[struct.Tables.fields]]
        name = "a"
        type = "u8"
        [[struct.Tables.fields]]
        name = "b"
        type = "u8"
        [enum.Mode]
        type = "u8"
        values = { Run = 1, Idle = 0, Mask = 0xf0 }
        [enum."robot::Long"]
        values = { Low = -2147483648 }
        "#,
    );
    assert_eq!(
        schema.names().collect::<Vec<_>>(),
        ["Robot", "robot::Point<float>", "Arm", "Message", "Tables"]
    );
    let robot = schema.get("Robot").unwrap();
    assert_eq!((robot.size(), robot.align()), (128, 64));
    let describe = |f: &Field| format!("{} {} {}", f.name, f.ty, f.offset);
    assert_eq!(
        robot.fields().iter().map(describe).collect::<Vec<_>>(),
        [
            "mode Mode 0",
            "arms Arm[2] 1",
            "grid i32[4][2] 12",
            "names text[16][3] 44",
            "größe u16 92",
            "modes robot::Long[2] 96",
        ]
    );
    assert_eq!(robot.fields()[1].doc.as_deref(), Some("left, right"));
    assert_eq!(robot.resolve("arms[1].at.x").unwrap().0, 7);
    assert_eq!(
        schema.get("Message").unwrap().tail().unwrap().to_string(),
        "f32[3]"
    );
    let mode = schema.enums().iter().find(|e| e.name == "Mode").unwrap();
    let variants = [("Run", 1), ("Idle", 0), ("Mask", 0xf0)];
    assert_eq!(mode.variants, variants.map(|(n, v)| (n.to_owned(), v)));
    assert_eq!(mode.repr, Scalar::U8);
}

#[test]
fn an_empty_schema_has_no_structs() {
    let error = parse("").get("S").unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(
        error.to_string(),
        "robot.toml has no struct \"S\"\nhint: its structs are none"
    );
    let schema = parse(
        "[enum.Mode]\nvalues = {}\n[struct.Speed]\nfields = [{ name = \"x\", type = \"u8\" }]",
    );
    assert_eq!(
        schema.get("Mode").unwrap_err().message(),
        "robot.toml: Mode is an enum; a layout is a struct"
    );
    assert!(
        schema
            .get("Sped")
            .unwrap_err()
            .to_string()
            .ends_with("did you mean \"Speed\"?")
    );
}

/// A struct with one field of this type.
fn one(ty: &str) -> String {
    format!("[struct.S]\nfields = [\n  {{ name = \"a\", type = \"{ty}\" }},\n]\n")
}

fn error(text: &str) -> String {
    let error = Schema::parse(text, "robot.toml").expect_err(text);
    assert!(error.is_invalid());
    error.to_string()
}

#[test]
fn types_of_other_languages() {
    for (ty, hint) in [
        (
            "long",
            "long differs between platforms: i64 on 64-bit Linux and macOS, i32 on Windows",
        ),
        ("unsigned long", "u64 on 64-bit Linux"),
        ("size_t", "u64 for 64-bit programs, u32 for 32-bit programs"),
        ("usize", "u64 for 64-bit programs"),
        ("int", "write i32"),
        ("unsigned  int", "write u32"),
        ("std::uint8_t", "write u8"),
        ("float", "write f32"),
        ("double", "write f64"),
        ("long double", "write f64"),
        ("char", "i8 or u8 for a number, text[1] for a letter"),
        ("char[50]", "write text[50] for letters, u8[50] for bytes"),
        ("wchar_t[8]", "text is UTF-8: write text[N]"),
        ("string", "text has a fixed number of bytes: write text[N]"),
        (
            "std::string",
            "text has a fixed number of bytes: write text[N]",
        ),
        ("int*", "an address means nothing in another process"),
        (
            "const char *",
            "an address means nothing in another process",
        ),
        (
            "std::vector",
            "write T[N], or T[] for the last field of a message",
        ),
        ("bol", "did you mean \"bool\"? Types are bool, i8, i16"),
        (
            "Quux",
            "types are bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, text[N], arrays",
        ),
    ] {
        let text = error(&one(ty));
        let start = "robot.toml:3: struct S, field \"a\": unknown type ";
        assert!(
            text.starts_with(start) && text.contains(hint),
            "{text:?} lacks {hint:?}"
        );
    }
}

#[test]
fn every_error_names_file_and_line_and_what_is_allowed() {
    let fields = |fields: &str| format!("[struct.S]\nfields = [\n{fields}\n]");
    let a = "{ name = \"a\", type = \"u8\" }";
    for (text, message) in [
        (one("i32["), ":3: struct S, field \"a\": type \"i32[\" lacks a `]`"),
        (one("i32[x]"), "type \"i32[x]\": \"x\" is no number of elements"),
        (one("i32[0]"), "\nhint: an array has at least one element"),
        (one("i32[-1]"), "\"-1\" is no number of elements"),
        (one("i32[99999999999999999999]"), "is no number of elements"),
        (one("i32[2]x"), "what is \"x\" after the `]`?"),
        (one("i32[4][]"), "only the first dimension can be open"),
        (one("text"), "a text has a fixed number of bytes\nhint: text[50] is UTF-8 in 50 bytes"),
        (one("text[]"), "a text has a fixed number of bytes"),
        (one("i32[999999999]"), "3999999996 bytes are more than the 268435456 allowed"),
        (one(&format!("u8{}", "[1]".repeat(17))), "has more than 16 dimensions"),
        (one("S"), ":3: struct S contains itself, so it would have no end"),
        ("[struct.S\n".into(), "robot.toml:1: "),
        ("\n\n[struct.S]\nfields = [{]\n".into(), "robot.toml:4: "),
        ("[struct.S]\nfields=[]\n[struct.S]\nfields=[]".into(), "robot.toml:3: duplicate key"),
        ("[structs.S]\n".into(), ":1: a schema has no \"structs\"\nhint: did you mean `[struct.NAME]`?"),
        ("version = 1\n".into(), ":1: a schema has no \"version\""),
        ("struct = 5\n".into(), ":1: `struct` holds tables `[struct.NAME]`, not an integer"),
        ("[struct]\nS = 5\n".into(), ":2: struct S is a table, not an integer"),
        ("[struct.S]\n".into(), ":1: struct S has no `fields`\nhint: fields = ["),
        ("[struct.S]\nfields = []\n".into(), ":1: struct S: it has no size"),
        ("[struct.S]\nfields = \"x\"\n".into(), ":2: struct S: `fields` is a list of { name = …, type = … }, not a string"),
        (fields("5"), ":3: struct S: each field is { name = …, type = … }, not an integer"),
        (fields("{ type = \"u8\" }"), ":3: struct S, a field without a `name`"),
        (fields("{ name = \"a\" }"), ":3: struct S, field \"a\" has no `type`\nhint: types are bool"),
        (fields("{ name = 5, type = \"u8\" }"), ":3: struct S: `name` is a string, not an integer"),
        (fields("{ name = \"a b\", type = \"u8\" }"), ":3: struct S, field \"a b\": a name is 1 to 255 bytes"),
        (fields("{ name = \"a\", typ = \"u8\" }"), ":3: struct S, field \"a\": there is no key \"typ\"\nhint: did you mean `type`? Allowed are name, type, offset, size, unit and doc"),
        (fields("{ name = \"a\", type = \"u8\", unit = \"\" }"), "the unit is empty; leave it out instead"),
        (fields("{ name = \"a\", type = \"u8\", offset = \"0\" }"), "`offset` is a number of bytes, not a string"),
        (fields("{ name = \"a\", type = \"u8\", offset = -4 }"), "`offset` is a number of bytes, which -4 is not"),
        (fields("{ name = \"a\", type = \"u8\", size = 2 }"), "size = 2 is given, but u8 takes 1 bytes"),
        (fields(&format!("{a},\n{a}")), ":4: struct S has two fields called \"a\""),
        (fields("{ name = \"aB\", type = \"u8\" },\n{ name = \"a_b\", type = \"u8\" }"), ":4: struct S: fields \"aB\" and \"a_b\" differ only in case and `_`"),
        (
            fields(&format!("{a},\n{{ name = \"b\", type = \"u32\", offset = 1 }}")),
            ":4: struct S, field \"b\": offset 1 is given, but by C's rules it lies at 4\nhint: set `pack`",
        ),
        (
            "[struct.S]\npack = 2\nfields = [{ name = \"a\", type = \"u8\" }, { name = \"b\", type = \"u32\", offset = 4 }]".into(),
            "offset 4 is given, but by pack = 2 it lies at 2",
        ),
        (fields(a).replace("fields", "pack = 3\nfields"), ":2: struct S: pack = 3 is not 1, 2, 4, 8 or 16"),
        (fields(a).replace("fields", "align = 3\nfields"), ":2: struct S: align = 3 is no power of two from 1"),
        (fields(a).replace("fields", "size = 2\nfields"), ":2: struct S: size = 2 is given, but its fields take 1 bytes"),
        (fields(a).replace("fields", "doc = \"x\"\nfields"), ":2: struct S: there is no key \"doc\"\nhint: allowed are fields, pack, size and align"),
        (
            fields("{ name = \"t\", type = \"u8[]\" },\n{ name = \"a\", type = \"u8\" }"),
            "a tail `T[]` can only be the last field",
        ),
        ("[struct.i32]\nfields = []".into(), ":1: \"i32\" cannot be the name of a struct or enum"),
        ("[struct.\"a[1]\"]\nfields = []".into(), "cannot be the name of a struct or enum"),
        ("[enum.S]\nvalues = {}\n[struct.S]\nfields = []".into(), ":3: S is already the name of an enum"),
        ("[enum.E]\ntype = \"f32\"\nvalues = {}".into(), ":2: enum E: \"f32\" is no type for an enum\nhint: an enum is stored as i8"),
        ("[enum.E]\ntype = \"u8\"".into(), ":1: enum E has no `values`\nhint: values = { Idle = 0"),
        ("[enum.E]\nvalues = [\"A\"]".into(), ":2: enum E: `values` is a table of names and integers: { Idle = 0 }, not an array"),
        ("[enum.E]\nvalues = { A = \"x\" }".into(), ":2: enum E: `values` is a table of names and integers"),
        ("[enum.E]\ntype = \"i8\"\nvalues = { A = 128 }".into(), ":1: enum E: A = 128 does not fit into i8"),
        ("[enum.E]\nvalue = {}".into(), ":2: enum E: there is no key \"value\"\nhint: did you mean `values`?"),
    ] {
        let got = error(&text);
        assert!(got.contains(message), "{text}\n{got:?} lacks {message:?}");
    }
}

#[test]
fn recursion_through_others_and_depth() {
    let field = |ty: &str| format!("fields = [{{ name = \"x\", type = \"{ty}\" }}]\n");
    let circle = format!("[struct.A]\n{}[struct.B]\n{}", field("B"), field("A[3]"));
    assert_eq!(
        error(&circle),
        "robot.toml:4: struct A contains itself, so it would have no end"
    );
    let mut chain = format!("[struct.S0]\n{}", field("u8"));
    for i in 1..100_000 {
        chain = format!("[struct.S{i}]\n{}{chain}", field(&format!("S{}", i - 1)));
        if i == 15 {
            assert!(Schema::parse(&chain, "x").is_ok());
        }
        if i == 200 {
            break;
        }
    }
    assert!(error(&chain).contains("structs are nested deeper than 16 levels"));
    // Innermost first, nothing is deep while it is read, and the caps still hold.
    let mut chain = format!("[struct.S0]\n{}", field("u8"));
    for i in 1..40 {
        chain += &format!("[struct.S{i}]\n{}", field(&format!("S{}", i - 1)));
    }
    assert!(error(&chain).contains(":33: struct S16: it is nested deeper than 16 levels"));
}

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("robot.toml");
    std::fs::write(&path, SHARED_DATA).unwrap();
    assert_eq!(Schema::load(&path).unwrap().names().count(), 1);
    std::fs::write(&path, b"# \xff\n").unwrap();
    let text = Schema::load(&path).unwrap_err().to_string();
    assert!(
        text.ends_with("robot.toml:1: a schema is UTF-8 text"),
        "{text}"
    );
    assert!(Schema::load(dir.path()).is_err());
    assert!(
        Schema::load(&dir.path().join("none"))
            .unwrap_err()
            .is_not_found()
    );
}
