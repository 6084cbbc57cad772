//! One canonical layout, whichever of eight ways declares a struct: tried with random structs, and with one
//! of every kind.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::steps::Done;
use crate::{Result, process, tools};

mod model;
mod random;
mod ways;

use model::{Schema, Struct, decode};
use ways::Way;

/// At least so many random structs in each of so many files.
const BATCHES: usize = 8;
const IN_A_BATCH: usize = 27;

/// Another seed tries other structs.
const SEED: &str = "CROSSPAGE_SEED";

/// How many that differ are shown; the smallest come first.
const SHOWN: usize = 3;

pub fn run(long: bool) -> Result<Done> {
    let seed = match std::env::var(SEED) {
        Ok(seed) => seed
            .parse()
            .map_err(|e| format!("{SEED}={seed:?} is no number: {e}"))?,
        Err(_) if long => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |time| time.as_secs()),
        Err(_) => 1,
    };
    println!("random structs of {SEED}={seed}");
    let mut schemas = vec![random::every_kind()];
    schemas.extend((0..BATCHES).map(|batch| random::random(seed, batch, IN_A_BATCH)));
    let scratch = tools::scratch("canonical")?;
    process::run(process::cargo().args(["build", "--quiet", "--package", "crosspage-cli"]))?;
    let mut ways = ways::all(&schemas, &scratch)?;
    let mut said = Vec::new();
    for way in &mut ways {
        let lines = process::output(&mut way.program).map_err(|e| format!("{}: {e}", way.name))?;
        let canonical: HashMap<String, String> = (lines.lines())
            .filter_map(|line| line.split_once(' '))
            .map(|(name, hex)| (name.to_owned(), hex.to_owned()))
            .collect();
        println!("{:>14}: {} structs", way.name, canonical.len());
        said.push((&*way, canonical));
    }
    match compare(&schemas, &said) {
        Ok(()) => Ok(Done::Ran),
        Err(why) => Err(format!("{why}; {SEED}={seed} makes them again")),
    }
}

/// A struct, and what was said of it by those ways that are wrong.
struct Wrong<'a> {
    schema: &'a Schema,
    of: &'a Struct,
    canonical: Vec<u8>,
    ways: Vec<(&'a str, Option<&'a String>)>,
}

fn compare(schemas: &[Schema], said: &[(&Way, HashMap<String, String>)]) -> Result {
    let mut wrong = Vec::new();
    let (mut structs, mut in_all) = (0, 0);
    for schema in schemas {
        for of in schema.shown() {
            let canonical = schema.canonical(of);
            let hex: String = canonical.iter().map(|byte| format!("{byte:02x}")).collect();
            let ways: Vec<_> = said
                .iter()
                .filter(|(way, _)| (way.can_say)(schema, of))
                .map(|(way, said)| (way.name, said.get(&of.name)))
                .filter(|(_, said)| *said != Some(&hex))
                .collect();
            if !ways.is_empty() {
                wrong.push(Wrong {
                    schema,
                    of,
                    canonical,
                    ways,
                });
            }
            structs += 1;
            in_all += usize::from(said.iter().all(|(way, _)| (way.can_say)(schema, of)));
        }
    }
    if wrong.is_empty() {
        println!("one canonical layout of each of {structs} structs; {in_all} in all ways");
        return Ok(());
    }
    wrong.sort_by_key(|wrong| wrong.canonical.len());
    for wrong in wrong.iter().take(SHOWN) {
        wrong.show();
    }
    let smallest = &wrong[0].of.name;
    Err(format!(
        "{} of {structs} structs are not the same in every way, {smallest} being the smallest",
        wrong.len()
    ))
}

impl Wrong<'_> {
    fn show(&self) {
        println!("\n{}", self.schema.toml_with_nested(self.of));
        let mut said: Vec<_> = self.ways.iter().map(|(_, said)| *said).collect();
        said.sort_unstable();
        said.dedup();
        for said in said {
            let ways: Vec<&str> = (self.ways.iter())
                .filter(|(_, other)| *other == said)
                .map(|(way, _)| *way)
                .collect();
            println!("{}:", ways.join(", "));
            match said {
                None => println!("  nothing is said of it"),
                Some(hex) => self.show_difference(hex),
            }
        }
    }

    /// - is what docs/layout.md asks for, + what is said.
    fn show_difference(&self, hex: &str) {
        let expected = decode(&self.canonical).unwrap_or_default();
        let Some(said) = bytes(hex).as_deref().and_then(decode) else {
            println!("  + {hex}, which is no canonical form");
            return;
        };
        // The same in another order: all of it.
        let same = expected.iter().all(|line| said.contains(line));
        for (sign, lines, others) in [("-", &expected, &said), ("+", &said, &expected)] {
            for line in lines.iter().filter(|line| same || !others.contains(line)) {
                println!("  {sign} {line}");
            }
        }
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(digits).collect()
}
