//! The clock, and what is made of its readings.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Operations between two readings of the clock, for figures below its own cost.
pub const BATCH: usize = 64;

/// A reading of the cheapest clock there is, ordered after what came before and before what follows.
#[inline(always)]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has SSE2 and the time stamp counter.
    unsafe {
        core::arch::x86_64::_mm_lfence();
        let now = core::arch::x86_64::_rdtsc();
        core::arch::x86_64::_mm_lfence();
        now
    }
    #[cfg(not(target_arch = "x86_64"))]
    monotonic_ns()
}

/// Nanoseconds of the monotonic clock, which both processes share.
#[inline(always)]
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Nanoseconds a tick.
fn scale() -> f64 {
    static SCALE: OnceLock<f64> = OnceLock::new();
    *SCALE.get_or_init(|| {
        let (began, first) = (Instant::now(), ticks());
        while began.elapsed() < Duration::from_millis(50) {}
        let (took, last) = (began.elapsed(), ticks());
        took.as_nanos() as f64 / (last - first) as f64
    })
}

/// What two readings with nothing in between differ by, in ns: part of every single-operation figure.
pub fn clock_overhead() -> f64 {
    let mut seen: Vec<u64> = (0..10_001)
        .map(|_| 0u64.wrapping_sub(ticks()).wrapping_add(ticks()))
        .collect();
    seen.sort_unstable();
    seen[seen.len() / 2] as f64 * scale()
}

/// The figures of one row in one repetition, in ns an operation.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Median over batches of the mean in the batch; none for operations that are timed singly only.
    pub batch: Option<f64>,
    /// None where single operations cannot be told apart.
    pub single: Option<Single>,
}

/// Operations timed one by one, the clock included.
#[derive(Debug, Clone, Copy)]
pub struct Single {
    pub p50: f64,
    pub p99: f64,
}

impl Figures {
    /// Of half the operation: of one way of a round trip.
    pub fn halved(self) -> Figures {
        Figures {
            batch: self.batch.map(|ns| ns / 2.0),
            single: self.single.map(|single| Single {
                p50: single.p50 / 2.0,
                p99: single.p99 / 2.0,
            }),
        }
    }
}

/// How much to measure in one repetition.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub batches: usize,
    pub singles: usize,
    pub slow: usize,
}

/// Times `operation` in batches and then singly.
pub fn time<R>(effort: Effort, mut operation: impl FnMut() -> R) -> Figures {
    time_while(effort, &mut operation, || true).0
}

/// Times `operation` in batches and then singly, as long as `disturbed` says after each batch that
/// what should disturb it did so: elsewhere the batch does not count. Also tells which share of the
/// time counts; where hardly any does, the figures are of what there is.
pub fn time_while<R>(
    effort: Effort,
    mut operation: impl FnMut() -> R,
    mut disturbed: impl FnMut() -> bool,
) -> (Figures, f64) {
    for _ in 0..BATCH * 20 {
        black_box(&operation());
    }
    let mut share = Share { counted: 0, all: 0 };
    let mut batches = collect(effort.batches, &mut disturbed, &mut share, |durations| {
        let before = ticks();
        for _ in 0..BATCH {
            black_box(&operation());
        }
        durations.push(ticks() - before);
    });
    let mut singles = collect(effort.singles, &mut disturbed, &mut share, |durations| {
        for _ in 0..BATCH {
            let before = ticks();
            black_box(&operation());
            durations.push(ticks() - before);
        }
    });
    let batch = percentile(&mut batches, 0.5) * scale() / BATCH as f64;
    let figures = Figures {
        batch: Some(batch),
        single: Some(single(&mut singles, scale())),
    };
    (figures, share.counted as f64 / share.all as f64)
}

/// The time of the samples that count, and of all.
struct Share {
    counted: u64,
    all: u64,
}

/// Durations from `sample`, as many as are `wanted`: of those samples that were `disturbed`. After
/// two seconds 200 samples are enough, and what is missing of those is taken undisturbed.
fn collect(
    wanted: usize,
    disturbed: &mut impl FnMut() -> bool,
    share: &mut Share,
    mut sample: impl FnMut(&mut Vec<u64>),
) -> Vec<u64> {
    let began = Instant::now();
    let mut durations = Vec::with_capacity(wanted + BATCH);
    while durations.len() < wanted {
        let before = durations.len();
        sample(&mut durations);
        let took: u64 = durations[before..].iter().sum();
        share.all += took;
        let enough = before >= 200 * (durations.len() - before);
        let late = began.elapsed() > Duration::from_secs(2);
        if disturbed() {
            share.counted += took;
        } else if enough || !late {
            durations.truncate(before);
        }
        if enough && late {
            break;
        }
    }
    durations
}

/// Times single operations whose result is put away (closed, unmapped) outside the timing.
pub fn time_singly<R, E>(
    n: usize,
    mut operation: impl FnMut() -> Result<R, E>,
) -> Result<Figures, E> {
    let mut singles = Vec::with_capacity(n);
    for i in 0..n + n / 10 + 1 {
        let before = ticks();
        let result = black_box(operation()?);
        let took = ticks() - before;
        drop(result);
        if i > n / 10 {
            singles.push(took);
        }
    }
    Ok(Figures {
        batch: None,
        single: Some(single(&mut singles, scale())),
    })
}

/// Figures from durations that were measured elsewhere, in ns.
pub fn from_ns(mut durations: Vec<u64>) -> Figures {
    Figures {
        batch: None,
        single: Some(single(&mut durations, 1.0)),
    }
}

/// Figures from means over batches, in ns.
pub fn from_means(means: Vec<f64>) -> Figures {
    Figures {
        batch: Some(median(means)),
        single: None,
    }
}

fn single(durations: &mut [u64], scale: f64) -> Single {
    Single {
        p50: percentile(durations, 0.5) * scale,
        p99: percentile(durations, 0.99) * scale,
    }
}

fn percentile(values: &mut [u64], at: f64) -> f64 {
    values.sort_unstable();
    values[((values.len() - 1) as f64 * at).round() as usize] as f64
}

/// The middle of some numbers.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    if n % 2 == 1 {
        values[n / 2]
    } else {
        (values[n / 2 - 1] + values[n / 2]) / 2.0
    }
}
