//! Python, performed by an interpreter that has no library beyond what computes.

use std::borrow::Cow;

use monty::{MontyRun, OsCall, RunProgress};
use monty_types::{
    CompileOptions, ExcType, ExtFunctionResult, MontyException, MontyObject, NameLookupResult,
    PrintWriter, PrintWriterCallback, ResourceLimits, ResourceTracker,
};

use crate::outcome::{Mistake, Outcome};
use crate::request::Answer;
use crate::session::{Group, Session, absent};

mod value;

/// What the script is called in its own errors.
const FILE: &str = "script.py";
/// Calls within calls; the stack of a worker holds more.
const MOST_RECURSION: usize = 500;

type Progress = Result<RunProgress, MontyException>;

/// Performs a script until it needs something or has ended.
pub(crate) fn perform(code: String, session: &Session) -> Outcome {
    let limits = session.limits();
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    let limits = ResourceLimits::default()
        .max_duration(limits.time)
        // Counts what is asked for at once; the process itself has the limit of all together.
        .max_memory(memory)
        .max_recursion_depth(MOST_RECURSION);
    let mut printed = Printed { session };
    let script = MontyRun::new(code, FILE, Vec::new(), CompileOptions::default());
    let mut progress = script.and_then(|script| {
        script.start(Vec::new(), ResourceTracker::new(limits), printed.writer())
    });
    loop {
        progress = match progress {
            Err(exception) => return session.failed(mistake(&exception)),
            Ok(RunProgress::Complete(value)) => return session.ended(value::to_json(&value)),
            Ok(step) => match next(step, session, &mut printed) {
                Ok(progress) => progress,
                Err(outcome) => return *outcome,
            },
        }
    }
}

/// Gives the script what it paused for, or ends with the calls that it waits for.
fn next(
    step: RunProgress,
    session: &Session,
    printed: &mut Printed<'_>,
) -> Result<Progress, Box<Outcome>> {
    Ok(match step {
        RunProgress::FunctionCall(call) => {
            let function =
                session.function(&call.function_name).filter(|_| call.object_id.is_none());
            let Some(function) = function else {
                let unknown = ExtFunctionResult::NotFound(call.function_name.clone());
                return Ok(call.resume(unknown, printed.writer()));
            };
            let wanted = value::arguments(&call.args, &call.kwargs)
                .and_then(|(positional, named)| session.want(function, positional, named));
            let answer = match wanted.and_then(|_| session.group()) {
                Ok(Group::Unknown(calls)) => return Err(Outcome::Calls(calls).into()),
                Ok(Group::Known(answers)) => answers.into_iter().next(),
                Err(why) if session.is_stopped() => {
                    return Err(session.failed(Mistake::of(why)).into());
                }
                Err(why) => {
                    return Ok(call.resume(raised(ExcType::TypeError, why), printed.writer()));
                }
            };
            let Some(Answer { failed, value, .. }) = answer else {
                return Err(session.failed(Mistake::of("a call has no answer")).into());
            };
            let result = if failed {
                let why = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                raised(ExcType::RuntimeError, why)
            } else {
                ExtFunctionResult::Return(value::of_json(value))
            };
            call.resume(result, printed.writer())
        }
        RunProgress::OsCall(call) => refused(call, printed),
        RunProgress::NameLookup(lookup) => {
            let function = session.function(&lookup.name).filter(|_| lookup.object_id().is_none());
            let found = function.map_or(NameLookupResult::Undefined, |function| {
                let (name, docstring) = (function.name.clone(), None);
                NameLookupResult::Value(MontyObject::Function { name, docstring })
            });
            lookup.resume(found, printed.writer())
        }
        RunProgress::ResolveFutures(_) => {
            return Err(session
                .failed(Mistake::of("it waits for something that nobody brings"))
                .into());
        }
        RunProgress::Complete(value) => return Err(session.ended(value::to_json(&value)).into()),
    })
}

fn refused(call: OsCall, printed: &mut Printed<'_>) -> Progress {
    let why = absent(&call.function_call.name());
    call.resume(raised(ExcType::PermissionError, why), printed.writer())
}

fn raised(kind: ExcType, why: String) -> ExtFunctionResult {
    ExtFunctionResult::Error(MontyException::new(kind, Some(why)))
}

fn mistake(exception: &MontyException) -> Mistake {
    let innermost = exception.traceback().iter().rev().find(|frame| frame.filename == FILE);
    Mistake { message: exception.summary(), line: innermost.map(|frame| frame.start.line) }
}

/// What a script prints.
struct Printed<'s> {
    session: &'s Session,
}

impl Printed<'_> {
    fn writer(&mut self) -> PrintWriter<'_> {
        PrintWriter::Callback(self)
    }

    fn push(&self, text: &str) -> Result<(), MontyException> {
        let printed = self.session.print(text);
        printed.map_err(|why| MontyException::new(ExcType::MemoryError, Some(why)))
    }
}

impl PrintWriterCallback for Printed<'_> {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.push(&output)
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.push(end.encode_utf8(&mut [0; 4]))
    }
}
