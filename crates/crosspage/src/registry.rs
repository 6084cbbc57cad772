//! Every page there is: listing them, looking at one, removing them.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::latest;
use crate::layout::StructType;
use crate::locator::Locator;
use crate::page::{self, Lifetime, Page, Participant, Pattern};
use crate::segment::{TEMPORARY, file};

/// Every pattern that this library knows.
static PATTERNS: &[&Pattern] = &[
    &latest::PATTERN,
    #[cfg(not(loom))]
    &crate::topic::PATTERN,
];

pub(crate) fn pattern(id: u32) -> Option<&'static Pattern> {
    PATTERNS.iter().find(|pattern| pattern.id == id).copied()
}

/// What is known of one page without attaching to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PageInfo {
    /// The page's name, as its creator spelled it.
    pub name: String,
    /// What to open it by.
    pub locator: Locator,
    /// `latest`, …
    pub pattern: &'static str,
    /// The layout of its values; `None` where pages of this pattern carry none.
    pub layout: Option<Arc<StructType>>,
    /// Bytes of the whole page, with all by which it has grown.
    pub size: u64,
    /// The user who made it, by name where there is one.
    pub owner: String,
    /// The file's permission bits.
    pub mode: u32,
    /// How long it stays.
    pub lifetime: Lifetime,
    /// Who is attached. Read-only handles are not counted.
    pub participants: Vec<Participant>,
    /// The version of its value; `None` before the first write.
    pub version: Option<u64>,
    /// How old its value is.
    pub age: Option<Duration>,
    /// What there is to know of a topic; `None` for other patterns.
    #[cfg(not(loom))]
    pub topic: Option<crate::topic::TopicInfo>,
}

/// A page that could not be looked at, and why.
#[derive(Debug)]
pub struct Unreadable {
    /// What it would be opened by.
    pub locator: Locator,
    /// Why not.
    pub error: Error,
}

/// The pages of this user in this namespace, by name. Pages that cannot be read are left out; see
/// [`list_all`].
///
/// # Errors
/// Permission denied.
pub fn list() -> Result<Vec<PageInfo>> {
    Ok(list_all()?.0)
}

/// The pages of this user in this namespace, and those that cannot be read.
///
/// # Errors
/// Permission denied.
pub fn list_all() -> Result<(Vec<PageInfo>, Vec<Unreadable>)> {
    let namespace = page::namespace()?;
    let directory = file::directory(file::current_uid());
    let names = file::names(&directory)
        .map_err(|e| Error::os(format_args!("cannot list {}", directory.display()), &e))?;
    let (mut pages, mut unreadable) = (Vec::new(), Vec::new());
    for name in names {
        let Some(name) = file::text(&name).and_then(|name| page::name_of_file(&namespace, name))
        else {
            continue;
        };
        let locator = Locator::Name { user: None, name };
        match Page::look(&locator, true) {
            Ok(page) => pages.push(info(&page)),
            Err(error) if error.is_not_found() => {} // Removed meanwhile.
            Err(error) => unreadable.push(Unreadable { locator, error }),
        }
    }
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((pages, unreadable))
}

/// Looks at one page without attaching to it.
///
/// # Errors
/// Not found; permission denied; corrupt; unsupported.
pub fn inspect(locator: &str) -> Result<PageInfo> {
    Ok(info(&Page::look(&locator.parse()?, false)?))
}

pub(crate) fn info(page: &Page) -> PageInfo {
    let (version, age) = match latest::RawReader::peek(page) {
        Some(meta) => (Some(meta.version), Some(meta.age())),
        None => (None, None),
    };
    #[cfg(not(loom))]
    let topic = match page.pattern().id == crate::topic::PATTERN.id {
        // What is damaged is told to who attaches.
        true => crate::topic::info(page).ok(),
        false => None,
    };
    #[cfg(not(loom))]
    let layout = match topic.as_ref().and_then(|topic| topic.kind.as_ref()) {
        Some(crate::topic::Kind::Struct(layout)) => Some(layout.clone()),
        _ => page.layout().cloned(),
    };
    #[cfg(loom)]
    let layout = page.layout().cloned();
    let (uid, mode) = page.owner();
    let name = page.facts().name.clone();
    let locator = match page.locator() {
        Locator::Name { user, .. } => Locator::Name {
            user: user.clone(),
            name: name.clone(),
        },
        other => other.clone(),
    };
    PageInfo {
        locator,
        name,
        pattern: page.pattern().name,
        layout,
        size: page.file_size().unwrap_or(page.facts().total),
        owner: file::user_name(uid).unwrap_or_else(|| uid.to_string()),
        mode,
        lifetime: page.facts().lifetime,
        participants: page.participants(),
        version,
        age,
        #[cfg(not(loom))]
        topic,
    }
}

/// Removes a segment that nobody uses, be it a page or foreign.
///
/// A foreign POSIX object goes by name, a System V segment by key or id. Windows has no name to take away:
/// a segment goes there with the last program that has it open.
///
/// # Errors
/// In use, naming who lives; corrupt (a damaged page is only removed by force); not found; permission
/// denied; unsupported where the segment is none of this system.
pub fn remove(locator: &str) -> Result<()> {
    remove_with(locator, false)
}

/// Removes a segment whoever uses it. Those who are attached to a page get the error *replaced*; those
/// who have a foreign segment mapped keep its bytes, and new ones find nothing.
///
/// # Errors
/// Not found; permission denied; unsupported.
pub fn remove_forced(locator: &str) -> Result<()> {
    remove_with(locator, true)
}

fn remove_with(locator: &str, force: bool) -> Result<()> {
    let parsed: Locator = locator.parse()?;
    #[cfg(not(loom))]
    if !parsed.is_page() {
        return crate::foreign::remove(locator, force);
    }
    Page::remove(&parsed, force)
}

/// Something that [`gc`] removed, or [`garbage`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Garbage {
    /// The page's name, or the file's where it never got one.
    pub name: String,
    /// Why nobody can use it any more.
    pub reason: &'static str,
}

/// Removes what nobody can use any more: `while_used` pages without a living participant, and pages
/// whose maker or remover died over it. Never pages that are to be kept. Every namespace of this user is
/// looked at. Says what it removed.
///
/// # Errors
/// Permission denied.
pub fn gc() -> Result<Vec<Garbage>> {
    collect(false)
}

/// What [`gc`] would remove.
///
/// # Errors
/// Permission denied.
pub fn garbage() -> Result<Vec<Garbage>> {
    collect(true)
}

fn collect(dry_run: bool) -> Result<Vec<Garbage>> {
    let directory = file::directory(file::current_uid());
    let names = file::names(&directory)
        .map_err(|e| Error::os(format_args!("cannot list {}", directory.display()), &e))?;
    let mut removed = Vec::new();
    for name in names {
        let Some(name) = file::text(&name) else {
            continue;
        };
        let path = directory.join(name);
        if name.ends_with(TEMPORARY) {
            if if dry_run {
                page::is_stale(&path)
            } else {
                page::remove_if_stale(&path)
            } {
                removed.push(Garbage {
                    name: name.to_owned(),
                    reason: "its maker died before it was finished",
                });
            }
        } else if name.ends_with(page::SUFFIX)
            && let Some((name, reason)) = Page::collect(&path, dry_run)
        {
            removed.push(Garbage { name, reason });
        }
    }
    if !dry_run {
        file::remove_directory_if_empty(&directory);
    }
    Ok(removed)
}

/// Removes every page of a namespace, whoever is attached.
pub(crate) fn remove_namespace(namespace: &str) {
    let directory = file::directory(file::current_uid());
    for name in file::names(&directory).unwrap_or_default() {
        if file::text(&name).is_some_and(|name| page::name_of_file(namespace, name).is_some()) {
            Page::remove_file(&directory.join(&name));
        }
    }
    file::remove_directory_if_empty(&directory);
}
