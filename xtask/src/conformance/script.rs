//! Scenarios as they stand in their files; tests/conformance/README.md has the form.

use std::collections::BTreeMap;
use std::path::Path;

use super::words;
use crate::Result;

/// A script: steps of named actors.
pub struct Scenario {
    pub title: String,
    pub file: String,
    pub steps: Vec<Step>,
    /// Sides and languages that cannot play it, and why.
    pub without: Vec<(usize, String, String)>,
}

pub struct Step {
    /// In the file.
    pub line: usize,
    pub actor: String,
    /// Of which language the actor is: of the first or the second.
    pub side: usize,
    pub action: Action,
    pub expected: Expected,
    /// What is expected where the actor is of this language.
    pub only: BTreeMap<String, Expected>,
}

pub enum Action {
    /// Tells the actor these words, and waits for the answer or leaves it for later.
    Say { words: String, waits: bool },
    /// Waits for the answer that was left.
    Answer,
    /// The actor's program ends.
    Quit,
    /// It is killed.
    Die,
    /// No actor's: numbers that were answered add up.
    Sum { total: String, parts: Vec<String> },
}

#[derive(Clone)]
pub enum Expected {
    Ok(String),
    /// An error of this kind, whose message has all of these words in it.
    Error {
        kind: String,
        says: Vec<String>,
    },
    /// This language does not have it, and why.
    Skipped(String),
}

impl Scenario {
    /// Why these two languages cannot play it, where they cannot.
    pub fn without(&self, languages: [&str; 2]) -> Option<String> {
        let without = self.without.iter();
        let mut without = without.filter(|(side, language, _)| languages[*side] == language);
        without
            .next()
            .map(|(_, language, why)| format!("{}, {language}: {why}", self.title))
    }
}

/// The scenarios of all files in a directory.
pub fn scenarios(directory: &Path) -> Result<Vec<Scenario>> {
    let unreadable = |e| format!("cannot read {}: {e}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "play")
        {
            files.push(path);
        }
    }
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        all.append(&mut parse(&name, &text)?);
    }
    Ok(all)
}

fn parse(file: &str, text: &str) -> Result<Vec<Scenario>> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut sides = None;
    for (line, text) in (1..).zip(text.lines()) {
        let wrong = |what: &str| format!("{file}:{line}: {what}");
        let words = text.trim();
        if words.is_empty() || words.starts_with('#') {
            continue;
        }
        if let Some(both) = words.strip_prefix("between ") {
            let both = both.split_once(" and ");
            sides = Some(both.ok_or_else(|| wrong("between WHOM and WHOM?"))?);
            continue;
        }
        if let Some(title) = words.strip_prefix("scenario ") {
            scenarios.push(Scenario {
                title: title.to_owned(),
                file: file.to_owned(),
                steps: Vec::new(),
                without: Vec::new(),
            });
            continue;
        }
        let (left, right) = sides.ok_or_else(|| wrong("between whom is not said before"))?;
        let scenario = scenarios.last_mut();
        let scenario = scenario.ok_or_else(|| wrong("a step of no scenario"))?;
        let side_of = |actor: &str| {
            let sides = [left.trim(), right.trim()];
            let side = sides.iter().position(|side| actor.starts_with(side));
            side.ok_or_else(|| wrong("this actor is on no side"))
        };
        if let Some(rest) = words.strip_prefix("without ") {
            let parts = rest.split_once(" as ").and_then(|(language, rest)| {
                let (actor, why) = rest.split_once(": ")?;
                Some((actor, language, why))
            });
            let (actor, language, why) =
                parts.ok_or_else(|| wrong("without LANGUAGE as ACTOR: REASON"))?;
            let without = (side_of(actor)?, language.to_owned(), why.to_owned());
            scenario.without.push(without);
            continue;
        }
        let steps = &mut scenario.steps;
        if let Some(rest) = words.strip_prefix("in ") {
            let step = steps.last_mut().ok_or_else(|| wrong("of no step"))?;
            let (language, expected) = match (rest.split_once(" -> "), rest.split_once(" not: ")) {
                (Some((language, words)), _) => (language, expected(words)?),
                (_, Some((language, why))) => (language, Expected::Skipped(why.to_owned())),
                _ => return Err(wrong("in LANGUAGE -> ANSWER, or in LANGUAGE not: REASON")),
            };
            step.only.insert(language.trim().to_owned(), expected);
            continue;
        }
        let (told, answer) = words.split_once(" -> ").unwrap_or((words, ""));
        let (actor, told) = told
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong("ACTOR VERB"))?;
        let told = told.trim();
        let action = match (actor, told) {
            ("that", sum) => {
                let (parts, total) = sum.split_once('=').ok_or_else(|| wrong("that A + B = C"))?;
                Action::Sum {
                    total: total.trim().to_owned(),
                    parts: parts
                        .split('+')
                        .map(|part| part.trim().to_owned())
                        .collect(),
                }
            }
            (_, "answers") => Action::Answer,
            (_, "quits") => Action::Quit,
            (_, "dies") => Action::Die,
            (_, told) => Action::Say {
                words: words::constants(told.trim_end_matches('&').trim_end())
                    .map_err(|e| wrong(&e))?,
                waits: !told.ends_with('&'),
            },
        };
        let side = if actor == "that" { 0 } else { side_of(actor)? };
        steps.push(Step {
            line,
            actor: actor.to_owned(),
            side,
            action,
            expected: expected(answer).map_err(|e| wrong(&e))?,
            only: BTreeMap::new(),
        });
    }
    Ok(scenarios)
}

/// `ok` may be left out; `error KIND: SAYS | SAYS`.
fn expected(words: &str) -> Result<Expected> {
    let words = words.trim();
    Ok(match words.strip_prefix("error ") {
        None => Expected::Ok(words::constants(words)?),
        Some(error) => {
            let (kind, says) = error.split_once(':').unwrap_or((error, ""));
            Expected::Error {
                kind: kind.trim().to_owned(),
                says: says
                    .split('|')
                    .map(|said| said.trim().to_owned())
                    .filter(|said| !said.is_empty())
                    .collect(),
            }
        }
    })
}
