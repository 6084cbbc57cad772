//! For tests: a namespace of their own.

use std::ffi::{CString, c_char};
use std::ptr::null;

use crosspage::testing::{self, Namespace};

use crate::error::{CError, guard, guard_quietly};
use crate::put_handle;

/// `crosspage_namespace`.
pub struct CNamespace {
    name: CString,
    _namespace: Namespace,
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_testing_namespace(
    out: *mut *mut CNamespace,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            put_handle(out, || {
                let namespace = testing::namespace();
                Ok(CNamespace {
                    name: CString::new(namespace.name()).unwrap_or_default(),
                    _namespace: namespace,
                })
            })
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_namespace_name(namespace: *const CNamespace) -> *const c_char {
    // SAFETY: the header's contract.
    unsafe { namespace.as_ref() }.map_or(null(), |namespace| namespace.name.as_ptr())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_namespace_free(namespace: *mut CNamespace) {
    if !namespace.is_null() {
        // SAFETY: by the header's contract it came from `put_handle`, and is freed once.
        guard_quietly((), || drop(unsafe { Box::from_raw(namespace) }));
    }
}
