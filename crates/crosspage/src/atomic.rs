//! Atomics, and copies between private memory and memory that others may be writing.
//!
//! The one file that names `std::sync::atomic`: under `--cfg loom` the same names are the models', so
//! that they run the code that ships. Everything else imports from here. (Aliases and a wrapper
//! rather than `pub use`, which clippy's ban would follow to std at every place of use.)
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[cfg(loom)]
pub(crate) use crate::loom_tests::atomics::{AtomicU32, AtomicU64, Words, fence};
pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(loom))]
pub(crate) type AtomicU32 = std::sync::atomic::AtomicU32;
#[cfg(not(loom))]
pub(crate) type AtomicU64 = std::sync::atomic::AtomicU64;

/// As [`std::sync::atomic::fence`].
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn fence(ordering: Ordering) {
    std::sync::atomic::fence(ordering);
}

/// Atomics for process-local state (never in shared memory, never part of a model).
pub(crate) mod local {
    pub(crate) type AtomicBool = std::sync::atomic::AtomicBool;
    #[cfg(unix)]
    pub(crate) type AtomicI32 = std::sync::atomic::AtomicI32;
    #[cfg(unix)]
    pub(crate) type AtomicPtr<T> = std::sync::atomic::AtomicPtr<T>;
    pub(crate) type AtomicU64 = std::sync::atomic::AtomicU64;
}

/// Tells the processor (or loom) that this thread is waiting for another.
#[inline]
pub(crate) fn spin_hint() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

#[cfg(not(loom))]
pub(crate) use real::Words;

#[cfg(not(loom))]
mod real {
    use super::{AtomicU64, Ordering};
    use crate::layout::WordOp;
    use std::marker::PhantomData;

    /// A run of 8-byte words in shared memory, which other processes may write at any time.
    ///
    /// No reference to the bytes is ever made: they are reached through relaxed atomic accesses,
    /// or through an `asm!` block whose effect is that of relaxed atomic accesses.
    #[derive(Clone, Copy)]
    pub(crate) struct Words<'a> {
        base: *mut u8,
        /// In bytes, a multiple of 8.
        len: usize,
        mapping: PhantomData<&'a [AtomicU64]>,
    }

    // SAFETY: every access through `Words` is atomic (or asm equivalent to atomic accesses), so
    // sharing and sending it across threads cannot race.
    unsafe impl Send for Words<'_> {}
    // SAFETY: as above.
    unsafe impl Sync for Words<'_> {}

    impl<'a> Words<'a> {
        /// # Safety
        /// `base` is aligned to 8 and `len` (a multiple of 8) bytes from it stay mapped for `'a`.
        /// For [`Words::write`] they are mapped writable.
        pub(crate) unsafe fn new(base: *mut u8, len: usize) -> Words<'a> {
            debug_assert!(base.addr().is_multiple_of(8) && len.is_multiple_of(8));
            Words {
                base,
                len,
                mapping: PhantomData,
            }
        }

        pub(crate) fn len(&self) -> usize {
            self.len
        }

        pub(crate) fn as_ptr(&self) -> *mut u8 {
            self.base
        }

        #[inline(always)]
        fn word(&self, offset: usize) -> &AtomicU64 {
            debug_assert!(offset.is_multiple_of(8) && offset + 8 <= self.len);
            // SAFETY: inside the run by the callers' bounds checks, aligned because base and offset
            // are multiples of 8, mapped by the contract of `new`; AtomicU64 allows shared writes.
            unsafe { &*self.base.add(offset).cast::<AtomicU64>() }
        }

        /// Copies the first `len` bytes out. What arrives may be torn; the caller checks afterwards.
        ///
        /// # Safety
        /// `dst` is valid for writing `len` bytes, and nobody else accesses them meanwhile.
        #[inline(always)]
        pub(crate) unsafe fn read(&self, dst: *mut u8, len: usize) {
            assert!(len <= self.len);
            let whole = len & !7;
            // SAFETY: `whole <= len`, which the assertion bounds on the shared side and the
            // contract on the private side.
            unsafe { copy_out(dst, self.base, whole) };
            if whole != len {
                let bytes = self.word(whole).load(Ordering::Relaxed).to_le_bytes();
                // SAFETY: `len - whole` < 8 bytes remain in `dst`, and `bytes` has 8.
                unsafe {
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), dst.add(whole), len - whole)
                };
            }
        }

        /// Copies the data bytes that `ops` name, `shift` (a multiple of 8) further on, from `src`;
        /// padding in the words it touches becomes zero, and padding in `src` is never read.
        ///
        /// # Safety
        /// `src` is valid for reading the bytes that `ops` name as data, and they are initialised.
        #[inline(always)]
        pub(crate) unsafe fn write(&self, src: *const u8, shift: usize, ops: &[WordOp]) {
            for op in ops {
                match *op {
                    WordOp::Bulk { offset, len } => {
                        let offset = shift + offset;
                        assert!(offset <= self.len && len <= self.len - offset);
                        // SAFETY: bounded on the shared side by the assertion, on the private side
                        // by the contract.
                        unsafe { copy_in(self.base.add(offset), src.add(offset), len) };
                    }
                    WordOp::Partial { offset, mask } => {
                        let offset = shift + offset;
                        assert!(offset < self.len);
                        let mut word = [0u8; 8];
                        for (i, byte) in word.iter_mut().enumerate() {
                            if mask >> (8 * i) & 0xff != 0 {
                                // SAFETY: the mask says that this byte is data, so it is readable
                                // and initialised by the contract.
                                *byte = unsafe { *src.add(offset + i) };
                            }
                        }
                        self.word(offset)
                            .store(u64::from_le_bytes(word), Ordering::Relaxed);
                    }
                }
            }
        }

        /// The words from `offset` (a multiple of 8) on.
        pub(crate) fn from(&self, offset: usize) -> Words<'a> {
            assert!(offset.is_multiple_of(8) && offset <= self.len);
            // SAFETY: a part of this run, by the assertion.
            unsafe { Words::new(self.base.add(offset), self.len - offset) }
        }

        /// Copies `bytes` to any offset. In the words at both ends, bytes outside are kept below
        /// `filled` and become zero from there on.
        ///
        /// # Safety
        /// Nobody else writes to these words meanwhile.
        pub(crate) unsafe fn write_bytes(&self, offset: usize, bytes: &[u8], filled: usize) {
            assert!(offset <= self.len && bytes.len() <= self.len - offset);
            let mut at = 0;
            while at < bytes.len() {
                let (word_at, skip) = ((offset + at) & !7, (offset + at) % 8);
                let rest = bytes.len() - at;
                if skip == 0 && rest >= 8 {
                    let len = rest & !7;
                    // SAFETY: bounded by the assertion on the shared side and by `bytes` here.
                    unsafe { copy_in(self.base.add(word_at), bytes.as_ptr().add(at), len) };
                    at += len;
                    continue;
                }
                let len = rest.min(8 - skip);
                let word = self.word(word_at);
                let mut old = word.load(Ordering::Relaxed).to_ne_bytes();
                for (i, byte) in old.iter_mut().enumerate() {
                    if word_at + i >= filled {
                        *byte = 0;
                    }
                }
                old[skip..skip + len].copy_from_slice(&bytes[at..at + len]);
                word.store(u64::from_ne_bytes(old), Ordering::Relaxed);
                at += len;
            }
        }

        /// Stores zero in `len` bytes from `offset` (multiples of 8).
        pub(crate) fn zero(&self, offset: usize, len: usize) {
            assert!(
                offset.is_multiple_of(8)
                    && len.is_multiple_of(8)
                    && offset <= self.len
                    && len <= self.len - offset
            );
            for at in (offset..offset + len).step_by(8) {
                self.word(at).store(0, Ordering::Relaxed);
            }
        }

        /// Zeroes the padding that `ops`, `shift` further on, leave between and beside the data, from
        /// `done` on; moves `done` past the last of them.
        pub(crate) fn clear_padding(&self, shift: usize, ops: &[WordOp], done: &mut usize) {
            for op in ops {
                let (offset, len) = match *op {
                    WordOp::Bulk { offset, len } => (shift + offset, len),
                    WordOp::Partial { offset, mask } => {
                        let word = self.word(shift + offset);
                        word.store(word.load(Ordering::Relaxed) & mask, Ordering::Relaxed);
                        (shift + offset, 8)
                    }
                };
                self.zero(*done, offset - *done);
                *done = offset + len;
            }
        }
    }

    /// Copies `len` (a multiple of 8) bytes from shared memory at `src` (aligned to 8).
    #[inline(always)]
    unsafe fn copy_out(dst: *mut u8, src: *const u8, len: usize) {
        // SAFETY: handed through from the caller.
        let done = unsafe { bulk::copy(dst, src, len) };
        for at in (done..len).step_by(8) {
            // SAFETY: `at + 8 <= len`; `src` is aligned and mapped, `dst` valid, both by contract.
            unsafe {
                let word = (*src.add(at).cast::<AtomicU64>()).load(Ordering::Relaxed);
                dst.add(at).cast::<u64>().write_unaligned(word);
            }
        }
    }

    /// Copies `len` (a multiple of 8) bytes into shared memory at `dst` (aligned to 8).
    #[inline(always)]
    unsafe fn copy_in(dst: *mut u8, src: *const u8, len: usize) {
        // SAFETY: handed through from the caller.
        let done = unsafe { bulk::copy(dst, src, len) };
        for at in (done..len).step_by(8) {
            // SAFETY: `at + 8 <= len`; `dst` is aligned and mapped, `src` valid, both by contract.
            unsafe {
                let word = src.add(at).cast::<u64>().read_unaligned();
                (*dst.add(at).cast::<AtomicU64>()).store(word, Ordering::Relaxed);
            }
        }
    }

    /// Blocks of 128 bytes with AVX where the processor has it, of 64 with SSE2, which every x86-64
    /// has. The last block ends where the copy ends and may overlap the one before: what it copies
    /// twice it copies alike, or the reader's check finds that it was written meanwhile.
    ///
    /// The blocks stand for 8-byte relaxed atomic loads and stores of the same bytes: x86-64 never
    /// splits an aligned 8-byte part of a wider access, and the readers' sequence check rejects what
    /// is torn between such parts. They are neither `nomem` nor `pure`, so the compiler keeps the
    /// fences around them in place.
    #[cfg(all(target_arch = "x86_64", not(miri), not(crosspage_portable_copy)))]
    mod bulk {
        #[inline(always)]
        pub(super) unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> usize {
            if len >= 128 && std::arch::is_x86_feature_detected!("avx") {
                // SAFETY: the processor has AVX. Reads bytes 0 to `len` from `src` and writes as many
                // to `dst`; both are valid for them by the callers' contracts.
                unsafe {
                    std::arch::asm!(
                        "cmp {i}, {last}",
                        "jae 3f",
                        "2:",
                        "vmovups ymm0, [{s} + {i}]",
                        "vmovups ymm1, [{s} + {i} + 32]",
                        "vmovups ymm2, [{s} + {i} + 64]",
                        "vmovups ymm3, [{s} + {i} + 96]",
                        "vmovups [{d} + {i}], ymm0",
                        "vmovups [{d} + {i} + 32], ymm1",
                        "vmovups [{d} + {i} + 64], ymm2",
                        "vmovups [{d} + {i} + 96], ymm3",
                        "sub {i}, -128",
                        "cmp {i}, {last}",
                        "jb 2b",
                        "3:",
                        "vmovups ymm0, [{s} + {last}]",
                        "vmovups ymm1, [{s} + {last} + 32]",
                        "vmovups ymm2, [{s} + {last} + 64]",
                        "vmovups ymm3, [{s} + {last} + 96]",
                        "vmovups [{d} + {last}], ymm0",
                        "vmovups [{d} + {last} + 32], ymm1",
                        "vmovups [{d} + {last} + 64], ymm2",
                        "vmovups [{d} + {last} + 96], ymm3",
                        "vzeroupper",
                        s = in(reg) src,
                        d = in(reg) dst,
                        last = in(reg) len - 128,
                        i = inout(reg) 0usize => _,
                        // Naming a ymm register needs the feature at compile time; xmm0 is its half.
                        out("xmm0") _,
                        out("xmm1") _,
                        out("xmm2") _,
                        out("xmm3") _,
                        options(nostack),
                    );
                }
                return len;
            }
            if len >= 64 {
                // SAFETY: reads bytes 0 to `len` from `src` and writes as many to `dst`; both are valid
                // for them by the callers' contracts.
                unsafe {
                    std::arch::asm!(
                        "cmp {i}, {last}",
                        "jae 3f",
                        "2:",
                        "movups {a}, [{s} + {i}]",
                        "movups {b}, [{s} + {i} + 16]",
                        "movups {c}, [{s} + {i} + 32]",
                        "movups {e}, [{s} + {i} + 48]",
                        "movups [{d} + {i}], {a}",
                        "movups [{d} + {i} + 16], {b}",
                        "movups [{d} + {i} + 32], {c}",
                        "movups [{d} + {i} + 48], {e}",
                        "add {i}, 64",
                        "cmp {i}, {last}",
                        "jb 2b",
                        "3:",
                        "movups {a}, [{s} + {last}]",
                        "movups {b}, [{s} + {last} + 16]",
                        "movups {c}, [{s} + {last} + 32]",
                        "movups {e}, [{s} + {last} + 48]",
                        "movups [{d} + {last}], {a}",
                        "movups [{d} + {last} + 16], {b}",
                        "movups [{d} + {last} + 32], {c}",
                        "movups [{d} + {last} + 48], {e}",
                        s = in(reg) src,
                        d = in(reg) dst,
                        last = in(reg) len - 64,
                        i = inout(reg) 0usize => _,
                        a = out(xmm_reg) _,
                        b = out(xmm_reg) _,
                        c = out(xmm_reg) _,
                        e = out(xmm_reg) _,
                        options(nostack),
                    );
                }
                return len;
            }
            0
        }
    }

    /// The same in NEON: pairs of 16-byte registers.
    #[cfg(all(target_arch = "aarch64", not(miri), not(crosspage_portable_copy)))]
    mod bulk {
        #[inline(always)]
        pub(super) unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> usize {
            let bulk = len & !63;
            if bulk != 0 {
                // SAFETY: reads `bulk <= len` bytes from `src` and writes as many to `dst`, in
                // steps of 64, forwards; both are valid for them by the callers' contracts.
                unsafe {
                    std::arch::asm!(
                        "2:",
                        "ldp {a:q}, {b:q}, [{s}]",
                        "ldp {c:q}, {e:q}, [{s}, #32]",
                        "add {s}, {s}, #64",
                        "stp {a:q}, {b:q}, [{d}]",
                        "stp {c:q}, {e:q}, [{d}, #32]",
                        "add {d}, {d}, #64",
                        "subs {n}, {n}, #64",
                        "b.ne 2b",
                        s = inout(reg) src => _,
                        d = inout(reg) dst => _,
                        n = inout(reg) bulk => _,
                        a = out(vreg) _,
                        b = out(vreg) _,
                        c = out(vreg) _,
                        e = out(vreg) _,
                        options(nostack),
                    );
                }
            }
            bulk
        }
    }

    /// Elsewhere (and under Miri, or `--cfg crosspage_portable_copy`) the word loop does it all.
    #[cfg(not(all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(miri),
        not(crosspage_portable_copy)
    )))]
    mod bulk {
        pub(super) unsafe fn copy(_: *mut u8, _: *const u8, _: usize) -> usize {
            0
        }
    }
}
