//! What stands in the parentheses of `#[tool(..)]`.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Ident, LitInt, LitStr, Path, Result, Token, parse_quote};

use crate::spelling::nearest;

mod running;

pub(crate) use running::Running;

const KNOWN: &[&str] = &[
    "name",
    "description",
    "idempotent",
    "timeout",
    "retries",
    "backoff",
    "backoff_unit",
    "backoff_max",
    "jitter",
    "breaker",
    "breaker_window",
    "breaker_cooldown",
    "calls_per_minute",
    "tenant_calls_per_minute",
    "cache",
    "version",
    "capabilities",
    "classes",
    "reveals",
    "approval",
    "origin",
    "raise",
    "max_result_chars",
    "blocking",
    "crate",
];

/// The options of a tool, as written.
pub(crate) struct Options {
    /// The name a model calls it by.
    pub(crate) name: Option<String>,
    /// What it does, in place of the doc comment.
    pub(crate) description: Option<String>,
    /// Whether running it twice is running it once.
    pub(crate) idempotent: bool,
    /// How long one attempt may take, in milliseconds.
    pub(crate) timeout: Option<u64>,
    /// Attempts after the first.
    pub(crate) retries: Option<u32>,
    /// Everything else that changes how it is run.
    pub(crate) running: Running,
    /// Whether a failure ends the run.
    pub(crate) raise: bool,
    /// Characters of a result that the model sees.
    pub(crate) max_result_chars: Option<usize>,
    /// Where `blocking` stands, when it does.
    pub(crate) blocking: Option<Span>,
    /// Where the generated code finds everything.
    pub(crate) krate: Path,
}

/// One option: a word alone or with a value.
struct Item {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        // `crate` is a keyword, which `Ident::parse` refuses.
        let name = input.call(<Ident as syn::ext::IdentExt>::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self { name, value })
    }
}

impl Options {
    /// Reads the options; every mistake is reported at its place.
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let items = Punctuated::<Item, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut options = Self {
            name: None,
            description: None,
            idempotent: false,
            timeout: None,
            retries: None,
            running: Running::default(),
            raise: false,
            max_result_chars: None,
            blocking: None,
            krate: parse_quote!(::largestack),
        };
        let mut seen: Vec<String> = Vec::new();
        for item in &items {
            let name = item.name.to_string();
            if seen.contains(&name) {
                return Err(Error::new(item.name.span(), format!("`{name}` is given twice")));
            }
            options.set(item, &name)?;
            seen.push(name);
        }
        options.running.check(options.idempotent)?;
        Ok(options)
    }

    fn set(&mut self, item: &Item, name: &str) -> Result<()> {
        match name {
            "name" => self.name = Some(tool_name(&string(item)?)?),
            "description" => self.description = Some(string(item)?.value()),
            "idempotent" => self.idempotent = flag(item)?,
            "timeout" => self.timeout = Some(milliseconds(&string(item)?)?),
            "retries" => self.retries = Some(integer(item)?.base10_parse()?),
            "raise" => self.raise = flag(item)?,
            "max_result_chars" => self.max_result_chars = Some(at_least_one(&integer(item)?)?),
            "blocking" => self.blocking = flag(item)?.then(|| item.name.span()),
            "crate" => self.krate = path(item)?,
            _ if self.running.set(item, name)? => {}
            _ => return Err(unknown(&item.name, name)),
        }
        Ok(())
    }
}

fn unknown(at: &Ident, name: &str) -> Error {
    let advice = match nearest(name, KNOWN) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", KNOWN.join(", ")),
    };
    Error::new(at.span(), format!("unknown option `{name}` of `#[tool]`; {advice}"))
}

fn flag(item: &Item) -> Result<bool> {
    match &item.value {
        None => Ok(true),
        Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Bool(value), .. })) => Ok(value.value),
        Some(other) => Err(Error::new(
            other.span(),
            format!("`{}` stands alone or is `true` or `false`", item.name),
        )),
    }
}

fn literal<'a>(item: &'a Item, expected: &str) -> Result<&'a syn::Lit> {
    match &item.value {
        Some(Expr::Lit(syn::ExprLit { lit, .. })) => Ok(lit),
        Some(other) => Err(Error::new(other.span(), format!("`{}` takes {expected}", item.name))),
        None => Err(Error::new(item.name.span(), format!("`{}` takes {expected}", item.name))),
    }
}

fn string(item: &Item) -> Result<LitStr> {
    match literal(item, "a string")? {
        syn::Lit::Str(text) => Ok(text.clone()),
        other => Err(Error::new(other.span(), format!("`{}` takes a string", item.name))),
    }
}

fn integer(item: &Item) -> Result<LitInt> {
    match literal(item, "a whole number")? {
        syn::Lit::Int(number) => Ok(number.clone()),
        other => Err(Error::new(other.span(), format!("`{}` takes a whole number", item.name))),
    }
}

fn at_least_one(number: &LitInt) -> Result<usize> {
    match number.base10_parse()? {
        0 => Err(Error::new(number.span(), "must be at least 1")),
        n => Ok(n),
    }
}

fn path(item: &Item) -> Result<Path> {
    match &item.value {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(Error::new(item.name.span(), "`crate` takes a path, e.g. `crate = ::largestack`")),
    }
}

/// What every provider accepts as a tool's name.
fn tool_name(text: &LitStr) -> Result<String> {
    let name = text.value();
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fits {
        Ok(name)
    } else {
        Err(Error::new(text.span(), "a tool's name is 1 to 64 of letters, digits, `_` and `-`"))
    }
}

/// A whole number with a unit: `500ms`, `30s`, `5m`, `1h`.
fn milliseconds(text: &LitStr) -> Result<u64> {
    let value = text.value();
    let split = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(split);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|ms| *ms > 0).ok_or_else(
        || {
            Error::new(
                text.span(),
                "a duration is written like \"500ms\", \"30s\", \"5m\" or \"1h\"",
            )
        },
    )
}
