//! The newest value of a 640-byte struct: `latest` against a seqlock and iceoryx2's blackboard.

use std::error::Error;
use std::sync::atomic::{Ordering, fence};

use crate::Options;
use crate::measure::{self, BATCH, Effort, Figures};
use crate::method::{Aligned, Sample, cpp, crosspage, iceoryx2, raw};
use crate::pair::{self, Orders, Pace, Peer, Shared, Side};
use crate::report::{self, Measured, Repetition, Suite, Summary, Target};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the two processes call their segments: one of each for either to write.
struct Names {
    /// Written by the other process.
    theirs: String,
    /// Written by the measuring process.
    ours: String,
    domain: iceoryx2::Domain,
}

/// What the other process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    WriteSeqlock(Pace),
    WriteIceoryx2(Pace),
    WriteCrosspage(Pace),
    /// Answer each request after 100 µs by a raw futex.
    WakeFutex,
    /// Answer each request after 100 µs by a write to the page.
    WakeCrosspage,
}

impl pair::Task for Task {
    const ALL: &'static [Task] = &[
        Task::WriteSeqlock(Pace::Never),
        Task::WriteSeqlock(Pace::KiloHertz),
        Task::WriteSeqlock(Pace::FlatOut),
        Task::WriteIceoryx2(Pace::Never),
        Task::WriteIceoryx2(Pace::KiloHertz),
        Task::WriteIceoryx2(Pace::FlatOut),
        Task::WriteCrosspage(Pace::Never),
        Task::WriteCrosspage(Pace::KiloHertz),
        Task::WriteCrosspage(Pace::FlatOut),
        Task::WakeFutex,
        Task::WakeCrosspage,
    ];
}

/// How often the cache line goes to and fro.
const LINE: Effort = Effort {
    batches: 1_000,
    singles: 64,
    slow: 0,
};

const SUITE: Suite = Suite {
    name: "latest",
    heading: "the newest value of a 640-byte struct",
    shares: "flat_out_share",
    share_of: |all| all.iter().copied().fold(f64::INFINITY, f64::min),
    targets: |summary| targets(summary).unwrap_or_default(),
    notes,
};

/// Measures and prints.
pub fn run(options: &Options) -> Outcome<()> {
    let process = std::process::id();
    let names = Names {
        theirs: format!("bench-{process}-theirs"),
        ours: format!("bench-{process}-ours"),
        domain: iceoryx2::Domain::of_this_run(),
    };
    match pair::fork()? {
        Side::Other(orders) => serve(orders, &names),
        Side::Measuring(peer) => {
            let measured = measure(peer, &names, options)?;
            report::report(&SUITE, &measured, options)
        }
    }
}

/// The other process: writes and answers as told.
fn serve(mut orders: Orders, names: &Names) -> Outcome<()> {
    let blackboard = iceoryx2::BlackboardWriter::create(&names.domain, &names.theirs)?;
    let mut page = crosspage::PageWriter::create(&names.theirs)?;
    orders.ready()?;
    let mut value = Sample::new(0);
    orders.serve(|shared, task| match task {
        Task::WriteSeqlock(pace) => shared.write_at(pace, |n| {
            value.number(n);
            shared.seqlock.write(&value);
        }),
        Task::WriteIceoryx2(pace) => shared.write_at(pace, |n| {
            value.number(n);
            blackboard.write(&value);
        }),
        Task::WriteCrosspage(pace) => shared.write_at(pace, |n| {
            value.number(n);
            page.write(&value);
        }),
        Task::WakeFutex => shared.answer_requests(|_| {
            shared
                .sent
                .0
                .store(measure::monotonic_ns(), Ordering::Relaxed);
            raw::futex_wake(&shared.futex.0);
        }),
        Task::WakeCrosspage => shared.answer_requests(|n| {
            value.number(n);
            shared
                .sent
                .0
                .store(measure::monotonic_ns(), Ordering::Relaxed);
            page.write(&value);
        }),
    })?;
    Ok(())
}

fn measure(mut peer: Peer, names: &Names, options: &Options) -> Outcome<Vec<Repetition>> {
    peer.wait_ready()
        .map_err(|_| "the other process could not make its segments")?;
    let effort = match options.quick {
        true => Effort {
            batches: 500,
            singles: 5_000,
            slow: 50,
        },
        false => Effort {
            batches: 20_000,
            singles: 200_000,
            slow: 1_000,
        },
    };
    let blackboard = iceoryx2::BlackboardReader::open(&names.domain, &names.theirs)?;
    let our_blackboard = iceoryx2::BlackboardWriter::create(&names.domain, &names.ours)?;
    let page = crosspage::PageReader::open(&names.theirs)?;
    let mut our_page = crosspage::PageWriter::create(&names.ours)?;
    let mut cpp = cpp::Cpp::load(&names.theirs, &format!("{}-cpp", names.ours))?;
    let file = raw::ShmFile::create(16 << 10)?;
    let value = Sample::new(1);
    let aligned = Aligned(value);

    let mut repetitions = Vec::new();
    for _ in 0..options.repetitions {
        let line_ns = peer.line_latency(LINE)?;
        let mut rows: Vec<(&'static str, Figures)> = Vec::new();
        let mut flat_out = Vec::new();

        rows.push((
            "memcpy of 640 B",
            measure::time(effort, || raw::memcpy(&aligned)),
        ));
        rows.push(("clock read", measure::time(effort, raw::clock)));
        rows.push((
            "SeqCst fence",
            measure::time(effort, || fence(Ordering::SeqCst)),
        ));

        for (pace, seqlock_row, blackboard_row, page_row) in [
            (
                Pace::Never,
                "seqlock read, no writer",
                "iceoryx2 get, no writer",
                "crosspage read, no writer",
            ),
            (
                Pace::KiloHertz,
                "seqlock read, 1 kHz writer",
                "iceoryx2 get, 1 kHz writer",
                "crosspage read, 1 kHz writer",
            ),
            (
                Pace::FlatOut,
                "seqlock read, writer flat out",
                "iceoryx2 get, writer flat out",
                "crosspage read, writer flat out",
            ),
        ] {
            let seqlock = peer.during(Task::WriteSeqlock(pace), |shared| {
                reads(
                    effort,
                    pace,
                    || shared.seqlock.read(),
                    || shared.seqlock.read(),
                )
            })?;
            let get = peer.during(Task::WriteIceoryx2(pace), |_| {
                reads(effort, pace, || blackboard.read(), || *blackboard.read())
            })?;
            let read = peer.during(Task::WriteCrosspage(pace), |_| {
                reads(effort, pace, || page.read(), || page.value().0)
            })?;
            rows.extend([
                (seqlock_row, seqlock.0),
                (blackboard_row, get.0),
                (page_row, read.0),
            ]);
            if pace == Pace::FlatOut {
                flat_out = vec![
                    ("seqlock", seqlock.1),
                    ("iceoryx2", get.1),
                    ("crosspage", read.1),
                ];
            }
        }
        let mut place = value;
        rows.push((
            "crosspage read_into, no writer",
            measure::time(effort, || page.read_into(&mut place)),
        ));

        if let Some(cpp) = &cpp {
            let read = measure::time(effort, || cpp.read());
            rows.push(("crosspage read from C++, no writer", read));
        }

        rows.push((
            "seqlock write",
            measure::time(effort, || peer.shared.seqlock.write(&value)),
        ));
        rows.push((
            "iceoryx2 update_with_copy",
            measure::time(effort, || our_blackboard.write(&value)),
        ));
        rows.push((
            "crosspage write",
            measure::time(effort, || our_page.write(&value)),
        ));

        if let Some(cpp) = &mut cpp {
            let write = measure::time(effort, || cpp.write(&value));
            rows.push(("crosspage write from C++", write));
        }

        let opens = effort.slow * 5;
        rows.push((
            "raw open + fstat + mmap",
            measure::time_singly(opens, || file.open(false))?,
        ));
        rows.push((
            "the same, and one byte read",
            measure::time_singly(opens, || file.open(true))?,
        ));
        rows.push((
            "crosspage open",
            measure::time_singly(opens, || crosspage::PageReader::open(&names.ours))?,
        ));

        let woken = peer.during(Task::WakeFutex, |shared| {
            wake_ups(effort.slow, shared, |_, seen| {
                while shared.futex.0.load(Ordering::Acquire) == seen {
                    raw::futex_wait(&shared.futex.0, seen);
                }
            })
        })?;
        rows.push(("raw futex wake-up", woken));
        let woken = peer.during(Task::WakeCrosspage, |shared| {
            let mut version = page.value().1;
            wake_ups(effort.slow, shared, |_, _| {
                version = page.wait_changed(version)
            })
        })?;
        rows.push(("crosspage wait_changed wake-up", woken));
        repetitions.push(Repetition {
            rows: rows
                .into_iter()
                .map(|(name, figures)| Measured {
                    name,
                    figures,
                    line_ns,
                })
                .collect(),
            shares: flat_out,
        });
    }
    Ok(repetitions)
}

/// Times `read`. Where a writer is to write flat out, only batches count during which it did: it may
/// not get its CPU all the time. `look` reads a value to see that, and that values are whole.
fn reads<R>(
    effort: Effort,
    pace: Pace,
    read: impl FnMut() -> R,
    mut look: impl FnMut() -> Sample,
) -> (Figures, f64) {
    for _ in 0..10_000 {
        look().check();
    }
    let mut last = 0;
    measure::time_while(effort, read, || {
        let now = look().words[0];
        // A write for each read at the least; all methods write faster than that.
        let written = now.wrapping_sub(std::mem::replace(&mut last, now));
        pace != Pace::FlatOut || written >= BATCH as u64
    })
}

/// How long after the other process wrote, 100 µs after it was asked, `wait` returns. `wait` gets
/// the number of the request and the futex word as it was before.
fn wake_ups(n: usize, shared: &Shared, mut wait: impl FnMut(u64, u32)) -> Figures {
    let mut durations = Vec::with_capacity(n);
    for _ in 0..n {
        let seen = shared.futex.0.load(Ordering::Acquire);
        let request = shared.request.0.fetch_add(1, Ordering::Release) + 1;
        wait(request, seen);
        let now = measure::monotonic_ns();
        durations.push(now.saturating_sub(shared.sent.0.load(Ordering::Relaxed)));
    }
    measure::from_ns(durations)
}

/// The rows of the table of targets that this suite can judge.
fn targets(summary: &Summary) -> Option<Vec<Target>> {
    let ns = |name| summary.ns(name);
    let memcpy = ns("memcpy of 640 B")?;
    let hot = 1.5 * (memcpy + 15.0);
    let formula = "1.5 × (memcpy + 15 ns)";
    let flat = (
        summary.row("crosspage read, writer flat out")?,
        summary.row("iceoryx2 get, writer flat out")?,
    );
    let target = |what, measured, limit, formula| Target {
        what,
        measured,
        limit,
        formula,
    };
    // Where it was measured: see `method/cpp.rs`.
    let from_cpp = ["read", "write"].into_iter().filter_map(|what| {
        let (rust, cpp, label) = match what {
            "read" => (
                "crosspage read, no writer",
                "crosspage read from C++, no writer",
                "read from C++",
            ),
            _ => (
                "crosspage write",
                "crosspage write from C++",
                "write from C++",
            ),
        };
        Some(target(label, ns(cpp)?, ns(rust)? + 3.0, "Rust + 3 ns"))
    });
    let mut targets = vec![
        target(
            "read, no writer",
            ns("crosspage read, no writer")?,
            hot,
            formula,
        ),
        target(
            "read, no writer",
            ns("crosspage read, no writer")?,
            ns("iceoryx2 get, no writer")?,
            "iceoryx2 get",
        ),
        target(
            "read, 1 kHz writer",
            ns("crosspage read, 1 kHz writer")?,
            hot,
            formula,
        ),
        target(
            "read, 1 kHz writer",
            ns("crosspage read, 1 kHz writer")?,
            ns("iceoryx2 get, 1 kHz writer")?,
            "iceoryx2 get",
        ),
        target(
            "read, writer flat out, in batch",
            flat.0.batch?,
            flat.1.batch?,
            "iceoryx2 get",
        ),
        target(
            "read, writer flat out, p50",
            flat.0.single?.p50,
            flat.1.single?.p50,
            "iceoryx2 get",
        ),
        target(
            "read, writer flat out, p99",
            flat.0.single?.p99,
            flat.1.single?.p99,
            "iceoryx2 get",
        ),
        target(
            "write",
            ns("crosspage write")?,
            1.15 * (ns("iceoryx2 update_with_copy")? + ns("clock read")? + ns("SeqCst fence")?),
            "1.15 × (iceoryx2 update_with_copy + clock read + fence)",
        ),
        target(
            "open",
            ns("crosspage open")?,
            3.0 * ns("raw open + fstat + mmap")?,
            "3 × raw open + fstat + mmap",
        ),
        target(
            "blocking wake-up",
            ns("crosspage wait_changed wake-up")?,
            1.1 * ns("raw futex wake-up")?,
            "1.1 × raw futex",
        ),
    ];
    targets.extend(from_cpp);
    Some(targets)
}

/// By method, the share of the time during which the writer that was to write flat out did so: where
/// it is small, the machine was busy with something else. Other batches do not count.
fn notes(flat_out: &[(&'static str, f64)]) -> String {
    let shares: Vec<String> = flat_out
        .iter()
        .map(|(method, share)| format!("{method} {:.0} %", share * 100.0))
        .collect();
    let mut notes = format!(
        "share of the time in which the writer did write flat out: at least {}\n",
        shares.join(", ")
    );
    if flat_out.iter().any(|(_, share)| *share < 0.5) {
        notes += "note: the machine was busy with something else; do not trust those rows\n";
    }
    notes
}
