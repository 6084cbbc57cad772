//! Pages: a header, a layout, a participant table, and one pattern's area, in a file.
//!
//! Everything that is read from a page passes through here once, checked. A page is made under a
//! temporary name, filled, and only then given its own; it is changed (who is attached, whether it
//! still stands) under its registration lock; and it is removed under that lock too, after its state
//! says so. Nothing here knows of the patterns: each hands in a [`Pattern`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_64;

use crate::atomic::local::{AtomicBool, AtomicU64 as AtomicLocalU64};
use crate::atomic::{AtomicU64, Ordering};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Difference, Match, StructType, compare};
use crate::liveness::{self, Byte, Registration};
use crate::locator::{self, Locator};
use crate::segment::file::{self, File};
use crate::segment::{Mapping, Permissions, Stat, TEMPORARY};
use crate::wait::{self, Alarm};

#[cfg_attr(loom, allow(dead_code, reason = "models do not grow pages"))]
pub(crate) mod extents;
pub(crate) mod header;
pub(crate) mod known;
pub(crate) mod participants;
#[cfg(all(test, not(loom)))]
mod tests;

use header::{Facts, HEADER, State, dynamic};
pub use header::{Language, Lifetime};
use known::{Agreement, Verdict};
use participants::{Newcomer, Record, Table};

/// What a page needs to know of its pattern.
pub(crate) struct Pattern {
    /// The number in the header.
    pub(crate) id: u32,
    /// Its name in messages and JSON.
    pub(crate) name: &'static str,
    /// The roles' names, by their number minus one.
    pub(crate) roles: &'static [&'static str],
    /// How long pages of this pattern stay unless told otherwise.
    pub(crate) lifetime: Lifetime,
    /// Whether its pages carry a layout from the start. Those that do not have none in the header.
    pub(crate) has_layout: bool,
    /// Checks the pattern's parameters of an existing page; its area is only touched after this.
    pub(crate) check: fn(&Facts, Option<&StructType>) -> Result<(), String>,
    /// How many living participants may hold a role.
    pub(crate) limit: fn(&Facts, role: u8) -> Option<u64>,
    /// Puts right what a dead participant left behind. Under the registration lock; may run again.
    pub(crate) heal: fn(&Page, index: u16),
    /// Drops what may not have reached the disk before this boot. Under the registration lock.
    pub(crate) recover: fn(&Page),
}

/// What the creator of a page decides beside its layout.
pub(crate) struct Design {
    pub(crate) parameters: [u64; 8],
    pub(crate) area: u64,
}

/// Whether a call may make the page, and what it does with one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Make it, or take over the role if nobody alive holds it; replace it if the layout is another.
    Create,
    /// Join it or make it.
    Attach,
    /// Join what exists.
    Open,
}

/// The options that every pattern shares. `None`: not stated, so it contradicts nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) max_participants: Option<u32>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) matching: Match,
    pub(crate) read_only: bool,
    pub(crate) language: Language,
}

/// One call to attach.
pub(crate) struct Request<'a> {
    pub(crate) locator: &'a Locator,
    pub(crate) pattern: &'static Pattern,
    pub(crate) role: u8,
    pub(crate) intent: Intent,
    pub(crate) terms: &'a Terms,
    /// `None`: whatever the page has. Only for patterns whose pages carry one.
    pub(crate) layout: Option<&'a Arc<StructType>>,
    /// How long to wait for a page that does not exist; `None`: for ever.
    pub(crate) timeout: Option<Duration>,
    /// What a new page with this layout would look like; it gets one where the pattern's pages carry one.
    pub(crate) design: &'a dyn Fn(Option<&StructType>) -> Result<Design>,
    /// Which options that the caller stated contradict the page's.
    pub(crate) contradictions: &'a dyn Fn(&Facts) -> Vec<Contradiction>,
}

/// An option, what the page has, and what was stated.
pub(crate) type Contradiction = (&'static str, String, String);

/// When a time-out that begins now ends; `None` never does.
pub(crate) fn deadline_of(timeout: Option<Duration>) -> Option<Instant> {
    // A time-out beyond what an Instant can hold is as good as none.
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// A page that this process is attached to.
pub(crate) struct Page {
    file: File,
    mapping: Mapping,
    facts: Facts,
    /// `None`: pages of this pattern carry no layout.
    agreement: Option<Agreement>,
    locator: Locator,
    place: Place,
    pattern: &'static Pattern,
    me: Option<Me>,
    /// The fork generation in which this handle attached.
    born: u64,
    /// The same, or [`CLOSED`]: what each call compares.
    open: AtomicU64,
    left: AtomicBool,
    /// How this page's sleepers are woken.
    alarm: Arc<Alarm>,
    /// The file's user and permission bits.
    owner: (file::User, u32),
}

/// No fork generation has this number.
const CLOSED: u64 = 0;

/// This handle's entry in the participant table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Me {
    pub(crate) index: u16,
    pub(crate) generation: u32,
}

/// One participant of a page, as `ls` and `show` print it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// `writer`, `reader`, …
    pub role: &'static str,
    /// The process, as numbered in its own PID namespace.
    pub pid: u32,
    /// Whether it lives; true also when that cannot be found out.
    pub alive: bool,
    /// The language it attached from.
    pub language: &'static str,
}

/// The file of a page, and the namespace its name is in.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// The directory that crosspage keeps, for named pages; `file:` pages have none.
    pub(crate) directory: Option<(PathBuf, file::User)>,
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The name comes from a file's, which has lost its case.
    any_case: bool,
}

/// When this process began: asked once, and again in a forked child.
fn started() -> u64 {
    static STARTED: std::sync::OnceLock<(u64, u64)> = std::sync::OnceLock::new();
    let fork = liveness::fork::generation();
    let &(seen, cached) = STARTED.get_or_init(|| (fork, liveness::start_time()));
    if seen == fork {
        cached
    } else {
        liveness::start_time()
    }
}

/// The namespace of this process: `CROSSPAGE_NAMESPACE`, or the one that a test has set.
pub(crate) fn namespace() -> Result<String> {
    let namespace = match crate::testing::current() {
        Some(namespace) => namespace,
        None => std::env::var("CROSSPAGE_NAMESPACE").unwrap_or_default(),
    };
    if !namespace.is_empty() {
        locator::check_namespace(&namespace)?;
    }
    Ok(namespace)
}

/// The end of a page's file name; temporary ones end in [`TEMPORARY`].
pub(crate) const SUFFIX: &str = ".page";

/// The file name of a named page. Case is folded, so that names that differ only in case meet (as
/// they would on Windows); `/` becomes `+`, which no name has. The header keeps the spelling.
fn file_name(namespace: &str, name: &str) -> String {
    let folded = name.to_ascii_lowercase().replace('/', "+");
    match namespace {
        "" => format!("{folded}{SUFFIX}"),
        _ => format!("{}@{folded}{SUFFIX}", namespace.to_ascii_lowercase()),
    }
}

/// The (folded) name that a file name in the crosspage directory stands for, if it is one of this
/// namespace.
pub(crate) fn name_of_file(namespace: &str, file_name: &str) -> Option<String> {
    let stem = file_name.strip_suffix(SUFFIX)?;
    let (space, name) = stem.split_once('@').unwrap_or(("", stem));
    (space == namespace.to_ascii_lowercase()).then(|| name.replace('+', "/"))
}

impl Place {
    /// Whether the name still leads to this file.
    fn leads_to(&self, file: &File) -> bool {
        match (file::stat(&self.path), file.stat()) {
            (Ok(named), Ok(open)) => named.identity == open.identity,
            _ => false,
        }
    }

    pub(crate) fn of(locator: &Locator) -> Result<Place> {
        match locator {
            Locator::Name { user, name } => {
                let uid = match user {
                    None => file::current_uid(),
                    Some(user) => file::uid_of(user)
                        .map_err(|e| Error::os(format_args!("cannot look up user {user:?}"), &e))?
                        .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no user {user:?}")))?,
                };
                let namespace = namespace()?;
                let directory = file::directory(uid);
                let path = directory.join(file_name(&namespace, name));
                Ok(Place { path, directory: Some((directory, uid)), name: name.clone(), namespace, any_case: false })
            }
            Locator::File(path) => {
                let path = std::path::absolute(path)
                    .map_err(|e| Error::os(format_args!("{locator}: cannot resolve the path"), &e))?;
                let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
                let name = name.chars().take(locator::MAX_NAME / 4).collect();
                Ok(Place { path, directory: None, name, namespace: String::new(), any_case: false })
            }
            other => Err(Error::new(ErrorKind::Unsupported, format!("{other} names a foreign segment, not a page"))
                .with_hint("pages have plain names (telemetry) or file: paths; use crosspage::foreign (Python: crosspage.foreign) for segments that others made")),
        }
    }
}

/// An error about a page's file, with owner, mode and what was asked for where access was refused.
pub(crate) fn access_error(
    locator: &Locator,
    path: &Path,
    wanted: &str,
    error: &std::io::Error,
) -> Error {
    let built = Error::os(
        format_args!("page \"{locator}\": cannot {wanted} {}", path.display()),
        error,
    );
    if !built.is_permission_denied() {
        return built;
    }
    let owner =
        |stat: &Stat| file::user_name(stat.uid).unwrap_or_else(|| format!("user {}", stat.uid));
    match file::stat(path) {
        Ok(stat) if stat.named && stat.regular => Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "page \"{locator}\": permission denied: it belongs to {} with mode {:04o}, and this process (user {}) asked to {wanted} it",
                owner(&stat),
                stat.mode,
                file::current_uid()
            ),
        )
        .with_hint("its creator can allow more with permissions = \"group\" or \"all\"; reading alone may be allowed with read_only"),
        _ => built,
    }
}

/// What a file says of itself, and how its layout differs from the one declared here.
type Examined = (Stat, Facts, Option<Agreement>, Vec<Difference>);

/// Whether attaching to a file led anywhere.
enum Attached {
    Yes(Box<Page>),
    /// It was removed or replaced meanwhile, and its name leads elsewhere: look at the name again.
    Gone,
    /// There is none.
    Missing,
    /// It stands in the way and was removed, or is another layout that may be replaced: make a new one.
    MakeNew(Option<Box<Page>>),
}

impl Page {
    /// Attaches to the page, making it where the request allows that.
    pub(crate) fn attach(request: &Request<'_>) -> Result<Page> {
        let place = Place::of(request.locator)?;
        let deadline = deadline_of(request.timeout);
        let mut pause = Duration::from_micros(100);
        loop {
            let attached = match File::open(&place.path, !request.terms.read_only) {
                Ok(file) => Page::join(request, &place, deadline, file)?,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    if request.intent == Intent::Open {
                        Attached::Missing
                    } else {
                        Attached::MakeNew(None)
                    }
                }
                Err(e) if file::is_link(&e) => {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "page \"{}\": {} is a symbolic link, which is not followed",
                            request.locator,
                            place.path.display()
                        ),
                    ));
                }
                Err(e) => {
                    let wanted = if request.terms.read_only {
                        "read"
                    } else {
                        "read and write"
                    };
                    return Err(access_error(request.locator, &place.path, wanted, &e));
                }
            };
            match attached {
                Attached::Yes(page) => return Ok(*page),
                Attached::MakeNew(old) => match Page::make(request, &place, deadline, old)? {
                    Some(page) => return Ok(page),
                    None => continue, // Somebody else was first.
                },
                Attached::Gone => continue,
                Attached::Missing => {}
            }
            let now = Instant::now();
            match deadline {
                Some(deadline) if now >= deadline => return Err(not_found(request, &place)),
                Some(deadline) => wait::pause(pause.min(deadline - now)),
                None => wait::pause(pause),
            }
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Maps a page read-only to look at it, without attaching. `any_case`: the name comes from a file
    /// name, which has lost its case.
    pub(crate) fn look(locator: &Locator, any_case: bool) -> Result<Page> {
        let mut place = Place::of(locator)?;
        let not_found = || {
            Error::new(
                ErrorKind::NotFound,
                format!("page \"{locator}\" does not exist"),
            )
        };
        let file = match File::open(&place.path, false) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(with_nearby(not_found(), &place));
            }
            Err(e) => return Err(access_error(locator, &place.path, "read", &e)),
        };
        if any_case {
            place.any_case = true;
        }
        let (stat, facts, agreement) = Page::examine_alone(locator, &place, &file)?;
        let pattern = crate::registry::pattern(facts.pattern).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                format!(
                    "page \"{locator}\" carries pattern number {}, which this library does not know",
                    facts.pattern
                ),
            )
            .with_hint("upgrade crosspage on this side")
        })?;
        check_pattern(locator, pattern, &facts, agreement.as_ref())?;
        let page = Page::map(
            locator, &place, pattern, file, stat, facts, agreement, false,
        )?;
        match page.state() {
            Some(State::Ready | State::Replacing) => Ok(page),
            Some(State::Replaced | State::Removed) => Err(not_found()),
            _ => Err(page.corrupt("its state is no state")),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn map(
        locator: &Locator,
        place: &Place,
        pattern: &'static Pattern,
        file: File,
        stat: Stat,
        facts: Facts,
        agreement: Option<Agreement>,
        writable: bool,
    ) -> Result<Page> {
        let len = usize::try_from(facts.total).map_err(|_| {
            Error::new(
                ErrorKind::TooLarge,
                format!(
                    "page \"{locator}\" has {} bytes, more than this process can map",
                    facts.total
                ),
            )
        })?;
        let mapping = file.map(len, writable).map_err(|e| {
            Error::os(
                format_args!("page \"{locator}\": cannot map {len} bytes"),
                &e,
            )
        })?;
        let fork = liveness::fork::generation();
        let alarm = Arc::new(Alarm::new(facts.instance, stat.mode));
        Ok(Page {
            file,
            mapping,
            facts,
            agreement,
            locator: locator.clone(),
            place: place.clone(),
            pattern,
            me: None,
            born: fork,
            open: AtomicU64::new(fork),
            left: AtomicBool::new(false),
            alarm,
            owner: (stat.uid, stat.mode),
        })
    }

    /// Removes the page; see [`crate::registry::remove`].
    pub(crate) fn remove(locator: &Locator, force: bool) -> Result<()> {
        let place = Place::of(locator)?;
        let file = match File::open(&place.path, true) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let error = Error::new(
                    ErrorKind::NotFound,
                    format!("page \"{locator}\" does not exist"),
                );
                return Err(with_nearby(error, &place));
            }
            Err(e) => return Err(access_error(locator, &place.path, "remove", &e)),
        };
        let examined =
            Page::examine_alone(locator, &place, &file).and_then(|(stat, facts, agreement)| {
                let pattern = crate::registry::pattern(facts.pattern).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Unsupported,
                        format!("page \"{locator}\" carries an unknown pattern"),
                    )
                })?;
                check_pattern(locator, pattern, &facts, agreement.as_ref())?;
                Ok((stat, facts, agreement, pattern))
            });
        let (stat, facts, agreement, pattern) = match examined {
            Ok(found) => found,
            // Damaged, or not a page at all. Named pages are ours to remove; a `file:` path may be
            // anybody's file, and goes only if it begins like a page.
            Err(error) if !force => return Err(error),
            Err(error) => {
                let mut magic = [0u8; 7];
                let is_page = file.read_at(0, &mut magic).is_ok() && magic == header::MAGIC[..7];
                if place.directory.is_none() && !is_page {
                    return Err(error);
                }
                // Under its lock, and only if the name still leads to it: another remover may have
                // been first, and the name may be a new page's by now.
                let _registration = liveness::lock_registration(
                    &file,
                    &locator.to_string(),
                    deadline_of(Some(Duration::ZERO)),
                )?;
                if !place.leads_to(&file) {
                    return Ok(());
                }
                return file::unlink(&place.path)
                    .map_err(|e| access_error(locator, &place.path, "remove", &e));
            }
        };
        let page = Page::map(locator, &place, pattern, file, stat, facts, agreement, true)?;
        let _registration = liveness::lock_registration(
            &page.file,
            &locator.to_string(),
            deadline_of(Some(Duration::ZERO)),
        )?;
        if !force && page.is_used() {
            let alive: Vec<_> = page
                .participants()
                .iter()
                .filter(|participant| participant.alive)
                .map(|participant| {
                    format!(
                        "{} pid {} ({})",
                        participant.role, participant.pid, participant.language
                    )
                })
                .collect();
            let who = if alive.is_empty() {
                "a read-only handle".to_owned()
            } else {
                alive.join(", ")
            };
            return Err(Error::new(ErrorKind::InUse, format!("page \"{locator}\" is in use by {who}"))
                .with_hint("end them first, or remove it all the same: crosspage rm --force (they get the error \"replaced\")"));
        }
        page.remove_name()
    }

    /// Removes a page's file whatever it holds, telling whoever is attached.
    pub(crate) fn remove_file(path: &Path) {
        let locator = Locator::File(path.to_owned());
        if Page::remove(&locator, true).is_err() {
            let _ = file::unlink(path);
        }
    }

    /// Removes the page in this file if nobody can use it any more; returns its name and why.
    pub(crate) fn collect(path: &Path, dry_run: bool) -> Option<(String, &'static str)> {
        let locator = Locator::File(path.to_owned());
        let place = Place::of(&locator).ok()?;
        let file = File::open(path, true).ok()?;
        let (stat, facts, agreement) = Page::examine_alone(&locator, &place, &file).ok()?;
        let pattern = crate::registry::pattern(facts.pattern)?;
        let (name, lifetime) = (facts.name.clone(), facts.lifetime);
        let page = Page::map(
            &locator, &place, pattern, file, stat, facts, agreement, true,
        )
        .ok()?;
        let _registration =
            liveness::lock_registration(&page.file, &name, deadline_of(Some(Duration::ZERO)))
                .ok()?;
        let reason = match page.settle().ok()? {
            State::Removed => "its remover died before its name was gone",
            State::Ready if lifetime == Lifetime::WhileUsed && !page.is_used() => {
                "nobody who used it lives"
            }
            _ => return None,
        };
        (dry_run || page.remove_name().is_ok()).then_some((name, reason))
    }

    /// Reads what a file says of itself, without attaching to it.
    fn examine(
        locator: &Locator,
        place: &Place,
        file: &File,
        here: Option<&Arc<StructType>>,
        matching: Match,
    ) -> Result<Examined> {
        let shown = locator.to_string();
        let failed = |what: &str, e: &std::io::Error| {
            Error::os(format_args!("page {shown:?}: cannot {what} its file"), e)
        };
        let stat = file.stat().map_err(|e| failed("examine", &e))?;
        if !stat.regular {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "page {shown:?}: {} is not a regular file",
                    place.path.display()
                ),
            ));
        }
        // Who may fill the place of our directory could put a page of theirs there.
        if let Some((directory, uid)) = &place.directory
            && stat.uid != *uid
        {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "page {shown:?}: permission denied: its file in {} belongs to user {}, and not to user {uid}, whose pages are there",
                    directory.display(),
                    stat.uid
                ),
            ));
        }
        refuse_file_system(&shown, place, file, stat.identity.device)?;
        if stat.size < HEADER as u64 {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "{shown:?} is not a crosspage page: its file has {} bytes, a page at least {HEADER}",
                    stat.size
                ),
            )
            .with_hint(format!("if it was one, it has been cut: crosspage rm --force {shown}")));
        }
        let mut bytes = [0u8; HEADER];
        file.read_at(0, &mut bytes)
            .map_err(|e| failed("read", &e))?;
        let facts = Facts::decode(&bytes, stat.size, &shown)?;
        if place.directory.is_some() && facts.name != place.name {
            let same = facts.name.eq_ignore_ascii_case(&place.name);
            if same && !place.any_case {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!(
                        "page {shown:?}: there is a page {:?}; names that differ only in case are refused beside each other",
                        facts.name
                    ),
                ));
            }
            if !same {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "page {shown:?} is damaged: it says that its name is {:?}",
                        facts.name
                    ),
                ));
            }
        }
        let mut descriptor = vec![0u8; facts.layout.len as usize];
        file.read_at(facts.layout.offset, &mut descriptor)
            .map_err(|e| failed("read", &e))?;
        let sum = xxh3_64(&descriptor);
        if sum != facts.layout_checksum {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "page {shown:?} is damaged: its layout's checksum is {sum:#018x}, stored is {:#018x}",
                    facts.layout_checksum
                ),
            )
            .with_hint(format!("crosspage rm --force {shown}")));
        }
        if descriptor.is_empty() {
            return Ok((stat, facts, None, Vec::new()));
        }
        let damaged = |e: Error| {
            Error::new(
                ErrorKind::Corrupt,
                format!("page {shown:?} is damaged: its layout: {}", e.message()),
            )
        };
        match known::compare(&descriptor, here, matching).map_err(damaged)? {
            Verdict::Agree(agreement) => Ok((stat, facts, Some(agreement), Vec::new())),
            Verdict::Differ { page, differences } => {
                Ok((stat, facts, Some(Agreement::of_one(page)?), differences))
            }
        }
    }

    /// The same for a page that no layout is declared for.
    fn examine_alone(
        locator: &Locator,
        place: &Place,
        file: &File,
    ) -> Result<(Stat, Facts, Option<Agreement>)> {
        let (stat, facts, agreement, _) = Page::examine(locator, place, file, None, Match::Exact)?;
        Ok((stat, facts, agreement))
    }

    fn join(
        request: &Request<'_>,
        place: &Place,
        deadline: Option<Instant>,
        file: File,
    ) -> Result<Attached> {
        let (locator, terms) = (request.locator, request.terms);
        let examined = Page::examine(locator, place, &file, request.layout, terms.matching);
        let (stat, facts, agreement, differences) = match examined {
            Ok(found) => found,
            // Removed and cut under us, or never a page? The name decides.
            Err(error) => {
                return if place.leads_to(&file) {
                    Err(error)
                } else {
                    Ok(Attached::Gone)
                };
            }
        };
        if facts.pattern != request.pattern.id {
            let theirs = crate::registry::pattern(facts.pattern).map_or_else(
                || format!("pattern number {}", facts.pattern),
                |pattern| pattern.name.to_owned(),
            );
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "page \"{locator}\" carries {theirs}, not {}",
                    request.pattern.name
                ),
            ));
        }
        check_pattern(locator, request.pattern, &facts, agreement.as_ref())?;
        let writable = !terms.read_only;
        if writable && facts.read_only {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("page \"{locator}\" uses newer features: this library can only read it"),
            )
            .with_hint("open it with read_only, or upgrade crosspage on this side"));
        }
        let mismatch = request
            .layout
            .zip(agreement.as_ref())
            .filter(|_| !differences.is_empty())
            .map(|(here, agreement)| {
                let page_side = format!(
                    "{}, pid {}",
                    Language::name_of(facts.creator_language),
                    facts.creator_pid
                );
                let here_side = format!("{}, this process", terms.language);
                compare::mismatch_error(
                    &locator.to_string(),
                    &agreement.page,
                    &page_side,
                    here,
                    &here_side,
                    differences,
                )
            });
        let mismatch = match mismatch {
            Some(mismatch) if request.intent != Intent::Create => return Err(mismatch),
            mismatch => mismatch,
        };
        let mut page = Page::map(
            locator,
            place,
            request.pattern,
            file,
            stat,
            facts,
            agreement,
            writable,
        )?;
        if !writable {
            return page.observe();
        }
        let registration = liveness::lock_registration(&page.file, &locator.to_string(), deadline)?;
        if page.settle()? != State::Ready {
            if request.intent == Intent::Open {
                return Ok(page.gone_or_missing());
            }
            // The remover may have died before the name was gone.
            page.remove_name()?;
            return Ok(Attached::MakeNew(None));
        }
        page.recover_after_boot();
        page.check_role(request.role, mismatch.as_ref())?;
        if mismatch.is_some() {
            drop(registration);
            return Ok(Attached::MakeNew(Some(Box::new(page))));
        }
        page.check_terms(request)?;
        let me = page.enter(request.role, terms.language)?;
        drop(registration);
        page.me = Some(me);
        tracing::debug!(page = %locator, index = me.index, "attached");
        Ok(Attached::Yes(Box::new(page)))
    }

    /// What an opener makes of a page that no longer stands. Its name still leads to it where the remover
    /// died in between.
    fn gone_or_missing(&self) -> Attached {
        if self.place.leads_to(&self.file) {
            Attached::Missing
        } else {
            Attached::Gone
        }
    }

    /// A read-only handle is no participant: it only holds the observers' byte, shared.
    fn observe(self) -> Result<Attached> {
        // A refused lock means that a remover holds it, or that this file system has none; the page
        // can be read all the same.
        let _ = self.file.try_lock(Byte::Observers.offset(), true);
        match self.state() {
            Some(State::Ready | State::Replacing) => Ok(Attached::Yes(Box::new(self))),
            Some(State::Replaced | State::Removed) => Ok(self.gone_or_missing()),
            _ => Err(self.corrupt("its state is no state")),
        }
    }

    /// Makes the page under a temporary name and gives it its own. `None`: somebody else was first.
    /// `old` is a page of another layout that no living writer holds: the new one takes its name.
    fn make(
        request: &Request<'_>,
        place: &Place,
        deadline: Option<Instant>,
        old: Option<Box<Page>>,
    ) -> Result<Option<Page>> {
        let (locator, terms) = (request.locator, request.terms);
        let layout = request.layout.filter(|_| request.pattern.has_layout);
        if request.pattern.has_layout && layout.is_none() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("page \"{locator}\" does not exist, and making it needs a layout"),
            ));
        }
        if terms.read_only {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("page \"{locator}\" cannot be made read-only"),
            ));
        }
        let max_participants = terms.max_participants.unwrap_or(DEFAULT_PARTICIPANTS);
        if max_participants == 0 || max_participants > header::MAX_PARTICIPANTS {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "max_participants = {max_participants}: it can be 1 to {}",
                    header::MAX_PARTICIPANTS
                ),
            ));
        }
        if terms.lifetime == Some(Lifetime::WhileUsed) && place.directory.is_none() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("page \"{locator}\": file: pages always have lifetime keep"),
            ));
        }
        let lifetime = match place.directory {
            Some(_) => terms.lifetime.unwrap_or(request.pattern.lifetime),
            None => Lifetime::Keep,
        };
        let design = (request.design)(layout.map(|layout| &**layout))?;
        let descriptor = layout.map(|layout| layout.encode()).unwrap_or_default();
        let (participants, layout_range, area, total) =
            header::place(max_participants, descriptor.len() as u64, design.area).ok_or_else(
                || {
                    Error::new(
                        ErrorKind::TooLarge,
                        format!("page \"{locator}\" would be too large"),
                    )
                },
            )?;
        let mut instance = [0u8; 16];
        file::random(&mut instance).map_err(|e| Error::os("cannot read random bytes", &e))?;
        let facts = Facts {
            name: place.name.clone(),
            namespace: place.namespace.clone(),
            pattern: request.pattern.id,
            total,
            instance: u128::from_le_bytes(instance),
            created_at: liveness::realtime_ns(),
            creator_pid: std::process::id(),
            creator_language: terms.language as u8,
            lifetime,
            max_participants,
            participants,
            layout: layout_range,
            layout_checksum: xxh3_64(&descriptor),
            area,
            parameters: design.parameters,
            read_only: false,
        };

        let mode = terms.permissions.unwrap_or_default().mode();
        let Some((temporary, file)) = Temporary::create(locator, place, mode)? else {
            return Ok(None);
        };
        let stat = file.stat().map_err(|e| {
            Error::os(
                format_args!("page \"{locator}\": cannot examine its file"),
                &e,
            )
        })?;
        refuse_file_system(&locator.to_string(), place, &file, stat.identity.device)?;
        reserve(locator, place, &file, 0, total)?;
        let header = facts.encode();
        let mut page = Page::map(
            locator,
            place,
            request.pattern,
            file,
            stat,
            facts,
            layout.cloned().map(Agreement::of_one).transpose()?,
            true,
        )?;
        // SAFETY: the mapping has `total` bytes, and `place` put header and layout inside; nobody
        // else has this file open to read it, because it has no name that anybody looks for.
        unsafe {
            page.mapping.fill(0, &header[..]);
            page.mapping.fill(layout_range.offset as usize, &descriptor);
        }
        page.set_boot();
        page.me = Some(page.enter(request.role, terms.language)?);
        // Release: pairs with the Acquire in `state`. In practice the name comes later still.
        page.word(dynamic::STATE)
            .store(State::Ready as u64, Ordering::Release);
        let published = match old {
            None => file::publish(&temporary.path, &place.path),
            Some(old) => match old.replaced_by(&temporary.path, request.role, deadline)? {
                true => Ok(()),
                false => return Ok(None),
            },
        };
        match published {
            Ok(()) => temporary.keep(),
            // NotFound: garbage collection took the temporary file between its making and its lock.
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotFound
                ) =>
            {
                return Ok(None);
            }
            Err(e) => return Err(access_error(locator, &place.path, "create", &e)),
        }
        let _ = page.file.unlock(Byte::Registration.offset());
        tracing::debug!(page = %locator, total, "made");
        Ok(Some(page))
    }

    /// Hands this page's name to the new file, if still nobody alive holds the role. False: look again.
    fn replaced_by(&self, new: &Path, role: u8, deadline: Option<Instant>) -> Result<bool> {
        let _registration =
            liveness::lock_registration(&self.file, &self.locator.to_string(), deadline)?;
        if self.settle()? != State::Ready {
            return Ok(false);
        }
        self.check_role(role, None)?;
        let state = self.word(dynamic::STATE);
        // Killed after this store: the name decides which of the two stands (see `settle`).
        state.store(State::Replacing as u64, Ordering::Release);
        match file::replace(new, &self.place.path) {
            Ok(()) => {
                state.store(State::Replaced as u64, Ordering::Release);
                Ok(true)
            }
            Err(e) => {
                state.store(State::Ready as u64, Ordering::Release);
                if e.kind() == std::io::ErrorKind::NotFound {
                    return Ok(false);
                }
                Err(access_error(&self.locator, &self.place.path, "replace", &e))
            }
        }
    }

    /// The state, after deciding by the name what a dead replacer left open. Under the registration
    /// lock.
    fn settle(&self) -> Result<State> {
        let state = self
            .state()
            .ok_or_else(|| self.corrupt("its state is no state"))?;
        match state {
            State::Replacing => {
                let settled = if self.place.leads_to(&self.file) {
                    State::Ready
                } else {
                    State::Replaced
                };
                self.word(dynamic::STATE)
                    .store(settled as u64, Ordering::Release);
                Ok(settled)
            }
            State::Initialising => Err(self.corrupt("it has its name, but was never finished")),
            State::Ready if self.file.stat().is_ok_and(|stat| !stat.named) => Ok(State::Replaced),
            state => Ok(state),
        }
    }

    /// Refuses a role that enough living participants hold, naming them.
    fn check_role(&self, role: u8, mismatch: Option<&Error>) -> Result<()> {
        let Some(limit) = (self.pattern.limit)(&self.facts, role) else {
            return Ok(());
        };
        let holders: Vec<_> = self
            .table()
            .entries()
            .filter(|entry| entry.role == role && self.is_alive(entry.index))
            .collect();
        if (holders.len() as u64) < limit {
            return Ok(());
        }
        // A process of another container may have our number.
        let me = std::process::id();
        let is_me = |entry: &participants::Entry| entry.pid == me && entry.started == started();
        let names: Vec<_> = holders
            .iter()
            .map(|holder| match is_me(holder) {
                true => format!("this process (pid {me})"),
                false => format!(
                    "pid {} ({})",
                    holder.pid,
                    Language::name_of(holder.language)
                ),
            })
            .collect();
        let role = self.role_name(role);
        let mut message = match limit {
            1 => format!(
                "page \"{}\" already has a living {role}: {}",
                self.locator,
                names.join(", ")
            ),
            _ => {
                format!(
                    "page \"{}\" already has {limit} living {role}s: {}",
                    self.locator,
                    names.join(", ")
                )
            }
        };
        if let Some(mismatch) = mismatch {
            message = format!(
                "{message}\nand its layout is another one:\n{}",
                mismatch.message()
            );
        }
        let hint = match holders.iter().any(is_me) {
            // The second run of a notebook's cell.
            true => format!(
                "close() that {role} before: a variable that is assigned anew lets go of its old {role} only when the new one is made; pages for several are made with {role}s(n)"
            ),
            false => format!(
                "end that process or close its {role}; pages for several are made with {role}s(n)"
            ),
        };
        Err(Error::new(ErrorKind::AlreadyOwned, message)
            .with_hint(hint)
            .with_differences(
                mismatch
                    .map(|e| e.differences().to_vec())
                    .unwrap_or_default(),
            ))
    }

    /// Refuses stated options that contradict the page's, naming both values.
    fn check_terms(&self, request: &Request<'_>) -> Result<()> {
        let terms = request.terms;
        let mut found = (request.contradictions)(&self.facts);
        if let Some(stated) = terms
            .max_participants
            .filter(|&n| n != self.facts.max_participants)
        {
            found.push((
                "max_participants",
                self.facts.max_participants.to_string(),
                stated.to_string(),
            ));
        }
        if let Some(stated) = terms.lifetime.filter(|&l| l != self.facts.lifetime) {
            found.push((
                "lifetime",
                self.facts.lifetime.to_string(),
                stated.to_string(),
            ));
        }
        if let Some(stated) = terms
            .permissions
            .filter(|p| p.mode() != self.owner.1 & 0o777)
        {
            found.push((
                "permissions",
                format!("mode {:04o}", self.owner.1),
                format!("mode {:04o}", stated.mode()),
            ));
        }
        if found.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = found
            .iter()
            .map(|(option, page, here)| format!("{option} is {page} in the page, {here} here"))
            .collect();
        Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "page \"{}\": options contradict: {}",
                self.locator,
                list.join("; ")
            ),
        )
        .with_hint(format!(
            "leave the option out, or remove the page to make it anew: crosspage rm {}",
            self.locator
        )))
    }

    /// Takes an index. Under the registration lock.
    fn enter(&self, role: u8, language: Language) -> Result<Me> {
        let who = Newcomer {
            role,
            pid: std::process::id(),
            language: language as u8,
            started: started(),
            attached_at: liveness::realtime_ns(),
        };
        let lock = |index| {
            self.file
                .try_lock(Byte::Participant(index).offset(), false)
                .map_err(|e| {
                    Error::os(
                        format_args!("page \"{}\": cannot lock its file", self.locator),
                        &e,
                    )
                })
        };
        // Roles that are limited are swept at once: their successor needs a healed page. For the
        // others the dead may wait until their indices are needed.
        if (self.pattern.limit)(&self.facts, role).is_some() {
            self.sweep();
        }
        if let Some((index, generation)) = self.table().enter(who, lock)? {
            return Ok(Me { index, generation });
        }
        self.sweep();
        if let Some((index, generation)) = self.table().enter(who, lock)? {
            return Ok(Me { index, generation });
        }
        Err(Error::new(
            ErrorKind::Full,
            format!("page \"{}\" is full: all {} participants are alive", self.locator, self.facts.max_participants),
        )
        .with_hint("make it with a larger max_participants, or open it with read_only (read-only handles need no place)"))
    }

    /// Heals what the dead left and frees their indices. Under the registration lock.
    pub(crate) fn sweep(&self) -> usize {
        self.table().sweep(
            |index| self.is_alive(index),
            |index| (self.pattern.heal)(self, index),
        )
    }

    /// Heals under the registration lock, taken here: for stall paths.
    pub(crate) fn sweep_now(&self) -> Result<usize> {
        let _registration = liveness::lock_registration(
            &self.file,
            &self.locator.to_string(),
            deadline_of(Some(Duration::ZERO)),
        )?;
        Ok(self.sweep())
    }

    fn boot(&self) -> u128 {
        let low = self.word(dynamic::BOOT).load(Ordering::Relaxed);
        let high = self.word(dynamic::BOOT + 8).load(Ordering::Relaxed);
        u128::from(high) << 64 | u128::from(low)
    }

    fn set_boot(&self) {
        let boot = liveness::boot_id();
        self.word(dynamic::BOOT)
            .store(boot as u64, Ordering::Relaxed);
        self.word(dynamic::BOOT + 8)
            .store((boot >> 64) as u64, Ordering::Relaxed);
    }

    /// Whether the dynamic areas were last written during another boot, so that what they say may not
    /// have reached the disk together.
    pub(crate) fn is_from_another_boot(&self) -> bool {
        self.boot() != liveness::boot_id()
    }

    /// Under the registration lock.
    fn recover_after_boot(&self) {
        if self.is_from_another_boot() {
            (self.pattern.recover)(self);
            self.set_boot();
        }
    }

    /// Whether this process attached it, and not the one that forked it.
    pub(crate) fn is_mine(&self) -> bool {
        self.born == liveness::fork::generation()
    }

    /// Whether this handle may go on: one load of each of two words that hardly ever change.
    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        // Relaxed: the state only says whether to go the slow way; nothing is read through it.
        let state = self.word(dynamic::STATE).load(Ordering::Relaxed);
        state == State::Ready as u64
            && self.open.load(Ordering::Relaxed) == liveness::fork::generation()
    }

    /// Whether this handle may go on, and if not, why.
    #[inline(always)]
    pub(crate) fn check(&self) -> Result<()> {
        match self.is_open() {
            true => Ok(()),
            false => self.check_slow(),
        }
    }

    #[cold]
    fn check_slow(&self) -> Result<()> {
        if self.open.load(Ordering::Relaxed) == CLOSED {
            return Err(Error::new(
                ErrorKind::Closed,
                format!("page \"{}\": this handle is closed", self.locator),
            ));
        }
        if self.born != liveness::fork::generation() {
            return Err(Error::new(
                ErrorKind::Forked,
                format!(
                    "page \"{}\": this handle belongs to the parent of this forked process",
                    self.locator
                ),
            )
            .with_hint("attach anew in the child"));
        }
        match self.state() {
            Some(State::Ready) => Ok(()),
            Some(State::Replacing) => {
                // A replacer is at work, or died; the registration lock tells, the name decides.
                if !self.mapping.writable() {
                    return if self.place.leads_to(&self.file) {
                        Ok(())
                    } else {
                        Err(self.gone("replaced"))
                    };
                }
                let _registration = self.register(deadline_of(Some(Duration::ZERO)))?;
                self.check_stands()
            }
            Some(State::Replaced) => Err(self.gone("replaced by one with another layout")),
            Some(State::Removed) => Err(self.gone("removed")),
            Some(State::Initialising) | None => Err(self.corrupt("its state is no state")),
        }
    }

    fn gone(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Replaced,
            format!(
                "page \"{}\" was {what} since this handle attached",
                self.locator
            ),
        )
        .with_hint("attach anew (a reader can reopen()) to the page that has the name now")
    }

    fn state(&self) -> Option<State> {
        // Acquire: pairs with the Release stores of the state.
        State::from_word(self.word(dynamic::STATE).load(Ordering::Acquire))
    }

    /// A word of the header's dynamic part.
    #[inline(always)]
    fn word(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset + 8 <= HEADER);
        // SAFETY: every mapping has at least the header; `offset` is one of the constants of
        // `dynamic`, aligned to 8; the words are only ever accessed atomically. Read-only mappings
        // are only loaded from (their handles store nothing: `me` is None and `settle` needs it).
        unsafe { &self.mapping.slice::<AtomicU64>(offset, 1)[0] }
    }

    pub(crate) fn table(&self) -> Table<'_> {
        let count = self.facts.max_participants as usize;
        // SAFETY: `Facts::decode` and `place` put `max_participants` records of 32 bytes at this
        // offset, a multiple of 4096, inside the mapping; records are atomics, so others may write.
        Table(unsafe {
            self.mapping
                .slice::<Record>(self.facts.participants.offset as usize, count)
        })
    }

    /// Start and length of the pattern's area; it is inside the mapping.
    pub(crate) fn area(&self) -> (*mut u8, usize) {
        // SAFETY: `place` put the area inside `total`, which is the mapping's length.
        (
            unsafe { self.mapping.at(self.facts.area.offset as usize) },
            self.facts.area.len as usize,
        )
    }

    pub(crate) fn owner(&self) -> (file::User, u32) {
        self.owner
    }

    /// What those need who sleep on its words without it.
    #[cfg(not(loom))]
    pub(crate) fn anchor(&self) -> crate::wait::Anchor {
        crate::wait::Anchor {
            _kept: self.mapping.kept().clone(),
            alarm: self.alarm.clone(),
        }
    }

    /// What the page says of its state.
    #[cfg(not(loom))]
    pub(crate) fn state_word(&self) -> &AtomicU64 {
        self.word(dynamic::STATE)
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.alarm
    }

    pub(crate) fn pattern(&self) -> &'static Pattern {
        self.pattern
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The layout that the page's creator stored.
    pub(crate) fn layout(&self) -> Option<&Arc<StructType>> {
        self.agreement.as_ref().map(|agreement| &agreement.page)
    }

    /// The page's layout and this side's.
    pub(crate) fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// How long the file is now: longer than the header says where the page has grown.
    pub(crate) fn file_size(&self) -> Result<u64> {
        let stat = self.file.stat().map_err(|e| {
            Error::os(
                format_args!("page \"{}\": cannot examine its file", self.locator),
                &e,
            )
        })?;
        Ok(stat.size)
    }

    /// Takes the registration lock, for changes of the pattern's own that need one after the other.
    ///
    /// It belongs to the handle, so that it does not keep two threads of one handle apart: calls
    /// that take it have `&mut` handles, or a lock of their own.
    pub(crate) fn register(&self, deadline: Option<Instant>) -> Result<Registration<'_>> {
        liveness::lock_registration(&self.file, &self.locator.to_string(), deadline)
    }

    /// Whether the page still stands; else the error *replaced*. Under the registration lock.
    pub(crate) fn check_stands(&self) -> Result<()> {
        match self.settle()? {
            State::Ready => Ok(()),
            State::Removed => Err(self.gone("removed")),
            _ => Err(self.gone("replaced")),
        }
    }

    pub(crate) fn locator(&self) -> &Locator {
        &self.locator
    }

    pub(crate) fn writable(&self) -> bool {
        self.mapping.writable()
    }

    /// This handle's entry; read-only handles have none.
    pub(crate) fn me(&self) -> Option<Me> {
        self.me
    }

    /// Whether the participant of this index lives. This handle itself does.
    pub(crate) fn is_alive(&self, index: u16) -> bool {
        self.me.is_some_and(|me| me.index == index)
            || liveness::is_held(&self.file, Byte::Participant(index))
    }

    fn role_name(&self, role: u8) -> &'static str {
        usize::from(role)
            .checked_sub(1)
            .and_then(|i| self.pattern.roles.get(i))
            .copied()
            .unwrap_or("unknown")
    }

    pub(crate) fn participants(&self) -> Vec<Participant> {
        let entries = self.entries();
        entries.into_iter().map(|(_, one)| one).collect()
    }

    /// Who is attached, with what the table says of them.
    pub(crate) fn entries(&self) -> Vec<(participants::Entry, Participant)> {
        self.shown(self.table().entries())
    }

    /// What people are told of these.
    pub(crate) fn shown(
        &self,
        entries: impl IntoIterator<Item = participants::Entry>,
    ) -> Vec<(participants::Entry, Participant)> {
        let shown = |entry: participants::Entry| {
            let participant = Participant {
                role: self.role_name(entry.role),
                pid: entry.pid,
                alive: self.is_alive(entry.index),
                language: Language::name_of(entry.language),
            };
            (entry, participant)
        };
        entries.into_iter().map(shown).collect()
    }

    pub(crate) fn corrupt(&self, what: impl std::fmt::Display) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!("page \"{}\" is damaged: {what}", self.locator),
        )
        .with_hint(format!("crosspage rm --force {}", self.locator))
    }

    /// Removes the name, if it still leads to this page. Under the registration lock.
    fn remove_name(&self) -> Result<()> {
        let state = self.word(dynamic::STATE);
        let before = state.swap(State::Removed as u64, Ordering::AcqRel);
        if self.place.leads_to(&self.file) {
            let path = &self.place.path;
            if let Err(e) = file::unlink(path) {
                // Who may write to a page may not always remove it: then it stays what it was.
                state.store(before, Ordering::Release);
                return Err(access_error(&self.locator, path, "remove", &e));
            }
        }
        if let Some((directory, _)) = &self.place.directory {
            file::remove_directory_if_empty(directory);
        }
        Ok(())
    }

    /// Whether anybody but this handle is attached.
    fn is_used(&self) -> bool {
        let me = self.me.map(|me| me.index);
        self.table()
            .entries()
            .any(|entry| Some(entry.index) != me && self.is_alive(entry.index))
            || liveness::is_held(&self.file, Byte::Observers)
    }

    /// Makes further calls on this handle fail with [`ErrorKind::Closed`].
    pub(crate) fn shut(&self) {
        // Relaxed: who has to see it in time orders it; see `latest::raw`.
        self.open.store(CLOSED, Ordering::Relaxed);
    }

    /// Leaves the participant table, and takes the page away if it was the last of a `while_used` one.
    ///
    /// The memory stays mapped until the drop. Does nothing the second time, or in a forked child,
    /// whose parent's entry this is.
    pub(crate) fn leave(&self) {
        if self.born != liveness::fork::generation() || self.left.swap(true, Ordering::Relaxed) {
            return;
        }
        let Some(me) = self.me else {
            let _ = self.file.unlock(Byte::Observers.offset());
            return;
        };
        let Ok(_registration) = liveness::lock_registration(
            &self.file,
            &self.locator.to_string(),
            deadline_of(Some(Duration::ZERO)),
        ) else {
            return; // Its holder is stopped: to the others we are dead, and swept.
        };
        (self.pattern.heal)(self, me.index);
        self.table().leave(me.index);
        let _ = self.file.unlock(Byte::Participant(me.index).offset());
        if self.facts.lifetime == Lifetime::WhileUsed
            && self.state() == Some(State::Ready)
            && !self.is_used()
        {
            let _ = self.remove_name();
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.shut();
        self.leave();
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("locator", &self.locator)
            .field("pattern", &self.pattern.name)
            .finish_non_exhaustive()
    }
}

/// Participants of a page unless its creator says otherwise: they fill 4 KiB.
const DEFAULT_PARTICIPANTS: u32 = 128;

/// Checks what a page says by what its pattern asks for.
fn check_pattern(
    locator: &Locator,
    pattern: &Pattern,
    facts: &Facts,
    agreement: Option<&Agreement>,
) -> Result<()> {
    let checked = match (pattern.has_layout, agreement) {
        (true, None) => Err(format!("it has no layout, and {} needs one", pattern.name)),
        (false, Some(_)) => Err(format!("it has a layout, and {} has none", pattern.name)),
        (_, agreement) => (pattern.check)(facts, agreement.map(|agreement| &*agreement.page)),
    };
    checked.map_err(|what| {
        Error::new(
            ErrorKind::Corrupt,
            format!("page \"{locator}\" is damaged: {what}"),
        )
    })
}

/// Allocates a range of a page's file.
fn reserve(locator: &Locator, place: &Place, file: &File, at: u64, len: u64) -> Result<()> {
    file.allocate(at, len).map_err(|e| {
        let error = Error::os(
            format_args!(
                "page \"{locator}\": cannot reserve {len} bytes in {}",
                place.path.display()
            ),
            &e,
        );
        if error.is_no_space() {
            error.with_hint(file::NO_ROOM)
        } else {
            error
        }
    })
}

fn refuse_file_system(shown: &str, place: &Place, file: &File, device: u64) -> Result<()> {
    // The device of /dev/shm, once it was found good. For named pages only: a file of an overlayfs
    // can have the device of the file system below.
    static GOOD: AtomicLocalU64 = AtomicLocalU64::new(u64::MAX);
    let named = place.directory.is_some();
    if named && GOOD.load(Ordering::Relaxed) == device {
        return Ok(());
    }
    match file.refused_file_system() {
        Ok(None) => {
            if named {
                GOOD.store(device, Ordering::Relaxed);
            }
            Ok(())
        }
        Ok(Some(name)) => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "page {shown:?}: its file system is {name}, which has no reliable locks or shared mappings"
            ),
        )
        .with_hint(format!("put the page on {}, or use a plain name", file::GOOD_FILE_SYSTEMS))),
        Err(e) => Err(Error::os(format_args!("page {shown:?}: cannot examine its file system"), &e)),
    }
}

fn not_found(request: &Request<'_>, place: &Place) -> Error {
    let locator = request.locator;
    let waited = request.timeout != Some(Duration::ZERO);
    let kind = if waited {
        ErrorKind::TimedOut
    } else {
        ErrorKind::NotFound
    };
    let error = Error::new(
        kind,
        match waited {
            true => format!("timed out: page \"{locator}\" does not exist yet"),
            false => format!("page \"{locator}\" does not exist"),
        },
    );
    with_nearby(error, place)
}

/// The error with a hint at the names there are.
fn with_nearby(error: Error, place: &Place) -> Error {
    let Some((directory, _)) = &place.directory else {
        return error;
    };
    let names: Vec<String> = file::names(directory)
        .unwrap_or_default()
        .iter()
        .filter_map(|name| name_of_file(&place.namespace, file::text(name)?))
        .collect();
    let folded = place.name.to_ascii_lowercase();
    match crate::layout::did_you_mean(&folded, names.iter().map(String::as_str)) {
        Some(near) => error.with_hint(format!("did you mean {near:?}?")),
        None if names.is_empty() => error.with_hint(
            "there are no pages; start the writer first, or open with a time-out to wait for it",
        ),
        None => {
            let mut shown: Vec<_> = names.iter().take(5).map(String::as_str).collect();
            shown.sort_unstable();
            let more = if names.len() > shown.len() {
                ", …"
            } else {
                ""
            };
            error.with_hint(format!(
                "there are: {}{more}; open with a time-out to wait for it",
                shown.join(", ")
            ))
        }
    }
}

/// A file under a temporary name, removed on drop unless it was kept.
struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    /// Makes the file and takes its registration lock, by which others know that its maker lives.
    /// `None`: try again.
    fn create(locator: &Locator, place: &Place, mode: u32) -> Result<Option<(Temporary, File)>> {
        if let Some((directory, uid)) = &place.directory {
            if *uid != file::current_uid() {
                return Err(Error::new(
                    ErrorKind::PermissionDenied,
                    format!("page \"{locator}\" does not exist, and only its user can make it"),
                ));
            }
            file::make_directory(directory, *uid).map_err(|e| {
                Error::os(
                    format_args!("page \"{locator}\": cannot use {}", directory.display()),
                    &e,
                )
            })?;
        }
        let mut random = [0u8; 8];
        file::random(&mut random).map_err(|e| Error::os("cannot read random bytes", &e))?;
        let unique = format!("{:016x}{TEMPORARY}", u64::from_le_bytes(random));
        let path = match &place.directory {
            Some((directory, _)) => directory.join(unique),
            None => {
                remove_stale(&place.path);
                temporary_beside(&place.path, &unique)
            }
        };
        match File::create_new(&path, mode, place.directory.is_none()) {
            Ok(file) => {
                let temporary = Temporary { path, kept: false };
                let locked = file
                    .try_lock(Byte::Registration.offset(), false)
                    .map_err(|e| {
                        Error::os(format_args!("page \"{locator}\": cannot lock its file"), &e)
                    })?;
                Ok(locked.then_some((temporary, file)))
            }
            // The directory was removed as empty between the two calls.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && place.directory.is_some() => {
                Ok(None)
            }
            Err(e) => Err(access_error(locator, &path, "create", &e)),
        }
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = file::unlink(&self.path);
        }
    }
}

fn temporary_beside(path: &Path, unique: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(unique);
    path.with_file_name(name)
}

/// Removes what dead creators of a `file:` page left beside it.
fn remove_stale(path: &Path) {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(file::text)) else {
        return;
    };
    let prefix = format!(".{name}.");
    for entry in file::names(parent).unwrap_or_default() {
        if file::text(&entry)
            .is_some_and(|entry| entry.starts_with(&prefix) && entry.ends_with(TEMPORARY))
        {
            remove_if_stale(&parent.join(&entry));
        }
    }
}

/// Removes a temporary file whose maker is dead.
pub(crate) fn remove_if_stale(path: &Path) -> bool {
    is_stale(path) && file::unlink(path).is_ok()
}

/// Whether a temporary file's maker is dead.
pub(crate) fn is_stale(path: &Path) -> bool {
    let Ok(file) = File::open(path, true) else {
        return false;
    };
    !liveness::is_held(&file, Byte::Registration)
}
