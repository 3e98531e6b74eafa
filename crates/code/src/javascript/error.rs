//! What a script threw, and at which line.

use rquickjs::{Ctx, Error, Value as JsValue};

use super::FILE;
use crate::outcome::Mistake;

/// What stopped the script.
pub(super) fn caught(ctx: &Ctx<'_>, error: &Error) -> Mistake {
    if !error.is_exception() {
        return Mistake::of(error.to_string());
    }
    of_thrown(ctx, ctx.catch())
}

fn of_thrown<'js>(ctx: &Ctx<'js>, thrown: JsValue<'js>) -> Mistake {
    let Some(exception) = thrown.as_exception() else {
        let text = ctx.json_stringify(thrown).ok().flatten().and_then(|text| text.to_string().ok());
        // What it was asked for may have thrown again.
        let _ = ctx.catch();
        return Mistake::of(format!("thrown: {}", text.as_deref().unwrap_or("undefined")));
    };
    let name =
        exception.as_object().get::<_, String>("name").unwrap_or_else(|_| "Error".to_owned());
    let message = exception.message().unwrap_or_default();
    let line = exception.stack().and_then(|stack| line(&stack));
    Mistake { message: format!("{name}: {message}"), line }
}

/// The innermost line of the script in a stack.
fn line(stack: &str) -> Option<u32> {
    let (_, behind) = stack.split_once(FILE)?;
    let digits = behind.strip_prefix(':')?.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
