//! Every page there is.

use std::ffi::{CString, c_char, c_void};

use crosspage::Lifetime;
use crosspage::registry::{self, PageInfo};

use crate::error::{CError, guard};
use crate::{null, str_arg};

/// `crosspage_participant`.
#[repr(C)]
pub struct CParticipant {
    role: *const c_char,
    language: *const c_char,
    pid: u32,
    alive: u32,
}

/// `crosspage_page_info`.
#[repr(C)]
pub struct CPageInfo {
    struct_size: u32,
    mode: u32,
    name: *const c_char,
    locator: *const c_char,
    pattern: *const c_char,
    type_name: *const c_char,
    owner: *const c_char,
    size: u64,
    lifetime: u32,
    participant_count: u32,
    participants: *const CParticipant,
    version: u64,
    age_ns: i64,
}

type Each = unsafe extern "C" fn(context: *mut c_void, page: *const CPageInfo) -> i32;
type EachGarbage =
    unsafe extern "C" fn(context: *mut c_void, name: *const c_char, reason: *const c_char);

fn c_string(text: impl ToString) -> CString {
    // None of these strings has a NUL in it.
    CString::new(text.to_string()).unwrap_or_default()
}

/// The struct's name, or what messages are instead.
fn type_name(page: &PageInfo) -> String {
    match (
        &page.layout,
        page.topic.as_ref().and_then(|topic| topic.kind.as_ref()),
    ) {
        (Some(layout), _) => layout.name().to_owned(),
        (None, Some(kind)) => kind.to_string(),
        (None, None) => String::new(),
    }
}

/// Shows `page` to `each` for the time of the call.
unsafe fn show(page: &PageInfo, each: Each, context: *mut c_void) -> i32 {
    let texts = [
        c_string(&page.name),
        c_string(&page.locator),
        c_string(page.pattern),
        c_string(type_name(page)),
        c_string(&page.owner),
    ];
    let roles: Vec<_> = page
        .participants
        .iter()
        .map(|p| (c_string(p.role), c_string(p.language)))
        .collect();
    let participants: Vec<_> = (page.participants.iter().zip(&roles))
        .map(|(p, (role, language))| CParticipant {
            role: role.as_ptr(),
            language: language.as_ptr(),
            pid: p.pid,
            alive: p.alive.into(),
        })
        .collect();
    let info = CPageInfo {
        struct_size: size_of::<CPageInfo>() as u32,
        mode: page.mode,
        name: texts[0].as_ptr(),
        locator: texts[1].as_ptr(),
        pattern: texts[2].as_ptr(),
        type_name: texts[3].as_ptr(),
        owner: texts[4].as_ptr(),
        size: page.size,
        lifetime: match page.lifetime {
            Lifetime::Keep => 1,
            _ => 2,
        },
        participant_count: participants.len() as u32,
        participants: participants.as_ptr(),
        version: page.version.unwrap_or(0),
        age_ns: page
            .age
            .map_or(-1, |age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)),
    };
    // SAFETY: the header's contract for callbacks.
    unsafe { each(context, &info) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_list(
    each: Option<Each>,
    context: *mut c_void,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let each = each.ok_or_else(|| null("each"))?;
            registry::list()?
                .iter()
                .all(|page| show(page, each, context) == 0);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_inspect(
    locator: *const c_char,
    each: Option<Each>,
    context: *mut c_void,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let each = each.ok_or_else(|| null("each"))?;
            let page = registry::inspect(str_arg(locator, "locator")?)?;
            show(&page, each, context);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_remove(
    locator: *const c_char,
    force: bool,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            let locator = str_arg(locator, "locator")?;
            match force {
                true => registry::remove_forced(locator),
                false => registry::remove(locator),
            }
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn crosspage_gc(
    dry_run: bool,
    each: Option<EachGarbage>,
    context: *mut c_void,
    error: *mut CError,
) -> i32 {
    // SAFETY: the header's contract.
    unsafe {
        guard(error, || {
            for garbage in if dry_run {
                registry::garbage()?
            } else {
                registry::gc()?
            } {
                if let Some(each) = each {
                    each(
                        context,
                        c_string(&garbage.name).as_ptr(),
                        c_string(garbage.reason).as_ptr(),
                    );
                }
            }
            Ok(())
        })
    }
}
