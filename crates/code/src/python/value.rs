//! Values of Python as JSON, and back.

use monty_types::MontyObject;
use serde_json::{Map, Number, Value};

use crate::depth::{MOST_DEPTH, too_deep};

/// Bits of an integer: writing out longer ones takes time that nobody counts.
const MOST_BITS: u64 = 1 << 14;

/// Arguments by their place, and by their names.
type Given = (Vec<Value>, Vec<(String, Value)>);

/// The arguments of a call.
pub(super) fn arguments(
    positional: &[MontyObject],
    named: &[(MontyObject, MontyObject)],
) -> Result<Given, String> {
    let positional = positional.iter().map(to_json).collect::<Result<_, _>>()?;
    let named = named.iter().map(|(name, value)| Ok((key(name)?, to_json(value)?)));
    Ok((positional, named.collect::<Result<_, String>>()?))
}

/// A value as JSON, as `json.dumps` says it; sets are lists.
pub(super) fn to_json(object: &MontyObject) -> Result<Value, String> {
    at_depth(object, 0)
}

fn at_depth(object: &MontyObject, depth: usize) -> Result<Value, String> {
    if depth > MOST_DEPTH {
        return Err(too_deep());
    }
    let all = |items: &[MontyObject]| {
        items.iter().map(|item| at_depth(item, depth + 1)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match object {
        MontyObject::None => Value::Null,
        MontyObject::Bool(value) => (*value).into(),
        MontyObject::Int(value) => (*value).into(),
        MontyObject::BigInt(value) if value.bits() > MOST_BITS => {
            return Err(format!(
                "an integer has {} bits, and at most {MOST_BITS} are returned",
                value.bits()
            ));
        }
        MontyObject::BigInt(value) => {
            // What JSON has no number for that others read is said digit by digit.
            let digits = value.to_string();
            digits.parse::<u64>().map_or_else(|_| Value::from(digits), Value::from)
        }
        MontyObject::Float(value) => Number::from_f64(*value)
            .map(Value::Number)
            .ok_or_else(|| format!("{value} is no number of JSON"))?,
        // The last two are what has no form outside of the interpreter.
        MontyObject::String(text) | MontyObject::Repr(text) | MontyObject::Cycle(_, text) => {
            text.as_str().into()
        }
        MontyObject::List(items)
        | MontyObject::Tuple(items)
        | MontyObject::Set(items)
        | MontyObject::FrozenSet(items) => all(items)?.into(),
        MontyObject::Dict(pairs) => {
            let pairs =
                pairs.iter().map(|(name, value)| Ok((key(name)?, at_depth(value, depth + 1)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>, String>>()?)
        }
        other => other.py_repr().into(),
    })
}

/// A key of an object.
fn key(name: &MontyObject) -> Result<String, String> {
    match name {
        MontyObject::String(text) => Ok(text.clone()),
        MontyObject::Int(_) | MontyObject::Bool(_) | MontyObject::None => {
            Ok(to_json(name)?.to_string())
        }
        other => Err(format!("{} cannot be a key of JSON", other.type_name())),
    }
}

/// JSON as a value.
pub(super) fn of_json(value: Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(value) => MontyObject::Bool(value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), ..) => MontyObject::Int(whole),
            (None, Some(whole), _) => MontyObject::BigInt(whole.into()),
            (None, None, Some(broken)) => MontyObject::Float(broken),
            (None, None, None) => MontyObject::String(number.to_string()),
        },
        Value::String(text) => MontyObject::String(text),
        Value::Array(items) => MontyObject::List(items.into_iter().map(of_json).collect()),
        Value::Object(fields) => {
            let pairs =
                fields.into_iter().map(|(name, value)| (MontyObject::String(name), of_json(value)));
            MontyObject::dict(pairs.collect::<Vec<_>>())
        }
    }
}
