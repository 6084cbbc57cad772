//! Paths into a struct: `arm.joints[2]`.

use std::fmt::Write as _;

use super::{Field, StructType, Type, did_you_mean};
use crate::{Error, ErrorKind, Result};

impl StructType {
    /// Where `path` lies in a value of this struct, and its type. A path is a field's name,
    /// then `.name` into a struct or `[index]` into an array, as often as it takes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a field or element that does not exist, with the likeliest
    /// name as the hint; [`ErrorKind::Invalid`] for what is no path.
    pub fn resolve(&self, path: &str) -> Result<(usize, &Type)> {
        let name_end = path.find(['.', '[']).unwrap_or(path.len());
        let (mut offset, mut ty) = self.step_into(&path[..name_end])?;
        let mut rest = &path[name_end..];
        while !rest.is_empty() {
            let so_far = &path[..path.len() - rest.len()];
            if let Some(after) = rest.strip_prefix('.') {
                let Type::Struct(st) = ty else {
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        format!("{so_far} is {ty}, which has no fields"),
                    ));
                };
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (at, next) = st.step_into(&after[..end])?;
                (offset, ty, rest) = (offset + at, next, &after[end..]);
            } else {
                let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
                else {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        format!(
                            "{path:?} is no path: expected `.name` or `[index]` after {so_far}"
                        ),
                    ));
                };
                let index: usize = index.trim().parse().map_err(|_| {
                    Error::new(
                        ErrorKind::Invalid,
                        format!("{path:?} is no path: {index:?} is no index, which counts from 0"),
                    )
                })?;
                let (elem, len) = match ty {
                    Type::Array(elem, len) => (elem, *len),
                    Type::Tail(elem) => (elem, usize::MAX),
                    _ => {
                        return Err(Error::new(
                            ErrorKind::NotFound,
                            format!("{so_far} is {ty}, which has no elements"),
                        ));
                    }
                };
                let at = index
                    .checked_mul(elem.size())
                    .and_then(|at| at.checked_add(offset));
                let Some(at) = at.filter(|_| index < len) else {
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        format!("{so_far} is {ty}, so its last element is [{}]", len - 1),
                    ));
                };
                (offset, ty, rest) = (at, elem, after);
            }
        }
        Ok((offset, ty))
    }

    /// The path of the number, text or enum that has the byte at `offset`; `None` for padding.
    pub fn path_at(&self, offset: usize) -> Option<String> {
        let mut path = String::new();
        let (mut st, mut offset) = (self, offset);
        loop {
            let covers = |f: &&Field| f.offset <= offset && offset - f.offset < f.ty.size();
            let field = st.fields.iter().find(covers)?;
            path.push_str(&field.name);
            offset -= field.offset;
            let mut ty = &field.ty;
            while let Type::Array(elem, _) = ty {
                let _ = write!(path, "[{}]", offset / elem.size());
                (ty, offset) = (elem, offset % elem.size());
            }
            let Type::Struct(inner) = ty else {
                return Some(path);
            };
            path.push('.');
            st = inner;
        }
    }

    fn step_into(&self, name: &str) -> Result<(usize, &Type)> {
        if let Some(field) = self.field(name) {
            return Ok((field.offset, &field.ty));
        }
        Err(self.unknown_field(name))
    }

    /// The error for a field that this struct does not have.
    pub(super) fn unknown_field(&self, name: &str) -> Error {
        let error = Error::new(
            ErrorKind::NotFound,
            format!("{} has no field {name:?}", self.name),
        );
        let names = self.fields.iter().map(|f| f.name.as_str());
        match did_you_mean(name, names.clone()) {
            Some(near) => error.with_hint(format!("did you mean {near:?}?")),
            None => error.with_hint(format!("its fields are {}", list(names))),
        }
    }
}

/// `a, b and c`, cut after the first twenty.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    if names.len() > 20 {
        names.truncate(20);
        return format!("{}, …", names.join(", "));
    }
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}
