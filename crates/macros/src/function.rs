//! The function under the attribute: what of it can be a tool, and what a model is told of it.

use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, FnArg, ItemFn, Lit, Meta, Result, Signature};

use crate::parameter::Parameter;

/// Refuses what cannot be a tool, each with the place and the way out.
pub(crate) fn check(signature: &Signature) -> Result<()> {
    if let Some(receiver) = signature.receiver()
        && (receiver.reference.is_none()
            || receiver.mutability.is_some()
            || receiver.colon_token.is_some())
    {
        return Err(Error::new(
            receiver.span(),
            "a method that is a tool takes `&self`: many runs call it at once",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(
            signature.generics.span(),
            "a tool cannot be generic: a model needs one schema; name the types",
        ));
    }
    if let Some(token) = &signature.unsafety {
        return Err(Error::new(token.span(), "a tool cannot be unsafe: a model chooses its input"));
    }
    if let Some(token) = &signature.constness {
        return Err(Error::new(token.span(), "a tool cannot be const"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new(abi.span(), "a tool cannot have a foreign ABI"));
    }
    match &signature.variadic {
        Some(variadic) => Err(Error::new(variadic.span(), "a tool cannot be variadic")),
        None => Ok(()),
    }
}

/// The parameters, in order. All mistakes are reported together.
pub(crate) fn parameters(function: &ItemFn) -> Result<Vec<Parameter>> {
    let mut parameters = Vec::new();
    let mut mistakes: Option<Error> = None;
    for input in &function.sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        match Parameter::parse(input) {
            Ok(parameter) => parameters.push(parameter),
            Err(error) => match &mut mistakes {
                Some(mistakes) => mistakes.combine(error),
                None => mistakes = Some(error),
            },
        }
    }
    match mistakes {
        Some(mistakes) => Err(mistakes),
        None => Ok(parameters),
    }
}

/// The text of the doc comments, with the one space after `///` taken off.
pub(crate) fn documentation(attributes: &[Attribute]) -> Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        // `#[doc(hidden)]` and the like say nothing to a model.
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) = &pair.value else {
            return Err(Error::new(
                pair.value.span(),
                "a tool's documentation is read while compiling: write it out, or give \
                 `#[tool(description = \"..\")]`",
            ));
        };
        for line in text.value().split('\n') {
            lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
        }
    }
    Ok(lines.join("\n").trim().to_owned())
}
