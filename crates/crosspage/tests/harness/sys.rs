//! The system calls that these tests need, without their pointers.

use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::stopwatch::Stopwatch;

pub type Pid = libc::pid_t;

/// Why a child was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Exited(i32),
    Killed(i32),
    Stopped(i32),
}

impl Status {
    /// As [`Child::end`] does it.
    pub fn is_killed(self) -> bool {
        self == Status::Killed(libc::SIGKILL)
    }

    /// It came to its end.
    pub fn is_well(self) -> bool {
        self == Status::Exited(0)
    }
}

fn check<N: PartialEq + From<i8>>(what: &str, result: N) -> N {
    if result == N::from(-1) {
        panic!("{what}: {}", io::Error::last_os_error());
    }
    result
}

/// Runs `child` in a forked process, which ends with the code that it returns (101 after a panic),
/// and which dies with its parent.
pub fn fork(child: impl FnOnce() -> i32) -> Pid {
    let parent = pid();
    // SAFETY: this binary has one thread only, so the child may do what the parent may.
    let pid = check("fork", unsafe { libc::fork() });
    if pid != 0 {
        return pid;
    }
    // SAFETY: plain calls. `_exit` runs no destructors: handles of the parent stay the parent's.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            libc::_exit(1);
        }
        let code = std::panic::catch_unwind(AssertUnwindSafe(child)).unwrap_or(101);
        libc::_exit(code)
    }
}

pub fn wait(pid: Pid) -> Status {
    let mut status = 0;
    loop {
        // SAFETY: `status` is writable.
        let result = unsafe { libc::waitpid(pid, &mut status, libc::__WALL) };
        if result == -1 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
            continue;
        }
        check("waitpid", result);
        return decode(status);
    }
}

fn decode(status: i32) -> Status {
    if libc::WIFEXITED(status) {
        Status::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Status::Killed(libc::WTERMSIG(status))
    } else {
        Status::Stopped(libc::WSTOPSIG(status))
    }
}

pub fn signal(pid: Pid, signal: i32) {
    // SAFETY: plain call.
    check("kill", unsafe { libc::kill(pid, signal) });
}

/// Kills and reaps.
pub fn kill(pid: Pid) {
    signal(pid, libc::SIGKILL);
    while let Status::Stopped(_) = wait(pid) {}
}

pub fn pid() -> Pid {
    // SAFETY: plain call.
    unsafe { libc::getpid() }
}

/// When this process began, as the system counts it: proc(5), field 22 of stat.
pub fn began() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is there");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    let field = fields.split_whitespace().nth(19).expect("there are more");
    field.parse().expect("a number")
}

pub fn uid() -> u32 {
    // SAFETY: plain call.
    unsafe { libc::geteuid() }
}

fn gid() -> u32 {
    // SAFETY: plain call.
    unsafe { libc::getegid() }
}

pub fn parent() -> Pid {
    // SAFETY: plain call.
    unsafe { libc::getppid() }
}

/// Stops this process until somebody lets it go on: how a victim says where it is.
#[inline(never)]
pub fn marker() {
    // SAFETY: plain call.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Gives this process and its children a `/dev/shm` of their own.
pub fn isolate() -> io::Result<()> {
    let (uid, gid) = (uid(), gid());
    let flags = match uid {
        0 => libc::CLONE_NEWNS,
        _ => libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
    };
    // SAFETY: plain call; this process has one thread.
    if unsafe { libc::unshare(flags) } == -1 {
        return Err(io::Error::last_os_error());
    }
    if uid != 0 {
        // user_namespaces(7): a process may map its own user.
        std::fs::write("/proc/self/setgroups", "deny")?;
        std::fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
        std::fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))?;
    }
    let private = libc::MS_REC | libc::MS_PRIVATE;
    mount_with("none", Path::new("/"), private, "")?;
    mount_with("tmpfs", Path::new("/dev/shm"), 0, "size=64m,mode=1777")?;
    ISOLATED.store(true, Ordering::Relaxed);
    Ok(())
}

/// Whether what is mounted now is mounted for these processes alone.
static ISOLATED: AtomicBool = AtomicBool::new(false);

/// Whether [`container`] works here.
pub fn may_contain() -> bool {
    // SAFETY: plain call; the child has one thread.
    let pid = fork(|| unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWPID) });
    ISOLATED.load(Ordering::Relaxed) && wait(pid) == Status::Exited(0)
}

/// Runs `body` as the first process of a container: with processes and mounts of its own, among which the
/// directory `volume` lies at `on`. It dies with the one that is returned.
pub fn container(volume: &Path, on: &Path, body: impl FnOnce() -> i32) -> Child {
    Child::new(|| {
        // SAFETY: plain calls; this binary has one thread only.
        unsafe {
            check(
                "unshare",
                libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWPID),
            );
            mount_with(volume.to_str().expect("UTF-8"), on, libc::MS_BIND, "").expect("mount");
            let first = check("fork", libc::fork());
            if first == 0 {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                libc::_exit(std::panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or(101));
            }
            match wait(first) {
                Status::Exited(code) => code,
                _ => 1,
            }
        }
    })
}

/// Mounts a file system that needs no device, for this process and its children alone.
pub fn mount(kind: &str, on: &Path, options: &str) -> io::Result<()> {
    if !ISOLATED.load(Ordering::Relaxed) {
        return Err(io::Error::other("these tests share the mounts of others"));
    }
    mount_with(kind, on, 0, options)
}

fn mount_with(kind: &str, on: &Path, flags: libc::c_ulong, options: &str) -> io::Result<()> {
    let c = |text: &str| CString::new(text).expect("no NUL");
    let (kind, on, options) = (c(kind), c(on.to_str().expect("UTF-8")), c(options));
    // SAFETY: NUL-terminated strings.
    let done = unsafe {
        libc::mount(
            kind.as_ptr(),
            on.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    };
    if done == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

pub fn unmount(on: &Path) {
    let on = CString::new(on.to_str().expect("UTF-8")).expect("no NUL");
    // SAFETY: a NUL-terminated string.
    check("umount", unsafe { libc::umount(on.as_ptr()) });
}

/// Becomes another user, as only root may.
pub fn become_user(uid: u32) -> io::Result<()> {
    // SAFETY: plain calls; the list of groups is empty.
    let done = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(uid, uid, uid) == 0
            && libc::setresuid(uid, uid, uid) == 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Whether a child may be traced (a container may forbid that).
pub fn may_trace() -> bool {
    // SAFETY: plain call.
    let pid = fork(|| unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } as i32);
    wait(pid) == Status::Exited(0)
}

/// The processors that this process may use.
pub fn processors() -> libc::cpu_set_t {
    // SAFETY: a `cpu_set_t` is plain integers, for which zero is valid; the call gets its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &mut set);
        set
    }
}

/// Keeps this process and its children on these processors; `None`: on the one that it is on.
pub fn use_processors(set: Option<&libc::cpu_set_t>) {
    // SAFETY: as above.
    unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu() as usize, &mut one);
        let set = set.unwrap_or(&one);
        libc::sched_setaffinity(0, size_of_val(set), set);
    }
}

/// Zero bytes that this process and all its children share: for what a killed child has to say.
///
/// `T` must be atomics all through.
pub fn shared<T: Shared>() -> &'static T {
    // SAFETY: fresh zero pages, never unmapped, aligned to a page; all zero is valid for atomics.
    unsafe {
        let base = libc::mmap(
            std::ptr::null_mut(),
            size_of::<T>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(base, libc::MAP_FAILED, "mmap");
        &*base.cast::<T>()
    }
}

/// # Safety
/// Atomics only, valid when all zero.
pub unsafe trait Shared: Sync {}

/// A file's bytes.
pub struct Mapped {
    base: *const u8,
    len: usize,
}

impl Mapped {
    /// `None` if it is empty, or cannot be mapped.
    pub fn file(path: &Path) -> Option<Mapped> {
        let file = std::fs::File::open(path).ok()?;
        let len = file.metadata().ok()?.len() as usize;
        let none = std::ptr::null_mut();
        // SAFETY: a fresh mapping; an empty file has none, which is an error.
        let base = unsafe {
            libc::mmap(
                none,
                len,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        let base = base.cast_const().cast();
        (base != libc::MAP_FAILED.cast_const().cast()).then_some(Mapped { base, len })
    }

    /// The bytes, while whoever writes to them is stopped.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: mapped until the drop; nothing cuts these files, and their writers are stopped.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: ours.
        unsafe { libc::munmap(self.base.cast_mut().cast(), self.len) };
    }
}

/// Whether another open file holds a lock on this byte.
pub fn is_locked(file: &std::fs::File, byte: i64) -> bool {
    // SAFETY: plain integers, for which zero is valid; an open descriptor and a valid `flock`.
    unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = libc::F_RDLCK as i16;
        lock.l_start = byte;
        lock.l_len = 1;
        check(
            "fcntl",
            libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &mut lock),
        );
        lock.l_type != libc::F_UNLCK as i16
    }
}

/// Waits until `done`; false if that takes longer than `limit`.
pub fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Stopwatch::start();
    while !done() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    true
}

/// Where the pages of this user are.
pub fn directory() -> PathBuf {
    PathBuf::from(format!("/dev/shm/crosspage-{}", uid()))
}

/// Where this process's `file:` pages may be.
pub fn files() -> PathBuf {
    PathBuf::from(format!("/dev/shm/crash-{}", std::process::id()))
}

/// A process that is killed when this is dropped.
pub struct Child {
    pid: Pid,
}

impl Child {
    pub fn new(body: impl FnOnce() -> i32) -> Child {
        let pid = fork(body);
        super::watch::add(pid);
        Child { pid }
    }

    /// Where processes are not forked but started, `words` say what the child is to do.
    pub fn employ(_words: &[String], body: impl FnOnce() -> i32) -> Child {
        Child::new(body)
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn stop(&self) {
        signal(self.pid, libc::SIGSTOP);
    }

    pub fn resume(&self) {
        signal(self.pid, libc::SIGCONT);
    }

    /// Whether it has ended by itself; [`end`](Child::end) says how.
    pub fn has_ended(&mut self) -> bool {
        // SAFETY: plain integers, for which zero is valid; `info` is writable.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let id = self.pid as libc::id_t;
            check("waitid", libc::waitid(libc::P_PID, id, &mut info, how));
            info.si_pid() != 0
        }
    }

    pub fn waits_on_a_futex(&self) -> bool {
        let call = std::fs::read_to_string(format!("/proc/{}/syscall", self.pid));
        call.is_ok_and(|call| call.starts_with(&format!("{} ", libc::SYS_futex)))
    }
}

impl Child {
    /// Waits for its end.
    pub fn wait(self) -> Status {
        super::watch::forget(self.pid);
        let pid = self.pid;
        std::mem::forget(self);
        wait(pid)
    }

    /// Kills it, and says how it ended (which may have been before).
    pub fn end(self) -> Status {
        super::watch::forget(self.pid);
        let pid = self.pid;
        std::mem::forget(self);
        signal(pid, libc::SIGKILL);
        wait(pid)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        super::watch::forget(self.pid);
        kill(self.pid);
    }
}
