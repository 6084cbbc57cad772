//! `#[derive(Layout)]` for crosspage. (in progress)

use proc_macro::TokenStream;

/// Describes a `#[repr(C)]` struct to crosspage.
#[proc_macro_derive(Layout, attributes(layout))]
pub fn derive_layout(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}
