//! What the operating system and the processor charge by themselves.

use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Aligned, Sample};

/// A copy of the value on one CPU.
#[inline]
pub fn memcpy(from: &Aligned<Sample>) -> Aligned<Sample> {
    let mut to = std::mem::MaybeUninit::<Aligned<Sample>>::uninit();
    // Opaque, so that the copy is made, and by the C library's memcpy.
    let from = std::ptr::from_ref(std::hint::black_box(from));
    // SAFETY: both are valid for 640 bytes and apart from each other.
    unsafe {
        libc::memcpy(
            to.as_mut_ptr().cast(),
            from.cast(),
            size_of::<Aligned<Sample>>(),
        );
        to.assume_init()
    }
}

/// One reading of the clock that stamps values.
#[inline]
pub fn clock() -> i64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &mut now) };
    now.tv_nsec
}

/// A file in `/dev/shm` of the size of a small page.
pub struct ShmFile {
    path: CString,
    size: usize,
}

impl ShmFile {
    pub fn create(size: usize) -> io::Result<ShmFile> {
        let path = format!("/dev/shm/crosspage-bench-{}", std::process::id());
        std::fs::write(&path, vec![1; size])?;
        Ok(ShmFile {
            path: CString::new(path)?,
            size,
        })
    }

    /// `open`, `fstat`, `mmap`; `touch` also reads the first byte, which takes a page fault.
    pub fn open(&self, touch: bool) -> io::Result<Mapped> {
        // SAFETY: the path is NUL-terminated; the other calls get the descriptor just opened, and a
        // new mapping replaces nothing. All results are checked.
        unsafe {
            let fd = libc::open(self.path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            let mut mapped = Mapped {
                fd,
                base: libc::MAP_FAILED,
                size: self.size,
            };
            let mut found: libc::stat = std::mem::zeroed();
            if libc::fstat(fd, &mut found) != 0 || found.st_size as usize != self.size {
                return Err(io::Error::last_os_error());
            }
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            mapped.base = libc::mmap(
                std::ptr::null_mut(),
                self.size,
                protection,
                libc::MAP_SHARED,
                fd,
                0,
            );
            if mapped.base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            if touch {
                std::hint::black_box(mapped.base.cast::<u8>().read_volatile());
            }
            Ok(mapped)
        }
    }
}

impl Drop for ShmFile {
    fn drop(&mut self) {
        // SAFETY: the path is NUL-terminated.
        unsafe { libc::unlink(self.path.as_ptr()) };
    }
}

/// What [`ShmFile::open`] opened.
pub struct Mapped {
    fd: libc::c_int,
    base: *mut libc::c_void,
    size: usize,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: opened and mapped by `ShmFile::open`, and closed only here.
        unsafe {
            if self.base != libc::MAP_FAILED {
                libc::munmap(self.base, self.size);
            }
            libc::close(self.fd);
        }
    }
}

/// Sleeps while `word` is `expected` (a shared futex, at most 100 ms).
pub fn futex_wait(word: &AtomicU32, expected: u32) {
    let limit = libc::timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    // SAFETY: the word and the limit live through the call.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            &limit,
        )
    };
}

/// Changes `word` and wakes its sleepers.
pub fn futex_wake(word: &AtomicU32) {
    word.fetch_add(1, Ordering::Release);
    // SAFETY: the word lives through the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}
