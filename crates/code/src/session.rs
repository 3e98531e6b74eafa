//! What both languages share while a script is performed: its calls against what they have returned,
//! what it has printed, and its limits.

use std::cell::{Cell, RefCell};
#[cfg(feature = "python")]
use std::fmt::Display;

use serde_json::{Map, Value};

use crate::depth::{is_deep, too_deep};
use crate::limits::CodeLimits;
use crate::outcome::{Ended, Mistake, Outcome, Wanted};
use crate::request::{Answer, Function};

/// A script while it is performed.
pub(crate) struct Session {
    functions: Vec<Function>,
    answers: Vec<Vec<Answer>>,
    limits: CodeLimits,
    output: RefCell<String>,
    /// The calls of the group that is being asked for.
    wanted: RefCell<Vec<Wanted>>,
    /// Groups that have been answered.
    answered: Cell<usize>,
    made: Cell<u32>,
    /// Why nothing of it counts any more, whatever the script does about it.
    stopped: RefCell<Option<String>>,
}

/// What a group of calls has come to.
pub(crate) enum Group {
    /// It was answered before: call by call.
    Known(Vec<Answer>),
    /// It has to be asked for.
    Unknown(Vec<Wanted>),
}

impl Session {
    pub(crate) fn new(
        functions: Vec<Function>,
        answers: Vec<Vec<Answer>>,
        limits: CodeLimits,
    ) -> Self {
        Self {
            functions,
            answers,
            limits,
            output: RefCell::default(),
            wanted: RefCell::default(),
            answered: Cell::new(0),
            made: Cell::new(0),
            stopped: RefCell::default(),
        }
    }

    pub(crate) const fn limits(&self) -> CodeLimits {
        self.limits
    }

    #[cfg(feature = "javascript")]
    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    #[cfg(feature = "python")]
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// Takes note of something printed; an error where that was too much.
    pub(crate) fn print(&self, text: &str) -> Result<(), String> {
        let mut output = self.output.borrow_mut();
        if output.len() + text.len() > self.limits.output {
            let most = self.limits.output;
            return Err(self.stop(format!("it printed more than {most} bytes")));
        }
        output.push_str(text);
        Ok(())
    }

    /// Adds a call to the group; its place in it.
    pub(crate) fn want(
        &self,
        function: &Function,
        positional: Vec<Value>,
        named: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<usize, String> {
        let arguments = arguments(function, positional, named)?;
        if arguments.values().any(is_deep) {
            return Err(too_deep());
        }
        if self.made.get() >= self.limits.calls {
            let most = self.limits.calls;
            return Err(self.stop(format!("it made more than {most} calls")));
        }
        self.made.set(self.made.get() + 1);
        let mut wanted = self.wanted.borrow_mut();
        wanted.push(Wanted { tool: function.tool.clone(), arguments });
        Ok(wanted.len() - 1)
    }

    /// Whether calls were made that nobody has answered.
    #[cfg(feature = "javascript")]
    pub(crate) fn wants(&self) -> bool {
        !self.wanted.borrow().is_empty()
    }

    /// Closes the group: what it was answered, or that it has to be asked for.
    pub(crate) fn group(&self) -> Result<Group, String> {
        let wanted = self.wanted.take();
        let Some(known) = self.answers.get(self.answered.get()) else {
            return Ok(Group::Unknown(wanted));
        };
        self.answered.set(self.answered.get() + 1);
        let same = known.len() == wanted.len()
            && known.iter().zip(&wanted).all(|(known, wanted)| is_same(known, wanted));
        if !same {
            return Err(self.stop("it made other calls than before, and cannot go on".to_owned()));
        }
        Ok(Group::Known(known.clone()))
    }

    /// Ends the script, whatever it does about the error that it sees.
    pub(crate) fn stop(&self, why: String) -> String {
        self.stopped.borrow_mut().get_or_insert(why).clone()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.borrow().is_some()
    }

    /// The end of a script that came to its end.
    pub(crate) fn ended(&self, value: Result<Value, String>) -> Outcome {
        let value = value.and_then(|value| {
            if is_deep(&value) {
                return Err(too_deep());
            }
            let bytes = value.to_string().len();
            if bytes > self.limits.output {
                let most = self.limits.output;
                return Err(format!(
                    "its value has {bytes} bytes as JSON, and at most {most} are returned"
                ));
            }
            Ok(value)
        });
        match value {
            Ok(_) if self.is_stopped() => self.failed(Mistake::of("")),
            Ok(value) => Outcome::Ended(Ended { value, error: None, output: self.output.take() }),
            Err(why) => self.failed(Mistake::of(why)),
        }
    }

    /// The end of a script that something stopped.
    pub(crate) fn failed(&self, mut mistake: Mistake) -> Outcome {
        if let Some(why) = self.stopped.take() {
            mistake.message = format!("the script was stopped: {why}");
        }
        let output = self.output.take();
        Outcome::Ended(Ended { value: Value::Null, error: Some(mistake), output })
    }
}

/// Whether a call is the one that was answered, as far as its record tells.
fn is_same(known: &Answer, wanted: &Wanted) -> bool {
    let same = known.arguments.as_ref().is_none_or(|known| {
        known.len() == wanted.arguments.len()
            && known.iter().all(|(name, value)| {
                wanted.arguments.get(name).is_some_and(|wanted| agrees(value, wanted))
            })
    });
    known.tool == wanted.tool && same
}

/// Whether a recorded value may have been this one: what a guard took out is not known any more.
fn agrees(known: &Value, wanted: &Value) -> bool {
    match (known, wanted) {
        (Value::String(known), Value::String(wanted)) if known == wanted => true,
        (Value::String(known), _) => {
            known.contains("_REDACTED]") || known.contains('<') && known.contains('>')
        }
        (Value::Array(known), Value::Array(wanted)) => {
            known.len() == wanted.len() && known.iter().zip(wanted).all(|(k, w)| agrees(k, w))
        }
        // Keys may hold what was taken out, too.
        (Value::Object(known), Value::Object(wanted)) => {
            known.len() == wanted.len()
                && known.iter().zip(wanted).all(|((name, known), (same, wanted))| {
                    (name == same || name.contains(['<', '['])) && agrees(known, wanted)
                })
        }
        // Written and read a few times, the last digit of a fraction may be another.
        (Value::Number(known), Value::Number(wanted)) => {
            let (one, two) = (known.as_f64(), wanted.as_f64());
            known == wanted
                || one.zip(two).is_some_and(|(one, two)| {
                    (one - two).abs() <= 1e-12 * one.abs().max(two.abs())
                        && (known.is_f64() || wanted.is_f64())
                })
        }
        _ => known == wanted,
    }
}

/// The arguments of a call by name.
fn arguments(
    function: &Function,
    positional: Vec<Value>,
    named: impl IntoIterator<Item = (String, Value)>,
) -> Result<Map<String, Value>, String> {
    let (given, known) = (positional.len(), function.parameters.len());
    if given > known {
        let name = &function.name;
        return Err(format!("{name}() takes {known} arguments, and {given} were given"));
    }
    let mut arguments: Map<String, Value> =
        function.parameters.iter().cloned().zip(positional).collect();
    for (name, value) in named {
        if arguments.insert(name.clone(), value).is_some() {
            return Err(format!("{}() was given `{name}` twice", function.name));
        }
    }
    Ok(arguments)
}

/// What is said of everything that is not there.
#[cfg(feature = "python")]
pub(crate) fn absent(what: &dyn Display) -> String {
    format!("`{what}` is not here: a script has no files, network, environment or clock of its own")
}
