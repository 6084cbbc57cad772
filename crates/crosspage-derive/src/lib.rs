//! `#[derive(Layout)]` for [crosspage](https://docs.rs/crosspage).

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Result, parse_macro_input};

mod attributes;
mod enums;
mod refuse;
mod structs;

/// Describes a struct to crosspage, so that programs in other languages can check that they mean
/// the same bytes; or an enum, so that it can be a field of such a struct.
///
/// The struct is `#[repr(C)]` (also with `packed(N)` or `align(N)`), `Copy`, and has named fields:
/// `bool`, `i8` to `i64`, `u8` to `u64`, `f32`, `f64`, `crosspage::Text<N>`, arrays of these, and
/// structs and enums that derive `Layout` themselves. An enum has no data in its variants and says
/// what stores it: `#[repr(u8)]` and so on. Whatever else is in it is a compile error that says
/// why and what to use instead.
///
/// - Doc comments of fields become their `doc`.
/// - `#[layout(unit = "ms")]` on a field states its physical unit, which is compared where both
///   sides state one.
/// - `#[layout(rename = "dataReady")]` on a field or variant gives it another name in the layout.
///   (Case and `_` do not matter: `data_ready` already is `dataReady`.)
/// - `#[layout(name = "SharedData")]` on the type gives it another name for display.
/// - `#[layout(tail = "points")]` on a struct names the tail of messages `(Self, [T])`, which otherwise
///   is called `tail`.
/// - `#[layout(crate = "path::to::crosspage")]` on the type, where the crate has another name.
///
/// ```
/// #[derive(Clone, Copy, crosspage::Layout)]
/// #[repr(C)]
/// struct Telemetry {
///     /// Of the motor's coil.
///     #[layout(unit = "°C")]
///     temperature: f64,
///     name: crosspage::Text<50>,
///     mode: Mode,
///     joints: [f32; 6],
/// }
///
/// #[derive(Clone, Copy, crosspage::Layout)]
/// #[repr(u8)]
/// enum Mode {
///     Idle = 0,
///     Run = 1,
/// }
///
/// use crosspage::Layout;
/// assert_eq!(Telemetry::layout().field("joints").unwrap().offset, 60);
/// ```
#[proc_macro_derive(Layout, attributes(layout))]
pub fn derive_layout(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

fn expand(input: &DeriveInput) -> Result<proc_macro2::TokenStream> {
    if !input.generics.params.is_empty() {
        let message = "a generic type has no one layout: derive `Layout` for a type without \
                       parameters";
        return Err(Error::new_spanned(&input.generics, message));
    }
    match &input.data {
        Data::Struct(data) => structs::expand(input, data),
        Data::Enum(data) => enums::expand(input, data),
        Data::Union(_) => {
            let message = "a union does not say which of its fields is meant: use a struct, or \
                           an array of bytes";
            Err(Error::new_spanned(&input.ident, message))
        }
    }
}
