//! crosspage's `latest` through the C++ face: `bench/cpp/latest.cpp`, compiled by `cargo xtask bench`.

use std::ffi::{CStr, CString, c_char, c_void};

use super::Sample;

/// Names the shared library.
const LIBRARY: &str = "CROSSPAGE_BENCH_CPP";

/// A writer and a reader.
pub struct Cpp {
    reader: *const c_void,
    writer: *mut c_void,
    read: unsafe extern "C" fn(*const c_void),
    write: unsafe extern "C" fn(*mut c_void, *const Sample),
    close: unsafe extern "C" fn(*const c_void, *const c_void),
}

impl Drop for Cpp {
    fn drop(&mut self) {
        // SAFETY: both were made by `load`, and are used no more.
        unsafe { (self.close)(self.reader, self.writer) }
    }
}

impl Cpp {
    /// Reads the page `theirs`, and makes `ours`; nothing where no library is named.
    pub fn load(theirs: &str, ours: &str) -> Result<Option<Cpp>, String> {
        let Some(path) = std::env::var_os(LIBRARY) else {
            return Ok(None);
        };
        let path = CString::new(path.into_encoded_bytes()).map_err(|e| e.to_string())?;
        // SAFETY: a string that ends with a NUL; the library is our own, compiled from this tree.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return Err(last_error());
        }
        let symbol = |name: &CStr| {
            // SAFETY: an open library and a string that ends with a NUL.
            match unsafe { libc::dlsym(library, name.as_ptr()) } {
                found if found.is_null() => Err(last_error()),
                found => Ok(found),
            }
        };
        type Make = unsafe extern "C" fn(*const c_char) -> *mut c_void;
        // SAFETY: these are the types that bench/cpp/latest.cpp gives them.
        let (open, create, read, write, close) = unsafe {
            (
                std::mem::transmute::<*mut c_void, Make>(symbol(c"bench_open")?),
                std::mem::transmute::<*mut c_void, Make>(symbol(c"bench_create")?),
                std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*const c_void)>(symbol(
                    c"bench_read",
                )?),
                std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void, *const Sample)>(
                    symbol(c"bench_write")?,
                ),
                std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn(*const c_void, *const c_void),
                >(symbol(c"bench_close")?),
            )
        };
        let (theirs, ours) = (CString::new(theirs), CString::new(ours));
        let (theirs, ours) = (
            theirs.map_err(|e| e.to_string())?,
            ours.map_err(|e| e.to_string())?,
        );
        // SAFETY: strings that end with a NUL.
        let (reader, writer) = unsafe { (open(theirs.as_ptr()), create(ours.as_ptr())) };
        Ok(Some(Cpp {
            reader,
            writer,
            read,
            write,
            close,
        }))
    }

    #[inline]
    pub fn read(&self) {
        // SAFETY: a reader that lives as long as `self`.
        unsafe { (self.read)(self.reader) }
    }

    #[inline]
    pub fn write(&mut self, value: &Sample) {
        // SAFETY: a writer that lives as long as `self`, and a valid value.
        unsafe { (self.write)(self.writer, value) }
    }
}

fn last_error() -> String {
    // SAFETY: called after a failure, on the same thread.
    let said = unsafe { libc::dlerror() };
    if said.is_null() {
        return "the dynamic linker failed".into();
    }
    // SAFETY: the dynamic linker's string, which lives until its next call.
    unsafe { CStr::from_ptr(said) }
        .to_string_lossy()
        .into_owned()
}
