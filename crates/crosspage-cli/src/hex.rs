//! `crosspage hex`: the bytes, with the fields that they belong to.

use std::fmt::Write;

use crosspage::layout::{StructType, Type};
use crosspage::{Error, ErrorKind, Locator, foreign};

use crate::table::harmless;
use crate::{Result, segment};

/// Dump the bytes of a value, with the names of the fields that begin there
#[derive(clap::Args)]
#[command(after_help = "\
A line like the one before, and in which no field begins, is left out: `*` stands for it.

Examples:
  crosspage hex telemetry
  crosspage hex posix:/IPCSharedMemory --layout schema.toml#SharedData
  crosspage hex sysv:5678")]
pub struct Args {
    #[command(flatten)]
    segment: segment::Target,
}

pub fn run(args: &Args) -> Result<String> {
    let locator: Locator = args.segment.segment.parse()?;
    if locator.is_page() {
        let look = args.segment.look(true)?;
        let names = names(look.value_layout()?);
        let Some(record) = look.value else {
            return Err(Error::new(
                ErrorKind::NoValue,
                format!("page \"{}\" has no value yet", look.locator),
            ));
        };
        return Ok(dump(record.bytes(), &names));
    }
    // All of the segment: what lies behind the struct is there, too.
    let names = match args.segment.layout()? {
        Some(layout) => {
            // Waits for the segment, and refuses a layout that is larger than it.
            args.segment.look(true)?;
            names(&layout)
        }
        None => Vec::new(),
    };
    Ok(dump(&foreign::bytes(&locator.to_string())?, &names))
}

/// Where each field begins, nested ones by their paths; of arrays of numbers only the whole.
fn names(layout: &StructType) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    add_fields(layout, 0, "", &mut names);
    names
}

/// More names than anybody reads; a layout may have millions of nested fields.
const MOST: usize = 100_000;

fn add_fields(layout: &StructType, base: usize, prefix: &str, names: &mut Vec<(usize, String)>) {
    for field in layout.fields() {
        let path = format!("{prefix}{}", field.name);
        add(&field.ty, base + field.offset, path, names);
    }
}

fn add(ty: &Type, at: usize, path: String, names: &mut Vec<(usize, String)>) {
    if names.len() >= MOST {
        return;
    }
    match (ty, ty.base_and_dims().0) {
        (Type::Struct(layout), _) => add_fields(layout, at, &format!("{path}."), names),
        (Type::Array(element, count), Type::Struct(_)) => {
            for i in 0..*count {
                add(
                    element,
                    at + i * element.size(),
                    format!("{path}[{i}]"),
                    names,
                );
                if names.len() >= MOST {
                    return;
                }
            }
        }
        _ => names.push((at, path)),
    }
}

const WIDTH: usize = 16;

fn dump(bytes: &[u8], names: &[(usize, String)]) -> String {
    let mut text = String::new();
    let mut names = names.iter().peekable();
    let mut before: Option<&[u8]> = None;
    let mut left_out = false;
    for (i, line) in bytes.chunks(WIDTH).enumerate() {
        let at = i * WIDTH;
        let mut here = Vec::new();
        while let Some((_, name)) = names.next_if(|(offset, _)| *offset < at + WIDTH) {
            here.push(harmless(name));
        }
        let is_last = at + WIDTH >= bytes.len();
        if here.is_empty() && before == Some(line) && !is_last {
            if !left_out {
                text.push_str("*\n");
            }
            left_out = true;
            continue;
        }
        (before, left_out) = (Some(line), false);
        write!(text, "{at:08x} ").expect("writing to a String");
        for column in 0..WIDTH {
            let gap = if column % 8 == 0 { " " } else { "" };
            match line.get(column) {
                Some(byte) => write!(text, "{gap}{byte:02x} "),
                None => write!(text, "{gap}   "),
            }
            .expect("writing to a String");
        }
        let shown: String = line
            .iter()
            .map(|&byte| match byte {
                b' '..=b'~' => char::from(byte),
                _ => '.',
            })
            .collect();
        let names = here.join(" ");
        let bars = format!(
            " |{shown}|{}{names}",
            if names.is_empty() { "" } else { "  " }
        );
        text.push_str(&bars);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_left_out_unless_a_field_begins_there() {
        let mut bytes = vec![0; 100];
        bytes[0] = b'A';
        let names = vec![(0, "a".to_owned()), (64, "b".to_owned())];
        assert_eq!(
            dump(&bytes, &names),
            "\
00000000  41 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |A...............|  a
00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00000040  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|  b
*
00000060  00 00 00 00                                       |....|
"
        );
    }
}
