//! `#[derive(Layout)]` on an enum.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Ident, Result};

use crate::attributes::{of_enum, of_variant, repr};

pub fn expand(input: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    let ident = &input.ident;
    let of_type = of_enum(ident, &input.attrs)?;
    let scalar = scalar(ident, &repr(&input.attrs)?)?;
    if data.variants.is_empty() {
        let message = "an enum without variants has no value that could be shared";
        return Err(Error::new_spanned(ident, message));
    }
    let (name, krate) = (&of_type.name, &of_type.krate);
    let (mut costs, mut variants) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            let message = "a variant with data cannot be shared: other languages do not know how \
                           it is stored; use an enum of plain names and fields beside it";
            return Err(Error::new_spanned(&variant.fields, message));
        }
        let of_variant = of_variant(&variant.ident, &variant.attrs)?;
        let (variant, text, len) = (&variant.ident, &of_variant.name, of_variant.name.len());
        if variants.iter().any(|(known, _)| known == text) {
            let message = format!("two variants are called `{text}`");
            return Err(Error::new(of_variant.span, message));
        }
        costs.push(quote!(.with_variant(#len)));
        variants.push((text.clone(), quote!((#text, #ident::#variant as i128))));
    }
    let variants = variants.iter().map(|(_, pair)| pair);
    let name_len = name.len();
    Ok(quote! {
        const _: () = {
            use #krate::layout::rust::derive as __crosspage;

            // SAFETY: the enum is stored as the integer that its `repr` says, and `ty` names the
            // value of every variant, so what `validate` lets through is one of them.
            #[automatically_derived]
            unsafe impl __crosspage::FieldType for #ident {
                const COST: __crosspage::Cost = __crosspage::Cost::named(#name_len, 0) #(#costs)*;

                fn ty() -> __crosspage::Type {
                    static __TYPE: __crosspage::OnceLock<__crosspage::Arc<__crosspage::EnumType>> = __crosspage::OnceLock::new();
                    let __ty = __TYPE.get_or_init(|| {
                        __crosspage::describe_enum(#name, __crosspage::Scalar::#scalar, &[#(#variants),*])
                    });
                    __crosspage::Type::Enum(__crosspage::Arc::clone(__ty))
                }
            }
        };
    })
}

/// The `Scalar` that stores the enum.
fn scalar(ident: &Ident, words: &[Ident]) -> Result<Ident> {
    for word in words {
        let scalar = match word.to_string().as_str() {
            "i8" => "I8",
            "i16" => "I16",
            "i32" => "I32",
            "i64" => "I64",
            "u8" => "U8",
            "u16" => "U16",
            "u32" => "U32",
            "u64" => "U64",
            "usize" | "isize" | "i128" | "u128" => {
                let message = format!(
                    "an enum of `{word}` cannot be shared: use one of `i8` to `i64` and `u8` to \
                     `u64`"
                );
                return Err(Error::new_spanned(word, message));
            }
            _ => continue,
        };
        return Ok(Ident::new(scalar, word.span()));
    }
    let message = "a shared enum says which integer stores it: `#[repr(u8)]`, or `#[repr(i32)]` \
                   for what C and C++ make of a plain enum";
    Err(Error::new_spanned(ident, message))
}
