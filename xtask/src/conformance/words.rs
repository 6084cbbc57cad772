//! The words of scenarios: what they stand for, and whether an answer is what was expected.

use std::collections::BTreeMap;

use super::script::Expected;
use crate::Result;

/// What words stand for while a scenario is played.
pub struct Known {
    /// Of the pages' names.
    folder: String,
    pids: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
}

impl Known {
    pub fn new(folder: String) -> Known {
        Known {
            folder,
            pids: BTreeMap::new(),
            variables: BTreeMap::new(),
        }
    }

    /// The process that plays `name` from now on.
    pub fn actor(&mut self, name: &str, pid: &str) {
        self.pids.insert(name.to_owned(), pid.to_owned());
    }

    /// `@page` is a page of this scenario's own, `{p}` the process of an actor, `$n` a word that was answered.
    pub fn fill(&self, words: &str) -> Result<String> {
        let mut text = words.replace('@', &format!("{}/", self.folder));
        for (name, pid) in &self.pids {
            text = text.replace(&format!("{{{name}}}"), pid);
        }
        while let Some(at) = text.find('$') {
            let rest = &text[at + 1..];
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            let value = self.value(&rest[..end])?;
            text.replace_range(at..at + 1 + end, &value);
        }
        Ok(text)
    }

    fn value(&self, name: &str) -> Result<String> {
        let value = self.variables.get(name).cloned();
        value.ok_or_else(|| format!("nobody has answered ${name} yet"))
    }

    /// Whether an answer is what was expected. A `$n` that is not known yet takes the word that stands there.
    pub fn agree(&mut self, expected: &Expected, said: &str) -> Result {
        match expected {
            Expected::Ok(words) => self.agree_words(words, said),
            Expected::Error { kind, says } => {
                let mut missing = Vec::new();
                for words in says {
                    let words = self.fill(words)?;
                    if !said.contains(&words) {
                        missing.push(words);
                    }
                }
                match said.strip_prefix(&format!("error {kind} ")) {
                    Some(_) if missing.is_empty() => Ok(()),
                    Some(_) => Err(format!("the message does not say {missing:?}: {said}")),
                    None => Err(format!("expected the error {kind}, got: {said}")),
                }
            }
            Expected::Skipped(_) => Ok(()),
        }
    }

    /// Words in any order: those of several publishers have none.
    fn agree_words(&mut self, words: &str, said: &str) -> Result {
        let other = |wanted: &str| format!("expected: ok {wanted}\n       got: {said}");
        let Some(rest) = said.strip_prefix("ok") else {
            return Err(other(words));
        };
        let got: Vec<&str> = rest.split_whitespace().collect();
        let mut wanted = Vec::new();
        for (i, word) in words.split_whitespace().enumerate() {
            // A variable that is a word's end: "$n", "seq=$n".
            let unknown = word.split_once('$').filter(|(_, name)| {
                name.chars().all(char::is_alphanumeric) && !self.variables.contains_key(*name)
            });
            match unknown {
                Some((before, name)) => {
                    let value = got.get(i).and_then(|word| word.strip_prefix(before));
                    let value = value.ok_or_else(|| other(words))?.to_owned();
                    wanted.push(format!("{before}{value}"));
                    self.variables.insert(name.to_owned(), value);
                }
                None => wanted.push(self.fill(word)?),
            }
        }
        let line = wanted.join(" ");
        let mut sorted = got;
        sorted.sort_unstable();
        wanted.sort_unstable();
        match sorted == wanted {
            true => Ok(()),
            false => Err(other(&line)),
        }
    }

    /// Whether the parts add up to the total.
    pub fn sum(&self, total: &str, parts: &[String]) -> Result {
        let number = |word: &str| {
            let text = self.fill(word)?;
            let number = text.parse::<i64>();
            number.map_err(|_| format!("{word} is {text:?}, no number"))
        };
        let mut sum = 0;
        for part in parts {
            sum += number(part)?;
        }
        match (sum, number(total)?) {
            (sum, total) if sum == total => Ok(()),
            (sum, total) => Err(format!("{} is {sum}, not {total}", parts.join(" + "))),
        }
    }
}

/// What is the same in every play: `f64(23.5)` and `f32(…)` are the number's bits as hex, `text(Zoë)` its
/// bytes as hex, `sum(…)` the length and the checksum of bytes.
pub fn constants(words: &str) -> Result<String> {
    let mut text = words.to_owned();
    for (name, value) in [
        ("f64", f64_bits as fn(&str) -> Result<String>),
        ("f32", f32_bits),
        ("text", |text| Ok(hex(text.as_bytes()))),
        ("sum", sum_of),
    ] {
        let open = format!("{name}(");
        while let Some(at) = text.find(&open) {
            let inner = at + open.len();
            let end = text[inner..]
                .find(')')
                .ok_or_else(|| format!("{open} is not closed"))?
                + inner;
            let value = value(&text[inner..end])?;
            text.replace_range(at..=end, &value);
        }
    }
    Ok(text)
}

fn f64_bits(text: &str) -> Result<String> {
    let number: f64 = text.parse().map_err(|e| format!("{text}: {e}"))?;
    Ok(format!("{:016x}", number.to_bits()))
}

fn f32_bits(text: &str) -> Result<String> {
    let number: f32 = text.parse().map_err(|e| format!("{text}: {e}"))?;
    Ok(format!("{:08x}", number.to_bits()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the players do: `-` is nothing, `N*K` a pattern of N bytes, else hex.
fn sum_of(text: &str) -> Result<String> {
    let wrong = |_: std::num::ParseIntError| format!("{text:?} are no bytes");
    let bytes = match text.split_once('*') {
        Some((n, k)) => {
            let (n, k): (u64, u64) = (n.parse().map_err(wrong)?, k.parse().map_err(wrong)?);
            (0..n).map(|i| ((i * 7 + k) % 251) as u8).collect()
        }
        None if text == "-" => Vec::new(),
        None => {
            let pairs =
                (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16));
            let bytes: std::result::Result<Vec<u8>, _> = pairs.collect();
            bytes.map_err(wrong)?
        }
    };
    Ok(format!("{}/{:08x}", bytes.len(), crc32(&bytes)))
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)));
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let mut known = Known::new("pages".into());
        known.actor("p", "42");
        known
    }

    fn ok(words: &str) -> Expected {
        Expected::Ok(constants(words).unwrap())
    }

    #[test]
    fn words_stand_for_what_players_say() {
        assert_eq!(
            constants("x=f64(23.5) f32(-0)").unwrap(),
            "x=4037800000000000 80000000"
        );
        assert_eq!(constants("text(Zoë)").unwrap(), "5a6fc3ab");
        assert_eq!(constants("sum(313233343536373839)").unwrap(), "9/cbf43926");
        assert_eq!(constants("sum(-)").unwrap(), "0/00000000");
        assert_eq!(known().fill("recv @t {p}").unwrap(), "recv pages/t 42");
        assert!(constants("sum(1").is_err());
        assert!(known().fill("$n").is_err());
    }

    #[test]
    fn an_answer_is_what_was_expected_or_not() {
        let mut known = known();
        known.agree(&ok(""), "ok").unwrap();
        known
            .agree(&ok("seq=1 from={p}"), "ok from=42 seq=1")
            .unwrap();
        for other in [
            "ok",
            "ok seq=1",
            "ok seq=2 from=42",
            "ok seq=1 from=42 n=1",
            "error full",
        ] {
            assert!(
                known.agree(&ok("seq=1 from={p}"), other).is_err(),
                "{other}"
            );
        }
        known.agree(&ok("$n"), "ok 7").unwrap();
        known.agree(&ok("seq=$n"), "ok seq=7").unwrap();
        assert!(known.agree(&ok("$n"), "ok 8").is_err());
        known.sum("$n", &["3".into(), "4".into()]).unwrap();
        assert!(known.sum("$n", &["3".into(), "5".into()]).is_err());
    }

    #[test]
    fn an_error_is_of_a_kind_and_says_something() {
        let mut known = known();
        let expected = Expected::Error {
            kind: "timed_out".into(),
            says: vec!["@t".into(), "pid {p}".into()],
        };
        known
            .agree(&expected, "error timed_out pages/t: held up by pid 42")
            .unwrap();
        for other in [
            "ok",
            "error timed_out pages/t: held up by pid 43",
            "error full pages/t: held up by pid 42",
        ] {
            assert!(known.agree(&expected, other).is_err(), "{other}");
        }
    }
}
