//! Every page there is: `crosspage.list`, `remove` and `gc`.

use crosspage::registry;
use pyo3::prelude::*;

use crate::errors::raise;
use crate::handle::name_of;
use crate::latest::Participant;
use crate::types::{LayoutObject, dynamic};

/// What is known of one page without attaching to it.
#[pyclass(frozen, get_all, module = "crosspage")]
pub struct PageInfo {
    /// The page's name, as its creator spelled it.
    name: String,
    /// What to open it by.
    locator: String,
    /// "latest", …
    pattern: &'static str,
    /// The layout of its values; None where pages of this pattern carry none.
    layout: Option<Py<LayoutObject>>,
    /// Bytes of the whole page.
    size: u64,
    /// The user who made it.
    owner: String,
    /// The file's permission bits.
    mode: u32,
    /// "keep" or "while_used".
    lifetime: String,
    /// Who is attached; read-only handles are not counted.
    participants: Vec<Py<Participant>>,
    /// The version of its value; None before the first write.
    version: Option<u64>,
    /// How old its value is, in seconds.
    age: Option<f64>,
}

#[pymethods]
impl PageInfo {
    fn __repr__(&self) -> String {
        format!(
            "<page {:?}, {}, {} participants>",
            self.name,
            self.pattern,
            self.participants.len()
        )
    }
}

/// The pages of this user in this namespace, by name.
#[pyfunction]
pub fn pages(py: Python<'_>) -> PyResult<Vec<PageInfo>> {
    let info = |page: registry::PageInfo| -> PyResult<PageInfo> {
        let participants = page
            .participants
            .into_iter()
            .map(|one| Py::new(py, Participant::from(one)));
        let layout = page
            .layout
            .map(|layout| Py::new(py, LayoutObject(dynamic(py, &layout)?)))
            .transpose()?;
        Ok(PageInfo {
            name: page.name,
            locator: page.locator.to_string(),
            pattern: page.pattern,
            layout,
            size: page.size,
            owner: page.owner,
            mode: page.mode,
            lifetime: page.lifetime.to_string(),
            participants: participants.collect::<PyResult<_>>()?,
            version: page.version,
            age: page.age.map(|age| age.as_secs_f64()),
        })
    };
    py.detach(registry::list)
        .map_err(raise)?
        .into_iter()
        .map(info)
        .collect()
}

/// The pattern of a page; None where it cannot be looked at.
#[pyfunction(name = "_pattern_of")]
pub fn pattern_of(
    py: Python<'_>,
    #[pyo3(from_py_with = name_of)] locator: String,
) -> Option<&'static str> {
    py.detach(|| registry::inspect(&locator).ok())
        .map(|page| page.pattern)
}

/// Removes a segment. One that living participants use is only removed with `force`.
#[pyfunction]
#[pyo3(signature = (locator, *, force=false))]
pub fn remove(
    py: Python<'_>,
    #[pyo3(from_py_with = name_of)] locator: String,
    force: bool,
) -> PyResult<()> {
    let remove = if force {
        registry::remove_forced
    } else {
        registry::remove
    };
    py.detach(|| remove(&locator)).map_err(raise)
}

/// Something that `gc` removed, or would.
#[pyclass(frozen, get_all, module = "crosspage")]
pub struct Garbage {
    /// The page's name, or the file's where it never got one.
    name: String,
    /// Why nobody can use it any more.
    reason: &'static str,
}

#[pymethods]
impl Garbage {
    fn __repr__(&self) -> String {
        format!("<{:?}: {}>", self.name, self.reason)
    }
}

/// Removes what nobody can use any more, never pages that are to be kept; says what that was. With
/// `dry_run` only says what it would be.
#[pyfunction]
#[pyo3(signature = (*, dry_run=false))]
pub fn gc(py: Python<'_>, dry_run: bool) -> PyResult<Vec<Garbage>> {
    let collect = if dry_run {
        registry::garbage
    } else {
        registry::gc
    };
    let removed = py.detach(collect).map_err(raise)?;
    Ok(removed
        .into_iter()
        .map(|one| Garbage {
            name: one.name,
            reason: one.reason,
        })
        .collect())
}

/// Removes every page of this namespace, whoever is attached, and whatever state it is in.
#[pyfunction(name = "_remove_all")]
pub fn remove_all(py: Python<'_>) -> PyResult<()> {
    py.detach(|| {
        let (pages, unreadable) = registry::list_all()?;
        let locators = pages
            .into_iter()
            .map(|page| page.locator)
            .chain(unreadable.into_iter().map(|page| page.locator));
        for locator in locators {
            match registry::remove_forced(&locator.to_string()) {
                Err(error) if !error.is_not_found() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    })
    .map_err(raise)
}
