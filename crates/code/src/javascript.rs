//! JavaScript, performed by QuickJS with nothing added that reaches outside of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::function::Rest;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Function, Promise, Runtime, Value as JsValue};
use serde_json::Value;

use crate::depth::too_deep;
use crate::outcome::{Mistake, Outcome};
use crate::session::{Group, Session};

mod error;

/// What the script is called in its own errors.
const FILE: &str = "script.js";
const PRELUDE: &str = include_str!("javascript/prelude.js");
/// Bytes of the interpreter's stack; that of a worker holds more.
const STACK: usize = 4 << 20;
/// The last whole number up to which a number of JavaScript is exact: `Number.MAX_SAFE_INTEGER`.
const MOST_SAFE: u64 = (1 << 53) - 1;

/// Everything of the language but what tells the time or when memory is cleared away.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// The two functions that end each promise of a group, in the order of its calls.
type Waiting<'js> = Rc<RefCell<Vec<(Function<'js>, Function<'js>)>>>;

/// Performs a script until it needs something or has ended.
pub(crate) fn perform(code: String, session: Session) -> Outcome {
    let session = Rc::new(session);
    match begin(&session) {
        Ok(context) => {
            let outcome = context.with(|ctx| run(&ctx, code, &session));
            // The process ends now. Clearing the interpreter away would run more of the script, and its
            // functions, which hold it, would have to be let go one by one.
            std::mem::forget(context);
            outcome
        }
        Err(error) => session.failed(Mistake::of(error.to_string())),
    }
}

fn begin(session: &Rc<Session>) -> rquickjs::Result<Context> {
    let limits = session.limits();
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(usize::try_from(limits.memory).unwrap_or(usize::MAX));
    runtime.set_max_stack_size(STACK);
    let (session, until) = (Rc::clone(session), now() + limits.time);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        if now() >= until {
            session.stop(format!("it ran for more than {:?}", limits.time));
        }
        session.is_stopped()
    })));
    Context::custom::<Language>(&runtime)
}

#[expect(clippy::disallowed_methods, reason = "how long it has run decides nothing but its end")]
fn now() -> Instant {
    Instant::now()
}

fn run(ctx: &Ctx<'_>, code: String, session: &Rc<Session>) -> Outcome {
    let waiting = Waiting::default();
    let begun = furnish(ctx, session, &waiting).and_then(|()| start(ctx, code));
    let outcome = begun.and_then(|promise| go_on(ctx, promise, session, &waiting));
    outcome.unwrap_or_else(|error| session.failed(error::caught(ctx, &error)))
}

fn start<'js>(ctx: &Ctx<'js>, code: String) -> rquickjs::Result<Promise<'js>> {
    let mut options = EvalOptions::default();
    options.promise = true;
    options.strict = false;
    options.filename = Some(FILE.to_owned());
    ctx.eval_with_options(code, options)
}

/// Puts the functions of tools beside the language, and takes the clock away.
fn furnish<'js>(
    ctx: &Ctx<'js>,
    session: &Rc<Session>,
    waiting: &Waiting<'js>,
) -> rquickjs::Result<()> {
    let prelude: Function<'js> = ctx.eval(PRELUDE)?;
    let (printing, context) = (Rc::clone(session), ctx.clone());
    let print = move |text: String| match printing.print(&text) {
        Ok(()) => Ok(()),
        Err(why) => Err(rquickjs::Exception::throw_range(&context, &why)),
    };
    prelude.call::<_, ()>((Function::new(ctx.clone(), print)?,))?;
    for (index, function) in session.functions().iter().enumerate() {
        let (called, waiting, context) = (Rc::clone(session), Rc::clone(waiting), ctx.clone());
        let call =
            move |given: Rest<JsValue<'js>>| call(&context, &called, &waiting, index, given.0);
        ctx.globals().set(function.name.as_str(), Function::new(ctx.clone(), call)?)?;
    }
    Ok(())
}

/// A call of a tool: a promise that is kept when the group is.
fn call<'js>(
    ctx: &Ctx<'js>,
    session: &Session,
    waiting: &Waiting<'js>,
    index: usize,
    given: Vec<JsValue<'js>>,
) -> rquickjs::Result<Promise<'js>> {
    let refused = |why: String| rquickjs::Exception::throw_type(ctx, &why);
    let mut values = Vec::with_capacity(given.len());
    for value in given {
        values.push(to_json(ctx, value)?.map_err(refused)?);
    }
    let Some(function) = session.functions().get(index) else {
        return Err(refused("there is no such tool".to_owned()));
    };
    let named = match values.pop() {
        Some(Value::Object(fields)) if values.is_empty() => fields,
        last => {
            values.extend(last);
            serde_json::Map::new()
        }
    };
    session.want(function, values, named).map_err(refused)?;
    let (promise, keep, breaks) = ctx.promise()?;
    waiting.borrow_mut().push((keep, breaks));
    Ok(promise)
}

/// Keeps promises, group by group, until the script has ended or waits for an unknown one.
fn go_on<'js>(
    ctx: &Ctx<'js>,
    promise: Promise<'js>,
    session: &Session,
    waiting: &Waiting<'js>,
) -> rquickjs::Result<Outcome> {
    let (mut last, mut is_script) = (promise, true);
    loop {
        while !session.is_stopped() && ctx.execute_pending_job() {}
        if session.is_stopped() {
            return Ok(session.failed(Mistake::of("")));
        }
        if session.wants() {
            match session.group() {
                Err(why) => return Ok(session.failed(Mistake::of(why))),
                Ok(Group::Unknown(calls)) => return Ok(Outcome::Calls(calls)),
                Ok(Group::Known(answers)) => {
                    let kept = waiting.take();
                    for ((keep, breaks), answer) in kept.into_iter().zip(answers) {
                        let value = ctx.json_parse(exact(answer.value).to_string())?;
                        if answer.failed {
                            let why: String = value.get()?;
                            let error = rquickjs::Exception::from_message(ctx.clone(), &why)?;
                            breaks.call::<_, ()>((error,))?;
                        } else {
                            keep.call::<_, ()>((value,))?;
                        }
                    }
                    continue;
                }
            }
        }
        match last.state() {
            PromiseState::Pending => {
                let why = "it waits for something that nobody brings";
                return Ok(session.failed(Mistake::of(why)));
            }
            _ => match last.result::<JsValue<'js>>() {
                Some(result) => {
                    let mut value = result?;
                    if is_script {
                        // What is evaluated with `await` ends with an object that holds its value.
                        value = value.as_object().map_or(Ok(value.clone()), |o| o.get("value"))?;
                    }
                    match value.clone().into_promise() {
                        Some(promise) => (last, is_script) = (promise, false),
                        None => return Ok(session.ended(to_json(ctx, value)?)),
                    }
                }
                None => return Ok(session.failed(Mistake::of("it did not end"))),
            },
        }
    }
}

/// A value as JSON; why it is none.
fn to_json<'js>(ctx: &Ctx<'js>, value: JsValue<'js>) -> rquickjs::Result<Result<Value, String>> {
    let Some(text) = ctx.json_stringify(value)? else { return Ok(Ok(Value::Null)) };
    let text = text.to_string()?;
    Ok(serde_json::from_str(&text).map_err(|error| {
        // It reads 127 levels: what is not JSON, `JSON.stringify` does not write.
        if error.is_syntax() { too_deep() } else { format!("a value is no JSON: {error}") }
    }))
}

/// A value whose whole numbers are all numbers of JavaScript; those that are not are their digits.
fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let safe = number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= MOST_SAFE);
            if safe || number.is_f64() { Value::Number(number) } else { number.to_string().into() }
        }
        Value::Array(items) => items.into_iter().map(exact).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, exact(value))).collect()
        }
        other => other,
    }
}
