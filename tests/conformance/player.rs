//! The conformance suite's player for Rust; see README.md beside this file.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};

use crosspage::layout::Value;
use crosspage::topic::{
    DynMessage, DynSubscriber, DynValue, Event, Message, NdArray, Payload, Policy, Publisher,
    Subscriber, Whole,
};
use crosspage::{Layout, Lifetime, Match, Text};

// ---- Structs --------------------------------------------------------------------------------------

#[derive(Debug, Clone, Copy, PartialEq, Layout)]
#[repr(i32)]
enum Mode {
    Idle = 0,
    Running = 1,
    Failed = -3,
}

#[derive(Debug, Clone, Copy, Layout)]
#[repr(C)]
struct Pose {
    x: f64,
    y: f64,
    mode: Mode,
}

const REST: Pose = Pose {
    x: 0.0,
    y: 0.0,
    mode: Mode::Idle,
};

macro_rules! structs {
    ($($(#[$attribute:meta])* struct $name:ident { $($field:ident: $ty:ty = $zero:expr,)* })*) => {$(
        #[derive(Debug, Clone, Copy, Layout)]
        $(#[$attribute])*
        #[repr(C)]
        struct $name { $($field: $ty,)* }

        impl Fields for $name {
            fn zero() -> $name {
                $name { $($field: $zero,)* }
            }
            fn each(&self, visit: &mut dyn FnMut(&str, &dyn Cell)) {
                $(visit(stringify!($field), &self.$field);)*
            }
            fn field(&mut self, name: &str) -> Option<&mut dyn Cell> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    )*};
}

structs! {
    struct Sample {
        flag: bool = false,
        tiny: i8 = 0,
        port: u16 = 0,
        number: i32 = 0,
        stamp: u64 = 0,
        ratio: f32 = 0.0,
        temperature: f64 = 0.0,
        name: Text<12> = Text::default(),
        axes: [i32; 3] = [0; 3],
        grid: [[u8; 3]; 2] = [[0; 3]; 2],
        pose: Pose = REST,
        mode: Mode = Mode::Idle,
    }
    /// One that is held in the page.
    struct Image {
        number: i32 = 0,
        pixels: [u8; 8192] = [0; 8192],
    }
    /// Some of Sample's fields, elsewhere.
    struct Brief {
        temperature: f64 = 0.0,
        number: i32 = 0,
    }
    /// One of them of another type.
    struct Drifted {
        temperature: f32 = 0.0,
        number: i32 = 0,
    }
    struct Status {
        level: u32 = 0,
        ready: bool = false,
        mode: Mode = Mode::Idle,
    }
    /// The same of a program that knows more modes.
    struct Newer {
        level: u32 = 0,
        ready: bool = false,
        mode: i32 = 0,
    }
    /// What comes before a tail.
    #[layout(tail = "points")]
    struct Scan {
        stamp: u64 = 0,
    }
}

type Scans = (Scan, [f32]);

trait Fields: Layout {
    fn zero() -> Self;
    fn each(&self, visit: &mut dyn FnMut(&str, &dyn Cell));
    fn field(&mut self, name: &str) -> Option<&mut dyn Cell>;
}

/// A field as text: its values, separated by commas; floats are their bits as hex, texts their bytes.
trait Cell {
    fn parse(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()>;
    fn print(&self, out: &mut Vec<String>);
}

macro_rules! cells {
    ($($ty:ty: |$word:ident| $parse:expr, |$value:ident| $print:expr;)*) => {$(
        impl Cell for $ty {
            fn parse(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
                let $word = words.next()?;
                *self = $parse?;
                Some(())
            }
            fn print(&self, out: &mut Vec<String>) {
                let $value = self;
                out.push($print);
            }
        }
    )*};
}

cells! {
    bool: |word| word.parse().ok().map(|n: u8| n != 0), |value| u8::from(*value).to_string();
    i8: |word| word.parse().ok(), |value| value.to_string();
    u8: |word| word.parse().ok(), |value| value.to_string();
    u16: |word| word.parse().ok(), |value| value.to_string();
    i32: |word| word.parse().ok(), |value| value.to_string();
    u32: |word| word.parse().ok(), |value| value.to_string();
    u64: |word| word.parse().ok(), |value| value.to_string();
    f32: |word| u32::from_str_radix(word, 16).ok().map(f32::from_bits),
        |value| format!("{:08x}", value.to_bits());
    f64: |word| u64::from_str_radix(word, 16).ok().map(f64::from_bits),
        |value| format!("{:016x}", value.to_bits());
    Mode: |word| [Mode::Idle, Mode::Running, Mode::Failed].into_iter().find(|mode| (*mode as i32).to_string() == word),
        |value| (*value as i32).to_string();
    Text<12>: |word| Text::new(std::str::from_utf8(&bytes_of(word)?).ok()?).ok(),
        |value| value.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    [u8; 8192]: |word| bytes_of(word)?.try_into().ok(), |value| sum(value);
}

macro_rules! composites {
    ($($ty:ty: |$mutable:ident| $parts_mut:expr, |$value:ident| $parts:expr;)*) => {$(
        impl Cell for $ty {
            fn parse(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
                let $mutable = self;
                for part in $parts_mut {
                    part.parse(words)?;
                }
                Some(())
            }
            fn print(&self, out: &mut Vec<String>) {
                let $value = self;
                for part in $parts {
                    part.print(out);
                }
            }
        }
    )*};
}

composites! {
    [i32; 3]: |value| value, |value| value;
    [[u8; 3]; 2]: |value| value.as_flattened_mut(), |value| value.as_flattened();
    Pose: |value| [&mut value.x as &mut dyn Cell, &mut value.y, &mut value.mode],
        |value| [&value.x as &dyn Cell, &value.y, &value.mode];
}

/// The same of a value whose type the page knows.
fn print_value(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Bool(value) => value.print(out),
        Value::Int(value) => out.push(value.to_string()),
        Value::Uint(value) => out.push(value.to_string()),
        Value::F32(value) => value.print(out),
        Value::F64(value) => value.print(out),
        Value::Text(text) => out.push(text.bytes().map(|byte| format!("{byte:02x}")).collect()),
        Value::Enum { value, .. } => out.push(value.to_string()),
        Value::Array(all) if all.len() > 64 => {
            let bytes = all.iter().map(|value| value.as_int().unwrap_or(0) as u8);
            out.push(sum(&bytes.collect::<Vec<_>>()));
        }
        Value::Array(all) => all.iter().for_each(|value| print_value(value, out)),
        Value::Struct(fields) => fields.iter().for_each(|(_, value)| print_value(value, out)),
    }
}

/// A field that is all zero is not told of.
fn tell(line: &mut String, name: &str, cells: &[String]) {
    let cells = cells.join(",");
    if cells.contains(|c| c != '0' && c != ',') {
        *line += &format!(" {name}={cells}");
    }
}

// ---- Bytes ----------------------------------------------------------------------------------------

/// `-` is nothing, `N*K` a pattern of N bytes, else hex.
fn bytes_of(word: &str) -> Option<Vec<u8>> {
    if let Some((n, k)) = word.split_once('*') {
        return Some(pattern(n.parse().ok()?, k.parse().ok()?));
    }
    let word = if word == "-" { "" } else { word };
    let digits = word.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn pattern(n: usize, k: usize) -> Vec<u8> {
    let turn: Vec<u8> = (0..251).map(|i| ((i * 7 + k) % 251) as u8).collect();
    let mut bytes = turn.repeat(n / 251 + 1);
    bytes.truncate(n);
    bytes
}

/// Length and CRC-32.
fn sum(bytes: &[u8]) -> String {
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        (crc >> 8) ^ TABLE[(crc as u8 ^ byte) as usize]
    });
    format!("{}/{:08x}", bytes.len(), !crc)
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 8 * 256 {
        let crc = if i % 8 == 0 {
            i as u32 / 8
        } else {
            table[i / 8]
        };
        table[i / 8] = (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1));
        i += 1;
    }
    table
};

/// Numbers that count up as `from-to`: "1-100,105".
fn runs(numbers: &[i64]) -> String {
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for &n in numbers {
        match runs.last_mut() {
            Some(run) if run.1 + 1 == n => run.1 = n,
            _ => runs.push((n, n)),
        }
    }
    let one = |run: &(i64, i64)| match run.0 == run.1 {
        true => run.0.to_string(),
        false => format!("{}-{}", run.0, run.1),
    };
    runs.iter().map(one).collect::<Vec<_>>().join(",")
}

// ---- Messages -------------------------------------------------------------------------------------

/// What messages are here.
trait Body: Whole {
    type Own: Borrow<Self>;
    fn parse(words: &[&str]) -> Option<Self::Own>;
    /// The message with this number, and of this size where each has its own.
    fn nth(n: i64, size: usize) -> Self::Own;
    fn print(&self) -> String;
    fn number(&self) -> i64;
    fn loan(publisher: &mut Publisher<Self>, body: &Self, commit: bool) -> crosspage::Result<()>;
    fn publish_many(publisher: &mut Publisher<Self>, bodies: &[Self::Own]) -> Answer;
    fn recv_many(from: &mut Subscriber<Self>, n: usize, timeout: Option<Duration>) -> Answer;
}

impl<T: Fields> Body for T {
    type Own = Box<T>;

    fn parse(words: &[&str]) -> Option<Box<T>> {
        let mut value = Box::new(T::zero());
        for word in words {
            let (name, cells) = word.split_once('=')?;
            value.field(name)?.parse(&mut cells.split(','))?;
        }
        Some(value)
    }

    fn nth(n: i64, _: usize) -> Box<T> {
        let number = format!("number={n}");
        T::parse(&[&number]).expect("these structs have a number")
    }

    fn print(&self) -> String {
        let mut line = String::new();
        self.each(&mut |name, cell| {
            let mut cells = Vec::new();
            cell.print(&mut cells);
            tell(&mut line, name, &cells);
        });
        line
    }

    fn number(&self) -> i64 {
        let mut cells = Vec::new();
        self.each(&mut |name, cell| {
            if name == "number" {
                cell.print(&mut cells);
            }
        });
        cells[0].parse().expect("an integer")
    }

    fn loan(publisher: &mut Publisher<T>, body: &T, commit: bool) -> crosspage::Result<()> {
        let mut loan = publisher.loan()?;
        loan.write(body);
        if commit {
            loan.commit().map(drop)
        } else {
            Ok(())
        }
    }

    fn publish_many(publisher: &mut Publisher<T>, bodies: &[Box<T>]) -> Answer {
        let bodies: Vec<T> = bodies.iter().map(|body| **body).collect();
        Ok(publisher.publish_many(&bodies)?.to_string())
    }

    fn recv_many(from: &mut Subscriber<T>, n: usize, timeout: Option<Duration>) -> Answer {
        let mut values = Vec::new();
        from.recv_many_into(&mut values, n, timeout)?;
        let numbers: Vec<i64> = values.iter().map(T::number).collect();
        Ok(format!("{} {}", numbers.len(), runs(&numbers)))
    }
}

impl Body for [u8] {
    type Own = Vec<u8>;

    fn parse(words: &[&str]) -> Option<Vec<u8>> {
        bytes_of(words.first()?)
    }

    fn nth(n: i64, size: usize) -> Vec<u8> {
        pattern(size, n as usize)
    }

    fn print(&self) -> String {
        format!(" bytes={}", sum(self))
    }

    fn number(&self) -> i64 {
        self.first().map_or(0, |&byte| byte.into())
    }

    fn loan(publisher: &mut Publisher<[u8]>, body: &[u8], commit: bool) -> crosspage::Result<()> {
        let mut loan = publisher.loan(body.len())?;
        loan.copy_from_slice(body);
        if commit {
            loan.commit().map(drop)
        } else {
            Ok(())
        }
    }

    fn publish_many(_: &mut Publisher<[u8]>, _: &[Vec<u8>]) -> Answer {
        usage("of structs")
    }

    fn recv_many(from: &mut Subscriber<[u8]>, n: usize, timeout: Option<Duration>) -> Answer {
        let all = from.recv_many(n, timeout)?;
        let numbers: Vec<i64> = all.iter().map(|message| message.value.number()).collect();
        Ok(format!("{} {}", numbers.len(), runs(&numbers)))
    }
}

impl Body for NdArray {
    type Own = NdArray;

    /// `DTYPE SHAPE BYTES`; the shape of no dimension is `-`.
    fn parse(words: &[&str]) -> Option<NdArray> {
        let [dtype, shape, bytes] = words else {
            return None;
        };
        let shape: Option<Vec<u64>> = match *shape {
            "-" => Some(Vec::new()),
            shape => shape.split('x').map(|n| n.parse().ok()).collect(),
        };
        Some(NdArray::from_bytes(dtype, &shape?, &bytes_of(bytes)?))
    }

    fn nth(n: i64, size: usize) -> NdArray {
        NdArray::from_bytes("|u1", &[size as u64], &pattern(size, n as usize))
    }

    fn print(&self) -> String {
        let shape: Vec<String> = self.shape().iter().map(u64::to_string).collect();
        let shape = if shape.is_empty() {
            "-".into()
        } else {
            shape.join("x")
        };
        format!(
            " dtype={} shape={shape} bytes={}",
            self.dtype(),
            sum(self.as_bytes())
        )
    }

    fn number(&self) -> i64 {
        self.as_bytes().number()
    }

    fn loan(
        publisher: &mut Publisher<NdArray>,
        body: &NdArray,
        commit: bool,
    ) -> crosspage::Result<()> {
        let mut loan = publisher.loan_as(body.array_type())?;
        loan.copy_from_slice(body.as_bytes());
        if commit {
            loan.commit().map(drop)
        } else {
            Ok(())
        }
    }

    fn publish_many(_: &mut Publisher<NdArray>, _: &[NdArray]) -> Answer {
        usage("of structs")
    }

    fn recv_many(from: &mut Subscriber<NdArray>, n: usize, timeout: Option<Duration>) -> Answer {
        let all = from.recv_many(n, timeout)?;
        let numbers: Vec<i64> = all.iter().map(|message| message.value.number()).collect();
        Ok(format!("{} {}", numbers.len(), runs(&numbers)))
    }
}

/// A message that was received.
trait Heard {
    fn meta(&self) -> (u64, u32, Option<SystemTime>);
    fn body(&self) -> String;
    fn number(&self) -> i64;

    fn line(&self) -> String {
        let (sequence, publisher, sent_at) = self.meta();
        let sent = match sent_at.map(|at| at.elapsed()) {
            None => "",
            Some(Ok(age)) if age < Duration::from_secs(60) => " sent=now",
            Some(_) => " sent=wrongly",
        };
        format!("seq={sequence} from={publisher}{sent}{}", self.body())
    }
}

impl<P: Body + ?Sized> Heard for Message<P> {
    fn meta(&self) -> (u64, u32, Option<SystemTime>) {
        (self.sequence, self.publisher, self.sent_at)
    }
    fn body(&self) -> String {
        self.value.print()
    }
    fn number(&self) -> i64 {
        P::number(&self.value)
    }
}

impl Heard for Message<Scans> {
    fn meta(&self) -> (u64, u32, Option<SystemTime>) {
        (self.sequence, self.publisher, self.sent_at)
    }
    fn body(&self) -> String {
        let mut line = self.value.header().print();
        let mut cells = Vec::new();
        self.value
            .tail()
            .iter()
            .for_each(|point| point.print(&mut cells));
        tell(&mut line, "points", &cells);
        line
    }
    fn number(&self) -> i64 {
        -1
    }
}

impl Heard for DynMessage {
    fn meta(&self) -> (u64, u32, Option<SystemTime>) {
        (self.meta.sequence, self.meta.publisher, self.sent_at())
    }
    fn body(&self) -> String {
        match &self.value {
            DynValue::Record(record) => {
                let mut line = String::new();
                if let Value::Struct(fields) = record.value() {
                    for (name, value) in fields {
                        let mut cells = Vec::new();
                        print_value(&value, &mut cells);
                        tell(&mut line, &name, &cells);
                    }
                }
                line
            }
            DynValue::Bytes(bytes) => bytes.print(),
            DynValue::Array(array) => array.print(),
            _ => " what?".to_owned(),
        }
    }
    fn number(&self) -> i64 {
        match &self.value {
            DynValue::Record(record) => {
                let number = record.get("number").ok().and_then(|value| value.as_int());
                number.map_or(-1, |n| n as i64)
            }
            DynValue::Bytes(bytes) => bytes.number(),
            DynValue::Array(array) => array.number(),
            _ => -1,
        }
    }
}

// ---- Handles --------------------------------------------------------------------------------------

enum Failure {
    Crosspage(crosspage::Error),
    Usage(String),
}

impl From<crosspage::Error> for Failure {
    fn from(error: crosspage::Error) -> Failure {
        Failure::Crosspage(error)
    }
}

type Answer = Result<String, Failure>;

fn usage(what: &str) -> Answer {
    Err(Failure::Usage(what.to_owned()))
}

fn done() -> Answer {
    Ok(String::new())
}

fn sequence_or_none(sequence: Option<u64>) -> String {
    sequence.map_or("none".to_owned(), |n| n.to_string())
}

trait Publishes {
    fn act(&mut self, verb: &str, words: &[&str]) -> Answer;
}

/// What publishers of all kinds do.
fn publisher_act<P: Payload + ?Sized>(
    publisher: &Publisher<P>,
    verb: &str,
    words: &[&str],
) -> Answer {
    let number = words.first().and_then(|word| word.parse().ok());
    match verb {
        "subscribers" => Ok(publisher.subscribers().to_string()),
        "wait_subscribers" => Ok(publisher
            .wait_subscribers(number.unwrap_or(0), timeout(words.get(1)))?
            .to_string()),
        "event" => Ok(told(&publisher.wait_event(timeout(words.first()))?)),
        _ => usage("a publisher does not do this"),
    }
}

fn told(event: &Event) -> String {
    let what = match event {
        Event::Matched(_) => "matched",
        Event::Gone(_) => "gone",
        _ => "what?",
    };
    format!("{what} {}", event.participant().pid)
}

impl Publishes for Publisher<Scans> {
    fn act(&mut self, verb: &str, words: &[&str]) -> Answer {
        let (mut header, mut points) = (Scan::zero(), Vec::new());
        for word in words {
            let (name, cells) = word.split_once('=').unwrap_or((word, ""));
            let mut cells = cells.split(',').peekable();
            match name {
                "points" => {
                    let mut point = 0f32;
                    while cells.peek().is_some() && point.parse(&mut cells).is_some() {
                        points.push(point);
                    }
                }
                name => drop(header.field(name).map(|field| field.parse(&mut cells))),
            }
        }
        match verb {
            "publish" => Ok(self.publish(&header, &points)?.to_string()),
            "try_publish" => Ok(sequence_or_none(self.try_publish(&header, &points)?)),
            "loan" | "abandon" => {
                let mut loan = self.loan(&header, points.len())?;
                loan.tail_mut().copy_from_slice(&points);
                if verb == "loan" {
                    loan.commit()?;
                }
                done()
            }
            _ => publisher_act(self, verb, words),
        }
    }
}

impl<P: Body + ?Sized> Publishes for Publisher<P> {
    fn act(&mut self, verb: &str, words: &[&str]) -> Answer {
        let body = || P::parse(words).ok_or_else(|| Failure::Usage("what body?".into()));
        let number = |i: usize| {
            words
                .get(i)
                .and_then(|word| word.parse::<i64>().ok())
                .unwrap_or(0)
        };
        let size = number(words.len().saturating_sub(1)) as usize;
        match verb {
            "publish" => Ok(self.publish(body()?.borrow())?.to_string()),
            "try_publish" => Ok(sequence_or_none(self.try_publish(body()?.borrow())?)),
            "loan" => P::loan(self, body()?.borrow(), true)
                .map_err(Failure::from)
                .and(done()),
            "abandon" => P::loan(self, body()?.borrow(), false)
                .map_err(Failure::from)
                .and(done()),
            "publish_each" => {
                let mut last = 0;
                for n in number(0)..number(0) + number(1) {
                    last = self.publish(P::nth(n, size).borrow())?;
                }
                Ok(last.to_string())
            }
            "publish_many" => {
                let all = (number(0)..number(0) + number(1)).map(|n| P::nth(n, size));
                P::publish_many(self, &all.collect::<Vec<_>>())
            }
            "fill" => {
                let mut n = number(0);
                while self.try_publish(P::nth(n, size).borrow())?.is_some() {
                    n += 1;
                }
                Ok((n - number(0)).to_string())
            }
            _ => publisher_act(self, verb, words),
        }
    }
}

trait Subscribes {
    fn try_recv(&mut self) -> Result<Option<Box<dyn Heard>>, Failure>;
    fn recv(&mut self, timeout: Option<Duration>) -> Result<Box<dyn Heard>, Failure>;
    fn recv_many(&mut self, n: usize, timeout: Option<Duration>) -> Answer;
    fn lost(&self) -> u64;
    fn publishers(&self) -> usize;
    fn wait_publishers(&self, n: usize, timeout: Option<Duration>) -> Answer;
    fn wait_event(&self, timeout: Option<Duration>) -> Answer;

    fn act(&mut self, verb: &str, words: &[&str]) -> Answer {
        let number = words
            .first()
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        match verb {
            "recv" => Ok(self.recv(timeout(words.first()))?.line()),
            "try_recv" => Ok(self
                .try_recv()?
                .map_or("none".into(), |message| message.line())),
            "recv_many" => self.recv_many(number, timeout(words.get(1))),
            "drain" => {
                let mut by_publisher: Vec<(u32, Vec<i64>, Vec<i64>)> = Vec::new();
                while let Some(message) = self.try_recv()? {
                    let (sequence, publisher, _) = message.meta();
                    let known = by_publisher.iter().position(|one| one.0 == publisher);
                    let known = known.unwrap_or_else(|| {
                        by_publisher.push((publisher, Vec::new(), Vec::new()));
                        by_publisher.len() - 1
                    });
                    by_publisher[known].1.push(sequence as i64);
                    by_publisher[known].2.push(message.number());
                }
                let count: usize = by_publisher.iter().map(|one| one.1.len()).sum();
                let one = |(publisher, sequences, numbers): &(u32, Vec<i64>, Vec<i64>)| {
                    format!(" {publisher}:{}:{}", runs(sequences), runs(numbers))
                };
                Ok(count.to_string() + &by_publisher.iter().map(one).collect::<String>())
            }
            "lost" => Ok(self.lost().to_string()),
            "publishers" => Ok(self.publishers().to_string()),
            "wait_publishers" => self.wait_publishers(number, timeout(words.get(1))),
            "event" => self.wait_event(timeout(words.first())),
            _ => usage("a subscriber does not do this"),
        }
    }
}

macro_rules! subscribes {
    ($([$($generics:tt)*] $ty:ty, |$this:ident, $n:ident, $timeout:ident| $recv_many:expr;)*) => {$(
        impl $($generics)* Subscribes for $ty {
            fn try_recv(&mut self) -> Result<Option<Box<dyn Heard>>, Failure> {
                let message = <$ty>::try_recv(self)?;
                Ok(message.map(|message| Box::new(message) as Box<dyn Heard>))
            }
            fn recv(&mut self, timeout: Option<Duration>) -> Result<Box<dyn Heard>, Failure> {
                Ok(Box::new(<$ty>::recv(self, timeout)?))
            }
            fn recv_many(&mut self, $n: usize, $timeout: Option<Duration>) -> Answer {
                let $this = self;
                $recv_many
            }
            fn lost(&self) -> u64 {
                <$ty>::lost(self)
            }
            fn publishers(&self) -> usize {
                <$ty>::publishers(self)
            }
            fn wait_publishers(&self, n: usize, timeout: Option<Duration>) -> Answer {
                Ok(<$ty>::wait_publishers(self, n, timeout)?.to_string())
            }
            fn wait_event(&self, timeout: Option<Duration>) -> Answer {
                Ok(told(&<$ty>::wait_event(self, timeout)?))
            }
        }
    )*};
}

subscribes! {
    [<P: Body + ?Sized>] Subscriber<P>, |this, n, timeout| P::recv_many(this, n, timeout);
    [] Subscriber<Scans>, |_this, _n, _timeout| usage("with numbers");
    [] DynSubscriber, |_this, _n, _timeout| usage("of a type");
}

/// `-`: for ever.
fn timeout(word: Option<&&str>) -> Option<Duration> {
    word.and_then(|word| word.parse().ok())
        .map(Duration::from_secs_f64)
}

#[derive(Default)]
struct Player {
    publishers: HashMap<String, Box<dyn Publishes>>,
    subscribers: HashMap<String, Box<dyn Subscribes>>,
    held: HashMap<String, Box<dyn Heard>>,
}

/// Both builders have the same methods.
macro_rules! with_options {
    ($builder:expr, $words:expr) => {{
        let mut options = $builder;
        for word in $words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || {
                value
                    .parse::<u64>()
                    .map_err(|_| Failure::Usage(format!("{word}?")))
            };
            options = match name {
                "policy" => options.policy(value.parse::<Policy>()?),
                "capacity" => options.capacity(number()?),
                "max_message" => options.max_message(number()?),
                "max_held" => options.max_held(number()? as u32),
                "history" => options.history(number()? as u32),
                "send_time" => options.send_time(value == "yes"),
                "checksum" => options.checksum(value == "yes"),
                "max_participants" => options.max_participants(number()? as u32),
                "lifetime" => options.lifetime(match value {
                    "keep" => Lifetime::Keep,
                    _ => Lifetime::WhileUsed,
                }),
                "match" => options.match_by(Match::Name),
                _ => timeout_option!(options, name, value),
            };
        }
        options
    }};
}
macro_rules! timeout_option {
    ($options:expr, $name:expr, $value:expr) => {
        match $name {
            "timeout" => $options.timeout_of(timeout(Some(&$value))),
            _ => return Err(Failure::Usage(format!("{}?", $name))),
        }
    };
}

/// Only a publisher waits for room.
trait TimeoutOf {
    fn timeout_of(self, timeout: Option<Duration>) -> Self;
}
impl<P: Body + ?Sized> TimeoutOf for crosspage::topic::PublisherOptions<P> {
    fn timeout_of(self, timeout: Option<Duration>) -> Self {
        self.timeout(timeout)
    }
}
impl<P: Body + ?Sized> TimeoutOf for crosspage::topic::SubscriberOptions<P> {
    fn timeout_of(self, _: Option<Duration>) -> Self {
        self
    }
}

fn publisher<P: Body + ?Sized>(page: &str, words: &[&str]) -> Result<Box<dyn Publishes>, Failure> {
    Ok(Box::new(
        with_options!(Publisher::<P>::options(), words).attach(page)?,
    ))
}

fn subscriber<P: Body + ?Sized>(
    page: &str,
    words: &[&str],
) -> Result<Box<dyn Subscribes>, Failure> {
    Ok(Box::new(
        with_options!(Subscriber::<P>::options(), words).attach(page)?,
    ))
}

macro_rules! of_kind {
    ($make:ident, $kind:expr, $page:expr, $words:expr, $otherwise:expr) => {
        match $kind {
            "sample" => $make::<Sample>($page, $words),
            "image" => $make::<Image>($page, $words),
            "brief" => $make::<Brief>($page, $words),
            "drifted" => $make::<Drifted>($page, $words),
            "status" => $make::<Status>($page, $words),
            "newer" => $make::<Newer>($page, $words),
            "bytes" => $make::<[u8]>($page, $words),
            "array" => $make::<NdArray>($page, $words),
            _ => $otherwise,
        }
    };
}

impl Player {
    fn act(&mut self, words: &[&str]) -> Answer {
        match *words {
            ["publisher", name, page, "scan"] => {
                let made = Box::new(Publisher::<Scans>::attach(page)?);
                self.publishers.insert(name.to_owned(), made);
                done()
            }
            ["subscriber", name, page, "scan"] => {
                let made = Box::new(Subscriber::<Scans>::attach(page)?);
                self.subscribers.insert(name.to_owned(), made);
                done()
            }
            ["publisher", name, page, kind, ref options @ ..] => {
                let unknown = || Err(Failure::Usage(format!("what is {kind}?")));
                let made = of_kind!(publisher, kind, page, options, unknown())?;
                self.publishers.insert(name.to_owned(), made);
                done()
            }
            ["subscriber", name, page, kind, ref options @ ..] => {
                let any = || Ok(Box::new(DynSubscriber::attach(page)?) as Box<dyn Subscribes>);
                let made = of_kind!(subscriber, kind, page, options, any())?;
                self.subscribers.insert(name.to_owned(), made);
                done()
            }
            ["hold", name, slot, patience] => {
                let Some(subscriber) = self.subscribers.get_mut(name) else {
                    return usage("no such subscriber");
                };
                let message = subscriber.recv(timeout(Some(&patience)))?;
                let line = message.line();
                self.held.insert(slot.to_owned(), message);
                Ok(line)
            }
            ["check", slot] => match self.held.get(slot) {
                Some(message) => Ok(message.line()),
                None => usage("nothing is held there"),
            },
            ["release", slot] => {
                self.held.remove(slot);
                done()
            }
            ["close", name] => {
                self.publishers.remove(name);
                self.subscribers.remove(name);
                done()
            }
            ["remove", page] => crosspage::remove(page).map_err(Failure::from).and(done()),
            ["remove", page, "force"] => crosspage::remove_forced(page)
                .map_err(Failure::from)
                .and(done()),
            ["reset"] => {
                *self = Player::default();
                done()
            }
            [verb, name, ref words @ ..] => {
                if let Some(publisher) = self.publishers.get_mut(name) {
                    return publisher.act(verb, words);
                }
                match self.subscribers.get_mut(name) {
                    Some(subscriber) => subscriber.act(verb, words),
                    None => usage("no such handle"),
                }
            }
            _ => usage("what?"),
        }
    }
}

/// `TimedOut` is timed_out.
fn name_of(kind: crosspage::ErrorKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn main() -> std::io::Result<()> {
    let mut player = Player::default();
    let mut out = std::io::stdout();
    writeln!(out, "ready {}", std::process::id())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["quit"] {
            break;
        }
        let said = match player.act(&words) {
            Ok(said) => format!("ok {said}"),
            Err(Failure::Crosspage(error)) => format!("error {} {error}", name_of(error.kind())),
            Err(Failure::Usage(what)) => format!("error usage {what}: {line}"),
        };
        writeln!(out, "{}", said.trim_end().replace('\n', " / "))?;
        out.flush()?;
    }
    Ok(())
}
