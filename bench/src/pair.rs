//! Two processes on two CPUs: this one measures, the other writes or answers.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::measure::{self, Effort};

/// What both processes see; each word on a line of its own.
#[repr(C)]
pub struct Shared {
    /// Ends what the other process was told to do.
    pub stop: Line<AtomicU32>,
    pub ping: Line<AtomicU64>,
    pub pong: Line<AtomicU64>,
    /// A raw futex word.
    pub futex: Line<AtomicU32>,
    /// When the other process wrote or woke, on the monotonic clock.
    pub sent: Line<AtomicU64>,
    /// Asks the other process to answer 100 µs later.
    pub request: Line<AtomicU64>,
    /// How many messages the other process is to send.
    pub count: Line<AtomicU64>,
    /// Counted up by the other process with each message that one of its threads received.
    pub received: Line<AtomicU64>,
    pub seqlock: crate::method::seqlock::Cell,
    /// From the measuring process to the other.
    pub there: crate::method::ring::Ring,
    /// From the other process to the measuring one.
    pub back: crate::method::ring::Ring,
}

#[repr(C, align(128))]
pub struct Line<T>(pub T);

/// What a suite has the other process do until [`Shared::stop`], or as often as [`Shared::count`] says.
pub trait Task: Copy + PartialEq + 'static {
    /// Both processes are of one program, so a place in this list names a task.
    const ALL: &'static [Self];
}

/// How often the other process writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Pace {
    Never,
    KiloHertz,
    FlatOut,
}

/// The command to echo `ping` in `pong`; the others are places in [`Task::ALL`].
const ECHO: u8 = u8::MAX;

/// The other process, seen from the one that measures.
pub struct Peer {
    pub shared: &'static Shared,
    commands: File,
    answers: File,
    pub pid: libc::pid_t,
}

/// The process that measures, seen from the other.
pub struct Orders {
    pub shared: &'static Shared,
    commands: File,
    answers: File,
}

/// Which of the two this process is after [`fork`].
pub enum Side {
    Measuring(Peer),
    Other(Orders),
}

/// Makes the pair. Must be called while the process has one thread.
pub fn fork() -> io::Result<Side> {
    let cpus = two_cpus()?;
    let shared = map_shared()?;
    let (commands_out, commands_in) = pipe()?;
    let (answers_out, answers_in) = pipe()?;
    // SAFETY: this process has one thread, so the child may go on as usual.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: takes integers only. The child must not outlive a killed parent.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            drop((commands_in, answers_out));
            pin(cpus.1)?;
            Ok(Side::Other(Orders {
                shared,
                commands: commands_out,
                answers: answers_in,
            }))
        }
        pid => {
            pin(cpus.0)?;
            Ok(Side::Measuring(Peer {
                shared,
                commands: commands_in,
                answers: answers_out,
                pid,
            }))
        }
    }
}

impl Peer {
    /// Waits until the other process has made what it makes at first.
    pub fn wait_ready(&mut self) -> io::Result<()> {
        self.answers.read_exact(&mut [0])
    }

    /// Calls `measure` while the other process does `task`.
    pub fn during<T: Task, R>(
        &mut self,
        task: T,
        measure: impl FnOnce(&'static Shared) -> R,
    ) -> io::Result<R> {
        let place = T::ALL.iter().position(|known| *known == task);
        let place = place.ok_or_else(|| io::Error::other("a task that its suite does not list"))?;
        self.command(place as u8, measure)
    }

    fn command<R>(
        &mut self,
        command: u8,
        measure: impl FnOnce(&'static Shared) -> R,
    ) -> io::Result<R> {
        self.shared.stop.0.store(0, Ordering::SeqCst);
        self.commands.write_all(&[command])?;
        self.answers.read_exact(&mut [0])?;
        let result = measure(self.shared);
        self.shared.stop.0.store(1, Ordering::SeqCst);
        self.answers.read_exact(&mut [0])?;
        Ok(result)
    }

    /// Half a round trip of one cache line between the two CPUs, in ns: the median over batches, so
    /// that it means the CPUs even where others use them, too.
    pub fn line_latency(&mut self, effort: Effort) -> io::Result<f64> {
        self.command(ECHO, |shared| {
            let mut turn = shared.pong.0.load(Ordering::Relaxed);
            let round_trip = || {
                turn += 1;
                shared.ping.0.store(turn, Ordering::Release);
                while shared.pong.0.load(Ordering::Acquire) != turn {
                    std::hint::spin_loop();
                }
            };
            let figures = measure::time(effort, round_trip).halved();
            figures.batch.expect("it is timed in batches")
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.stop.0.store(1, Ordering::SeqCst);
        // An end of the commands ends the other process; it cleans up what it made.
        if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
            drop(std::mem::replace(&mut self.commands, nowhere));
        }
        // SAFETY: waits for our own child; a null status pointer is allowed.
        unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), 0) };
    }
}

impl Orders {
    /// Says that everything is there.
    pub fn ready(&mut self) -> io::Result<()> {
        self.answers.write_all(&[1])
    }

    /// Calls `work` for each task until the measuring process ends.
    pub fn serve<T: Task>(&mut self, mut work: impl FnMut(&'static Shared, T)) -> io::Result<()> {
        let mut command = [0];
        while self.commands.read_exact(&mut command).is_ok() {
            self.answers.write_all(&[1])?;
            match command[0] {
                ECHO => self.shared.echo(),
                place => work(self.shared, T::ALL[usize::from(place)]),
            }
            self.answers.write_all(&[1])?;
        }
        Ok(())
    }
}

impl Shared {
    /// Whether the task is over.
    #[inline(always)]
    pub fn stopped(&self) -> bool {
        self.stop.0.load(Ordering::Relaxed) != 0
    }

    /// The other side of [`Peer::line_latency`].
    fn echo(&self) {
        while !self.stopped() {
            let turn = self.ping.0.load(Ordering::Acquire);
            self.pong.0.store(turn, Ordering::Release);
        }
    }

    /// Calls `write` with 1, 2, … at the pace.
    pub fn write_at(&self, pace: Pace, mut write: impl FnMut(u64)) {
        let mut n = 0;
        let mut next = measure::monotonic_ns();
        while !self.stopped() {
            match pace {
                Pace::Never => std::thread::sleep(std::time::Duration::from_millis(1)),
                Pace::FlatOut => {
                    n += 1;
                    write(n);
                }
                Pace::KiloHertz => {
                    next += 1_000_000;
                    let left = next.saturating_sub(measure::monotonic_ns());
                    std::thread::sleep(std::time::Duration::from_nanos(left));
                    n += 1;
                    write(n);
                }
            }
        }
    }

    /// Waits for requests and calls `answer` 100 µs after each.
    pub fn answer_requests(&self, mut answer: impl FnMut(u64)) {
        let mut seen = self.request.0.load(Ordering::Acquire);
        while !self.stopped() {
            let request = self.request.0.load(Ordering::Acquire);
            if request == seen {
                std::hint::spin_loop();
                continue;
            }
            seen = request;
            let until = measure::monotonic_ns() + 100_000;
            while measure::monotonic_ns() < until {
                std::hint::spin_loop();
            }
            answer(request);
        }
    }
}

fn map_shared() -> io::Result<&'static Shared> {
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_SHARED | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping at a place that the kernel chooses replaces nothing.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<Shared>(),
            protection,
            flags,
            -1,
            0,
        )
    };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: mapped for ever, page-aligned, large enough; zero bytes are valid atomics.
    Ok(unsafe { &*base.cast::<Shared>() })
}

fn pipe() -> io::Result<(File, File)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just opened and belong to nobody else.
    Ok(unsafe { (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1])) })
}

/// The first two CPUs that this process may use.
fn two_cpus() -> io::Result<(usize, usize)> {
    // SAFETY: all-zero bytes are a valid (empty) set.
    let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `allowed` is a valid place for a set of its size.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut allowed) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the index stays below the set's capacity.
    let mut cpus =
        (0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &allowed) });
    match (cpus.next(), cpus.next()) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(io::Error::other(
            "two CPUs are needed, this process may use one",
        )),
    }
}

fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid (empty) set, and `cpu` came from such a set.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: `set` is valid and of the size given.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
