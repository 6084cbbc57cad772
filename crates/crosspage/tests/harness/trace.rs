//! A victim is run under ptrace, to be killed or left at any of its instructions.
//!
//! One run is single-stepped through crosspage's own functions; what they call elsewhere (std, libc,
//! the kernel) is one step, unless it calls back into them. The trace says by which arrivals each
//! point is found again, so that later victims come there at full speed, by a few breakpoints.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use super::look::Looker;
use super::sys::{self, Pid, Status};

/// `int3`.
const BREAK: u8 = 0xcc;

/// A process that does nothing but what its tracer lets it do.
pub struct Victim {
    pid: Pid,
    memory: File,
    /// Breakpoints, and the bytes under them.
    breaks: HashMap<u64, u8>,
    /// As of its last stop.
    registers: libc::user_regs_struct,
    over: bool,
}

/// Where a victim has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// At this instruction, not yet executed.
    Pc(u64),
    /// At its next [`sys::marker`].
    Marker,
    /// At the beginning or end of a system call.
    Call,
}

impl Victim {
    /// A victim at its first marker. `body` prepares what it needs, calls [`sys::marker`], does what it
    /// is there for, and calls it again.
    pub fn new(body: impl FnOnce()) -> Victim {
        let pid = sys::fork(|| {
            ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
            body();
            0
        });
        match sys::wait(pid) {
            Status::Stopped(libc::SIGSTOP) => {}
            other => panic!("the victim did not come to its start: {other:?}"),
        }
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        ptrace(libc::PTRACE_SETOPTIONS, pid, 0, options as u64);
        super::watch::add(pid);
        let memory = File::options()
            .read(true)
            .write(true)
            .open(format!("/proc/{pid}/mem"))
            .expect("a tracer may write to its victim");
        let mut victim = Victim {
            pid,
            memory,
            breaks: HashMap::new(),
            // SAFETY: plain integers, for which zero is valid.
            registers: unsafe { std::mem::zeroed() },
            over: false,
        };
        victim.get_registers();
        victim
    }

    /// One instruction; in a system call, all of it.
    fn step(&mut self) -> At {
        let pc = self.registers.rip;
        let under = self.breaks.get(&pc).copied();
        if let Some(byte) = under {
            self.poke(pc, byte);
        }
        let at = self.resume(libc::PTRACE_SINGLESTEP);
        if under.is_some() {
            self.poke(pc, BREAK);
        }
        at
    }

    /// To the next breakpoint or marker, or with `PTRACE_SYSCALL` to the next system call. The
    /// breakpoint where it is does not count.
    fn go(&mut self, how: libc::c_uint) -> At {
        if self.breaks.contains_key(&self.registers.rip) {
            match self.step() {
                At::Pc(pc) if self.breaks.contains_key(&pc) => return At::Pc(pc),
                At::Pc(_) => {}
                other => return other,
            }
        }
        let pc = match self.resume(how) {
            At::Pc(after) => after - 1,
            other => return other,
        };
        assert!(
            self.breaks.contains_key(&pc),
            "a trap at {} that nobody set",
            binary().symbol(pc)
        );
        self.registers.rip = pc;
        let data = std::ptr::from_ref(&self.registers) as u64;
        ptrace(libc::PTRACE_SETREGS, self.pid, 0, data);
        At::Pc(pc)
    }

    /// To the point that a trace has found; [`At::Marker`] if the marker comes first.
    pub fn follow(&mut self, route: &[u64]) -> At {
        let mut at = At::Pc(0);
        for &pc in route {
            self.set_break(pc);
            at = self.go(libc::PTRACE_CONT);
            self.clear_break(pc);
            if at == At::Marker {
                break;
            }
        }
        at
    }

    /// To the `n`th beginning or end of a system call.
    pub fn follow_calls(&mut self, n: usize) -> At {
        let mut at = At::Call;
        for _ in 0..n {
            at = self.go(libc::PTRACE_SYSCALL);
            if at == At::Marker {
                break;
            }
        }
        at
    }

    /// To the next marker at full speed.
    pub fn run(&mut self) -> At {
        self.go(libc::PTRACE_CONT)
    }

    fn resume(&mut self, how: libc::c_uint) -> At {
        ptrace(how, self.pid, 0, 0);
        self.registers.rip = 0;
        match sys::wait(self.pid) {
            Status::Stopped(libc::SIGTRAP) => {
                self.get_registers();
                At::Pc(self.registers.rip)
            }
            Status::Stopped(libc::SIGSTOP) => At::Marker,
            // PTRACE_O_TRACESYSGOOD
            Status::Stopped(signal) if signal == libc::SIGTRAP | 0x80 => At::Call,
            other => self.unexpected(other),
        }
    }

    fn unexpected(&mut self, status: Status) -> ! {
        if let Status::Stopped(_) = status {
            self.get_registers();
            let pc = self.registers.rip;
            panic!("the victim got {status:?} at {}", binary().symbol(pc));
        }
        self.over = true;
        panic!("the victim ended before its time: {status:?}");
    }

    fn get_registers(&mut self) {
        let data = std::ptr::from_mut(&mut self.registers) as u64;
        ptrace(libc::PTRACE_GETREGS, self.pid, 0, data);
    }

    fn peek(&self, at: u64) -> u64 {
        let mut word = [0; 8];
        // What is not readable is no return address either.
        let _ = self.memory.read_exact_at(&mut word, at);
        u64::from_ne_bytes(word)
    }

    fn poke(&self, at: u64, byte: u8) {
        self.memory.write_all_at(&[byte], at).expect("its text");
    }

    fn set_break(&mut self, at: u64) {
        let mut byte = [0];
        self.memory.read_exact_at(&mut byte, at).expect("its text");
        if self.breaks.insert(at, byte[0]).is_none() {
            self.poke(at, BREAK);
        }
    }

    fn clear_break(&mut self, at: u64) {
        if let Some(byte) = self.breaks.remove(&at) {
            self.poke(at, byte);
        }
    }
}

impl Drop for Victim {
    /// SIGKILL, wherever it is.
    fn drop(&mut self) {
        super::watch::forget(self.pid);
        if !self.over {
            sys::kill(self.pid);
        }
    }
}

/// What a victim does between its markers.
pub struct Trace {
    /// The instructions of crosspage's own functions, in the order of their execution.
    pub pcs: Vec<u64>,
    /// Those of them before which something changed that others can see in the files.
    pub effects: Vec<usize>,
    /// Beginnings and ends of system calls.
    pub calls: usize,
    /// The last execution of the same instruction before, plus one; zero: none.
    before: Vec<usize>,
}

impl Trace {
    /// Runs a victim to its second marker, step by step.
    pub fn of(mut victim: Victim, steps_into: fn(&str) -> bool, mut looker: Looker) -> Trace {
        let mut trace = Trace {
            pcs: Vec::new(),
            effects: Vec::new(),
            calls: 0,
            before: Vec::new(),
        };
        let binary = binary();
        let entries: Vec<u64> = binary.entries(steps_into).collect();
        let ours = |pc| binary.function(pc).is_some_and(|f| steps_into(&f.name));
        for &entry in &entries {
            victim.set_break(entry);
        }
        // Where calls out of crosspage come back to, and the stack pointer they come back with.
        let mut returns: Vec<(u64, u64)> = Vec::new();
        let mut last: HashMap<u64, usize> = HashMap::new();
        let mut at = victim.go(libc::PTRACE_SYSCALL);
        loop {
            let pc = match at {
                At::Marker => break,
                At::Call => {
                    trace.calls += 1;
                    looker.names_may_have_changed();
                    at = victim.go(libc::PTRACE_SYSCALL);
                    continue;
                }
                At::Pc(pc) => pc,
            };
            let stack = victim.registers.rsp;
            if let Some(&(back, below)) = returns.last()
                && back == pc
            {
                if stack <= below {
                    // The same place, deeper in a recursion.
                    at = victim.go(libc::PTRACE_SYSCALL);
                    continue;
                }
                returns.pop();
                if returns.iter().all(|&(other, _)| other != back) && !entries.contains(&back) {
                    victim.clear_break(back);
                }
            }
            if looker.sees_a_change() {
                trace.effects.push(trace.pcs.len());
            }
            trace.before.push(last.get(&pc).map_or(0, |at| at + 1));
            last.insert(pc, trace.pcs.len());
            trace.pcs.push(pc);
            at = victim.step();
            let At::Pc(next) = at else { continue };
            if ours(next) {
                continue;
            }
            // Left by a call (or a jump at a function's end), or by a return to who called in?
            let now = victim.registers.rsp;
            let back = victim.peek(now);
            if now <= stack && ours(back) {
                returns.push((back, now));
                victim.set_break(back);
            }
            at = victim.go(libc::PTRACE_SYSCALL);
        }
        trace
    }

    /// How many points there are at which its process can be killed.
    pub fn points(&self) -> usize {
        self.pcs.len() + 1 + self.calls
    }

    /// The arrivals, one after the other, by which a point is found again.
    pub fn route(&self, to: usize) -> Vec<u64> {
        let mut route = Vec::new();
        let mut from = 0;
        while from <= to {
            // The last instruction up to `to` that is not executed earlier from here on.
            let next = (from..=to).rev().find(|&i| self.before[i] <= from);
            let next = next.expect("`from` itself is one");
            route.push(self.pcs[next]);
            from = next + 1;
        }
        route
    }
}

fn ptrace(request: libc::c_uint, pid: Pid, at: u64, data: u64) {
    // SAFETY: the requests above get the addresses that ptrace(2) wants of them.
    let result = unsafe { libc::ptrace(request, pid, at, data) };
    if result == -1 {
        panic!(
            "ptrace({request}, {pid}): {}",
            std::io::Error::last_os_error()
        );
    }
}

/// This program's own functions.
pub struct Binary {
    base: u64,
    functions: Vec<Function>,
}

struct Function {
    start: u64,
    end: u64,
    name: String,
}

/// Of this process, and so of its forked children.
pub fn binary() -> &'static Binary {
    static BINARY: OnceLock<Binary> = OnceLock::new();
    BINARY.get_or_init(|| Binary::load().expect("this program's own ELF file has symbols"))
}

impl Binary {
    fn load() -> Option<Binary> {
        let exe = std::fs::read_link("/proc/self/exe").ok()?;
        let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
        let first = maps
            .lines()
            .find(|line| line.ends_with(exe.to_str().unwrap_or("?")))?;
        let base = u64::from_str_radix(first.split_once('-')?.0, 16).ok()?;
        let functions = functions(&std::fs::read(&exe).ok()?)?;
        (!functions.is_empty()).then_some(Binary { base, functions })
    }

    fn function(&self, pc: u64) -> Option<&Function> {
        let at = pc.checked_sub(self.base)?;
        let next = self
            .functions
            .partition_point(|function| function.start <= at);
        self.functions[..next]
            .last()
            .filter(|function| at < function.end)
    }

    fn entries(&self, which: fn(&str) -> bool) -> impl Iterator<Item = u64> {
        let functions = self.functions.iter().filter(move |f| which(&f.name));
        functions.map(|function| self.base + function.start)
    }

    /// For people.
    pub fn symbol(&self, pc: u64) -> String {
        match self.function(pc) {
            Some(Function { start, name, .. }) => format!("{name}+{:#x}", pc - self.base - start),
            None => format!("{pc:#x}"),
        }
    }
}

/// The functions in an ELF file's symbol table (gabi, chapter 4), by address.
fn functions(elf: &[u8]) -> Option<Vec<Function>> {
    const SHT_SYMTAB: u64 = 2;
    const STT_FUNC: u8 = 2;
    let number = |at: usize, len: usize| {
        let bytes = elf.get(at..at + len)?.iter().rev();
        Some(bytes.fold(0u64, |number, &byte| number << 8 | u64::from(byte)))
    };
    let word = |at: usize| number(at, 8);
    let (sections, size, count) = (word(0x28)? as usize, number(0x3a, 2)?, number(0x3c, 2)?);
    let section = |i: u64| sections + (i * size) as usize;
    let mut found = Vec::new();
    for table in (0..count).map(section) {
        if number(table + 4, 4)? != SHT_SYMTAB {
            continue;
        }
        let (symbols, len) = (word(table + 0x18)? as usize, word(table + 0x20)? as usize);
        let strings = word(section(number(table + 0x28, 4)?) + 0x18)? as usize;
        for symbol in (symbols..symbols + len).step_by(24) {
            let (start, size) = (word(symbol + 8)?, word(symbol + 16)?);
            if elf.get(symbol + 4)? & 0xf != STT_FUNC || size == 0 {
                continue;
            }
            let name = elf.get(strings + number(symbol, 4)? as usize..)?;
            let name = &name[..name.iter().position(|&byte| byte == 0)?];
            let name = String::from_utf8_lossy(name).into_owned();
            found.push(Function {
                start,
                end: start + size,
                name,
            });
        }
    }
    found.sort_by_key(|function| function.start);
    found.dedup_by_key(|function| function.start);
    Some(found)
}

/// The functions whose return addresses are on the stack of a process that hangs, as far as one can
/// tell without unwinding.
pub fn stack(pid: Pid) -> Vec<String> {
    // SAFETY: plain call; where it is refused (somebody else traces it), there is no stack.
    if unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) } == -1 {
        return Vec::new();
    }
    ptrace(libc::PTRACE_INTERRUPT, pid, 0, 0);
    sys::wait(pid);
    let memory = File::open(format!("/proc/{pid}/mem")).expect("a tracer may read it");
    let mut stopped = Victim {
        pid,
        memory,
        breaks: HashMap::new(),
        // SAFETY: plain integers, for which zero is valid.
        registers: unsafe { std::mem::zeroed() },
        over: true,
    };
    stopped.get_registers();
    let (pc, stack) = (stopped.registers.rip, stopped.registers.rsp);
    let words = (0..4000).map(|i| stopped.peek(stack + 8 * i));
    let calls = words.filter(|&word| {
        // What is behind a `call` (e8, or ff 15 through a pointer) in our functions.
        let before = stopped.peek(word.wrapping_sub(8)).to_le_bytes();
        let called = before[3] == 0xe8 || before[2..4] == [0xff, 0x15];
        let function = binary().function(word).filter(|_| called);
        function.is_some_and(|f| f.name.starts_with("_ZN9crosspage") || f.name.contains("7harness"))
    });
    std::iter::once(pc)
        .chain(calls)
        .map(|pc| binary().symbol(pc))
        .take(20)
        .collect()
}
