//! The code a tool becomes: a type of the function's name with the function as its `direct`, a
//! function of the same name that makes the value, and hidden beside them the argument struct and
//! the `Tool` implementation.
//!
//! The value comes from a function, not from a unit struct, because the name of a unit struct
//! cannot be a variable any more: `let weather = ..` would be a pattern that matches the tool.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::{Attribute, Error, Ident, ItemFn, Path, Result};

use crate::function;
use crate::options::Options;
use crate::parameter::Parameter;

/// Expands `#[tool(options)] item`.
pub(crate) fn tool(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function: ItemFn = syn::parse2(item).map_err(|error| {
        Error::new(error.span(), format!("`#[tool]` stands on a function: {error}"))
    })?;
    let options = Options::parse(options)?;
    function::check(&function.sig)?;
    if let (Some(span), Some(_)) = (options.blocking, &function.sig.asyncness) {
        return Err(Error::new(span, "`blocking` is for functions that are not async"));
    }
    let parameters = function::parameters(&function)?;
    if let Some(second) = parameters.iter().filter_map(Parameter::context_name).nth(1) {
        return Err(Error::new(second.span(), "the context is given once"));
    }
    if function.sig.receiver().is_some() {
        return crate::method::tool(&function, &parameters, &options);
    }
    let surface = surface(&function, &parameters);
    let hidden = hidden(&function, &parameters, &options)?;
    Ok(quote!(#surface #hidden))
}

/// The name with the macro's own context: lints about the case of types leave it alone.
fn type_name(function: &ItemFn) -> Ident {
    let mut name = function.sig.ident.clone();
    name.set_span(Span::call_site().located_at(name.span()));
    name
}

/// What the user sees: the type, the function on it, and the function that makes the value.
fn surface(function: &ItemFn, parameters: &[Parameter]) -> TokenStream {
    let name = type_name(function);
    let is_doc = |attribute: &&Attribute| attribute.path().is_ident("doc");
    let docs: Vec<_> = function.attrs.iter().filter(is_doc).collect();
    let (conditions, attributes): (Vec<&Attribute>, Vec<&Attribute>) = function
        .attrs
        .iter()
        .filter(|attribute| !is_doc(attribute))
        .partition(|attribute| attribute.path().is_ident("cfg"));
    let fallback = docs.is_empty().then(|| {
        let text = format!("The tool `{name}`.");
        quote!(#[doc = #text])
    });
    let (vis, block, output) = (&function.vis, &function.block, &function.sig.output);
    let asyncness = function.sig.asyncness.map(|_| quote!(async));
    let kept = parameters.iter().map(|parameter| &parameter.kept);
    quote! {
        #(#conditions)*
        #(#docs)*
        #fallback
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #vis struct #name {}

        #(#conditions)*
        #(#docs)*
        #fallback
        #[must_use]
        #vis const fn #name() -> #name {
            #name {}
        }

        #(#conditions)*
        impl #name {
            /// The function itself, without the tool around it.
            #(#attributes)*
            #vis #asyncness fn direct(#(#kept),*) #output #block
        }
    }
}

/// What nobody sees: arguments and implementation.
fn hidden(function: &ItemFn, parameters: &[Parameter], options: &Options) -> Result<TokenStream> {
    let name = type_name(function);
    let conditions = function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let support = private(&options.krate);
    let paths = [quote!(#support::serde), quote!(#support::schemars)];
    let [serde, schemars] = paths.map(|path| path.to_string().replace(' ', ""));
    let (fields, defaults): (Vec<_>, Vec<_>) =
        parameters.iter().filter_map(Parameter::field).unzip();
    let spec = spec(function, options, &support)?;
    let marker = parameters.iter().find_map(Parameter::deps).map_or_else(
        || quote!(impl<Deps> #support::ToolFor<Deps> for #name {}),
        |deps| quote!(impl #support::ToolFor<#deps> for #name {}),
    );
    let settings = settings(options, &support);
    let call = call(function, parameters, options, &support);
    Ok(quote! {
        #(#conditions)*
        const _: () = {
            #[derive(#support::serde::Deserialize, #support::schemars::JsonSchema)]
            #[serde(crate = #serde, deny_unknown_fields)]
            #[schemars(crate = #schemars)]
            struct __LargestackArguments { #(#fields)* }

            #(#defaults)*

            #[automatically_derived]
            impl #support::Tool for #name {
                #spec
                #settings
                #call
            }

            #[automatically_derived]
            #marker
        };
    })
}

pub(crate) fn private(krate: &Path) -> TokenStream {
    let krate = krate.to_token_stream();
    quote!(#krate::__private)
}

/// What the model is told: name and description.
pub(crate) fn told(function: &ItemFn, options: &Options) -> Result<(String, String)> {
    let name = match &options.name {
        Some(name) => name.clone(),
        None => syn::ext::IdentExt::unraw(&function.sig.ident).to_string(),
    };
    let description = match &options.description {
        Some(description) => description.clone(),
        None => function::documentation(&function.attrs)?,
    };
    Ok((name, description))
}

fn spec(function: &ItemFn, options: &Options, support: &TokenStream) -> Result<TokenStream> {
    let (name, description) = told(function, options)?;
    let idempotent = options.idempotent;
    Ok(quote! {
        fn spec(&self) -> &#support::ToolSpec {
            static SPEC: ::std::sync::LazyLock<#support::ToolSpec> =
                ::std::sync::LazyLock::new(|| {
                    #support::spec::<__LargestackArguments>(#name, #description, #idempotent)
                });
            &SPEC
        }
    })
}

/// What the options change of how a tool is run.
pub(crate) fn changes(options: &Options, support: &TokenStream) -> Vec<TokenStream> {
    let timeout = options
        .timeout
        .map(|ms| quote!(options.timeout = ::core::time::Duration::from_millis(#ms);));
    let retries = options.retries.map(|n| quote!(options.retries = #n;));
    let max = options.max_result_chars.map(|n| quote!(options.max_result_chars = #n;));
    let raise = options.raise.then(|| quote!(options.raise = true;));
    let running = options.running.changes(support);
    let plain = [timeout, retries, max, raise].into_iter().flatten();
    plain.chain(running).collect()
}

fn settings(options: &Options, support: &TokenStream) -> TokenStream {
    let changes = changes(options, support);
    if changes.is_empty() {
        return quote!();
    }
    quote! {
        fn options(&self) -> #support::ToolOptions {
            let mut options = #support::ToolOptions::default();
            #(#changes)*
            options
        }
    }
}

fn call(
    function: &ItemFn,
    parameters: &[Parameter],
    options: &Options,
    support: &TokenStream,
) -> TokenStream {
    let name = type_name(function);
    let context = Ident::new("__largestack_context", Span::call_site());
    let arguments = parameters.iter().map(|parameter| parameter.argument(&context, support));
    let invoked = quote!(#name::direct(#(#arguments),*));
    let body = body(function, parameters, options, support, &invoked);
    quote! {
        fn call(
            &self,
            #context: #support::ToolContext,
            __largestack_arguments: #support::Json,
        ) -> #support::BoxFuture<
            'static,
            ::core::result::Result<#support::ToolOutput, #support::ToolFailure>,
        > {
            ::std::boxed::Box::pin(async move { #body })
        }
    }
}

/// From the context and the arguments to what the tool returns.
pub(crate) fn body(
    function: &ItemFn,
    parameters: &[Parameter],
    options: &Options,
    support: &TokenStream,
    invoked: &TokenStream,
) -> TokenStream {
    let context = Ident::new("__largestack_context", Span::call_site());
    let bindings = parameters.iter().filter_map(Parameter::binding);
    let returned = if options.blocking.is_some() {
        quote!(#support::blocking(move || ::core::result::Result::<_, #support::ToolFailure>::Ok(#invoked)).await??)
    } else if function.sig.asyncness.is_some() {
        quote!(#invoked.await)
    } else {
        quote!(#invoked)
    };
    let unused = parameters.iter().all(|parameter| parameter.context_name().is_none());
    let drop_context = unused.then(|| quote!(let _ = #context;));
    quote! {
        use #support::returned::{
            FromDisplay as _, FromFailure as _, FromOutput as _, FromResult as _,
            FromSerialize as _, FromUnit as _, FromValue as _,
        };
        #drop_context
        let __LargestackArguments { #(#bindings),* } =
            #support::arguments(&__largestack_arguments)?;
        let returned = #returned;
        match (&returned).split_kind().split(returned) {
            ::core::result::Result::Ok(value) => (&value).output_kind().output(value),
            ::core::result::Result::Err(error) => {
                ::core::result::Result::Err((&error).failure_kind().failure(error))
            }
        }
    }
}
