//! The newest complete value of a struct.

use std::ffi::{c_char, c_void};
use std::mem::{ManuallyDrop, size_of};
use std::sync::Arc;

use crosspage::latest::{Meta, Options, Pinned, RawReader, RawWriter};
use crosspage::layout::{Scalar, StructType, Type};
use crosspage::{Error, ErrorKind, Result};

use crate::error::{CError, guard, guard_quietly, report_cancelled, report_no_value};
use crate::layout::{CStruct, Layout, from_table};
use crate::{
    Edit, Sized32, call, check_value, invalid, language, lifetime, matching, null, options,
    permissions, put, put_handle, ref_arg, str_arg, timeout, yes,
};

const NOTHING_WRITTEN: &str = "nothing has been written yet";

/// `crosspage_latest_options`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct COptions {
    struct_size: u32,
    writers: u32,
    max_pins: u32,
    max_participants: u32,
    checksum: u32,
    permissions: u32,
    lifetime: u32,
    matching: u32,
    read_only: u32,
    language: u32,
    timeout_ns: i64,
}

impl Sized32 for COptions {
    const NOTHING_GIVEN: COptions = COptions {
        struct_size: size_of::<COptions>() as u32,
        writers: 0,
        max_pins: 0,
        max_participants: 0,
        checksum: 0,
        permissions: 0,
        lifetime: 0,
        matching: 0,
        read_only: 0,
        language: 0,
        timeout_ns: 0,
    };
}

impl COptions {
    fn to_core(self) -> Result<Options> {
        let given = |n: u32| (n != 0).then_some(n);
        let mut options = Options::default();
        options.writers = given(self.writers);
        options.max_pins = given(self.max_pins).map(|n| if n == u32::MAX { 0 } else { n });
        options.max_participants = given(self.max_participants);
        options.checksum = yes("checksum", self.checksum)?;
        options.permissions = permissions(self.permissions)?;
        options.lifetime = lifetime(self.lifetime)?;
        options.matching = matching(self.matching)?;
        options.read_only = yes("read_only", self.read_only)?.unwrap_or(false);
        options.language = language(self.language)?;
        options.timeout = timeout(self.timeout_ns);
        Ok(options)
    }
}

/// `crosspage_meta`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CMeta {
    version: u64,
    written_at_ns: u64,
    writer_pid: u32,
    reserved: u32,
}

impl From<&Meta> for CMeta {
    #[inline(always)]
    fn from(meta: &Meta) -> CMeta {
        CMeta {
            version: meta.version,
            written_at_ns: meta.written_at,
            writer_pid: meta.writer_pid,
            reserved: 0,
        }
    }
}

// ---- Writing ----

/// `crosspage_latest_writer`.
pub struct Writer {
    raw: RawWriter,
    size: usize,
}

impl Writer {
    fn check(&self, value: *const c_void, size: usize) -> Result<()> {
        check_value(value, size, self.size, || {
            self.raw.layout().name().to_owned()
        })
    }
}

type Make = fn(&str, &Arc<StructType>, &Options) -> Result<RawWriter>;

unsafe fn make_writer(
    make: Make,
    locator: *const c_char,
    layout: *const CStruct,
    given: *const COptions,
    out: *mut *mut Writer,
    error: *mut CError,
) -> i32 {
    // SAFETY: handed through from the exported functions.
    unsafe {
        guard(error, || {
            crate::log::start();
            let locator = str_arg(locator, "locator")?;
            let layout = from_table(layout)?;
            let options = options(given)?.to_core()?;
            put_handle(out, || {
                let raw = make(locator, &layout, &options)?;
                Ok(Writer {
                    size: layout.size(),
                    raw,
                })
            })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_create(
    locator: *const c_char,
    layout: *const CStruct,
    options: *const COptions,
    out: *mut *mut Writer,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe { make_writer(RawWriter::create, locator, layout, options, out, error) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_attach(
    locator: *const c_char,
    layout: *const CStruct,
    options: *const COptions,
    out: *mut *mut Writer,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe { make_writer(RawWriter::attach, locator, layout, options, out, error) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_write(
    writer: *mut Writer,
    value: *const c_void,
    size: usize,
    version: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the writer is used by one thread at a time, and the value has `size`
    // bytes laid out as its layout says.
    unsafe {
        guard(error, || {
            let writer = writer.as_mut().ok_or_else(|| null("writer"))?;
            writer.check(value, size)?;
            put(version, writer.raw.write(value.cast())?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_update(
    writer: *mut Writer,
    scratch: *mut c_void,
    size: usize,
    edit: Option<Edit>,
    context: *mut c_void,
    version: *mut u64,
    error: *mut CError,
) -> i32 {
    let mut cancelled = false;
    // SAFETY: the header's contract: as for writing, and nobody else touches `scratch` meanwhile.
    unsafe {
        let code = guard(error, || {
            let writer = writer.as_mut().ok_or_else(|| null("writer"))?;
            writer.check(scratch, size)?;
            let edit = edit.ok_or_else(|| null("edit"))?;
            let written = (writer.raw).update(scratch.cast(), &mut |value| {
                call(edit, context, value, &mut cancelled)
            })?;
            put(version, written);
            Ok(())
        });
        if cancelled {
            report_cancelled(error)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_write_with(
    writer: *mut Writer,
    size: usize,
    fill: Option<Edit>,
    context: *mut c_void,
    version: *mut u64,
    error: *mut CError,
) -> i32 {
    let mut cancelled = false;
    // SAFETY: the header's contract.
    unsafe {
        let code = guard(error, || {
            let writer = writer.as_mut().ok_or_else(|| null("writer"))?;
            let fill = fill.ok_or_else(|| null("fill"))?;
            writer.check((&raw const *writer).cast(), size)?;
            let written = (writer.raw)
                .write_with(&mut |slot| call(fill, context, slot.as_mut_ptr(), &mut cancelled))?;
            put(version, written);
            Ok(())
        });
        if cancelled {
            report_cancelled(error)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_close(writer: *const Writer) {
    // SAFETY: the header's contract.
    if let Some(writer) = unsafe { writer.as_ref() } {
        guard_quietly((), || writer.raw.close());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_writer_free(writer: *mut Writer) {
    if !writer.is_null() {
        // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
        guard_quietly((), || drop(unsafe { Box::from_raw(writer) }));
    }
}

// ---- Reading ----

/// `crosspage_latest_reader`. The pointer that C holds is one count of an `Arc`; each pin is another.
pub struct Reader {
    raw: RawReader,
    size: usize,
    /// Whether a value in place may hold bools that are neither 0 nor 1.
    has_bools: bool,
}

impl Reader {
    fn new(raw: RawReader) -> Reader {
        let layout = raw.layout();
        Reader {
            size: layout.size(),
            has_bools: has_bools(layout),
            raw,
        }
    }

    pub fn raw(&self) -> &RawReader {
        &self.raw
    }

    fn check(&self, value: *const c_void, size: usize) -> Result<()> {
        check_value(value, size, self.size, || {
            self.raw.layout().name().to_owned()
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_open(
    locator: *const c_char,
    layout: *const CStruct,
    given: *const COptions,
    out: *mut *mut Reader,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            crate::log::start();
            let locator = str_arg(locator, "locator")?;
            let layout = if layout.is_null() {
                None
            } else {
                Some(from_table(layout)?)
            };
            let options = options(given)?.to_core()?;
            if out.is_null() {
                return Err(null("out"));
            }
            let raw = RawReader::open(locator, layout.as_ref(), &options)?;
            out.write(Arc::into_raw(Arc::new(Reader::new(raw))).cast_mut());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_read(
    reader: *const Reader,
    value: *mut c_void,
    size: usize,
    meta: *mut CMeta,
    error: *mut CError,
) -> i32 {
    let mut empty = false;
    // SAFETY: the header's contract: the value has `size` writable bytes.
    unsafe {
        let code = guard(error, || {
            let reader = ref_arg(reader, "reader")?;
            reader.check(value, size)?;
            match reader.raw.read(value.cast())? {
                Some(found) => put(meta, CMeta::from(&found)),
                None => empty = true,
            }
            Ok(())
        });
        if empty {
            report_no_value(error, NOTHING_WRITTEN)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_wait_changed(
    reader: *const Reader,
    since: u64,
    timeout_ns: i64,
    value: *mut c_void,
    size: usize,
    meta: *mut CMeta,
    error: *mut CError,
) -> i32 {
    // SAFETY: as for reading.
    unsafe {
        guard(error, || {
            let reader = ref_arg(reader, "reader")?;
            reader.check(value, size)?;
            let found = reader
                .raw
                .wait_changed(since, timeout(timeout_ns), value.cast())?;
            put(meta, CMeta::from(&found));
            Ok(())
        })
    }
}

/// `crosspage_latest_pin`.
#[repr(C)]
pub struct CPin {
    value: *const c_void,
    size: usize,
    meta: CMeta,
    internal: [u64; 10],
}

/// What is in `CPin::internal`. The pin refers to the reader, which its owner keeps; so it is dropped
/// first.
struct Pin {
    pinned: ManuallyDrop<Pinned<'static>>,
    owner: ManuallyDrop<Arc<Reader>>,
}

const _: () =
    assert!(size_of::<Pin>() <= size_of::<[u64; 10]>() && align_of::<Pin>() <= align_of::<u64>());

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_pin(
    reader: *const Reader,
    pin: *mut CPin,
    error: *mut CError,
) -> i32 {
    let mut empty = false;
    // SAFETY: the header's contract.
    unsafe {
        let code = guard(error, || {
            ref_arg(reader, "reader")?;
            if pin.is_null() {
                return Err(null("pin"));
            }
            // SAFETY: C's pointer is one count of the Arc (see `Reader`), and it is alive.
            Arc::increment_strong_count(reader);
            let owner = Arc::from_raw(reader);
            let raw = &raw const owner.raw;
            // SAFETY: the reader stays where it is for as long as `owner`, which the pin keeps.
            let Some(pinned): Option<Pinned<'static>> = (*raw).read_pinned()? else {
                empty = true;
                return Ok(());
            };
            let bytes = pinned.as_bytes();
            if owner.has_bools {
                check_bools(owner.raw.layout(), bytes)
                    .map_err(|field| not_a_bool(&owner.raw, &field))?;
            }
            let (value, size, meta) = (
                bytes.as_ptr().cast(),
                bytes.len(),
                CMeta::from(pinned.meta()),
            );
            pin.write(CPin {
                value,
                size,
                meta,
                internal: [0; 10],
            });
            let made = Pin {
                pinned: ManuallyDrop::new(pinned),
                owner: ManuallyDrop::new(owner),
            };
            (&raw mut (*pin).internal).cast::<Pin>().write(made);
            Ok(())
        });
        if empty {
            report_no_value(error, NOTHING_WRITTEN)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_unpin(pin: *mut CPin) {
    // SAFETY: the header's contract: null, or filled by `crosspage_latest_reader_pin`, or all zero.
    unsafe {
        if pin.is_null() || (*pin).value.is_null() {
            return;
        }
        (*pin).value = std::ptr::null();
        let mut made = (&raw mut (*pin).internal).cast::<Pin>().read();
        guard_quietly((), || {
            ManuallyDrop::drop(&mut made.pinned);
            ManuallyDrop::drop(&mut made.owner);
        });
    }
}

/// The type under the array dimensions.
fn base(mut ty: &Type) -> &Type {
    while let Type::Array(element, _) = ty {
        ty = element;
    }
    ty
}

fn has_bools(st: &StructType) -> bool {
    st.fields().iter().any(|field| match base(&field.ty) {
        Type::Scalar(Scalar::Bool) => true,
        Type::Struct(nested) => has_bools(nested),
        _ => false,
    })
}

/// The path of a bool that is neither 0 nor 1: C and C++ have no such value.
fn check_bools(st: &StructType, bytes: &[u8]) -> std::result::Result<(), String> {
    for field in st.fields() {
        let bytes = &bytes[field.offset..field.offset + field.ty.size()];
        match base(&field.ty) {
            Type::Scalar(Scalar::Bool) if bytes.iter().any(|&byte| byte > 1) => {
                return Err(field.name.clone());
            }
            Type::Struct(nested) if has_bools(nested) => {
                let mut elements = bytes.chunks_exact(nested.size());
                elements.try_for_each(|one| {
                    check_bools(nested, one).map_err(|inner| format!("{}.{inner}", field.name))
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cold]
fn not_a_bool(reader: &RawReader, field: &str) -> Error {
    invalid(format!(
        "page \"{}\": field {field} is a bool that is neither 0 nor 1",
        reader.locator()
    ))
    .with_hint("reading (rather than pinning) copies it as true")
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_reopen(
    reader: *mut Reader,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the handle is used by nobody else meanwhile.
    unsafe {
        guard(error, || {
            ref_arg(reader, "reader")?;
            // SAFETY: C's pointer is one count of the Arc (see `Reader`); it is not given back here.
            let mut handle = ManuallyDrop::new(Arc::from_raw(reader));
            let reader = Arc::get_mut(&mut handle).ok_or_else(|| {
                Error::new(
                    ErrorKind::InUse,
                    "a pin is held, so the reader cannot reopen",
                )
                .with_hint("unpin first")
            })?;
            reader.raw.reopen()?;
            reader.size = reader.raw.layout().size();
            reader.has_bools = has_bools(reader.raw.layout());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_layout(
    reader: *const Reader,
    out: *mut *mut Layout,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            put_handle(out, || {
                Layout::new(ref_arg(reader, "reader")?.raw.layout().clone())
            })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_wait_fd(
    reader: *const Reader,
    fd: *mut crate::wait::WaitFd,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let reader = ref_arg(reader, "reader")?;
            put(fd, reader.raw.wait_handle()?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_close(reader: *const Reader) {
    // SAFETY: the header's contract.
    if let Some(reader) = unsafe { reader.as_ref() } {
        guard_quietly((), || reader.raw.close());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_latest_reader_free(reader: *mut Reader) {
    if !reader.is_null() {
        guard_quietly((), || {
            // SAFETY: C's pointer is one count of the Arc (see `Reader`), given back once. A pin that
            // outlives it keeps the mapping but takes no part any more.
            let reader = unsafe { Arc::from_raw(reader) };
            if Arc::strong_count(&reader) > 1 {
                reader.raw.close();
            }
        });
    }
}
