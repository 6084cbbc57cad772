//! Where a layout comes from: a segment, or a layout source.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crosspage::layout::{self, Learned, StructType};
use crosspage::{Error, ErrorKind, Locator, Result, registry};

use crate::segment::layout_of;

/// A segment's locator, or `PATH#TYPE`.
#[derive(Debug, Clone)]
pub enum Source {
    Segment(Locator),
    Layout(String),
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Source> {
        // No page's name has a `#`; the path of a `file:` may.
        if text.contains('#') && !text.starts_with("file:") {
            return Ok(Source::Layout(text.to_owned()));
        }
        Ok(Source::Segment(text.parse()?))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Segment(locator) => locator.fmt(f),
            Source::Layout(source) => source.fmt(f),
        }
    }
}

impl Source {
    /// The layout, and how it is known where it was learned.
    pub fn layout(&self) -> Result<(Arc<StructType>, Option<String>)> {
        match self {
            Source::Segment(locator) if locator.is_page() => {
                let page = registry::inspect(&locator.to_string())?;
                Ok((layout_of(&page)?.clone(), None))
            }
            Source::Segment(locator) => Err(Error::new(
                ErrorKind::Invalid,
                format!("segment \"{locator}\" is foreign: it does not tell its layout"),
            )
            .with_hint("name a layout source, such as schema.toml#SharedData")),
            Source::Layout(source) => {
                let Learned {
                    layout, provenance, ..
                } = layout::learn(source)?;
                Ok((layout, provenance))
            }
        }
    }
}
