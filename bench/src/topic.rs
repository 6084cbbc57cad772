//! Messages of 64 bytes, and large ones by loan: `topic` against a minimal ring and iceoryx2.

use std::error::Error;
use std::fs;
use std::hint::{black_box, spin_loop};
use std::mem::MaybeUninit;
use std::path::PathBuf;
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

/// The messages that iceoryx2's subscriber takes in a stream. (Of 2 to 4,096 none is faster.)
const BUFFER: usize = 1024;

/// The least time between two publishes to those who sleep.
const PAUSE: Duration = Duration::from_millis(2);

/// Many subscribers.
const CROWD: usize = 64;

/// What a topic keeps whose messages may be huge.
const CAPACITY: u64 = 256 << 20;

/// Lengths of messages by loan, beside [`LARGE`].
const LENGTHS: [(&str, usize); 3] = [
    ("crosspage overwrite, loan of 64 KiB, one way", 64 << 10),
    ("crosspage overwrite, loan of 8 MiB, one way", 8 << 20),
    ("crosspage overwrite, loan of 64 MiB, one way", 64 << 20),
];

/// What the other process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Send back what comes.
    Echo(Way),
    /// Send as many messages as [`Shared::count`] says.
    Stream(Way),
    /// Answer each request after 100 µs.
    Wake(Way),
    /// So many threads wait for messages, or for [`Shared::futex`], all the time.
    Park(Way, usize),
    /// So many threads have a subscriber, and do nothing with it.
    Idle(usize),
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
    /// With room for messages of any of the [`LENGTHS`].
    CrosspageLoans,
}

const OVERFLOW: Way = Way::Iceoryx2(Full::Overflow);
const RETRY: Way = Way::Iceoryx2(Full::Retry);
const OVERWRITE: Way = Way::Crosspage(Policy::Overwrite);
const BLOCK: Way = Way::Crosspage(Policy::Block);

impl pair::Task for Task {
    const ALL: &'static [Task] = &[
        Task::Echo(Way::Ring),
        Task::Echo(OVERFLOW),
        Task::Echo(RETRY),
        Task::Echo(OVERWRITE),
        Task::Echo(BLOCK),
        Task::Echo(Way::Iceoryx2Loan(Full::Overflow)),
        Task::Echo(Way::Iceoryx2Loan(Full::Retry)),
        Task::Echo(Way::CrosspageLoan(Policy::Overwrite)),
        Task::Echo(Way::CrosspageLoan(Policy::Block)),
        Task::Echo(Way::CrosspageLoans),
        Task::Stream(Way::Ring),
        Task::Stream(Way::RingInPlace),
        Task::Stream(Way::RingInPlaceBatches),
        Task::Stream(OVERFLOW),
        Task::Stream(RETRY),
        Task::Stream(OVERWRITE),
        Task::Stream(BLOCK),
        Task::Stream(Way::CrosspageBatches(Policy::Overwrite)),
        Task::Stream(Way::CrosspageBatches(Policy::Block)),
        Task::Wake(Way::Futex),
        Task::Wake(OVERFLOW),
        Task::Wake(OVERWRITE),
        Task::Wake(BLOCK),
        Task::Park(Way::Futex, 1),
        Task::Park(Way::Futex, CROWD),
        Task::Park(OVERWRITE, 1),
        Task::Park(OVERWRITE, CROWD),
        Task::Park(BLOCK, 1),
        Task::Park(BLOCK, CROWD),
        Task::Idle(1),
        Task::Idle(CROWD),
    ];
}

const SUITE: Suite = Suite {
    name: "topic",
    heading: "messages of 64 bytes, and large ones by loan",
    shares: "lost_share",
    share_of: |all| measure::median(all.iter().copied()),
    targets,
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
            let measured = measure(peer, &names, options)?;
            report::report(&SUITE, &measured, options)
        }
    }
}

/// What the two processes call what they share.
struct Names {
    process: u32,
    domain: Domain,
}

impl Names {
    /// The topic of many subscribers.
    fn crowd(&self, policy: &str) -> String {
        format!("bench-{}-crowd-{policy}", self.process)
    }
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
    overwrite: crosspage::Ends,
    block: crosspage::Ends,
    loan_overwrite: crosspage::Loans,
    loan_block: crosspage::Loans,
    loans: crosspage::Loans,
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
        let topic = |what: &str, policy| {
            let [to, from] = name(what);
            crosspage::Ends::attach([&to, &from], policy)
        };
        let topic_loans = |what: &str, policy, capacity| {
            let [to, from] = name(what);
            crosspage::Loans::attach([&to, &from], policy, capacity, LARGE)
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
            overwrite: topic("overwrite", Policy::Overwrite)?,
            block: topic("block", Policy::Block)?,
            loan_overwrite: topic_loans("loan-overwrite", Policy::Overwrite, None)?,
            loan_block: topic_loans("loan-block", Policy::Block, None)?,
            loans: topic_loans("loans", Policy::Overwrite, Some(CAPACITY))?,
        })
    }
}

/// The other process: answers and sends as told.
fn serve(mut orders: Orders, names: &Names) -> Outcome<()> {
    let mut ends = Ends::attach(orders.shared, names, false)?;
    orders.ready()?;
    orders.serve(|shared, task| match task {
        Task::Echo(way) => match way {
            Way::Ring => echo(shared, &mut ends.ring),
            OVERFLOW => echo(shared, &mut ends.overflow),
            RETRY => echo(shared, &mut ends.retry),
            OVERWRITE => echo(shared, &mut ends.overwrite),
            BLOCK => echo(shared, &mut ends.block),
            Way::Iceoryx2Loan(Full::Overflow) => echo(shared, &mut ends.loan_overflow),
            Way::Iceoryx2Loan(Full::Retry) => echo(shared, &mut ends.loan_retry),
            Way::CrosspageLoan(Policy::Overwrite) => echo(shared, &mut ends.loan_overwrite),
            Way::CrosspageLoan(_) => echo(shared, &mut ends.loan_block),
            Way::CrosspageLoans => echo(shared, &mut ends.loans),
            other => unreachable!("nothing is echoed by {other:?}"),
        },
        Task::Stream(way) => match way {
            Way::Ring => send_all(shared, &mut ends.ring),
            Way::RingInPlace => {
                for n in 1..=shared.count.0.load(Ordering::Acquire) {
                    ends.ring.sender.send_in_place(|place| make(place, n));
                }
            }
            Way::RingInPlaceBatches => {
                let mut n = 0;
                while n < shared.count.0.load(Ordering::Acquire) {
                    ends.ring.sender.send_many_in_place(BATCH, |place| {
                        n += 1;
                        make(place, n);
                    });
                }
            }
            OVERFLOW => send_all(shared, &mut ends.stream_overflow),
            RETRY => send_all(shared, &mut ends.stream_retry),
            OVERWRITE => send_all(shared, &mut ends.overwrite),
            BLOCK => send_all(shared, &mut ends.block),
            Way::CrosspageBatches(Policy::Overwrite) => send_batches(shared, &mut ends.overwrite),
            Way::CrosspageBatches(_) => send_batches(shared, &mut ends.block),
            other => unreachable!("nothing is sent by {other:?}"),
        },
        Task::Wake(way) => shared.answer_requests(|n| {
            let now = measure::monotonic_ns();
            shared.sent.0.store(now, Ordering::Relaxed);
            match way {
                Way::Futex => raw::futex_wake(&shared.futex.0),
                OVERFLOW => {
                    ends.overflow.send(n);
                    ends.event.notify();
                }
                OVERWRITE => ends.overwrite.send(n),
                BLOCK => ends.block.send(n),
                other => unreachable!("nobody is woken by {other:?}"),
            }
        }),
        Task::Park(Way::Futex, threads) => crowd(threads, || {
            let mut seen = shared.futex.0.load(Ordering::Acquire);
            while !shared.stopped() {
                raw::futex_wait(&shared.futex.0, seen);
                let now = shared.futex.0.load(Ordering::Acquire);
                if now != seen {
                    seen = now;
                    shared.received.0.fetch_add(1, Ordering::Release);
                }
            }
            Ok(())
        }),
        Task::Park(OVERWRITE, threads) => crowd(threads, || {
            parked(shared, &names.crowd("overwrite"), Policy::Overwrite)
        }),
        Task::Park(_, threads) => crowd(threads, || {
            parked(shared, &names.crowd("block"), Policy::Block)
        }),
        Task::Idle(threads) => crowd(threads, || {
            let name = names.crowd("overwrite");
            crosspage::attend(&name, Policy::Overwrite, || shared.stopped())
        }),
    })?;
    Ok(())
}

/// Calls `work` in so many threads.
fn crowd(threads: usize, work: impl Fn() -> ::crosspage::Result<()> + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work().expect("nobody removes the page"));
        }
    });
}

/// Waits for messages all the time, and counts them.
fn parked(shared: &Shared, name: &str, policy: Policy) -> ::crosspage::Result<()> {
    crosspage::subscribe(
        name,
        policy,
        || shared.stopped(),
        || {
            shared.received.0.fetch_add(1, Ordering::Release);
        },
    )
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

/// The other side of [`Measuring::one_way`].
fn echo(shared: &Shared, link: &mut impl Link) {
    while !shared.stopped() {
        if let Some(n) = link.try_receive() {
            link.send(n);
        } else {
            spin_loop();
        }
    }
}

/// The other side of [`Measuring::stream`].
fn send_all(shared: &Shared, link: &mut impl Link) {
    for n in 1..=shared.count.0.load(Ordering::Acquire) {
        link.send(n);
    }
}

/// The same in batches.
fn send_batches(shared: &Shared, ends: &mut crosspage::Ends) {
    let mut messages = Aligned([Message::new(0); BATCH]);
    let mut n = 0;
    while n < shared.count.0.load(Ordering::Acquire) {
        for message in &mut messages.0 {
            n += 1;
            message.number(n);
        }
        ends.send_many(&black_box(&messages).0);
    }
}

/// The measuring process.
struct Measuring {
    peer: Peer,
    /// Only rows with this in their names.
    only: Option<String>,
    effort: Effort,
    /// How long a stream is to last.
    window: Duration,
    rows: Vec<Measured>,
    shares: Vec<(&'static str, f64)>,
}

impl Measuring {
    /// Adds what `measure` measures: again where the host moved the CPUs meanwhile.
    fn row(
        &mut self,
        name: &'static str,
        mut measure: impl FnMut(&mut Peer) -> Outcome<Figures>,
    ) -> Outcome<()> {
        if self.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return Ok(());
        }
        let mut before = self.peer.line_latency(LINE)?;
        let mut tries = 3;
        loop {
            let figures = measure(&mut self.peer)?;
            let line_ns = self.peer.line_latency(LINE)?;
            tries -= 1;
            if (line_ns < NEAR_NS) == (before < NEAR_NS) || tries == 0 {
                self.rows.push(Measured {
                    name,
                    figures,
                    line_ns,
                });
                return Ok(());
            }
            before = line_ns;
        }
    }

    /// Half the time of a message to the other process and its echo.
    fn one_way(&mut self, name: &'static str, way: Way, link: &mut impl Link) -> Outcome<()> {
        let effort = self.effort;
        self.row(name, |peer| {
            let figures = peer.during(Task::Echo(way), |_| {
                let mut n = 0;
                let round_trip = || {
                    n += 1;
                    link.send(n);
                    let answer = loop {
                        if let Some(answer) = link.try_receive() {
                            break answer;
                        }
                        spin_loop();
                    };
                    assert_eq!(answer, n, "another message's echo");
                };
                measure::time(effort, round_trip).halved()
            })?;
            Ok(figures)
        })
    }

    /// The time a message received takes, of many sent one after the other. `poll` takes what there
    /// is, and `lost` says how many messages were lost so far, where some may be.
    fn stream<L>(
        &mut self,
        name: &'static str,
        way: Way,
        link: &mut L,
        poll: impl Fn(&mut L, &mut Tally),
        lost: Option<fn(&L) -> Option<u64>>,
    ) -> Outcome<()> {
        let window = self.window;
        let mut share = None;
        self.row(name, |peer| {
            let mut go = |segments: u64| {
                // The first message only starts the clock.
                let count = segments * SEGMENT + BATCH as u64;
                peer.shared.count.0.store(count, Ordering::Release);
                let before = lost.and_then(|lost| lost(link));
                let mut tally = Tally::new(count);
                peer.during(Task::Stream(way), |_| {
                    while tally.last < count {
                        let received = tally.received;
                        poll(link, &mut tally);
                        if tally.received == received {
                            spin_loop();
                        }
                    }
                })?;
                let missing = tally.last - tally.received;
                if let Some(before) = before {
                    let told = lost.and_then(|lost| lost(link)).unwrap_or(0) - before;
                    if told != missing {
                        let why = format!("{name}: {missing} are missing, and it says {told}");
                        return Err(why.into());
                    }
                }
                if missing != 0 && lost.is_none() {
                    return Err(format!("{name}: {missing} of {count} are missing").into());
                }
                Ok::<_, Box<dyn Error>>(tally)
            };
            // To warm up, and to learn how many there are in the window.
            let began = Instant::now();
            go(2)?;
            let segments = 2 * window.as_nanos() / began.elapsed().as_nanos();
            let tally = go(segments.clamp(16, 4_096) as u64)?;
            share = lost.map(|_| 1.0 - tally.received as f64 / tally.last as f64);
            Ok(measure::from_means(tally.means()))
        })?;
        self.shares.extend(share.map(|share| (name, share)));
        Ok(())
    }

    /// How long after the other process answered, 100 µs after it was asked, `wait` returns. `wait`
    /// gets the futex word as it was before.
    fn wake_up(
        &mut self,
        name: &'static str,
        way: Way,
        mut wait: impl FnMut(&Shared, u32),
    ) -> Outcome<()> {
        let n = self.effort.slow;
        self.row(name, |peer| {
            let durations = peer.during(Task::Wake(way), |shared| {
                let wake_up = |_| {
                    let seen = shared.futex.0.load(Ordering::Acquire);
                    shared.request.0.fetch_add(1, Ordering::Release);
                    wait(shared, seen);
                    let now = measure::monotonic_ns();
                    now.saturating_sub(shared.sent.0.load(Ordering::Relaxed))
                };
                (0..n).map(wake_up).collect()
            })?;
            Ok(measure::from_ns(durations))
        })
    }

    /// What one publish costs where so many others have a subscriber and do nothing with it.
    fn idle(
        &mut self,
        name: &'static str,
        threads: usize,
        crowd: &mut crosspage::Crowd,
    ) -> Outcome<()> {
        let effort = self.effort;
        self.row(name, |peer| {
            peer.during(Task::Idle(threads), |_| {
                crowd.wait_subscribers(threads)?;
                let mut n = 0;
                Ok(measure::time(effort, || {
                    n += 1;
                    crowd.send(n);
                }))
            })?
        })
    }

    /// What one `publish` costs where so many others sleep until there is a message.
    fn parked(
        &mut self,
        name: &'static str,
        way: Way,
        threads: usize,
        mut publish: impl FnMut(&Shared),
    ) -> Outcome<()> {
        let n = self.effort.slow / 5;
        self.row(name, |peer| {
            let tasks = Tasks(format!("/proc/{}/task", peer.pid).into());
            let durations = peer.during(Task::Park(way, threads), |shared| {
                let publish = |_| {
                    // As long after the last one for one thread as for many.
                    let began = Instant::now();
                    while !tasks.all_sleep(threads)? || began.elapsed() < PAUSE {}
                    let received = &shared.received.0;
                    let before = received.load(Ordering::Acquire);
                    let sent = measure::monotonic_ns();
                    publish(shared);
                    let took = measure::monotonic_ns() - sent;
                    while received.load(Ordering::Acquire) - before != threads as u64 {
                        if began.elapsed() > Duration::from_secs(10) {
                            let why = format!("{name}: not all received the message");
                            return Err(why.into());
                        }
                    }
                    Ok(took)
                };
                (0..n).map(publish).collect::<Outcome<_>>()
            })?;
            Ok(measure::from_ns(durations?))
        })
    }
}

/// The threads of the other process.
struct Tasks(PathBuf);

impl Tasks {
    /// Whether its main thread and so many more are there, and all asleep.
    fn all_sleep(&self, threads: usize) -> Outcome<bool> {
        let mut asleep = 0;
        for task in fs::read_dir(&self.0)? {
            let state = fs::read_to_string(task?.path().join("stat")).unwrap_or_default();
            // The name, in brackets, may have brackets itself.
            let state = state.rsplit(") ").next().unwrap_or_default();
            asleep += usize::from(state.starts_with('S'));
        }
        Ok(asleep == threads + 1)
    }
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
}

/// Takes one message, if there is one.
#[inline(always)]
fn singly(link: &mut impl Link, tally: &mut Tally) {
    if let Some(n) = link.try_receive() {
        tally.take(n);
    }
}

/// Looks at what is there.
#[inline(always)]
fn in_place(ends: &mut ring::Ends, tally: &mut Tally) {
    let receiver = &mut ends.receiver;
    receiver.receive_many_in_place(|message| tally.take(message.check()));
}

/// Takes as many as there are, up to a batch.
#[inline(always)]
fn in_batches(ends: &mut crosspage::Ends, tally: &mut Tally) {
    for message in black_box(ends.try_receive_many()) {
        tally.take(message.check());
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
    let mut crowds = Crowds {
        overwrite: crosspage::Crowd::attach(&names.crowd("overwrite"), Policy::Overwrite)?,
        block: crosspage::Crowd::attach(&names.crowd("block"), Policy::Block)?,
    };
    let mut measuring = Measuring {
        peer,
        only: options.only.clone(),
        effort,
        window,
        rows: Vec::new(),
        shares: Vec::new(),
    };
    let mut repetitions = Vec::new();
    for _ in 0..options.repetitions {
        one_ways(&mut measuring, &mut ends)?;
        streams(&mut measuring, &mut ends)?;
        wake_ups(&mut measuring, &mut ends)?;
        scale(&mut measuring, &mut crowds)?;
        repetitions.push(Repetition {
            rows: std::mem::take(&mut measuring.rows),
            shares: std::mem::take(&mut measuring.shares),
        });
    }
    Ok(repetitions)
}

fn one_ways(m: &mut Measuring, ends: &mut Ends) -> Outcome<()> {
    m.one_way("ring, one way", Way::Ring, &mut ends.ring)?;
    m.one_way("iceoryx2 overflow, one way", OVERFLOW, &mut ends.overflow)?;
    m.one_way("iceoryx2 retry, one way", RETRY, &mut ends.retry)?;
    let (overwrite, block) = (&mut ends.overwrite, &mut ends.block);
    m.one_way("crosspage overwrite, one way", OVERWRITE, overwrite)?;
    m.one_way("crosspage block, one way", BLOCK, block)?;
    m.one_way(
        "iceoryx2 overflow, loan of 1 MiB, one way",
        Way::Iceoryx2Loan(Full::Overflow),
        &mut ends.loan_overflow,
    )?;
    m.one_way(
        "iceoryx2 retry, loan of 1 MiB, one way",
        Way::Iceoryx2Loan(Full::Retry),
        &mut ends.loan_retry,
    )?;
    m.one_way(
        "crosspage overwrite, loan of 1 MiB, one way",
        Way::CrosspageLoan(Policy::Overwrite),
        &mut ends.loan_overwrite,
    )?;
    m.one_way(
        "crosspage block, loan of 1 MiB, one way",
        Way::CrosspageLoan(Policy::Block),
        &mut ends.loan_block,
    )?;
    for (row, len) in LENGTHS {
        ends.loans.len = len;
        m.one_way(row, Way::CrosspageLoans, &mut ends.loans)?;
    }
    Ok(())
}

fn streams(m: &mut Measuring, ends: &mut Ends) -> Outcome<()> {
    let ring = &mut ends.ring;
    m.stream("ring, stream", Way::Ring, ring, singly, None)?;
    let way = Way::RingInPlace;
    m.stream("ring in place, stream", way, ring, in_place, None)?;
    let way = Way::RingInPlaceBatches;
    m.stream(
        "ring in place, stream in batches",
        way,
        ring,
        in_place,
        None,
    )?;
    let retry = &mut ends.stream_retry;
    m.stream("iceoryx2 retry, stream", RETRY, retry, singly, None)?;
    let overflow = &mut ends.stream_overflow;
    // iceoryx2 does not say how many.
    let unknown = Some((|_| None) as fn(&iceoryx2::Ends) -> _);
    m.stream(
        "iceoryx2 overflow, stream",
        OVERFLOW,
        overflow,
        singly,
        unknown,
    )?;
    let (overwrite, block) = (&mut ends.overwrite, &mut ends.block);
    let lost = Some((|ends| Some(ends.lost())) as fn(&crosspage::Ends) -> _);
    m.stream("crosspage block, stream", BLOCK, block, singly, None)?;
    m.stream(
        "crosspage overwrite, stream",
        OVERWRITE,
        overwrite,
        singly,
        lost,
    )?;
    m.stream(
        "crosspage block, stream in batches",
        Way::CrosspageBatches(Policy::Block),
        block,
        in_batches,
        None,
    )?;
    m.stream(
        "crosspage overwrite, stream in batches",
        Way::CrosspageBatches(Policy::Overwrite),
        overwrite,
        in_batches,
        lost,
    )
}

fn wake_ups(m: &mut Measuring, ends: &mut Ends) -> Outcome<()> {
    m.wake_up("raw futex, wake-up", Way::Futex, |shared, seen| {
        while shared.futex.0.load(Ordering::Acquire) == seen {
            raw::futex_wait(&shared.futex.0, seen);
        }
    })?;
    m.wake_up("iceoryx2 with an event, wake-up", OVERFLOW, |_, _| {
        while ends.overflow.try_receive().is_none() {
            ends.event.wait();
        }
    })?;
    let (overwrite, block) = (&mut ends.overwrite, &mut ends.block);
    m.wake_up("crosspage overwrite, wake-up", OVERWRITE, |_, _| {
        overwrite.receive()
    })?;
    m.wake_up("crosspage block, wake-up", BLOCK, |_, _| block.receive())
}

fn scale(m: &mut Measuring, crowds: &mut Crowds) -> Outcome<()> {
    let Crowds { overwrite, block } = crowds;
    m.idle("crosspage publish, 1 idle", 1, overwrite)?;
    m.idle("crosspage publish, 64 idle", CROWD, overwrite)?;
    let futex = |shared: &Shared| raw::futex_wake(&shared.futex.0);
    m.parked("raw futex, wake of 1", Way::Futex, 1, futex)?;
    m.parked("raw futex, wake of 64", Way::Futex, CROWD, futex)?;
    let mut publish = |_: &Shared| overwrite.send(1);
    m.parked(
        "crosspage overwrite, publish to 1 parked",
        OVERWRITE,
        1,
        &mut publish,
    )?;
    m.parked(
        "crosspage overwrite, publish to 64 parked",
        OVERWRITE,
        CROWD,
        publish,
    )?;
    let mut publish = |_: &Shared| block.send(1);
    m.parked(
        "crosspage block, publish to 1 parked",
        BLOCK,
        1,
        &mut publish,
    )?;
    m.parked(
        "crosspage block, publish to 64 parked",
        BLOCK,
        CROWD,
        publish,
    )
}

/// The publishers to many.
struct Crowds {
    overwrite: crosspage::Crowd,
    block: crosspage::Crowd,
}

/// The rows of the table of targets that this suite can judge: `formula` names the row that `measured` is
/// compared with, and by how much.
fn targets(summary: &Summary) -> Vec<Target> {
    let near = summary.placement == "near";
    let mut targets = Vec::new();
    let mut target = |what, row: &str, factor: f64, than: &str, formula| {
        if let (Some(measured), Some(than)) = (summary.ns(row), summary.ns(than)) {
            targets.push(Target {
                what,
                measured,
                limit: factor * than,
                formula,
            });
        }
    };
    let row = "crosspage overwrite, one way";
    target(
        "one way, overwrite",
        row,
        1.15,
        "ring, one way",
        "1.15 × ring",
    );
    let than = "iceoryx2 overflow, one way";
    match near {
        true => target(
            "one way, overwrite",
            row,
            1.0 / 4.0,
            than,
            "1/4 of iceoryx2",
        ),
        false => target(
            "one way, overwrite",
            row,
            1.0 / 2.7,
            than,
            "1/2.7 of iceoryx2",
        ),
    }
    let row = "crosspage block, one way";
    target("one way, block", row, 1.15, "ring, one way", "1.15 × ring");
    let than = "iceoryx2 retry, one way";
    match near {
        true => target("one way, block", row, 1.0 / 4.0, than, "1/4 of iceoryx2"),
        false => target("one way, block", row, 1.0 / 2.7, than, "1/2.7 of iceoryx2"),
    }
    for (what, row, small, than) in [
        (
            "loan of 1 MiB, one way, overwrite",
            "crosspage overwrite, loan of 1 MiB, one way",
            "crosspage overwrite, one way",
            "iceoryx2 overflow, loan of 1 MiB, one way",
        ),
        (
            "loan of 1 MiB, one way, block",
            "crosspage block, loan of 1 MiB, one way",
            "crosspage block, one way",
            "iceoryx2 retry, loan of 1 MiB, one way",
        ),
    ] {
        target(what, row, 1.3, small, "1.3 × 64 bytes, one way");
        match near {
            true => target(what, row, 1.0 / 3.0, than, "1/3 of iceoryx2's loan"),
            false => target(what, row, 1.0 / 2.0, than, "1/2 of iceoryx2's loan"),
        }
    }
    for (what, row, than) in [
        (
            "stream, block",
            "crosspage block, stream",
            "iceoryx2 retry, stream",
        ),
        (
            "stream, overwrite",
            "crosspage overwrite, stream",
            "iceoryx2 overflow, stream",
        ),
    ] {
        target(what, row, 1.0 / 0.9, "ring, stream", "ring / 0.9");
        target(what, row, 1.0 / 5.0, than, "1/5 of iceoryx2");
    }
    for (what, row) in [
        (
            "stream in batches, block",
            "crosspage block, stream in batches",
        ),
        (
            "stream in batches, overwrite",
            "crosspage overwrite, stream in batches",
        ),
    ] {
        let than = "ring in place, stream";
        target(what, row, 2.0, than, "ring in place / 0.5");
        let than = "ring in place, stream in batches";
        target(what, row, 2.0, than, "ring in place, in batches / 0.5");
    }
    for (what, row) in [
        ("wake-up, overwrite", "crosspage overwrite, wake-up"),
        ("wake-up, block", "crosspage block, wake-up"),
    ] {
        target(what, row, 1.1, "raw futex, wake-up", "1.1 × raw futex");
    }
    for (what, row, than) in [
        (
            "publish, 64 idle",
            "crosspage publish, 64 idle",
            "crosspage publish, 1 idle",
        ),
        (
            "publish to 64 parked, overwrite",
            "crosspage overwrite, publish to 64 parked",
            "crosspage overwrite, publish to 1 parked",
        ),
        (
            "publish to 64 parked, block",
            "crosspage block, publish to 64 parked",
            "crosspage block, publish to 1 parked",
        ),
    ] {
        target(what, row, 1.1, than, "1.1 × the same with one");
    }
    targets
}

/// The streams in which messages may be lost, and the share that was: those do not count as received.
fn notes(lost: &[(&'static str, f64)]) -> String {
    if lost.is_empty() {
        return String::new();
    }
    let lost: Vec<String> = lost
        .iter()
        .map(|(row, share)| format!("{row}: {:.1} %", share * 100.0))
        .collect();
    format!("lost, since the receiver was slower: {}\n", lost.join("; "))
}
