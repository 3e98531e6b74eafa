//! `${NAME}` and `${NAME:default}` in the values of a file. Every scalar is looked at, keys are
//! not; `$${` stands for `${`. A variable that nothing sets and that has no default is a problem,
//! since an agent that runs with a hole in it does what nobody wrote.

use crate::environment::Environment;
use crate::node::{Kind, Node, Scalar, Value};
use crate::origin::Source;
use crate::problem::{Problem, Wrong};
use crate::secret;

/// Puts the variables of the environment in their places.
pub(crate) fn substitute(
    node: &mut Node,
    environment: &Environment,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    match &mut node.value {
        Value::Null => {}
        Value::Scalar(scalar) => {
            if scalar.text.contains("${") && !secret::stays(key) {
                filled(scalar, environment, &node.source, key, problems);
            }
        }
        Value::List(items) => {
            for item in items {
                substitute(item, environment, key, problems);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                let inner =
                    if key.is_empty() { entry.key.clone() } else { format!("{key}.{}", entry.key) };
                substitute(&mut entry.node, environment, &inner, problems);
            }
        }
    }
}

fn filled(
    scalar: &mut Scalar,
    environment: &Environment,
    source: &Source,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    let text = match fill(&scalar.text, environment, false) {
        Ok(text) => text,
        Err(wrong) => {
            let problem = |kind| Problem { source: source.clone(), key: key.to_owned(), kind };
            problems.extend(wrong.into_iter().map(problem));
            return;
        }
    };
    // A value that is nothing but a variable has no type of its own: the key decides.
    let whole = scalar.text.starts_with("${")
        && scalar.text.find('}').is_some_and(|end| end + 1 == scalar.text.len());
    scalar.kind = if whole { Kind::Untyped } else { Kind::Quoted };
    scalar.written = Some(std::mem::replace(&mut scalar.text, text));
}

/// The text with its variables filled in, or everything that is wrong with them. Those that hold
/// keys have values only where `keys` says so.
pub(crate) fn fill(
    text: &str,
    environment: &Environment,
    keys: bool,
) -> Result<String, Vec<Wrong>> {
    let mut filled = String::with_capacity(text.len());
    let mut wrong = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let after = after.get(2..).unwrap_or_default();
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        filled.push_str(before);
        let Some((inner, behind)) = after.split_once('}') else {
            wrong.push(unfinished());
            return Err(wrong);
        };
        match value(inner, environment, keys) {
            Ok(value) => filled.push_str(value),
            Err(problem) => wrong.push(problem),
        }
        rest = behind;
    }
    filled.push_str(rest);
    if wrong.is_empty() { Ok(filled) } else { Err(wrong) }
}

/// What stands for `NAME` or `NAME:default`.
fn value<'v>(inner: &'v str, environment: &'v Environment, keys: bool) -> Result<&'v str, Wrong> {
    let (name, default) = match inner.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let fits = name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    if !fits {
        return Err(Wrong::Value {
            detail: format!("`{name}` is no name of a variable"),
            advice: Some(ESCAPE.to_owned()),
        });
    }
    if !keys && Environment::is_key(name) {
        return Err(Wrong::Value {
            detail: format!("`{name}` holds a key, which no file may hold"),
            advice: Some("Keys are found by themselves; take it out".to_owned()),
        });
    }
    match (environment.get(name), default) {
        (Some(value), _) => Ok(value.expose()),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Wrong::Value {
            detail: format!("nothing sets the variable {name}"),
            advice: Some(format!("Set it, or say what holds without it: ${{{name}:default}}")),
        }),
    }
}

const ESCAPE: &str = "Write $${ for the characters ${";

fn unfinished() -> Wrong {
    Wrong::Value { detail: "`${` without its `}`".to_owned(), advice: Some(ESCAPE.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text after substitution, or what was wrong.
    fn of(text: &str, kind: Kind) -> Result<(String, Kind), Vec<String>> {
        let environment =
            Environment::of([("CITY", "Bern"), ("N", "7"), ("EMPTY", ""), ("OPENAI_API_KEY", "k")]);
        let mut problems = Vec::new();
        let scalar = Scalar { text: text.to_owned(), kind, written: None };
        let mut node = Node { value: Value::Scalar(scalar), source: Source::Default };
        substitute(&mut node, &environment, "here", &mut problems);
        let Value::Scalar(scalar) = node.value else { unreachable!() };
        if problems.is_empty() {
            Ok((scalar.text, scalar.kind))
        } else {
            Err(problems.iter().map(ToString::to_string).collect())
        }
    }

    #[test]
    fn variables_and_defaults_are_put_in_their_places() {
        let text = |text| of(text, Kind::Plain).unwrap().0;
        assert_eq!(text("In ${CITY}, ${N} times, ${NONE:never}"), "In Bern, 7 times, never");
        assert_eq!(text("${CITY:Basel}${NONE:}"), "Bern");
        assert_eq!(text("${NONE:a:b}"), "a:b");
        assert_eq!(text("${EMPTY:unset}"), "unset");
        assert_eq!(text("$5 and $CITY and }"), "$5 and $CITY and }");
    }

    #[test]
    fn two_dollars_keep_the_characters() {
        assert_eq!(of("echo $${CITY} ${CITY}", Kind::Plain).unwrap().0, "echo ${CITY} Bern");
    }

    #[test]
    fn what_a_variable_says_is_not_looked_at_again() {
        let environment = Environment::of([("A", "${B}"), ("B", "b")]);
        let scalar = Scalar { text: "${A}".to_owned(), kind: Kind::Plain, written: None };
        let mut node = Node { value: Value::Scalar(scalar), source: Source::Default };
        substitute(&mut node, &environment, "", &mut Vec::new());
        assert!(matches!(node.value, Value::Scalar(Scalar { text, .. }) if text == "${B}"));
    }

    #[test]
    fn a_variable_alone_has_no_type_and_one_among_words_is_text() {
        assert_eq!(of("${N}", Kind::Plain).unwrap().1, Kind::Untyped);
        assert_eq!(of("${N}", Kind::Quoted).unwrap().1, Kind::Untyped);
        assert_eq!(of("${N}0", Kind::Plain).unwrap().1, Kind::Quoted);
        assert_eq!(of("plain", Kind::Plain).unwrap().1, Kind::Plain);
    }

    #[test]
    fn a_hole_a_key_and_an_open_brace_are_problems() {
        let wrong = |text| of(text, Kind::Plain).unwrap_err().join("\n");
        assert!(wrong("${NONE}").contains("nothing sets the variable NONE"));
        assert!(wrong("${EMPTY}").contains("nothing sets the variable EMPTY"));
        assert!(wrong("${OPENAI_API_KEY}").contains("holds a key"));
        assert!(wrong("${MY_API_KEY:x}").contains("holds a key"));
        assert!(wrong("${CITY").contains("without its `}`"));
        assert!(wrong("${1}").contains("no name of a variable"));
        assert_eq!(of("${A} ${B}", Kind::Plain).unwrap_err().len(), 2);
    }
}
