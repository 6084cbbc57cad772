//! Kill at every instruction.

use std::time::Duration;

use crate::harness::kit;
use crate::harness::look::Looker;
use crate::harness::run::{Tally, context, is_long, random, spread};
use crate::harness::trace::{At, Trace, Victim, binary};
use crate::harness::watch;
use crate::scenes::{self, Scene};

/// How long one victim and the check after it may take.
pub const LIMIT: Duration = Duration::from_secs(20);

/// Where a victim is killed.
#[derive(Debug, Clone, Copy)]
pub enum Point {
    /// Before it executes this instruction of its trace; behind the last: at its end.
    Step(usize),
    /// At this beginning or end of a system call.
    Call(usize),
}

impl Point {
    /// One at random; more often than not right after something has changed for others.
    pub fn random(trace: &Trace) -> Point {
        let steps = trace.pcs.len();
        match random(4) {
            0 => Point::Step(random(steps as u64 + 1) as usize),
            1 => Point::Call(1 + random(trace.calls.max(1) as u64) as usize),
            _ if trace.effects.is_empty() => Point::Step(random(steps as u64) as usize),
            _ => Point::Step(trace.effects[random(trace.effects.len() as u64) as usize]),
        }
    }

    pub fn reach(self, trace: &Trace, victim: &mut Victim) -> At {
        match self {
            Point::Step(step) if step < trace.pcs.len() => victim.follow(&trace.route(step)),
            Point::Step(_) => victim.run(),
            Point::Call(call) => victim.follow_calls(call),
        }
    }

    pub fn describe(self, trace: &Trace) -> String {
        match self {
            Point::Step(step) => {
                let at = trace.pcs.get(step).map(|&pc| binary().symbol(pc));
                let of = trace.pcs.len();
                format!(
                    "instruction {step} of {of}, {}",
                    at.unwrap_or("at its end".into())
                )
            }
            Point::Call(call) => format!("system call stop {call} of {}", trace.calls),
        }
    }
}

/// Whether to step into a function of this (mangled) name: one of crosspage's, or one of those here
/// into which an optimiser puts them.
fn is_ours(name: &str) -> bool {
    name.contains("crosspage") || name.contains("7harness3kit")
}

/// The same without what only computes with memory of its own.
fn touches_pages(name: &str) -> bool {
    let computes = [
        "9crosspage6layout",
        "crosspage..layout..",
        "9crosspage7locator",
        "crosspage..locator..",
        "9crosspage5error",
        "crosspage..error..",
        "9crosspage4page6header",
        "crosspage..page..header..",
    ];
    name.contains("crosspage") && !computes.iter().any(|module| name.contains(module))
}

/// Every instruction, of those that ship. A debug build has ten times as many: there, a larger sample.
fn takes_all() -> bool {
    is_long() && !cfg!(debug_assertions)
}

/// What a victim does between its markers.
pub fn trace(victim: Victim) -> Trace {
    let steps_into = if takes_all() { is_ours } else { touches_pages };
    let looker = Looker::new(vec![kit::directory(), kit::files()]);
    Trace::of(victim, steps_into, looker)
}

fn trace_of(scene: &Scene) -> Trace {
    let mut traced = None;
    let what = format!("{}: traced", scene.name);
    watch::phase(10 * LIMIT, &what);
    context(&what, || {
        scene.play(&mut |victim| traced = Some(trace(victim)))
    });
    traced.expect("it was played")
}

/// The points at which to kill: all of them, or those by which something changes for others, and a
/// few of the rest.
fn points(trace: &Trace) -> Vec<Point> {
    let steps = trace.pcs.len();
    let (calls, mut chosen) = match is_long() {
        true if takes_all() => ((1..=trace.calls).collect(), (0..=steps).collect()),
        true => (spread(1, trace.calls, 1000), spread(0, steps, 500)),
        false => (spread(1, trace.calls, 24), spread(0, steps, 12)),
    };
    chosen.extend(&trace.effects);
    chosen.push(steps);
    chosen.sort();
    chosen.dedup();
    let chosen = chosen.into_iter().map(Point::Step);
    chosen.chain(calls.into_iter().map(Point::Call)).collect()
}

/// Plays the scene once for each point, and kills the victim there.
fn sweep(scene: &Scene, tally: &mut Tally) {
    let trace = trace_of(scene);
    play_all(scene, &trace, points(&trace), tally);
}

/// The same for `n` points of each sort; in a long run for all of them.
pub fn sample(scene: &Scene, n: usize, tally: &mut Tally) {
    let trace = trace_of(scene);
    let mut chosen = points(&trace);
    if !is_long() {
        let steps = trace.pcs.len();
        let effects = spread(0, trace.effects.len().saturating_sub(1), 2 * n);
        let effects = effects.iter().filter_map(|&i| trace.effects.get(i));
        let steps = spread(0, steps, n / 2).into_iter().chain([steps]);
        let steps = steps.chain(effects.copied()).map(Point::Step);
        let calls = spread(1, trace.calls, n).into_iter().map(Point::Call);
        chosen = steps.chain(calls).collect();
    }
    play_all(scene, &trace, chosen, tally);
}

fn play_all(scene: &Scene, trace: &Trace, points: Vec<Point>, tally: &mut Tally) {
    for point in points {
        let what = format!("{}: killed at {}", scene.name, point.describe(trace));
        watch::phase(LIMIT, &what);
        context(&what, || {
            scene.play(&mut |mut victim| {
                point.reach(trace, &mut victim);
            });
        });
        tally.kills += 1;
    }
    tally.points += trace.points();
}

pub fn at_every_instruction(tally: &mut Tally) {
    for scene in scenes::all() {
        sweep(&scene, tally);
    }
}
