//! `crosspage set`: fields of a value.

use crosspage::foreign::DynView;
use crosspage::latest::{self, DynWriter};
use crosspage::layout::{self, StructType, Value};
use crosspage::{Error, Locator, registry};

use crate::{Result, segment};

/// Change fields of the current value: all of them, or none
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  crosspage set telemetry counter=43 temperature=23.5
  crosspage set telemetry 'arm.joints[2]=0.5' 'position=[1, 2, 3]' mode=Driving
  crosspage set posix:/IPCSharedMemory counter=43 --layout schema.toml#SharedData")]
pub struct Args {
    #[command(flatten)]
    segment: segment::Target,
    /// A field, by name or path, and its new value
    #[arg(value_name = "FIELD=VALUE", required = true, value_parser = assignment)]
    assignments: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => Ok((path.to_owned(), value.to_owned())),
        _ => Err("FIELD=VALUE is expected, such as temperature=23.5".to_owned()),
    }
}

pub fn run(args: &Args) -> Result<String> {
    let locator: Locator = args.segment.segment.parse()?;
    if locator.is_page() {
        set_in_page(args, &locator)
    } else {
        set_in_foreign(args, &locator)
    }?;
    Ok(String::new())
}

/// The new values, checked against the layout.
fn values<'a>(args: &'a Args, layout: &StructType) -> Result<Vec<(&'a str, Value)>> {
    let value = |(path, text): &'a (String, String)| {
        let (_, ty) = layout.resolve(path)?;
        let value = layout::value::parse(ty, text)
            .map_err(|error| Error::new(error.kind(), format!("{path}: {}", error.message())))?;
        Ok((path.as_str(), value))
    };
    args.assignments.iter().map(value).collect()
}

fn set_in_page(args: &Args, locator: &Locator) -> Result<()> {
    let text = locator.to_string();
    drop(args.segment.reader(locator)?);
    let page = registry::inspect(&text)?;
    if let Some(layout) = args.segment.layout()? {
        args.segment.check_layout(&page, &layout)?;
    }
    // Before the writer's role is taken, so that a typing error is told first.
    values(args, segment::layout_of(&page)?)?;
    let mut writer =
        DynWriter::open_with(&text, &latest::Options::default()).map_err(|error| {
            match error.is_already_owned() {
                true => error.with_hint(
                    "only its writer writes it while that lives; a page made with writers(n) allows more",
                ),
                false => error,
            }
        })?;
    let values = values(args, writer.layout())?;
    writer.update(|record| {
        values
            .iter()
            .try_for_each(|(path, value)| record.set(path, value))
    })?;
    Ok(())
}

fn set_in_foreign(args: &Args, locator: &Locator) -> Result<()> {
    let layout = args.segment.foreign_layout(locator)?;
    let values = values(args, &layout)?;
    let mut view = DynView::options()
        .timeout(args.segment.timeout)
        .open(&locator.to_string(), &layout)?;
    let fields: Vec<(&str, &Value)> = values.iter().map(|(path, value)| (*path, value)).collect();
    view.update(&fields)
}
