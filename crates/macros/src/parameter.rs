//! One parameter of a tool: an argument that the model gives, or the context that it never sees.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, Ident, Meta, Pat, PatType, Result, Token, Type, TypeReference};

/// Attributes that belong to the field of the argument struct.
const PASSED_ON: &[&str] = &["doc", "schemars", "serde", "validate", "garde"];
/// Attributes that stay on the parameter.
const KEPT: &[&str] = &["allow", "expect", "warn", "deny", "forbid"];

/// What a parameter is filled with.
enum Filling {
    /// An argument of this type, handed over.
    Owned(Box<Type>),
    /// A `String`, lent as `&str`.
    Text,
    /// The context, handed over.
    Context,
    /// The context, lent.
    ContextRef,
    /// The run with its dependencies of this type, handed over.
    Run(Box<Type>),
    /// The same, lent.
    RunRef(Box<Type>),
}

/// A parameter, taken apart.
pub(crate) struct Parameter {
    name: Ident,
    filling: Filling,
    field_attributes: Vec<Attribute>,
    default: Option<Default>,
    /// The parameter as the function keeps it.
    pub(crate) kept: PatType,
}

/// What stands for an argument that is not given.
enum Default {
    /// The type's own default.
    OfType,
    /// This expression.
    Expr(Box<Expr>),
}

impl Parameter {
    pub(crate) fn parse(input: &PatType) -> Result<Self> {
        let name = name_of(&input.pat)?;
        let filling = filling_of(&input.ty)?;
        let mut kept = input.clone();
        let mut field_attributes = Vec::new();
        let mut default = None;
        kept.attrs = Vec::new();
        for attribute in &input.attrs {
            let path = attribute.path();
            if PASSED_ON.iter().any(|known| path.is_ident(known)) {
                field_attributes.push(attribute.clone());
            } else if KEPT.iter().any(|known| path.is_ident(known)) {
                kept.attrs.push(attribute.clone());
            } else if path.is_ident("default") || path.is_ident("tool") {
                if default.is_some() {
                    return Err(Error::new(attribute.span(), "the default is given twice"));
                }
                default = Some(default_of(attribute)?);
            } else {
                return Err(Error::new(
                    attribute.span(),
                    "this attribute means nothing on a parameter of a tool; known are \
                     `#[default(..)]`, `#[schemars(..)]`, `#[serde(..)]` and `#[validate(..)]`",
                ));
            }
        }
        let parameter = Self { name, filling, field_attributes, default, kept };
        match parameter.field_attributes.iter().find(|a| !a.path().is_ident("doc")) {
            Some(attribute) if parameter.is_context() => {
                Err(Error::new(attribute.span(), "the context is not an argument of the model"))
            }
            _ if parameter.is_context() && parameter.default.is_some() => {
                Err(Error::new(input.span(), "the context is always given and has no default"))
            }
            _ => Ok(parameter),
        }
    }

    fn is_context(&self) -> bool {
        !matches!(self.filling, Filling::Owned(_) | Filling::Text)
    }

    /// The type of the dependencies that the tool asks for.
    pub(crate) fn deps(&self) -> Option<&Type> {
        match &self.filling {
            Filling::Run(deps) | Filling::RunRef(deps) => Some(deps),
            _ => None,
        }
    }

    /// Where the context is a parameter: its place.
    pub(crate) fn context_name(&self) -> Option<&Ident> {
        self.is_context().then_some(&self.name)
    }

    /// The name bound when the argument struct is taken apart.
    pub(crate) fn binding(&self) -> Option<&Ident> {
        (!self.is_context()).then_some(&self.name)
    }

    /// The field of the argument struct, and the function that makes its default.
    pub(crate) fn field(&self) -> Option<(TokenStream, TokenStream)> {
        let ty = match &self.filling {
            Filling::Owned(ty) => quote!(#ty),
            Filling::Text => quote!(::std::string::String),
            _ => return None,
        };
        let (name, attributes) = (&self.name, &self.field_attributes);
        let (serde, function) = match &self.default {
            None => (quote!(), quote!()),
            Some(Default::OfType) => (quote!(#[serde(default)]), quote!()),
            Some(Default::Expr(expr)) => {
                let function = format_ident!("__largestack_default_{}", name);
                let path = function.to_string();
                let value = quote_spanned!(expr.span()=> ::core::convert::Into::into(#expr));
                // A text lent to the function is given as a literal, which is not a `String`.
                let value =
                    if matches!(self.filling, Filling::Text) { value } else { quote!(#expr) };
                (quote!(#[serde(default = #path)]), quote!(fn #function() -> #ty { #value }))
            }
        };
        Some((quote!(#(#attributes)* #serde #name: #ty,), function))
    }

    /// What is handed to the function, given the name under which the context is held.
    pub(crate) fn argument(&self, context: &Ident, support: &TokenStream) -> TokenStream {
        let name = &self.name;
        match self.filling {
            Filling::Owned(_) => quote!(#name),
            Filling::Text => quote!(&#name),
            Filling::Context => quote!(#context),
            Filling::ContextRef => quote!(&#context),
            Filling::Run(_) => quote!(#support::RunContext::of_tool(&#context)?),
            Filling::RunRef(_) => quote!(&#support::RunContext::of_tool(&#context)?),
        }
    }
}

fn name_of(pattern: &Pat) -> Result<Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            Ok(name.ident.clone())
        }
        _ => Err(Error::new(
            pattern.span(),
            "a parameter of a tool needs a name that the model can use: write `name: Type` and \
             take the value apart inside the function",
        )),
    }
}

fn filling_of(ty: &Type) -> Result<Filling> {
    match ty {
        Type::Reference(TypeReference { elem, mutability: None, lifetime, .. }) => match &**elem {
            inner if is_named(inner, "ToolContext") => Ok(Filling::ContextRef),
            inner if is_named(inner, "RunContext") => Ok(Filling::RunRef(deps_of(inner))),
            inner if is_named(inner, "str") && lifetime.is_none() => Ok(Filling::Text),
            _ => Err(Error::new(
                ty.span(),
                "a tool owns its arguments: take them by value (`&str` and `&ToolContext` are the \
                 exceptions)",
            )),
        },
        Type::Reference(_) => Err(Error::new(ty.span(), "a tool owns its arguments: no `&mut`")),
        Type::ImplTrait(_) => Err(Error::new(
            ty.span(),
            "a tool cannot be generic: a model needs one schema; name the type",
        )),
        Type::Infer(_) => Err(Error::new(ty.span(), "a parameter of a tool needs a type")),
        _ if is_named(ty, "ToolContext") => Ok(Filling::Context),
        _ if is_named(ty, "RunContext") => Ok(Filling::Run(deps_of(ty))),
        _ => Ok(Filling::Owned(Box::new(ty.clone()))),
    }
}

/// The `D` of `RunContext<D>`; nothing where none is written.
fn deps_of(ty: &Type) -> Box<Type> {
    let last = match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let named = last.and_then(|segment| match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) => arguments.args.first(),
        _ => None,
    });
    match named {
        Some(syn::GenericArgument::Type(deps)) => Box::new(deps.clone()),
        _ => Box::new(syn::parse_quote!(())),
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// `#[default]`, `#[default(expr)]`, `#[default = expr]`, `#[tool(default)]`,
/// `#[tool(default = expr)]`.
fn default_of(attribute: &Attribute) -> Result<Default> {
    if attribute.path().is_ident("tool") {
        return attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
            let word: Ident = input.parse()?;
            if word != "default" {
                return Err(Error::new(
                    word.span(),
                    format!("unknown option `{word}` of a parameter; known is `default`"),
                ));
            }
            if input.is_empty() {
                return Ok(Default::OfType);
            }
            input.parse::<Token![=]>()?;
            input.parse().map(|expr| Default::Expr(Box::new(expr)))
        });
    }
    match &attribute.meta {
        Meta::Path(_) => Ok(Default::OfType),
        Meta::List(list) => list.parse_args().map(|expr| Default::Expr(Box::new(expr))),
        Meta::NameValue(pair) => Ok(Default::Expr(Box::new(pair.value.clone()))),
    }
}
