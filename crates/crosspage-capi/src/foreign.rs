//! Segments that somebody else made.

use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::sync::Arc;

use crosspage::Result;
use crosspage::foreign::{Options, RawView};
use crosspage::layout::StructType;

use crate::error::{CError, guard, guard_quietly, report_cancelled};
use crate::layout::{CStruct, from_table};
use crate::{
    Edit, Sized32, call, check_value, null, options, permissions, put_handle, ref_arg, str_arg,
    timeout, yes,
};

/// `crosspage_foreign_options`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct COptions {
    struct_size: u32,
    permissions: u32,
    read_only: u32,
    reserved: u32,
    timeout_ns: i64,
}

impl Sized32 for COptions {
    const NOTHING_GIVEN: COptions = COptions {
        struct_size: size_of::<COptions>() as u32,
        permissions: 0,
        read_only: 0,
        reserved: 0,
        timeout_ns: 0,
    };
}

impl COptions {
    fn to_core(self) -> Result<Options> {
        Ok(Options {
            permissions: permissions(self.permissions)?.unwrap_or_default(),
            read_only: yes("read_only", self.read_only)?.unwrap_or(false),
            timeout: timeout(self.timeout_ns),
        })
    }
}

/// `crosspage_foreign_view`.
pub struct View(RawView);

impl View {
    fn check(&self, value: *const c_void, size: usize) -> Result<()> {
        let layout = self.0.layout();
        check_value(value, size, layout.size(), || layout.name().to_owned())
    }
}

unsafe fn make(
    locator: *const c_char,
    layout: *const CStruct,
    given: *const COptions,
    out: *mut *mut View,
    error: *mut CError,
    make: impl FnOnce(&str, &Arc<StructType>, &Options) -> Result<RawView>,
) -> i32 {
    // SAFETY: handed through from the exported functions.
    unsafe {
        guard(error, || {
            crate::log::start();
            let locator = str_arg(locator, "locator")?;
            let layout = from_table(layout)?;
            let options = options(given)?.to_core()?;
            put_handle(out, || Ok(View(make(locator, &layout, &options)?)))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_open(
    locator: *const c_char,
    layout: *const CStruct,
    options: *const COptions,
    out: *mut *mut View,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe { make(locator, layout, options, out, error, RawView::open) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_create(
    locator: *const c_char,
    layout: *const CStruct,
    bytes: usize,
    options: *const COptions,
    out: *mut *mut View,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        make(
            locator,
            layout,
            options,
            out,
            error,
            |locator, layout, options| RawView::create(locator, layout, bytes, options),
        )
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_read(
    view: *const View,
    value: *mut c_void,
    size: usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the value has `size` writable bytes.
    unsafe {
        guard(error, || {
            let view = ref_arg(view, "view")?;
            view.check(value, size)?;
            view.0.read(value.cast())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_read_stable(
    view: *const View,
    timeout_ns: i64,
    value: *mut c_void,
    size: usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        guard(error, || {
            let view = ref_arg(view, "view")?;
            view.check(value, size)?;
            view.0.read_stable(timeout(timeout_ns), value.cast())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_read_ready(
    view: *const View,
    flag: *const c_char,
    timeout_ns: i64,
    value: *mut c_void,
    size: usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        guard(error, || {
            let view = ref_arg(view, "view")?;
            view.check(value, size)?;
            view.0
                .read_ready(str_arg(flag, "flag")?, timeout(timeout_ns), value.cast())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_write(
    view: *mut View,
    value: *const c_void,
    size: usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract: the view is used by one thread at a time, and the value has `size`
    // bytes laid out as its layout says.
    unsafe {
        guard(error, || {
            let view = view.as_mut().ok_or_else(|| null("view"))?;
            view.check(value, size)?;
            view.0.write(value.cast())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_write_with_ready(
    view: *mut View,
    flag: *const c_char,
    value: *const c_void,
    size: usize,
    error: *mut CError,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        guard(error, || {
            let view = view.as_mut().ok_or_else(|| null("view"))?;
            view.check(value, size)?;
            view.0
                .write_with_ready(value.cast(), str_arg(flag, "flag")?)
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_update(
    view: *mut View,
    scratch: *mut c_void,
    size: usize,
    edit: Option<Edit>,
    context: *mut c_void,
    error: *mut CError,
) -> i32 {
    let mut cancelled = false;
    // SAFETY: the header's contract: as for writing, and nobody else touches `scratch` meanwhile.
    unsafe {
        let code = guard(error, || {
            let view = view.as_mut().ok_or_else(|| null("view"))?;
            view.check(scratch, size)?;
            let edit = edit.ok_or_else(|| null("edit"))?;
            (view.0).update(scratch.cast(), &mut |value| {
                call(edit, context, value, &mut cancelled)
            })
        });
        if cancelled {
            report_cancelled(error)
        } else {
            code
        }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_size(view: *const View) -> usize {
    // SAFETY: the header's contract.
    unsafe { view.as_ref() }.map_or(0, |view| view.0.size())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_created(view: *const View) -> bool {
    // SAFETY: the header's contract.
    unsafe { view.as_ref() }.is_some_and(|view| view.0.created())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_close(view: *const View) {
    // SAFETY: the header's contract.
    if let Some(view) = unsafe { view.as_ref() } {
        guard_quietly((), || view.0.close());
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_foreign_free(view: *mut View) {
    if !view.is_null() {
        // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
        guard_quietly((), || drop(unsafe { Box::from_raw(view) }));
    }
}
