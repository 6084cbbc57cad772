//! The conformance suite: scenarios that know nothing of languages, played by every ordered pair of them.
//! tests/conformance has the scenarios and, for each language, a program that plays a part: a player.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::player::Player;
use crate::python::Venv;
use crate::steps::Done;
use crate::tally::Tally;
use crate::{Result, demo, native, process, tools, workspace};

mod script;
mod words;

use script::{Action, Expected, Scenario, Step};

/// The players, from the root of the repository.
pub const C: &str = "tests/conformance/player.c";
pub const CPP: &str = "tests/conformance/player.cpp";
pub const PYTHON: &str = "tests/conformance/player.py";
/// Rust's is an example of the library.
pub const RUST: &str = "conformance";

const SCENARIOS: &str = "tests/conformance";

/// How long any step may take before something is certainly wrong.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a program may take to start: Wine, when it is busy, needs half a minute for a Python.
const START: Duration = Duration::from_secs(180);

/// After so many failures the rest would say the same.
const ENOUGH: usize = 12;

/// A language, and how to start its player.
pub struct Language {
    name: &'static str,
    program: Box<dyn Fn() -> Command>,
}

impl Language {
    pub fn new(name: &'static str, program: impl Fn() -> Command + 'static) -> Language {
        Language {
            name,
            program: Box::new(program),
        }
    }
}

pub fn run(_long: bool) -> Result<Done> {
    let languages = native()?;
    let namespace = format!("conformance-{}", std::process::id());
    let outcome = play(&languages, &namespace, "scenarios between languages");
    demo::remove_pages(&mut Venv::ready()?.python(), &namespace)?;
    Ok(Done::Tested(outcome?))
}

fn native() -> Result<Vec<Language>> {
    process::run(process::cargo().args([
        "build",
        "--quiet",
        "--package",
        "crosspage",
        "--example",
        RUST,
    ]))?;
    let programs = tools::scratch("conformance")?;
    let (c, cpp) = (programs.join("player-c"), programs.join("player-cpp"));
    native::compile(Path::new(C), &c)?;
    native::compile(Path::new(CPP), &cpp)?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let rust = workspace::debug()
        .join("examples")
        .join(format!("{RUST}{}", std::env::consts::EXE_SUFFIX));
    Ok(vec![
        Language::new("Rust", move || process::command(&rust)),
        Language::new("C", move || process::command(&c)),
        Language::new("C++", move || process::command(&cpp)),
        Language::new("Python", move || {
            let mut python = venv.python();
            python.arg(PYTHON);
            python
        }),
    ])
}

/// Plays every scenario with every ordered pair of `languages`: the first has the actors of one side, the
/// second those of the other.
pub fn play(languages: &[Language], namespace: &str, what: &'static str) -> Result<Tally> {
    let mut scenarios = script::scenarios(&workspace::root().join(SCENARIOS))?;
    if let Ok(wanted) = std::env::var("CROSSPAGE_SCENARIO") {
        scenarios.retain(|scenario| scenario.title.contains(&wanted));
    }
    if scenarios.is_empty() {
        return Err(format!("no scenario in {SCENARIOS} is to be played"));
    }
    let mut tally = Tally::of(what);
    let mut failed = 0;
    let mut cast = Cast {
        namespace,
        idle: BTreeMap::new(),
    };
    let pairs = languages
        .iter()
        .flat_map(|left| languages.iter().map(move |right| [left, right]));
    for (pair, sides) in pairs.enumerate() {
        let start = Instant::now();
        let (before, mut steps) = (tally.passed, 0);
        for (number, scenario) in scenarios.iter().enumerate() {
            if let Some(why) = scenario.without(sides.map(|language| language.name)) {
                tally.skipped.push(why);
                continue;
            }
            let mut stage = Stage::new(scenario, sides, format!("{pair}/{number}"));
            match stage.play(&mut cast) {
                Ok(()) => {
                    steps += stage.played;
                    tally.passed += 1;
                    tally.skipped.append(&mut stage.left_out);
                    stage.leave(&mut cast);
                }
                Err(why) => {
                    failed += 1;
                    println!("{}", stage.report(&why));
                }
            }
            if failed >= ENOUGH {
                return Err(format!(
                    "{failed} scenarios failed; the rest was not played"
                ));
            }
        }
        let [left, right] = sides.map(|language| language.name);
        println!(
            "{left:>7} -> {right:<7} {} scenarios, {steps} steps, {:.1} s",
            tally.passed - before,
            start.elapsed().as_secs_f64()
        );
    }
    tally.skipped.sort();
    tally.skipped.dedup();
    match failed {
        0 => Ok(tally),
        _ => Err(format!(
            "{failed} of {} scenarios failed",
            failed + tally.passed
        )),
    }
}

/// Players that have no part now, by language. Starting one takes a second under Wine.
struct Cast<'a> {
    namespace: &'a str,
    idle: BTreeMap<&'static str, Vec<Actor>>,
}

impl Cast<'_> {
    fn take(&mut self, language: &Language) -> Result<Actor> {
        let mut actor = match self.idle.get_mut(language.name).and_then(Vec::pop) {
            Some(actor) => actor,
            None => self.start(language)?,
        };
        if actor.pid.is_empty() {
            let ready = match actor.player.hear(START) {
                Ok(ready) => ready,
                // Under Wine a program ends now and then before its first line.
                Err(why) => {
                    println!("a player is started again: {why}");
                    actor = self.start(language)?;
                    actor.player.hear(START)?
                }
            };
            match ready.split_once(' ') {
                Some(("ready", pid)) => actor.pid = pid.to_owned(),
                _ => return Err(format!("{}'s player begins with {ready:?}", language.name)),
            }
        }
        Ok(actor)
    }

    /// One that is to be ready when it is needed, in place of one that has ended.
    fn understudy(&mut self, language: &Language) -> Result {
        let actor = self.start(language)?;
        // Behind those that are ready.
        let idle = self.idle.entry(language.name).or_default();
        idle.insert(0, actor);
        Ok(())
    }

    fn start(&self, language: &Language) -> Result<Actor> {
        let mut command = (language.program)();
        command.env("CROSSPAGE_NAMESPACE", self.namespace);
        Ok(Actor {
            pid: String::new(),
            language: language.name,
            player: Player::quiet(&mut command)?,
        })
    }
}

/// A player with a part.
struct Actor {
    /// As it says itself, once it is ready.
    pid: String,
    language: &'static str,
    player: Player,
}

impl Actor {
    fn ask(&mut self, line: &str) -> Result<String> {
        self.player.tell(line)?;
        self.player.hear(PATIENCE)
    }
}

/// One scenario, played by two languages.
struct Stage<'a> {
    scenario: &'a Scenario,
    sides: [&'a Language; 2],
    actors: BTreeMap<&'a str, Actor>,
    /// What the scenario's words stand for: `{p}`, `$n`, and `@` before the name of a page.
    known: words::Known,
    transcript: Vec<String>,
    left_out: Vec<String>,
    played: usize,
}

impl<'a> Stage<'a> {
    fn new(scenario: &'a Scenario, sides: [&'a Language; 2], folder: String) -> Stage<'a> {
        Stage {
            scenario,
            sides,
            actors: BTreeMap::new(),
            known: words::Known::new(folder),
            transcript: Vec::new(),
            left_out: Vec::new(),
            played: 0,
        }
    }

    fn play(&mut self, cast: &mut Cast) -> Result {
        for step in &self.scenario.steps {
            self.step(step, cast)
                .map_err(|why| format!("{}:{}: {why}", self.scenario.file, step.line))?;
            self.played += 1;
        }
        Ok(())
    }

    fn step(&mut self, step: &'a Step, cast: &mut Cast) -> Result {
        if let Action::Sum { total, parts } = &step.action {
            return self.known.sum(total, parts);
        }
        let language = self.sides[step.side];
        let expected = match step.only.get(language.name) {
            None => &step.expected,
            Some(Expected::Skipped(why)) => {
                let what = format!("{}, {}: {why}", self.scenario.title, language.name);
                self.left_out.push(what);
                return Ok(());
            }
            Some(other) => other,
        };
        let name = step.actor.as_str();
        if !self.actors.contains_key(name) {
            let actor = cast.take(language)?;
            self.known.actor(name, &actor.pid);
            self.actors.insert(name, actor);
        }
        let actor = self.actors.get_mut(name).expect("taken above");
        match &step.action {
            Action::Say { words, waits } => {
                let line = self.known.fill(words)?;
                self.transcript.push(format!("{name} < {line}"));
                actor.player.tell(&line)?;
                if !waits {
                    return Ok(());
                }
            }
            Action::Answer => {}
            Action::Quit => {
                self.transcript.push(format!("{name} quits"));
                let mut actor = self.actors.remove(name).expect("taken above");
                actor.player.tell("quit")?;
                actor.player.finish()?;
                return cast.understudy(language);
            }
            Action::Die => {
                self.transcript.push(format!("{name} dies"));
                self.actors.remove(name);
                return cast.understudy(language);
            }
            Action::Sum { .. } => unreachable!("above"),
        }
        let said = actor.player.hear(PATIENCE)?;
        self.transcript.push(format!("{name} > {said}"));
        self.known.agree(expected, &said)
    }

    /// Everybody drops what they have and is free for another part.
    fn leave(mut self, cast: &mut Cast) {
        for (_, mut actor) in std::mem::take(&mut self.actors) {
            if actor.ask("reset").is_ok_and(|said| said == "ok") {
                cast.idle.entry(actor.language).or_default().push(actor);
            }
        }
    }

    fn report(&self, why: &str) -> String {
        let [left, right] = self.sides.map(|language| language.name);
        let from = self.transcript.len().saturating_sub(30);
        format!(
            "FAILED {left} -> {right}: {}\n  {why}\n  {}",
            self.scenario.title,
            self.transcript[from..].join("\n  ")
        )
    }
}
