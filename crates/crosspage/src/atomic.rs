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

/// Keeps the compiler from moving memory accesses over it; the processor may still.
#[cfg(all(target_os = "linux", not(loom)))]
#[inline(always)]
pub(crate) fn compiler_fence() {
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
}

/// Atomics for process-local state (never in shared memory, never part of a model).
pub(crate) mod local {
    pub(crate) type AtomicBool = std::sync::atomic::AtomicBool;
    #[cfg(unix)]
    pub(crate) type AtomicI32 = std::sync::atomic::AtomicI32;
    #[cfg(any(unix, feature = "tokio"))]
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

/// Says that the line `at` lies in will be read: it is fetched meanwhile. Any address will do.
#[inline(always)]
pub(crate) fn prefetch_to_read<T>(at: *const T) {
    // SAFETY: changes nothing, and nothing comes of an address that is not mapped.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = at;
}

/// Says that the line `at` lies in will be written: it is taken from others meanwhile. Any address will do.
#[inline(always)]
pub(crate) fn prefetch_to_write<T>(at: *const T) {
    // SAFETY: as above.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    unsafe {
        std::arch::asm!(
            "prefetchw [{at}]",
            at = in(reg) at,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = at;
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

        /// The word at `offset`, a multiple of 8.
        #[inline(always)]
        pub(crate) fn at(&self, offset: usize) -> &'a AtomicU64 {
            assert!(offset.is_multiple_of(8) && offset < self.len);
            self.word(offset)
        }

        #[inline(always)]
        fn word(&self, offset: usize) -> &'a AtomicU64 {
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
            unsafe { bulk::copy_out(dst, self.base, whole) };
            if whole < len {
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
                        unsafe { bulk::copy_in(self.base.add(offset), src.add(offset), len) };
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
        #[inline(always)]
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
                    unsafe { bulk::copy_in(self.base.add(word_at), bytes.as_ptr().add(at), len) };
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

    /// Copies `len` (a multiple of 8) bytes from shared memory at `src` (aligned to 8), word by word.
    #[inline(always)]
    unsafe fn words_out(dst: *mut u8, src: *const u8, len: usize) {
        for at in (0..len).step_by(8) {
            // SAFETY: `at + 8 <= len`; `src` is aligned and mapped, `dst` valid, both by contract.
            unsafe {
                let word = (*src.add(at).cast::<AtomicU64>()).load(Ordering::Relaxed);
                dst.add(at).cast::<u64>().write_unaligned(word);
            }
        }
    }

    /// Copies `len` (a multiple of 8) bytes into shared memory at `dst` (aligned to 8), word by word.
    #[inline(always)]
    unsafe fn words_in(dst: *mut u8, src: *const u8, len: usize) {
        for at in (0..len).step_by(8) {
            // SAFETY: `at + 8 <= len`; `dst` is aligned and mapped, `src` valid, both by contract.
            unsafe {
                let word = src.add(at).cast::<u64>().read_unaligned();
                (*dst.add(at).cast::<AtomicU64>()).store(word, Ordering::Relaxed);
            }
        }
    }

    /// With AVX where the processor has it and it is worth it, with SSE2, which every x86-64 has,
    /// otherwise.
    ///
    /// Only what touches shared memory is `asm!`. What else is loaded and stored, and where, the
    /// compiler sees: so it can choose the place, and a value that is read and handed on is written
    /// once, where it ends up. Each store but the last lies where its size divides the offset: a value
    /// that is moved on all the same, before these stores have reached the cache, is forwarded from
    /// them. The last may overlap the one before: what is copied twice is copied alike, or the
    /// reader's check finds that it was written meanwhile.
    ///
    /// The accesses to shared memory stand for 8-byte relaxed atomic ones of the same bytes: x86-64
    /// never splits an aligned 8-byte part of a wider access, and the readers' sequence check rejects
    /// what is torn between such parts. They are neither `nomem` nor `pure`, so the compiler keeps the
    /// fences around them in place.
    #[cfg(all(target_arch = "x86_64", not(miri), not(crosspage_portable_copy)))]
    mod bulk {
        use super::{words_in, words_out};
        use std::arch::asm;
        use std::arch::x86_64::{
            __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256,
            _mm256_storeu_si256,
        };

        /// As [`words_out`].
        #[inline(always)]
        pub(super) unsafe fn copy_out(dst: *mut u8, src: *const u8, len: usize) {
            // SAFETY: the processor has AVX where that is called; the rest is the caller's.
            unsafe {
                match is_worth_avx(len) {
                    true => copy_out_avx(dst, src, len),
                    false => copy_out_sse2(dst, src, len),
                }
            }
        }

        /// As [`words_in`].
        #[inline(always)]
        pub(super) unsafe fn copy_in(dst: *mut u8, src: *const u8, len: usize) {
            // What is small was made just before, field by field: a wide load would have to wait until
            // those stores have reached the cache, while single words are forwarded from them.
            if len < 128 {
                // SAFETY: handed through from the caller.
                return unsafe { words_in(dst, src, len) };
            }
            // SAFETY: the processor has AVX where that is called; the rest is the caller's.
            unsafe {
                match is_worth_avx(len) {
                    true => copy_in_avx(dst, src, len),
                    false => copy_in_sse2(dst, src, len),
                }
            }
        }

        #[inline(always)]
        fn is_worth_avx(len: usize) -> bool {
            len >= 128 && std::arch::is_x86_feature_detected!("avx")
        }

        /// Both directions with one kind of register: in blocks of four, then by two and one, and what
        /// is left with one that ends where the copy ends.
        macro_rules! copies {
            (
                $out:ident, $in:ident, $ty:ty, $reg:ident, $mov:literal, $load:ident, $store:ident,
                $attribute:meta
            ) => {
                #[inline]
                #[$attribute]
                pub(super) unsafe fn $out(dst: *mut u8, src: *const u8, len: usize) {
                    const W: usize = size_of::<$ty>();
                    if len < W {
                        // SAFETY: handed through from the caller.
                        return unsafe { words_out(dst, src, len) };
                    }
                    let mut at = 0;
                    while len - at >= 4 * W {
                        let (a, b, c, d): ($ty, $ty, $ty, $ty);
                        // SAFETY: four registers from `at` on are inside of `len` on both sides.
                        unsafe {
                            asm!(
                                concat!($mov, " {a}, [{src}]"),
                                concat!($mov, " {b}, [{src} + {W}]"),
                                concat!($mov, " {c}, [{src} + 2 * {W}]"),
                                concat!($mov, " {d}, [{src} + 3 * {W}]"),
                                src = in(reg) src.add(at),
                                a = out($reg) a,
                                b = out($reg) b,
                                c = out($reg) c,
                                d = out($reg) d,
                                W = const W,
                                options(readonly, nostack, preserves_flags),
                            );
                            let dst = dst.add(at).cast::<$ty>();
                            $store(dst, a);
                            $store(dst.add(1), b);
                            $store(dst.add(2), c);
                            $store(dst.add(3), d);
                        }
                        at += 4 * W;
                    }
                    if len - at >= 2 * W {
                        let (a, b): ($ty, $ty);
                        // SAFETY: as above, two registers.
                        unsafe {
                            asm!(
                                concat!($mov, " {a}, [{src}]"),
                                concat!($mov, " {b}, [{src} + {W}]"),
                                src = in(reg) src.add(at),
                                a = out($reg) a,
                                b = out($reg) b,
                                W = const W,
                                options(readonly, nostack, preserves_flags),
                            );
                            let dst = dst.add(at).cast::<$ty>();
                            $store(dst, a);
                            $store(dst.add(1), b);
                        }
                        at += 2 * W;
                    }
                    let one = |at: usize| {
                        let a: $ty;
                        // SAFETY: as above, one register; `len` is at least that.
                        unsafe {
                            asm!(
                                concat!($mov, " {a}, [{src}]"),
                                src = in(reg) src.add(at),
                                a = out($reg) a,
                                options(readonly, nostack, preserves_flags),
                            );
                            $store(dst.add(at).cast(), a);
                        }
                    };
                    if len - at >= W {
                        one(at);
                        at += W;
                    }
                    if len > at {
                        one(len - W);
                    }
                }

                #[inline]
                #[$attribute]
                pub(super) unsafe fn $in(dst: *mut u8, src: *const u8, len: usize) {
                    const W: usize = size_of::<$ty>();
                    if len < W {
                        // SAFETY: handed through from the caller.
                        return unsafe { words_in(dst, src, len) };
                    }
                    let mut at = 0;
                    while len - at >= 4 * W {
                        // SAFETY: four registers from `at` on are inside of `len` on both sides.
                        unsafe {
                            let src = src.add(at).cast::<$ty>();
                            asm!(
                                concat!($mov, " [{dst}], {a}"),
                                concat!($mov, " [{dst} + {W}], {b}"),
                                concat!($mov, " [{dst} + 2 * {W}], {c}"),
                                concat!($mov, " [{dst} + 3 * {W}], {d}"),
                                dst = in(reg) dst.add(at),
                                a = in($reg) $load(src),
                                b = in($reg) $load(src.add(1)),
                                c = in($reg) $load(src.add(2)),
                                d = in($reg) $load(src.add(3)),
                                W = const W,
                                options(nostack, preserves_flags),
                            );
                        }
                        at += 4 * W;
                    }
                    if len - at >= 2 * W {
                        // SAFETY: as above, two registers.
                        unsafe {
                            let src = src.add(at).cast::<$ty>();
                            asm!(
                                concat!($mov, " [{dst}], {a}"),
                                concat!($mov, " [{dst} + {W}], {b}"),
                                dst = in(reg) dst.add(at),
                                a = in($reg) $load(src),
                                b = in($reg) $load(src.add(1)),
                                W = const W,
                                options(nostack, preserves_flags),
                            );
                        }
                        at += 2 * W;
                    }
                    let one = |at: usize| {
                        // SAFETY: as above, one register; `len` is at least that.
                        unsafe {
                            asm!(
                                concat!($mov, " [{dst}], {a}"),
                                dst = in(reg) dst.add(at),
                                a = in($reg) $load(src.add(at).cast()),
                                options(nostack, preserves_flags),
                            );
                        }
                    };
                    if len - at >= W {
                        one(at);
                        at += W;
                    }
                    if len > at {
                        one(len - W);
                    }
                }
            };
        }

        copies!(
            copy_out_avx,
            copy_in_avx,
            __m256i,
            ymm_reg,
            "vmovdqu",
            _mm256_loadu_si256,
            _mm256_storeu_si256,
            target_feature(enable = "avx")
        );
        copies!(
            copy_out_sse2,
            copy_in_sse2,
            __m128i,
            xmm_reg,
            "movdqu",
            _mm_loadu_si128,
            _mm_storeu_si128,
            target_feature(enable = "sse2")
        );
    }

    /// The same in NEON: pairs of 16-byte registers.
    #[cfg(all(target_arch = "aarch64", not(miri), not(crosspage_portable_copy)))]
    mod bulk {
        use super::{words_in, words_out};
        use std::arch::aarch64::{uint8x16_t, vld1q_u8, vst1q_u8};
        use std::arch::asm;

        /// As [`words_out`].
        #[inline(always)]
        pub(super) unsafe fn copy_out(dst: *mut u8, src: *const u8, len: usize) {
            let bulk = len & !63;
            for at in (0..bulk).step_by(64) {
                let (a, b, c, d): (uint8x16_t, uint8x16_t, uint8x16_t, uint8x16_t);
                // SAFETY: loads and stores 64 bytes from `at` on, inside of `len` on both sides.
                unsafe {
                    asm!(
                        "ldp {a:q}, {b:q}, [{src}]",
                        "ldp {c:q}, {d:q}, [{src}, #32]",
                        src = in(reg) src.add(at),
                        a = out(vreg) a,
                        b = out(vreg) b,
                        c = out(vreg) c,
                        d = out(vreg) d,
                        options(readonly, nostack, preserves_flags),
                    );
                    let dst = dst.add(at);
                    vst1q_u8(dst, a);
                    vst1q_u8(dst.add(16), b);
                    vst1q_u8(dst.add(32), c);
                    vst1q_u8(dst.add(48), d);
                }
            }
            // SAFETY: what is left of `len` on both sides.
            unsafe { words_out(dst.add(bulk), src.add(bulk), len - bulk) };
        }

        /// As [`words_in`].
        #[inline(always)]
        pub(super) unsafe fn copy_in(dst: *mut u8, src: *const u8, len: usize) {
            let bulk = len & !63;
            for at in (0..bulk).step_by(64) {
                // SAFETY: loads and stores 64 bytes from `at` on, inside of `len` on both sides.
                unsafe {
                    let src = src.add(at);
                    asm!(
                        "stp {a:q}, {b:q}, [{dst}]",
                        "stp {c:q}, {d:q}, [{dst}, #32]",
                        dst = in(reg) dst.add(at),
                        a = in(vreg) vld1q_u8(src),
                        b = in(vreg) vld1q_u8(src.add(16)),
                        c = in(vreg) vld1q_u8(src.add(32)),
                        d = in(vreg) vld1q_u8(src.add(48)),
                        options(nostack, preserves_flags),
                    );
                }
            }
            // SAFETY: what is left of `len` on both sides.
            unsafe { words_in(dst.add(bulk), src.add(bulk), len - bulk) };
        }
    }

    /// Elsewhere (and under Miri, or `--cfg crosspage_portable_copy`) word by word.
    #[cfg(not(all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(miri),
        not(crosspage_portable_copy)
    )))]
    mod bulk {
        pub(super) use super::{words_in as copy_in, words_out as copy_out};
    }
    #[cfg(test)]
    mod tests {
        use super::*;

        type Copy = unsafe fn(*mut u8, *const u8, usize);

        /// What copies here, out of shared memory and into it.
        fn copies() -> Vec<(&'static str, Copy)> {
            #[allow(
                clippy::undocumented_unsafe_blocks,
                reason = "these hand their caller's promise through"
            )]
            #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
            let mut all: Vec<(&'static str, Copy)> = vec![
                ("words_out", |dst, src, len| unsafe {
                    words_out(dst, src, len)
                }),
                ("words_in", |dst, src, len| unsafe {
                    words_in(dst, src, len)
                }),
                ("copy_out", |dst, src, len| unsafe {
                    bulk::copy_out(dst, src, len)
                }),
                ("copy_in", |dst, src, len| unsafe {
                    bulk::copy_in(dst, src, len)
                }),
            ];
            #[cfg(all(target_arch = "x86_64", not(miri), not(crosspage_portable_copy)))]
            all.extend([
                ("copy_out_sse2", bulk::copy_out_sse2 as Copy),
                ("copy_in_sse2", bulk::copy_in_sse2 as Copy),
            ]);
            all
        }

        #[test]
        fn every_length_is_copied_and_nothing_beside_it() {
            const ROOM: usize = 800;
            let source: Vec<u64> = (0..ROOM as u64 / 8)
                .map(|i| i * 0x0101_0301_0701 + 7)
                .collect();
            for (name, copy) in copies() {
                for start in [0, 8, 24, 32] {
                    for len in (0..=700).step_by(8) {
                        let mut target = vec![!0u64; ROOM / 8];
                        // SAFETY: both have `ROOM` bytes, which `start + len` stays below; aligned to 8.
                        unsafe {
                            let to = target.as_mut_ptr().cast::<u8>().add(start);
                            copy(to, source.as_ptr().cast::<u8>().add(start), len);
                        }
                        let copied = start / 8..(start + len) / 8;
                        for (i, word) in target.iter().enumerate() {
                            let expected = if copied.contains(&i) { source[i] } else { !0 };
                            assert_eq!(*word, expected, "{name}: {len} bytes at {start}, word {i}");
                        }
                    }
                }
            }
        }

        #[test]
        fn the_last_bytes_of_a_struct_are_copied_without_what_follows() {
            let mut shared: Vec<u64> = (1..=40).map(|i| i * 0x0102_0304_0506).collect();
            // SAFETY: 40 words, which live as long as `words` is used.
            let words = unsafe { Words::new(shared.as_mut_ptr().cast(), 320) };
            let bytes: Vec<u8> = shared.iter().flat_map(|word| word.to_le_bytes()).collect();
            for len in 0..=320 {
                let mut copy = [0xaa; 328];
                // SAFETY: `copy` has room for `len` bytes.
                unsafe { words.read(copy.as_mut_ptr(), len) };
                assert_eq!(copy[..len], bytes[..len]);
                assert!(copy[len..].iter().all(|&byte| byte == 0xaa), "{len} bytes");
            }
        }
    }
}
