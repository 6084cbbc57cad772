//! The examples: every language's writer against every language's reader.

use std::process::{Command, id};

use crate::Result;
use crate::player::Player;
use crate::python::Venv;
use crate::steps::Done;
use crate::{demo, native, process, tools, workspace};

/// Gives the program of an example, such as `latest_reader`.
type Program = Box<dyn Fn(&str) -> Command>;

/// The examples of one language.
pub struct Examples {
    language: &'static str,
    program: Program,
}

impl Examples {
    pub fn new(language: &'static str, program: impl Fn(&str) -> Command + 'static) -> Examples {
        Examples {
            language,
            program: Box::new(program),
        }
    }

    fn start(&self, example: &str, args: &[&str], namespace: &str) -> Result<Player> {
        let mut command = (self.program)(example);
        command
            .args(args)
            .env("CROSSPAGE_NAMESPACE", namespace)
            .env("PYTHONIOENCODING", "utf-8");
        Player::quiet(&mut command)
    }
}

/// The source of a C or C++ example, from the root of the repository.
pub fn source(extension: &str, example: &str) -> String {
    let language = extension; // of the directory, too
    format!("examples/{language}/{example}.{extension}")
}

/// The source of a Python example.
pub fn script(example: &str) -> String {
    format!("examples/python/{example}.py")
}

pub fn run(_long: bool) -> Result<Done> {
    process::run(process::cargo().args([
        "build",
        "--quiet",
        "--package",
        "crosspage",
        "--examples",
    ]))?;
    let venv = Venv::ready()?;
    venv.install_crosspage()?;
    let programs = tools::scratch("examples")?;
    for (extension, example) in compiled() {
        let program = programs.join(format!("{extension}_{example}"));
        native::compile(source(extension, example).as_ref(), &program)?;
    }
    let at = move |extension, example: &str| {
        process::command(programs.join(format!("{extension}_{example}")))
    };
    let at_too = at.clone();
    let languages = [
        Examples::new("Rust", |example| {
            process::command(workspace::debug().join("examples").join(example))
        }),
        Examples::new("C", move |example| at("c", example)),
        Examples::new("C++", move |example| at_too("cpp", example)),
        Examples::new("Python", move |example| {
            let mut python = venv.python();
            python.arg(script(example));
            python
        }),
    ];
    let venv = Venv::ready()?;
    play(&languages, || venv.python())?;
    Ok(Done::Ran)
}

/// What a compiler has to make: the suffix of each source, and the example.
pub fn compiled() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLES
        .iter()
        .flat_map(|&example| [("c", example), ("cpp", example)])
        .chain([("cpp", UNTYPED), ("cpp", CAMERA)])
}

/// What there is in every language.
const EXAMPLES: [&str; 6] = [
    "latest_writer",
    "latest_reader",
    "topic_publisher",
    "topic_subscriber",
    "foreign_writer",
    "foreign_reader",
];

/// What C++ and Python have beside: it reads the page of any struct.
const UNTYPED: &str = "latest_untyped";

/// What C++ has beside: it publishes large arrays, and watches them.
const CAMERA: &str = "camera";

/// Plays all stories; `python` removes what they leave.
pub fn play(languages: &[Examples], python: impl Fn() -> Command) -> Result {
    for writer in languages {
        let namespace = format!("examples-{}-{}", id(), writer.language.replace('+', "p"));
        let outcome = latest(writer, languages, &namespace)
            .and_then(|()| topic(writer, languages, &namespace));
        demo::remove_pages(&mut python(), &namespace)?;
        outcome?;
        foreign(writer, languages, &namespace)?;
        for reader in languages {
            println!("{:>8} -> {:<8} ok", writer.language, reader.language);
        }
    }
    for language in languages.iter().filter(|it| it.language == "C++") {
        let namespace = format!("examples-{}-camera", id());
        let outcome = camera(language, &namespace);
        demo::remove_pages(&mut python(), &namespace)?;
        outcome?;
    }
    Ok(())
}

/// The readers start first and wait for the page.
fn latest(writer: &Examples, readers: &[Examples], namespace: &str) -> Result {
    let untyped = readers
        .iter()
        .filter(|reader| ["C++", "Python"].contains(&reader.language));
    let readers = readers
        .iter()
        .map(|reader| reader.start("latest_reader", &[], namespace));
    let mut readers = readers.collect::<Result<Vec<_>>>()?;
    let mut writer = writer.start("latest_writer", &[], namespace)?;
    writer.play_until(Some("Press Enter"))?;
    for reader in &mut readers {
        reader.play_until(Some("23.5 °C"))?;
    }
    for language in untyped {
        let mut reader = language.start(UNTYPED, &["telemetry"], namespace)?;
        reader.play_until(Some("23.5"))?;
    }
    Ok(())
}

/// The subscribers are attached first, so that each of them gets every message.
fn topic(publisher: &Examples, subscribers: &[Examples], namespace: &str) -> Result {
    const ARGS: [&str; 2] = ["readings", "10"];
    let subscribers = subscribers
        .iter()
        .map(|language| language.start("topic_subscriber", &ARGS, namespace));
    let mut subscribers = subscribers.collect::<Result<Vec<_>>>()?;
    for subscriber in &mut subscribers {
        subscriber.play_until(Some("waiting"))?;
    }
    let mut publisher = publisher.start("topic_publisher", &ARGS, namespace)?;
    publisher.play_until(Some("published 10"))?;
    publisher.finish()?;
    for mut subscriber in subscribers {
        subscriber.play_until(None)?;
        let said = subscriber.finish()?;
        let lines: Vec<_> = said.lines().skip(1).collect();
        let mut expected: Vec<_> = (1..=10).map(|n| format!("{n} kitchen 23.5 °C")).collect();
        expected.push("lost 0".to_owned());
        if lines != expected {
            return Err(format!("a subscriber printed {said:?}"));
        }
    }
    Ok(())
}

/// A camera and who watches it.
fn camera(language: &Examples, namespace: &str) -> Result {
    let mut watching = language.start(CAMERA, &["watch", "3"], namespace)?;
    watching.play_until(Some("Waiting"))?;
    let mut filming = language.start(CAMERA, &["10"], namespace)?;
    watching.play_until(Some("1920 x 1080"))?;
    watching.finish()?;
    filming.play_until(None)?;
    filming.finish().map(drop)
}

/// The writer holds its segment until Enter, which on Windows it has to; the readers come one after the other.
fn foreign(writer: &Examples, readers: &[Examples], namespace: &str) -> Result {
    let mut writing = writer.start("foreign_writer", &[], namespace)?;
    writing.play_until(Some("Press Enter"))?;
    let expected = format!("counter 42, 23.5 °C: Hello from {}", writer.language);
    for reader in readers {
        let mut reading = reader.start("foreign_reader", &[], namespace)?;
        reading.play_until(None)?;
        let said = reading.finish()?;
        if !said.starts_with(&expected) {
            return Err(format!(
                "{} wrote, {} read {said:?}, not {expected:?}",
                writer.language, reader.language
            ));
        }
    }
    writing.press_enter()?;
    writing.play_until(None)?;
    writing.finish().map(drop)
}
