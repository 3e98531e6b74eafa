//! A method as a tool: the method stays as it is, and beside it stands one that makes the tool of
//! it and of the value it is called on. A method cannot bring a type of its own, so the tool is a
//! closure over the shared value.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, ItemFn, Result};

use crate::emit::{body, changes, private, told};
use crate::options::Options;
use crate::parameter::Parameter;

/// Expands `#[tool(options)]` on a method that takes `&self`.
pub(crate) fn tool(
    function: &ItemFn,
    parameters: &[Parameter],
    options: &Options,
) -> Result<TokenStream> {
    let support = private(&options.krate);
    let paths = [quote!(#support::serde), quote!(#support::schemars)];
    let [serde, schemars] = paths.map(|path| path.to_string().replace(' ', ""));
    let (fields, defaults): (Vec<_>, Vec<_>) =
        parameters.iter().filter_map(Parameter::field).unzip();
    let (told_name, description) = told(function, options)?;
    let idempotent = options.idempotent;
    let changes = changes(options, &support);
    let kind = parameters
        .iter()
        .find_map(Parameter::deps)
        .map_or_else(|| quote!(#support::Method), |deps| quote!(#support::MethodFor::<#deps>));
    let context = quote::format_ident!("__largestack_context");
    let arguments = parameters.iter().map(|parameter| parameter.argument(&context, &support));
    let name = &function.sig.ident;
    let body = body(
        function,
        parameters,
        options,
        &support,
        &quote!(__largestack_this.#name(#(#arguments),*)),
    );
    let maker = format_ident!("{}_tool", syn::ext::IdentExt::unraw(name));
    let text = format!("`{told_name}` as a tool for agents, with this value as its state.");
    let is_condition = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    let conditions = function.attrs.iter().filter(is_condition);
    let (vis, method) = (&function.vis, kept(function, parameters));
    Ok(quote! {
        #method

        #(#conditions)*
        #[doc = #text]
        #vis fn #maker(self: &::std::sync::Arc<Self>) -> #kind {
            #[derive(#support::serde::Deserialize, #support::schemars::JsonSchema)]
            #[serde(crate = #serde, deny_unknown_fields)]
            #[schemars(crate = #schemars)]
            struct __LargestackArguments { #(#fields)* }

            #(#defaults)*

            let mut options = #support::ToolOptions::default();
            #(#changes)*
            let _ = &mut options;
            let spec = #support::spec::<__LargestackArguments>(#told_name, #description, #idempotent);
            let this = ::std::sync::Arc::clone(self);
            #kind::new(
                spec,
                options,
                move |__largestack_context, __largestack_arguments| {
                    let __largestack_this = ::std::sync::Arc::clone(&this);
                    ::std::boxed::Box::pin(async move { #body })
                },
            )
        }
    })
}

/// The method without the attributes that were for the tool.
fn kept(function: &ItemFn, parameters: &[Parameter]) -> ItemFn {
    let mut kept = function.clone();
    let mut own = parameters.iter();
    for input in &mut kept.sig.inputs {
        if let syn::FnArg::Typed(input) = input
            && let Some(parameter) = own.next()
        {
            *input = parameter.kept.clone();
        }
    }
    kept
}
