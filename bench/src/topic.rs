//! Messages of 64 bytes, and large ones by loan: `topic` against a minimal ring and iceoryx2.

use std::error::Error;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::crosspage::topic::Policy;

use crate::Options;
use crate::measure::{self, BATCH, Effort, Figures};
use crate::method::iceoryx2::Domain;
use crate::method::iceoryx2_topic::Full;
use crate::method::{
    Aligned, Link, Message, crosspage_topic as crosspage, iceoryx2_topic as iceoryx2, raw, ring,
};
use crate::pair::{self, Orders, Peer, Shared, Side};
use crate::report::{self, Measured, NEAR_NS, Repetition, Suite, Summary, Target};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A message that travels by loan.
const LARGE: usize = 1 << 20;

/// How often a cache line goes to and fro to tell how far from each other the CPUs are.
const LINE: Effort = Effort {
    batches: 200,
    singles: 64,
    slow: 0,
};

/// Messages between two looks at the clock in a stream: several times what any method keeps, so that
/// each shows sender and receiver together.
const SEGMENT: u64 = 16_384;

const BUFFER: usize = 1024;

/// What the other process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Send back what comes.
    Echo(Way),
    /// Send as many messages as [`Shared::count`] says.
    Stream(Way),
    /// Answer each request after 100 µs.
    Wake(Way),
}

/// A way of sending messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ring,
    RingInPlace,
    RingInPlaceBatches,
    Futex,
    Iceoryx2(Full),
    Iceoryx2Loan(Full),
    Crosspage(Policy),
    CrosspageBatches(Policy),
    CrosspageLoan(Policy),
    CrosspageHuge,
}

impl pair::Task for Task {
    const ALL: &'static [Task] = &[
        Task::Echo(Way::Ring),
        Task::Echo(Way::Iceoryx2(Full::Overflow)),
        Task::Echo(Way::Iceoryx2(Full::Retry)),
        Task::Echo(Way::Iceoryx2Loan(Full::Overflow)),
        Task::Echo(Way::Iceoryx2Loan(Full::Retry)),
        Task::Stream(Way::Ring),
        Task::Stream(Way::RingInPlace),
        Task::Stream(Way::RingInPlaceBatches),
        Task::Stream(Way::Iceoryx2(Full::Overflow)),
        Task::Stream(Way::Iceoryx2(Full::Retry)),
        Task::Wake(Way::Futex),
        Task::Wake(Way::Iceoryx2(Full::Overflow)),
    ];
}

const SUITE: Suite = Suite {
    name: "topic",
    heading: "messages of 64 bytes, and large ones by loan",
    shares: "lost_share",
    share_of: |all| measure::median(all.iter().copied()),
    targets: |summary| targets(summary).unwrap_or_default(),
    notes,
};

/// Measures and prints.
pub fn run(options: &Options) -> Outcome<()> {
    let names = Names {
        process: std::process::id(),
        domain: Domain::of_this_run(),
    };
    match pair::fork()? {
        Side::Other(orders) => serve(orders, &names),
        Side::Measuring(peer) => {
            let measured = measure(peer, &names, options);
            names.domain.remove();
            report::report(&SUITE, &measured?, options)
        }
    }
}

/// What the two processes call what they share.
struct Names {
    process: u32,
    domain: Domain,
}

/// One end of every way of sending messages.
struct Ends {
    ring: ring::Ends,
    overflow: iceoryx2::Ends,
    retry: iceoryx2::Ends,
    stream_overflow: iceoryx2::Ends,
    stream_retry: iceoryx2::Ends,
    loan_overflow: iceoryx2::Loans,
    loan_retry: iceoryx2::Loans,
    event: iceoryx2::Event,
}

impl Ends {
    fn attach(shared: &'static Shared, names: &Names, measuring: bool) -> Outcome<Ends> {
        let node = names.domain.node()?;
        let [to, from] = if measuring {
            ["there", "back"]
        } else {
            ["back", "there"]
        };
        let name = |what: &str| {
            [to, from].map(|direction| format!("bench-{}-{what}-{direction}", names.process))
        };
        let ends = |what: &str, full, buffer| {
            let [to, from] = name(what);
            iceoryx2::Ends::attach(&node, [&to, &from], full, buffer)
        };
        let loans = |what: &str, full| {
            let [to, from] = name(what);
            iceoryx2::Loans::attach(&node, [&to, &from], full, LARGE)
        };
        let [event_to, event_from] = name("event");
        Ok(Ends {
            ring: ring::Ends::new(if measuring {
                [&shared.there, &shared.back]
            } else {
                [&shared.back, &shared.there]
            }),
            overflow: ends("overflow", Full::Overflow, 2)?,
            retry: ends("retry", Full::Retry, 2)?,
            stream_overflow: ends("stream-overflow", Full::Overflow, BUFFER)?,
            stream_retry: ends("stream-retry", Full::Retry, BUFFER)?,
            loan_overflow: loans("loan-overflow", Full::Overflow)?,
            loan_retry: loans("loan-retry", Full::Retry)?,
            event: iceoryx2::Event::attach(&node, [&event_to, &event_from])?,
        })
    }
}

/// The other process: answers and sends as told.
fn serve(mut orders: Orders, names: &Names) -> Outcome<()> {
    let mut ends = Ends::attach(orders.shared, names, false)?;
    orders.ready()?;
    orders.serve(|shared, task| match task {
        Task::Echo(Way::Ring) => echo(shared, &mut ends.ring),
        Task::Echo(Way::Iceoryx2(Full::Overflow)) => echo(shared, &mut ends.overflow),
        Task::Echo(Way::Iceoryx2(Full::Retry)) => echo(shared, &mut ends.retry),
        Task::Echo(Way::Iceoryx2Loan(Full::Overflow)) => echo(shared, &mut ends.loan_overflow),
        Task::Echo(Way::Iceoryx2Loan(Full::Retry)) => echo(shared, &mut ends.loan_retry),
        Task::Stream(Way::Ring) => send_all(shared, &mut ends.ring),
        Task::Stream(Way::Iceoryx2(Full::Overflow)) => send_all(shared, &mut ends.stream_overflow),
        Task::Stream(Way::Iceoryx2(Full::Retry)) => send_all(shared, &mut ends.stream_retry),
        Task::Stream(Way::RingInPlace) => {
            for n in 1..=shared.count.0.load(Ordering::Acquire) {
                ends.ring.sender.send_in_place(|place| make(place, n));
            }
        }
        Task::Stream(Way::RingInPlaceBatches) => {
            let mut n = 0;
            while n < shared.count.0.load(Ordering::Acquire) {
                ends.ring.sender.send_many_in_place(BATCH, |place| {
                    n += 1;
                    make(place, n);
                });
            }
        }
        Task::Wake(Way::Futex) => shared.answer_requests(|_| {
            now(shared);
            raw::futex_wake(&shared.futex.0);
        }),
        Task::Wake(Way::Iceoryx2(_)) => shared.answer_requests(|n| {
            now(shared);
            ends.overflow.send(n);
            ends.event.notify();
        }),
        other => unreachable!("{other:?} is not in the list"),
    })?;
    Ok(())
}

/// Notes when the answer begins.
fn now(shared: &Shared) {
    let now = measure::monotonic_ns();
    shared.sent.0.store(now, Ordering::Relaxed);
}

/// Makes message number `n` in its place: as much of it as is looked at.
#[inline(always)]
fn make(place: &mut MaybeUninit<Message>, n: u64) {
    let message = place.as_mut_ptr();
    // SAFETY: a place for a message.
    unsafe {
        (&raw mut (*message).words[0]).write(n);
        (&raw mut (*message).words[7]).write(n);
    }
}

/// The other side of [`one_way`].
fn echo(shared: &Shared, link: &mut impl Link) {
    while !shared.stopped() {
        if let Some(n) = link.try_receive() {
            link.send(n);
        }
    }
}

/// The other side of [`stream`].
fn send_all(shared: &Shared, link: &mut impl Link) {
    for n in 1..=shared.count.0.load(Ordering::Acquire) {
        link.send(n);
    }
}

/// Half the time of a message to the other process and its echo.
fn one_way(effort: Effort, link: &mut impl Link) -> Figures {
    let mut n = 0;
    let round_trip = || {
        n += 1;
        link.send(n);
        loop {
            if let Some(answer) = link.try_receive() {
                assert_eq!(answer, n, "another message's echo");
                break;
            }
        }
    };
    measure::time(effort, round_trip).halved()
}

/// What came of a stream of numbered messages.
struct Tally {
    received: u64,
    /// The number of the last one.
    last: u64,
    /// When each segment of the stream began, and what had been received then.
    segments: Vec<(u64, u64)>,
    next_segment: u64,
}

impl Tally {
    fn new(count: u64) -> Tally {
        Tally {
            received: 0,
            last: 0,
            segments: Vec::with_capacity((count / SEGMENT) as usize + 1),
            next_segment: 1,
        }
    }

    #[inline(always)]
    fn take(&mut self, n: u64) {
        assert!(n > self.last, "message {n} after {}", self.last);
        self.last = n;
        self.received += 1;
        if n >= self.next_segment {
            self.begin_segment();
        }
    }

    #[cold]
    fn begin_segment(&mut self) {
        self.segments.push((measure::monotonic_ns(), self.received));
        self.next_segment = self.last + SEGMENT;
    }

    /// The time a message received took, in each segment.
    fn means(&self) -> Vec<f64> {
        let means = self.segments.windows(2).map(|ends| {
            let [(began, before), (ended, after)] = [ends[0], ends[1]];
            (ended - began) as f64 / (after - before) as f64
        });
        means.collect()
    }

    fn lost(&self) -> u64 {
        self.last - self.received
    }
}

/// The time a message takes, of many sent one after the other, by those received. `poll` takes what
/// there is.
fn stream(
    peer: &mut Peer,
    window: Duration,
    way: Way,
    mut poll: impl FnMut(&mut Tally),
) -> Outcome<(Figures, Tally)> {
    let mut go = |segments: u64| {
        // The first message only starts the clock.
        let count = segments * SEGMENT + BATCH as u64;
        peer.shared.count.0.store(count, Ordering::Release);
        let mut tally = Tally::new(count);
        peer.during(Task::Stream(way), |_| {
            while tally.last < count {
                poll(&mut tally);
            }
        })?;
        Ok::<_, Box<dyn Error>>(tally)
    };
    // To warm up, and to learn how many there are in the window.
    let began = Instant::now();
    go(2)?;
    let segments = 2 * window.as_nanos() / began.elapsed().as_nanos();
    let tally = go(segments.clamp(16, 4_096) as u64)?;
    Ok((measure::from_means(tally.means()), tally))
}

/// How long after the other process answered, 100 µs after it was asked, `wait` returns. `wait` gets
/// the futex word as it was before.
fn wake_ups(n: usize, shared: &Shared, mut wait: impl FnMut(u32)) -> Figures {
    let mut durations = Vec::with_capacity(n);
    for _ in 0..n {
        let seen = shared.futex.0.load(Ordering::Acquire);
        shared.request.0.fetch_add(1, Ordering::Release);
        wait(seen);
        let now = measure::monotonic_ns();
        durations.push(now.saturating_sub(shared.sent.0.load(Ordering::Relaxed)));
    }
    measure::from_ns(durations)
}

/// Takes one message, if there is one.
fn singly(link: &mut impl Link) -> impl FnMut(&mut Tally) {
    |tally| {
        if let Some(n) = link.try_receive() {
            tally.take(n);
        }
    }
}

/// Looks at what is there.
fn in_place(ends: &mut ring::Ends, tally: &mut Tally) {
    ends.receiver
        .receive_many_in_place(|message| tally.take(message.check()));
}

/// The rows of one repetition.
#[derive(Default)]
struct Rows(Vec<Measured>);

impl Rows {
    /// Adds what `measure` measures: again where the host moved the CPUs meanwhile.
    fn row(
        &mut self,
        peer: &mut Peer,
        name: &'static str,
        mut measure: impl FnMut(&mut Peer) -> Outcome<Figures>,
    ) -> Outcome<()> {
        let mut before = peer.line_latency(LINE)?;
        let mut tries = 3;
        loop {
            let figures = measure(peer)?;
            let line_ns = peer.line_latency(LINE)?;
            tries -= 1;
            if (line_ns < NEAR_NS) == (before < NEAR_NS) || tries == 0 {
                self.0.push(Measured {
                    name,
                    figures,
                    line_ns,
                });
                return Ok(());
            }
            before = line_ns;
        }
    }
}

fn measure(mut peer: Peer, names: &Names, options: &Options) -> Outcome<Vec<Repetition>> {
    peer.wait_ready()
        .map_err(|_| "the other process could not make its ends")?;
    let (effort, window) = match options.quick {
        true => (
            Effort {
                batches: 100,
                singles: 2_000,
                slow: 50,
            },
            Duration::from_millis(10),
        ),
        false => (
            Effort {
                batches: 3_000,
                singles: 50_000,
                slow: 1_000,
            },
            Duration::from_millis(200),
        ),
    };
    let mut ends = Ends::attach(peer.shared, names, true)?;
    let mut repetitions = Vec::new();
    for _ in 0..options.repetitions {
        let mut rows = Rows::default();
        let mut shares: Vec<(&'static str, f64)> = Vec::new();

        macro_rules! one_way {
            ($row:literal, $way:expr, $end:expr) => {
                rows.row(&mut peer, $row, |peer| {
                    Ok(peer.during(Task::Echo($way), |_| one_way(effort, $end))?)
                })?;
            };
        }
        one_way!("ring, one way", Way::Ring, &mut ends.ring);
        one_way!(
            "iceoryx2 overflow, one way",
            Way::Iceoryx2(Full::Overflow),
            &mut ends.overflow
        );
        one_way!(
            "iceoryx2 retry, one way",
            Way::Iceoryx2(Full::Retry),
            &mut ends.retry
        );
        one_way!(
            "iceoryx2 overflow, loan of 1 MiB, one way",
            Way::Iceoryx2Loan(Full::Overflow),
            &mut ends.loan_overflow
        );
        one_way!(
            "iceoryx2 retry, loan of 1 MiB, one way",
            Way::Iceoryx2Loan(Full::Retry),
            &mut ends.loan_retry
        );

        macro_rules! stream {
            ($row:literal, $way:expr, $poll:expr, lossy: $lossy:literal) => {
                let mut lost = 0.0;
                rows.row(&mut peer, $row, |peer| {
                    let (figures, tally) = stream(peer, window, $way, $poll)?;
                    lost = tally.lost() as f64 / tally.last as f64;
                    Ok(figures)
                })?;
                if $lossy {
                    shares.push(($row, lost));
                } else if lost != 0.0 {
                    return Err(format!("{}: messages are missing", $row).into());
                }
            };
        }
        stream!("ring, stream", Way::Ring, singly(&mut ends.ring), lossy: false);
        stream!("ring in place, stream", Way::RingInPlace, |tally| in_place(&mut ends.ring, tally), lossy: false);
        stream!("ring in place, stream in batches", Way::RingInPlaceBatches, |tally| in_place(&mut ends.ring, tally), lossy: false);
        stream!("iceoryx2 retry, stream", Way::Iceoryx2(Full::Retry), singly(&mut ends.stream_retry), lossy: false);
        stream!("iceoryx2 overflow, stream", Way::Iceoryx2(Full::Overflow), singly(&mut ends.stream_overflow), lossy: true);

        rows.row(&mut peer, "raw futex wake-up", |peer| {
            Ok(peer.during(Task::Wake(Way::Futex), |shared| {
                wake_ups(effort.slow, shared, |seen| {
                    while shared.futex.0.load(Ordering::Acquire) == seen {
                        raw::futex_wait(&shared.futex.0, seen);
                    }
                })
            })?)
        })?;
        rows.row(&mut peer, "iceoryx2 event wake-up", |peer| {
            let way = Way::Iceoryx2(Full::Overflow);
            Ok(peer.during(Task::Wake(way), |shared| {
                wake_ups(effort.slow, shared, |_| {
                    while ends.overflow.try_receive().is_none() {
                        ends.event.wait();
                    }
                })
            })?)
        })?;
        repetitions.push(Repetition {
            rows: rows.0,
            shares,
        });
    }
    Ok(repetitions)
}

fn targets(_summary: &Summary) -> Option<Vec<Target>> {
    None
}

fn notes(lost: &[(&'static str, f64)]) -> String {
    let shares: Vec<String> = lost
        .iter()
        .map(|(row, share)| format!("{row}: {:.1} %", share * 100.0))
        .collect();
    format!(
        "lost, since the receiver was slower: {}\n",
        shares.join("; ")
    )
}
