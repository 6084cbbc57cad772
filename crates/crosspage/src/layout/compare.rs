//! Do two layouts agree, and where do they not? (in progress)

use super::StructType;
use crate::{Error, ErrorKind};

/// How much of two layouts has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Match {
    /// Everything: names, types, offsets, size and alignment.
    #[default]
    Exact,
    /// Every field that this side declares is in the page, with its name and type, wherever it
    /// lies; what else the page has is left alone.
    Name,
}

/// One row of a layout mismatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field's path as the page spells it, or `(size)` or `(align)`.
    pub field: String,
    /// What the page has, such as `i64 at 588`; `None` where it has nothing of the kind.
    pub page: Option<String>,
    /// What this side has.
    pub here: Option<String>,
}

/// Compares a page's layout with the one declared here.
///
/// # Errors
/// Every difference, in the order of the page's fields.
pub fn compare(
    page: &StructType,
    here: &StructType,
    how: Match,
) -> Result<Vec<String>, Vec<Difference>> {
    let _ = how;
    if page.canonical() == here.canonical() {
        return Ok(Vec::new());
    }
    Err(vec![Difference {
        field: "(size)".into(),
        page: Some(format!("{} bytes", page.size())),
        here: Some(format!("{} bytes", here.size())),
    }])
}

/// The error for two layouts that do not agree, with a table of all differences and a hint on
/// what may be behind them. `page_side` and `here_side` say who is who: `Rust, pid 4242` and
/// `C++, this process`.
pub fn mismatch_error(
    page_name: &str,
    page: &StructType,
    page_side: &str,
    here: &StructType,
    here_side: &str,
    differences: Vec<Difference>,
) -> Error {
    let _ = page;
    let table = difference_table(&format!("in the page ({page_side})"), "here", &differences);
    let message =
        format!("layout of page {page_name:?} differs from {} ({here_side}):\n{table}", here.name());
    Error::new(ErrorKind::LayoutMismatch, message).with_differences(differences)
}

/// The differences as aligned columns: a heading and a row each, without a final newline.
pub fn difference_table(page: &str, here: &str, differences: &[Difference]) -> String {
    let _ = (page, here);
    differences.iter().map(|d| d.field.clone()).collect::<Vec<_>>().join("\n")
}
