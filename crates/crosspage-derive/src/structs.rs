//! `#[derive(Layout)]` on a struct.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataStruct, DeriveInput, Error, Fields, Result};

use crate::attributes::{fold, of_field, of_struct, repr};
use crate::refuse::refuse;

pub fn expand(input: &DeriveInput, data: &DataStruct) -> Result<TokenStream> {
    let ident = &input.ident;
    let of_type = of_struct(ident, &input.attrs)?;
    let mut problems = Problems::default();
    if !repr(&input.attrs)?.iter().any(|word| word == "C") {
        problems.add(Error::new_spanned(
            ident,
            "a shared struct needs `#[repr(C)]`: without it the compiler may put the fields in \
             any order",
        ));
    }
    let fields = match &data.fields {
        Fields::Named(fields) if !fields.named.is_empty() => &fields.named,
        Fields::Unnamed(_) => {
            problems.add(Error::new_spanned(
                &data.fields,
                "the fields of a tuple struct have no names by which other languages could know \
                 them: give each a name",
            ));
            return Err(problems.into_error());
        }
        _ => {
            problems.add(Error::new_spanned(
                ident,
                "a shared struct needs at least one field",
            ));
            return Err(problems.into_error());
        }
    };
    let (mut costs, mut members) = (Vec::new(), Vec::new());
    let mut known: HashMap<String, String> = HashMap::new();
    for field in fields {
        let Some(name) = &field.ident else { continue };
        let of_field = match of_field(name, &field.attrs) {
            Ok(of_field) => of_field,
            Err(problem) => {
                problems.add(problem);
                continue;
            }
        };
        if let Some(before) = known.insert(fold(&of_field.name), of_field.name.clone()) {
            let message = if before == of_field.name {
                format!("two fields are called `{before}`")
            } else {
                format!(
                    "`{before}` and `{}` differ only in case and `_`, so other languages could \
                     not tell them apart: rename one, or give it `#[layout(rename = \"…\")]`",
                    of_field.name
                )
            };
            problems.add(Error::new(of_field.span, message));
        }
        if let Some(problem) = refuse(&field.ty) {
            problems.add(problem);
        }
        let ty = &field.ty;
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let (name_len, unit_len, doc_len) =
            (of_field.name.len(), len(&of_field.unit), len(&of_field.doc));
        // The type's span makes the compiler point at it where it is not a `FieldType`.
        let field_type = quote_spanned!(ty.span()=> <#ty as __crosspage::FieldType>);
        costs.push(quote!(.with_field(#field_type::COST, #name_len, #unit_len, #doc_len)));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (text, unit, doc) = (&of_field.name, text(&of_field.unit), text(&of_field.doc));
        members.push(quote!(
            __crosspage::field(#text, #field_type::ty(), ::core::mem::offset_of!(#ident, #name), #unit, #doc)
        ));
    }
    if let Some((tail, span)) = &of_type.tail
        && let Some(field) = known.get(&fold(tail))
    {
        let message = format!(
            "the tail comes behind the fields, and is none of them: `{field}` is in the way"
        );
        problems.add(Error::new(*span, message));
    }
    problems.check()?;
    let tail = of_type
        .tail
        .as_ref()
        .map(|(tail, _)| quote!(const TAIL: &'static str = #tail;));
    let (name, krate) = (&of_type.name, &of_type.krate);
    let name_len = name.len();
    let shown = ident.unraw().to_string();
    let too_much = format!(
        "{shown} is too large to share: its fields, nesting or docs are over the caps of crosspage::layout"
    );
    Ok(quote! {
        const _: () = {
            use #krate::layout::rust::derive as __crosspage;

            // Here, so that what is too large does not compile even where it is not used.
            const __COST: __crosspage::Cost = {
                let __cost = __crosspage::Cost::named(#name_len, 1) #(#costs)*;
                ::core::assert!(__crosspage::is_allowed::<#ident>(__cost), #too_much);
                __cost
            };

            fn __layout() -> &'static __crosspage::Arc<__crosspage::StructType> {
                static __LAYOUT: __crosspage::OnceLock<__crosspage::Arc<__crosspage::StructType>> = __crosspage::OnceLock::new();
                __LAYOUT.get_or_init(|| {
                    __crosspage::describe::<#ident, _>(#name, [#(#members),*])
                })
            }

            // SAFETY: `layout` lists every field with the type and offset that the compiler gave
            // it, and each type is a `FieldType`; what lies between them is padding.
            #[automatically_derived]
            unsafe impl __crosspage::Layout for #ident {
                type Kept<__H: ::core::marker::Send> = <__crosspage::Choose<
                    { ::core::mem::size_of::<#ident>() <= __crosspage::SMALL },
                > as __crosspage::Chosen>::Kept<#ident, __H>;

                #tail

                fn layout() -> &'static __crosspage::Arc<__crosspage::StructType> {
                    __layout()
                }
            }

            // SAFETY: as above.
            #[automatically_derived]
            unsafe impl __crosspage::FieldType for #ident {
                const COST: __crosspage::Cost = __COST;

                fn ty() -> __crosspage::Type {
                    __crosspage::Type::Struct(__crosspage::Arc::clone(__layout()))
                }
            }
        };
    })
}

/// Everything that is wrong, in one go.
#[derive(Default)]
struct Problems(Option<Error>);

impl Problems {
    fn add(&mut self, problem: Error) {
        match &mut self.0 {
            Some(all) => all.combine(problem),
            none => *none = Some(problem),
        }
    }

    fn check(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }

    fn into_error(self) -> Error {
        self.0.expect("a problem")
    }
}
