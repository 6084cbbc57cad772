//! Every message to every subscriber, in order per publisher.

use std::ffi::{CStr, c_char, c_void};
use std::mem::{ManuallyDrop, size_of};
use std::sync::Arc;
use std::time::Duration;

use crosspage::layout::StructType;
use crosspage::topic::{
    ArrayType, Control, Event, Kind, Meta, Options, Policy, RawLoan, RawMessage, RawPublisher,
    RawSubscriber,
};
use crosspage::{Error, ErrorKind, Result};

use crate::error::{CError, guard, guard_quietly, report_no_value};
use crate::layout::{CStruct, Layout, from_table};
use crate::{
    Sized32, check_value, invalid, language, lifetime, matching, null, options, permissions, put,
    put_handle, ref_arg, str_arg, timeout, unknown, yes,
};

/// `crosspage_topic_options`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct COptions {
    struct_size: u32,
    policy: u32,
    max_held: u32,
    history: u32,
    max_participants: u32,
    send_time: u32,
    checksum: u32,
    permissions: u32,
    lifetime: u32,
    matching: u32,
    language: u32,
    reserved: u32,
    capacity: u64,
    max_message: u64,
    timeout_ns: i64,
}

/// `CROSSPAGE_NO_WAIT`: in options 0 means that none is given.
const NO_WAIT: i64 = i64::MIN;

impl Sized32 for COptions {
    const NOTHING_GIVEN: COptions = COptions {
        struct_size: size_of::<COptions>() as u32,
        policy: 0,
        max_held: 0,
        history: 0,
        max_participants: 0,
        send_time: 0,
        checksum: 0,
        permissions: 0,
        lifetime: 0,
        matching: 0,
        language: 0,
        reserved: 0,
        capacity: 0,
        max_message: 0,
        timeout_ns: 0,
    };
}

impl COptions {
    fn to_core(self) -> Result<Options> {
        let given = |n: u32| (n != 0).then_some(n);
        // CROSSPAGE_NONE states 0.
        let or_none = |n: u32| given(n).map(|n| if n == u32::MAX { 0 } else { n });
        let bytes = |n: u64| (n != 0).then_some(n);
        let mut options = Options::default();
        options.policy = match self.policy {
            0 => None,
            1 => Some(Policy::Overwrite),
            2 => Some(Policy::Block),
            n => {
                return Err(unknown("policy", n, "CROSSPAGE_POLICY_OVERWRITE or _BLOCK"));
            }
        };
        options.capacity = bytes(self.capacity);
        options.max_message = bytes(self.max_message);
        options.max_held = or_none(self.max_held);
        options.history = or_none(self.history);
        options.send_time = yes("send_time", self.send_time)?;
        options.checksum = yes("checksum", self.checksum)?;
        options.max_participants = given(self.max_participants);
        options.permissions = permissions(self.permissions)?;
        options.lifetime = lifetime(self.lifetime)?;
        options.matching = matching(self.matching)?;
        options.timeout = match self.timeout_ns {
            0 => None,
            NO_WAIT => Some(Duration::ZERO),
            ns => timeout(ns),
        };
        options.language = language(self.language)?;
        Ok(options)
    }
}

/// What messages are, as this side says.
enum What {
    Any,
    Struct {
        layout: Arc<StructType>,
        size: usize,
    },
    Bytes,
    Array,
}

const STRUCT: u32 = 1;
const BYTES: u32 = 2;
const ARRAY: u32 = 3;

impl What {
    /// # Safety
    /// `layout` is null or points to a table as the header describes it.
    unsafe fn from_c(kind: u32, layout: *const CStruct) -> Result<What> {
        Ok(match kind {
            // SAFETY: handed through.
            STRUCT => What::from_kind(&Kind::Struct(unsafe { from_table(layout) }?)),
            _ if !layout.is_null() => {
                return Err(invalid("a layout is for CROSSPAGE_MESSAGE_STRUCT only"));
            }
            0 => What::Any,
            BYTES => What::Bytes,
            ARRAY => What::Array,
            n => {
                return Err(unknown(
                    "kind",
                    n,
                    "one of CROSSPAGE_MESSAGE_ANY, _STRUCT, _BYTES, _ARRAY",
                ));
            }
        })
    }

    fn from_kind(kind: &Kind) -> What {
        match kind {
            Kind::Struct(layout) => What::Struct {
                size: match layout.tail() {
                    None => layout.size(),
                    Some(_) => usize::MAX,
                },
                layout: layout.clone(),
            },
            Kind::Bytes => What::Bytes,
            Kind::Array => What::Array,
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self {
            What::Any => None,
            What::Struct { layout, .. } => Some(Kind::Struct(layout.clone())),
            What::Bytes => Some(Kind::Bytes),
            What::Array => Some(Kind::Array),
        }
    }

    fn number(&self) -> u32 {
        match self {
            What::Any => 0,
            What::Struct { .. } => STRUCT,
            What::Bytes => BYTES,
            What::Array => ARRAY,
        }
    }

    /// Whether each message has a size of its own.
    fn varies(&self) -> bool {
        match self {
            What::Bytes => true,
            What::Struct { size, .. } => *size == usize::MAX,
            _ => false,
        }
    }

    /// Checks a struct's memory.
    #[inline(always)]
    fn check(&self, value: *const c_void, bytes: usize) -> Result<()> {
        match self {
            What::Struct { layout, size } if *size != usize::MAX => {
                check_value(value, bytes, *size, || layout.name().to_owned())
            }
            other => Err(other.no_struct()),
        }
    }

    #[cold]
    fn no_struct(&self) -> Error {
        match self {
            What::Any => invalid("this side has not said what struct the messages are")
                .with_hint("attach with CROSSPAGE_MESSAGE_STRUCT and a layout"),
            What::Bytes => invalid("the messages are bytes, not a struct"),
            What::Array => no_array(),
            What::Struct { layout, .. } => invalid(format!(
                "{} ends in a tail, so its messages are not all of one size",
                layout.name()
            ))
            .with_hint("publish and recv take one by one, whatever its size"),
        }
    }
}

#[cold]
fn no_array() -> Error {
    invalid("the messages are arrays, which have a type and a shape")
        .with_hint("the functions whose names end in _array take them")
}

/// `crosspage_array`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CArray {
    dtype: [c_char; 20],
    ndims: u32,
    shape: *const u64,
}

/// As many as numpy allows.
const MAX_DIMS: u32 = 64;

impl CArray {
    const NONE: CArray = CArray {
        dtype: [0; 20],
        ndims: 0,
        shape: std::ptr::null(),
    };

    /// Into memory that is there already, so that nothing is allocated for each message.
    ///
    /// # Safety
    /// The shape has `ndims` elements.
    unsafe fn store(&self, into: &mut ArrayType) -> Result<()> {
        // SAFETY: c_char and u8 have the same size and alignment, and every value of one is one of the other.
        let dtype = unsafe { &*(&raw const self.dtype).cast::<[u8; 20]>() };
        let dtype = CStr::from_bytes_until_nul(dtype)
            .ok()
            .and_then(|dtype| dtype.to_str().ok())
            .ok_or_else(|| invalid("an array's dtype does not end with a NUL"))?;
        if self.ndims > MAX_DIMS || (self.ndims > 0 && self.shape.is_null()) {
            return Err(invalid(match self.shape.is_null() {
                true => "an array's shape is NULL".to_owned(),
                false => format!("an array of {} dimensions; {MAX_DIMS} at most", self.ndims),
            }));
        }
        into.dtype.clear();
        into.dtype.push_str(dtype);
        into.shape.clear();
        if self.ndims > 0 {
            // SAFETY: by the contract, and it is not null.
            let shape = unsafe { std::slice::from_raw_parts(self.shape, self.ndims as usize) };
            into.shape.extend_from_slice(shape);
        }
        Ok(())
    }

    /// Refers to the shape of `array`.
    fn of(array: &ArrayType) -> Result<CArray> {
        let mut out = CArray {
            ndims: array.shape.len() as u32,
            shape: array.shape.as_ptr(),
            ..CArray::NONE
        };
        // One byte less: it ends with a NUL.
        if array.dtype.len() >= out.dtype.len() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "an array of dtype {:?}, which is too long for C",
                    array.dtype
                ),
            ));
        }
        for (to, from) in out.dtype.iter_mut().zip(array.dtype.bytes()) {
            *to = from as c_char;
        }
        Ok(out)
    }
}

/// `crosspage_topic_meta`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CMeta {
    sequence: u64,
    sent_at_ns: u64,
    publisher_pid: u32,
    held: u32,
}

impl From<&Meta> for CMeta {
    #[inline(always)]
    fn from(meta: &Meta) -> CMeta {
        CMeta {
            sequence: meta.sequence,
            sent_at_ns: meta.sent_at.unwrap_or(0),
            publisher_pid: meta.publisher,
            held: 0,
        }
    }
}

/// Bytes that C gave.
///
/// # Safety
/// `data` is null or points to `size` bytes that nobody writes for `'a`.
unsafe fn bytes_arg<'a>(data: *const c_void, size: usize) -> Result<&'a [u8]> {
    if data.is_null() {
        return match size {
            0 => Ok(&[]),
            _ => Err(null("data")),
        };
    }
    if isize::try_from(size).is_err() {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("{size} bytes, which no memory has"),
        ));
    }
    // SAFETY: handed through.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), size) })
}

// ---- Publishing ----

/// `crosspage_topic_publisher`. One thread at a time borrows `inner`; `control` is for all of them.
pub struct Publisher {
    control: Control,
    inner: Inner,
}

struct Inner {
    raw: RawPublisher,
    what: What,
    /// Of the array that is published now.
    array: ArrayType,
    /// Loans that are out: they refer to the publisher.
    loans: usize,
    /// C has given its pointer back, and the last loan ends the publisher.
    freed: bool,
}

impl Publisher {
    /// # Safety
    /// The header's contract: the publisher is used by one thread at a time.
    #[inline(always)]
    unsafe fn inner<'a>(publisher: *mut Publisher) -> Result<&'a mut Inner> {
        match publisher.is_null() {
            true => Err(null("publisher")),
            // SAFETY: by the contract; other threads use `control` only.
            false => Ok(unsafe { &mut (*publisher).inner }),
        }
    }

    /// # Safety
    /// The header's contract.
    unsafe fn control<'a>(publisher: *const Publisher) -> Result<&'a Control> {
        match publisher.is_null() {
            true => Err(null("publisher")),
            // SAFETY: by the contract; nobody borrows it mutably.
            false => Ok(unsafe { &(*publisher).control }),
        }
    }
}

impl Inner {
    /// # Safety
    /// `value` points to `size` bytes that nobody writes meanwhile.
    #[inline(always)]
    unsafe fn publish(&mut self, value: *const c_void, size: usize) -> Result<u64> {
        // SAFETY: handed through; a struct's size was checked.
        unsafe {
            if self.what.varies() {
                return self.raw.publish_bytes(bytes_arg(value, size)?);
            }
            self.what.check(value, size)?;
            self.raw.publish(value.cast())
        }
    }

    /// # Safety
    /// `value` points to `size` bytes, and `tail` to `count` elements of the layout's tail, that nobody writes
    /// meanwhile.
    unsafe fn publish_tail(
        &mut self,
        value: *const c_void,
        size: usize,
        tail: *const c_void,
        count: usize,
    ) -> Result<u64> {
        let layout = match &self.what {
            What::Struct { layout, .. } if layout.tail().is_some() => layout,
            What::Struct { layout, .. } => {
                return Err(invalid(format!("{} does not end in a tail", layout.name())));
            }
            other => return Err(other.no_struct()),
        };
        let end = match layout.fields() {
            [.., last, _] => last.offset + last.ty.size(),
            _ => 0,
        };
        if value.is_null() || size < end {
            return Err(invalid(format!(
                "a value of {size} bytes; before its tail {} has {end}",
                layout.name()
            )));
        }
        if tail.is_null() && count > 0 {
            return Err(null("tail"));
        }
        // SAFETY: the fields before the tail lie in `size` bytes; the rest is handed through.
        unsafe { self.raw.publish_tail(value.cast(), tail.cast(), count) }
    }

    /// # Safety
    /// As the header says of arrays and their bytes.
    unsafe fn publish_array(
        &mut self,
        array: *const CArray,
        data: *const c_void,
        size: usize,
    ) -> Result<u64> {
        // SAFETY: handed through.
        unsafe {
            ref_arg(array, "array")?.store(&mut self.array)?;
            self.raw.publish_array(&self.array, bytes_arg(data, size)?)
        }
    }

    /// Does something that never waits.
    fn at_once<T>(&mut self, body: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        let timeout = self.raw.timeout();
        self.raw.set_timeout(Some(Duration::ZERO));
        let done = body(self);
        self.raw.set_timeout(timeout);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_attach(
    locator: *const c_char,
    kind: u32,
    layout: *const CStruct,
    given: *const COptions,
    out: *mut *mut Publisher,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            crate::log::start();
            let locator = str_arg(locator, "locator")?;
            let what = What::from_c(kind, layout)?;
            let Some(kind) = what.kind() else {
                return Err(invalid("a publisher says what it publishes")
                    .with_hint("CROSSPAGE_MESSAGE_STRUCT, _BYTES or _ARRAY"));
            };
            let options = options(given)?.to_core()?;
            put_handle(out, || {
                let raw = RawPublisher::attach(locator, Some(&kind), &options)?;
                Ok(Publisher {
                    control: raw.control(),
                    inner: Inner {
                        raw,
                        what,
                        array: ArrayType {
                            dtype: String::new(),
                            shape: Vec::new(),
                        },
                        loans: 0,
                        freed: false,
                    },
                })
            })
        })
    }
}

/// Does something with the handle that gives a sequence.
///
/// # Safety
/// The header's contract: the publisher is used by one thread at a time.
#[inline(always)]
unsafe fn with_publisher(
    publisher: *mut Publisher,
    sequence: *mut u64,
    error: *mut CError,
    body: impl FnOnce(&mut Inner) -> Result<u64>,
) -> i32 {
    // SAFETY: handed through.
    unsafe {
        guard(error, || {
            put(sequence, body(Publisher::inner(publisher)?)?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_publish(
    publisher: *mut Publisher,
    value: *const c_void,
    size: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the value has `size` bytes, laid out as its layout says.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.publish(value, size)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_try_publish(
    publisher: *mut Publisher,
    value: *const c_void,
    size: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: as for publishing.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.at_once(|publisher| publisher.publish(value, size))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_publish_many(
    publisher: *mut Publisher,
    values: *const c_void,
    size: usize,
    count: usize,
    published: *mut usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: there are `count` values of `size` bytes, one after the other.
    unsafe {
        guard(error, || {
            let publisher = Publisher::inner(publisher)?;
            if count > 0 || !values.is_null() {
                publisher.what.check(values, size)?;
                put(published, publisher.raw.publish_many(values.cast(), count)?);
            } else {
                put(published, 0);
            }
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_publish_tail(
    publisher: *mut Publisher,
    value: *const c_void,
    size: usize,
    tail: *const c_void,
    count: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the value has `size` bytes, the tail `count` elements.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.publish_tail(value, size, tail, count)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_try_publish_tail(
    publisher: *mut Publisher,
    value: *const c_void,
    size: usize,
    tail: *const c_void,
    count: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.at_once(|publisher| publisher.publish_tail(value, size, tail, count))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_publish_array(
    publisher: *mut Publisher,
    array: *const CArray,
    data: *const c_void,
    size: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the data has `size` bytes, and the array's shape its dimensions.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.publish_array(array, data, size)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_try_publish_array(
    publisher: *mut Publisher,
    array: *const CArray,
    data: *const c_void,
    size: usize,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: as for publishing.
    unsafe {
        with_publisher(publisher, sequence, error, |publisher| {
            publisher.at_once(|publisher| publisher.publish_array(array, data, size))
        })
    }
}

/// `crosspage_topic_loan`.
#[repr(C)]
pub struct CLoan {
    data: *mut c_void,
    size: usize,
    internal: [u64; 12],
}

/// What is in `CLoan::internal`.
struct Loan {
    raw: ManuallyDrop<RawLoan>,
    publisher: *mut Publisher,
}

const _: () =
    assert!(size_of::<Loan>() <= size_of::<[u64; 12]>() && align_of::<Loan>() <= align_of::<u64>());

impl CLoan {
    /// Lends what `lend` gives.
    ///
    /// # Safety
    /// The header's contract.
    unsafe fn lend(
        publisher: *mut Publisher,
        out: *mut CLoan,
        error: *mut CError,
        lend: impl FnOnce(&mut Inner) -> Result<RawLoan>,
    ) -> i32 {
        // SAFETY: handed through.
        unsafe {
            guard(error, || {
                if out.is_null() {
                    return Err(null("loan"));
                }
                let handle = Publisher::inner(publisher)?;
                let mut raw = lend(handle)?;
                handle.loans += 1;
                out.write(CLoan {
                    data: raw.as_mut_ptr().cast(),
                    size: raw.len(),
                    internal: [0; 12],
                });
                (&raw mut (*out).internal).cast::<Loan>().write(Loan {
                    raw: ManuallyDrop::new(raw),
                    publisher,
                });
                Ok(())
            })
        }
    }

    /// Ends the loan, and gives it to `end`.
    ///
    /// # Safety
    /// `loan` was filled by [`CLoan::lend`].
    unsafe fn end<T>(loan: *mut CLoan, end: impl FnOnce(&mut Inner, RawLoan) -> T) -> T {
        // SAFETY: the publisher is there until its last loan has ended.
        unsafe {
            (*loan).data = std::ptr::null_mut();
            let made = (&raw mut (*loan).internal).cast::<Loan>().read();
            let publisher = made.publisher;
            let inner = &mut (*publisher).inner;
            inner.loans -= 1;
            let ended = end(inner, ManuallyDrop::into_inner(made.raw));
            if inner.freed && inner.loans == 0 {
                drop(Box::from_raw(publisher));
            }
            ended
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_loan(
    publisher: *mut Publisher,
    size: usize,
    loan: *mut CLoan,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        CLoan::lend(publisher, loan, error, |publisher| {
            if !publisher.what.varies() {
                // Only the size is asked of it.
                publisher.what.check(loan.cast(), size)?;
            }
            publisher.raw.loan(size)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_loan_array(
    publisher: *mut Publisher,
    array: *const CArray,
    loan: *mut CLoan,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        CLoan::lend(publisher, loan, error, |publisher| {
            ref_arg(array, "array")?.store(&mut publisher.array)?;
            publisher.raw.loan_array(&publisher.array)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_commit(
    loan: *mut CLoan,
    sequence: *mut u64,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: filled by a loan, or all zero.
    unsafe {
        guard(error, || {
            if ref_arg(loan, "loan")?.data.is_null() {
                return Err(invalid("there is no loan: it was committed or discarded"));
            }
            let committed = CLoan::end(loan, |publisher, raw| match publisher.freed {
                // Its memory is there, but nobody publishes any more.
                true => {
                    publisher.raw.discard(raw);
                    Err(Error::new(
                        ErrorKind::Closed,
                        "the publisher of this loan was freed",
                    ))
                }
                false => publisher.raw.commit(raw),
            });
            put(sequence, committed?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_discard(loan: *mut CLoan) {
    // SAFETY: as for committing.
    unsafe {
        if !loan.is_null() && !(*loan).data.is_null() {
            guard_quietly((), || {
                CLoan::end(loan, |publisher, raw| publisher.raw.discard(raw));
            });
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_set_timeout(
    publisher: *mut Publisher,
    timeout_ns: i64,
) {
    // SAFETY: the header's contract.
    if let Ok(publisher) = unsafe { Publisher::inner(publisher) } {
        publisher.raw.set_timeout(timeout(timeout_ns));
    }
}

/// `crosspage_topic_event`.
#[repr(C)]
pub struct CEvent {
    kind: u32,
    pid: u32,
    language: [c_char; 16],
}

impl From<Event> for CEvent {
    fn from(event: Event) -> CEvent {
        let participant = event.participant();
        let mut language = [0; 16];
        for (to, from) in language[..15].iter_mut().zip(participant.language.bytes()) {
            *to = from as c_char;
        }
        CEvent {
            kind: match event {
                Event::Matched(_) => 1,
                _ => 2,
            },
            pid: participant.pid,
            language,
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_subscribers(
    publisher: *const Publisher,
) -> usize {
    // SAFETY: the header's contract.
    let control = unsafe { Publisher::control(publisher) };
    guard_quietly(0, || control.map_or(0, Control::others))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_wait_subscribers(
    publisher: *const Publisher,
    n: usize,
    timeout_ns: i64,
    found: *mut usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let control = Publisher::control(publisher)?;
            put(found, control.wait_others(n, timeout(timeout_ns))?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_wait_event(
    publisher: *const Publisher,
    timeout_ns: i64,
    event: *mut CEvent,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let control = Publisher::control(publisher)?;
            put(event, control.wait_event(timeout(timeout_ns))?.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_close(publisher: *const Publisher) {
    // SAFETY: the header's contract.
    if let Ok(control) = unsafe { Publisher::control(publisher) } {
        guard_quietly((), || control.close());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_publisher_free(publisher: *mut Publisher) {
    if publisher.is_null() {
        return;
    }
    // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
    guard_quietly((), || unsafe {
        let inner = &mut (*publisher).inner;
        if inner.loans == 0 {
            drop(Box::from_raw(publisher));
        } else {
            inner.freed = true;
            inner.raw.close();
        }
    });
}

// ---- Subscribing ----

/// `crosspage_topic_subscriber`. One thread at a time borrows `inlet`; `control` is for all of them.
pub struct Subscriber {
    control: Control,
    inlet: Inlet,
}

struct Inlet {
    raw: RawSubscriber,
    what: What,
}

impl Subscriber {
    /// # Safety
    /// The header's contract: the subscriber is used by one thread at a time.
    #[inline(always)]
    unsafe fn inlet<'a>(subscriber: *mut Subscriber) -> Result<&'a mut Inlet> {
        match subscriber.is_null() {
            true => Err(null("subscriber")),
            // SAFETY: by the contract; other threads use `control` only.
            false => Ok(unsafe { &mut (*subscriber).inlet }),
        }
    }

    /// # Safety
    /// As for [`inlet`](Subscriber::inlet).
    pub unsafe fn raw<'a>(subscriber: *mut Subscriber) -> Result<&'a mut RawSubscriber> {
        // SAFETY: handed through.
        unsafe { Subscriber::inlet(subscriber) }.map(|inlet| &mut inlet.raw)
    }

    /// # Safety
    /// The header's contract.
    unsafe fn control<'a>(subscriber: *const Subscriber) -> Result<&'a Control> {
        match subscriber.is_null() {
            true => Err(null("subscriber")),
            // SAFETY: by the contract; nobody borrows it mutably.
            false => Ok(unsafe { &(*subscriber).control }),
        }
    }
}

impl Inlet {
    /// What messages are, as far as somebody has said.
    fn learn(&mut self) -> Result<&What> {
        if let (What::Any, Some(kind)) = (&self.what, self.raw.kind()?) {
            self.what = What::from_kind(kind);
        }
        Ok(&self.what)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_attach(
    locator: *const c_char,
    kind: u32,
    layout: *const CStruct,
    given: *const COptions,
    out: *mut *mut Subscriber,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            crate::log::start();
            let locator = str_arg(locator, "locator")?;
            let what = What::from_c(kind, layout)?;
            let options = options(given)?.to_core()?;
            put_handle(out, || {
                let raw = RawSubscriber::attach(locator, what.kind().as_ref(), &options)?;
                Ok(Subscriber {
                    control: raw.control(),
                    inlet: Inlet { raw, what },
                })
            })
        })
    }
}

/// `crosspage_topic_message`.
#[repr(C)]
pub struct CMessage {
    data: *const c_void,
    size: usize,
    meta: CMeta,
    array: CArray,
    kind: u32,
    reserved: u32,
    internal: [u64; 24],
}

const _: () = assert!(
    size_of::<RawMessage>() <= size_of::<[u64; 24]>()
        && align_of::<RawMessage>() <= align_of::<u64>()
);

impl CMessage {
    /// # Safety
    /// `out` is valid for writing a message.
    unsafe fn put(out: *mut CMessage, subscriber: &mut Inlet, raw: RawMessage) -> Result<()> {
        let message = CMessage {
            data: std::ptr::null(),
            size: 0,
            meta: CMeta {
                held: raw.is_held().into(),
                ..CMeta::from(raw.meta())
            },
            array: raw.array().map_or(Ok(CArray::NONE), CArray::of)?,
            kind: subscriber.learn()?.number(),
            reserved: 0,
            internal: [0; 24],
        };
        // SAFETY: by the contract; and `internal` has room for it, as asserted above. A small message's bytes lie in
        // it, so that they are asked for where it stays.
        unsafe {
            out.write(message);
            let internal = (&raw mut (*out).internal).cast::<RawMessage>();
            internal.write(raw);
            let bytes = (*internal).bytes();
            (*out).data = bytes.as_ptr().cast();
            (*out).size = bytes.len();
        }
        Ok(())
    }
}

const NO_MESSAGE: &str = "no message is there";

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_try_recv(
    subscriber: *mut Subscriber,
    message: *mut CMessage,
    error: *mut CError,
) -> i32 {
    let mut empty = false;
    // SAFETY: the header's contract: the subscriber is used by one thread at a time.
    unsafe {
        let code = guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            if message.is_null() {
                return Err(null("message"));
            }
            match subscriber.raw.try_recv()? {
                Some(found) => CMessage::put(message, subscriber, found)?,
                None => empty = true,
            }
            Ok(())
        });
        if empty {
            report_no_value(error, NO_MESSAGE)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_recv(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
    message: *mut CMessage,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            if message.is_null() {
                return Err(null("message"));
            }
            let found = subscriber.raw.recv(timeout(timeout_ns))?;
            CMessage::put(message, subscriber, found)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_release(message: *mut CMessage) {
    // SAFETY: the header's contract: null, or filled by a receive, or all zero.
    unsafe {
        // A message without bytes has data, too, though nobody may look at it.
        if message.is_null() || (*message).data.is_null() {
            return;
        }
        (*message).data = std::ptr::null();
        let raw = (&raw mut (*message).internal).cast::<RawMessage>().read();
        guard_quietly((), || drop(raw));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_try_recv_into(
    subscriber: *mut Subscriber,
    value: *mut c_void,
    size: usize,
    meta: *mut CMeta,
    error: *mut CError,
) -> i32 {
    let mut empty = false;
    // SAFETY: the header's contract: the value has `size` writable bytes.
    unsafe {
        let code = guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            subscriber.what.check(value, size)?;
            match subscriber.raw.try_recv_into(value.cast())? {
                Some(found) => put(meta, CMeta::from(&found)),
                None => empty = true,
            }
            Ok(())
        });
        if empty {
            report_no_value(error, NO_MESSAGE)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_recv_into(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
    value: *mut c_void,
    size: usize,
    meta: *mut CMeta,
    error: *mut CError,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            subscriber.what.check(value, size)?;
            let found = subscriber
                .raw
                .recv_into(value.cast(), timeout(timeout_ns))?;
            put(meta, CMeta::from(&found));
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_recv_many_into(
    subscriber: *mut Subscriber,
    timeout_ns: i64,
    values: *mut c_void,
    size: usize,
    max: usize,
    metas: *mut CMeta,
    count: *mut usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: there is room for `max` values of `size` bytes, one after the other, and for
    // `max` metas where there is any.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            subscriber.what.check(values, size)?;
            let mut known = 0;
            let received = (subscriber.raw).recv_many_into(
                values.cast(),
                max,
                timeout(timeout_ns),
                &mut |meta| {
                    if !metas.is_null() && known < max {
                        metas.add(known).write(CMeta::from(&meta));
                        known += 1;
                    }
                },
            )?;
            put(count, received);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_lost(subscriber: *const Subscriber) -> u64 {
    guard_quietly(0, || {
        // SAFETY: the header's contract.
        let inlet = unsafe { Subscriber::inlet(subscriber.cast_mut()) };
        inlet.map_or(0, |inlet| inlet.raw.lost())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_kind(
    subscriber: *mut Subscriber,
    kind: *mut u32,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            put(kind, subscriber.learn()?.number());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_layout(
    subscriber: *mut Subscriber,
    out: *mut *mut Layout,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            match subscriber.learn()? {
                What::Struct { layout, .. } => {
                    let layout = layout.clone();
                    put_handle(out, || Layout::new(layout))
                }
                What::Any => Err(Error::new(
                    ErrorKind::NoValue,
                    "nobody has said yet what the messages are",
                )),
                What::Bytes => Err(invalid("the messages are bytes; they have no layout")),
                What::Array => Err(invalid("the messages are arrays; they have no layout")),
            }
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_wait_fd(
    subscriber: *mut Subscriber,
    fd: *mut crate::wait::WaitFd,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let subscriber = Subscriber::inlet(subscriber)?;
            put(fd, subscriber.raw.wait_handle()?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_publishers(
    subscriber: *const Subscriber,
) -> usize {
    // SAFETY: the header's contract.
    let control = unsafe { Subscriber::control(subscriber) };
    guard_quietly(0, || control.map_or(0, Control::others))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_wait_publishers(
    subscriber: *const Subscriber,
    n: usize,
    timeout_ns: i64,
    found: *mut usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let control = Subscriber::control(subscriber)?;
            put(found, control.wait_others(n, timeout(timeout_ns))?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_wait_event(
    subscriber: *const Subscriber,
    timeout_ns: i64,
    event: *mut CEvent,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let control = Subscriber::control(subscriber)?;
            put(event, control.wait_event(timeout(timeout_ns))?.into());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_close(subscriber: *const Subscriber) {
    // SAFETY: the header's contract.
    if let Ok(control) = unsafe { Subscriber::control(subscriber) } {
        guard_quietly((), || control.close());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_topic_subscriber_free(subscriber: *mut Subscriber) {
    if !subscriber.is_null() {
        // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
        guard_quietly((), || drop(unsafe { Box::from_raw(subscriber) }));
    }
}
