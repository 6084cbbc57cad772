//! One look at a segment, page or foreign, for the commands that read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosspage::foreign::DynView;
use crosspage::latest::{self, DynReader};
use crosspage::layout::{self, Learned, Match, Record, StructType};
use crosspage::registry::{self, PageInfo};
use crosspage::topic::TopicInfo;
use crosspage::{Error, ErrorKind, Locator, Participant, Result};

/// What the commands that read a segment's value have in common.
#[derive(clap::Args)]
pub struct Target {
    /// The segment: telemetry, file:PATH, posix:/NAME, sysv:KEY, sysv:id=ID or win:Local\NAME
    #[arg(value_name = "SEG")]
    pub segment: String,
    /// Where the layout comes from: foreign segments need it, a page is checked against it
    #[arg(long, value_name = "PATH#TYPE")]
    pub layout: Option<String>,
    /// Wait up to S seconds for the segment to be there
    #[arg(long, value_name = "S", value_parser = seconds, default_value = "0", hide_default_value = true)]
    pub timeout: Duration,
}

pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "a number of seconds is expected, such as 2.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "seconds are a number from 0 up".to_owned())
}

/// What was seen.
pub struct Look {
    pub name: String,
    pub locator: String,
    pub pattern: &'static str,
    /// `None`: a topic of bytes or arrays, or one whose messages nobody has declared.
    pub layout: Option<Arc<StructType>>,
    /// How the layout is known, where it was learned and no page tells it.
    pub provenance: Option<String>,
    /// `None`: nothing was written yet.
    pub value: Option<Record>,
    /// `None`: foreign, or nothing was written yet.
    pub written: Option<Written>,
    pub participants: Vec<Participant>,
    /// A foreign segment that changed whenever it was looked at.
    pub unstable: bool,
    /// What a topic has instead of a value.
    pub topic: Option<TopicInfo>,
}

/// When a value was written, and by whom.
pub struct Written {
    pub version: u64,
    pub age: Duration,
    pub pid: u32,
    pub alive: bool,
}

/// How long a foreign segment may take to hold still.
const STILL: Duration = Duration::from_millis(200);

impl Target {
    /// Looks at the segment; with `await_value` the time-out also covers the first value.
    pub fn look(&self, await_value: bool) -> Result<Look> {
        let locator: Locator = self.segment.parse()?;
        match locator.is_page() {
            true => self.look_at_page(&locator, self.layout()?.as_ref(), await_value),
            false => self.look_at_foreign(&locator, &self.learned_foreign(&locator)?),
        }
    }

    /// The layout that was named.
    pub fn layout(&self) -> Result<Option<Arc<StructType>>> {
        self.layout.as_deref().map(layout::from_source).transpose()
    }

    /// The layout of a foreign segment, which has to be named.
    pub fn foreign_layout(&self, locator: &Locator) -> Result<Arc<StructType>> {
        Ok(self.learned_foreign(locator)?.layout)
    }

    fn learned_foreign(&self, locator: &Locator) -> Result<Learned> {
        let source = self.layout.as_deref().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                format!("segment \"{locator}\" is foreign: it does not tell its layout"),
            )
            .with_hint("name one with --layout PATH#TYPE, such as --layout schema.toml#SharedData")
        })?;
        layout::learn(source)
    }

    /// A reader that takes no place in the page and leaves no trace, as soon as the page is there.
    pub fn reader(&self, locator: &Locator) -> Result<DynReader> {
        let mut options = latest::Options::default();
        options.read_only = true;
        options.timeout = Some(self.timeout);
        DynReader::open_with(&locator.to_string(), &options)
    }

    fn look_at_page(
        &self,
        locator: &Locator,
        named: Option<&Arc<StructType>>,
        await_value: bool,
    ) -> Result<Look> {
        let text = locator.to_string();
        let deadline = Instant::now() + self.timeout;
        let reader = match self.reader(locator) {
            Ok(reader) => reader,
            // It is there, and has no value: another pattern.
            Err(error) => match registry::inspect(&text) {
                Ok(page) if page.topic.is_some() => return self.look_at_topic(page, named),
                _ => return Err(error),
            },
        };
        let page = registry::inspect(&text)?;
        if let Some(named) = named {
            self.check_layout(&page, named)?;
        }
        let layout = layout_of(&page)?.clone();
        let mut snapshot = reader.read()?;
        if snapshot.is_none() && await_value {
            snapshot =
                match reader.wait_changed(0, deadline.saturating_duration_since(Instant::now())) {
                    Ok(snapshot) => Some(snapshot),
                    Err(error) if error.is_timed_out() => None,
                    Err(error) => return Err(error),
                };
        }
        let written = snapshot.as_ref().map(|snapshot| Written {
            version: snapshot.meta.version,
            age: snapshot.meta.age(),
            pid: snapshot.meta.writer_pid,
            alive: reader.writer_alive(&snapshot.meta),
        });
        Ok(Look {
            name: page.name,
            locator: page.locator.to_string(),
            pattern: page.pattern,
            layout: Some(layout),
            provenance: None,
            value: snapshot.map(|snapshot| snapshot.record),
            written,
            participants: page.participants,
            unstable: false,
            topic: None,
        })
    }

    fn look_at_topic(&self, page: PageInfo, named: Option<&Arc<StructType>>) -> Result<Look> {
        if let Some(named) = named {
            self.check_layout(&page, named)?;
        }
        Ok(Look {
            name: page.name,
            locator: page.locator.to_string(),
            pattern: page.pattern,
            layout: page.layout,
            provenance: None,
            value: None,
            written: None,
            participants: page.participants,
            unstable: false,
            topic: page.topic,
        })
    }

    /// The page's own layout is the truth; another one that was named has to agree with it.
    pub fn check_layout(&self, page: &PageInfo, layout: &StructType) -> Result<()> {
        let stored = layout_of(page)?;
        let Err(differences) = layout::compare(stored, layout, Match::Exact) else {
            return Ok(());
        };
        let writer = page
            .participants
            .iter()
            .find(|p| p.alive && ["writer", "publisher"].contains(&p.role));
        let side = writer.map_or_else(
            || "no writer".to_owned(),
            |p| format!("{}, pid {}", p.language, p.pid),
        );
        let source = self.layout.as_deref().unwrap_or_default();
        Err(layout::mismatch_error(
            &page.name,
            stored,
            &side,
            layout,
            source,
            differences,
        ))
    }

    fn look_at_foreign(&self, locator: &Locator, learned: &Learned) -> Result<Look> {
        let layout = &learned.layout;
        let text = locator.to_string();
        let view = DynView::options()
            .read_only(true)
            .timeout(self.timeout)
            .open(&text, layout)?;
        let (record, unstable) = match view.read_stable(STILL) {
            Ok(record) => (record, false),
            Err(error) if error.is_timed_out() => (view.read()?, true),
            Err(error) => return Err(error),
        };
        Ok(Look {
            name: foreign_name(&text),
            locator: text,
            pattern: "foreign",
            layout: Some(layout.clone()),
            provenance: learned.provenance.clone(),
            value: Some(record),
            written: None,
            participants: Vec::new(),
            unstable,
            topic: None,
        })
    }
}

impl Look {
    /// The layout of its value, for commands that need one.
    pub fn value_layout(&self) -> Result<&Arc<StructType>> {
        match (&self.layout, &self.topic) {
            (Some(layout), None) => Ok(layout),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("page \"{}\" is a topic: it has no value", self.locator),
            )
            .with_hint(format!(
                "crosspage echo {} prints its messages",
                self.locator
            ))),
        }
    }
}

/// The layout of a page's values or messages.
pub fn layout_of(page: &PageInfo) -> Result<&Arc<StructType>> {
    page.layout.as_ref().ok_or_else(|| {
        let what = match page.topic.as_ref().and_then(|topic| topic.kind.as_ref()) {
            Some(kind) => format!("carries {kind}: its messages have no layout"),
            None => "has no layout: nobody has said yet what its messages are".to_owned(),
        };
        let locator = &page.locator;
        Error::new(ErrorKind::Unsupported, format!("page \"{locator}\" {what}"))
    })
}

/// A foreign segment's name is its locator without the scheme.
pub fn foreign_name(locator: &str) -> String {
    locator
        .split_once(':')
        .map_or(locator, |(_, name)| name)
        .to_owned()
}
