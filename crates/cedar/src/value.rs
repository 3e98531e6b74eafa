//! Arguments as Cedar's values. What Cedar has no value for becomes the text of its JSON: comparing
//! that with a number fails, and a policy that fails refuses, so that nothing is rounded to where it is
//! allowed.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy::RestrictedExpression;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::shape::Shape;

/// Levels of objects and lists that are put to policies.
const DEEPEST: usize = 64;
/// Digits behind the point that a decimal of Cedar's has.
const PLACES: i64 = 4;

/// Why arguments cannot be put to policies, in words without values.
pub(crate) type Unsaid = String;

/// Arguments as a record; null is no value, and what holds it has no such attribute.
pub(crate) fn arguments(text: &str, shape: &Shape) -> Result<RestrictedExpression, Unsaid> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|_| "they are no JSON".to_owned())?;
    let value = value(raw.get(), shape, 0)?;
    value.filter(|_| raw.get().starts_with('{')).ok_or_else(|| "they are no object".to_owned())
}

fn value(text: &str, shape: &Shape, depth: usize) -> Result<Option<RestrictedExpression>, Unsaid> {
    if depth > DEEPEST {
        return Err("they are nested too deep".to_owned());
    }
    let unreadable = |_| "they are no JSON".to_owned();
    Ok(Some(match text.as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b't') => RestrictedExpression::new_bool(true),
        Some(b'f') => RestrictedExpression::new_bool(false),
        Some(b'"') => {
            RestrictedExpression::new_string(serde_json::from_str(text).map_err(unreadable)?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(unreadable)?;
            let of = if let Shape::Set(of) = shape { of } else { &Shape::Unsaid };
            let items = items.into_iter().map(|item| value(item.get(), of, depth + 1));
            let items: Vec<_> = items.collect::<Result<_, _>>()?;
            RestrictedExpression::new_set(items.into_iter().flatten())
        }
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(text).map_err(unreadable)?;
            let mut fields = BTreeMap::new();
            for (name, entry) in entries {
                let of = match shape {
                    Shape::Record(fields) => fields.get(&name).map(|field| &field.shape),
                    _ => None,
                };
                let said = value(entry.get(), of.unwrap_or(&Shape::Unsaid), depth + 1)?;
                // Which of the two a tool reads is not known here.
                if fields.insert(name, said).is_some() {
                    return Err("they say one name twice".to_owned());
                }
            }
            let said = fields.into_iter().filter_map(|(name, said)| Some((name, said?)));
            RestrictedExpression::new_record(said).map_err(|_| "they are no record".to_owned())?
        }
        _ => number(text, shape),
    }))
}

/// The entries of an object as they stand, one name perhaps twice.
struct Entries<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn number(text: &str, shape: &Shape) -> RestrictedExpression {
    let whole = || scaled(text, 0).map(RestrictedExpression::new_long);
    let decimal = || scaled(text, PLACES).map(of_scaled);
    let said = match shape {
        Shape::Whole => whole(),
        Shape::Decimal => decimal(),
        _ => whole().or_else(decimal),
    };
    said.unwrap_or_else(|| RestrictedExpression::new_string(text.to_owned()))
}

/// A decimal from its ten-thousandths.
fn of_scaled(parts: i64) -> RestrictedExpression {
    let (sign, parts) = (if parts < 0 { "-" } else { "" }, parts.unsigned_abs());
    RestrictedExpression::new_decimal(format!("{sign}{}.{:04}", parts / 10_000, parts % 10_000))
}

/// A number of JSON times a power of ten, where that is a whole number that fits: exactly, or not.
fn scaled(text: &str, places: i64) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let digits = format!("{whole}{fraction}");
    let behind = i64::try_from(fraction.len()).ok()?;
    let mut digits = digits.trim_start_matches('0').to_owned();
    if digits.is_empty() {
        return Some(0);
    }
    // Zeros that are missing at the end, or digits that are too many there.
    let missing = exponent.checked_sub(behind)?.checked_add(places)?;
    match usize::try_from(missing) {
        // No number of so many digits fits.
        Ok(missing) if missing > 20 => return None,
        Ok(missing) => digits.extend(std::iter::repeat_n('0', missing)),
        Err(_) => {
            let surplus = usize::try_from(missing.checked_neg()?).ok()?;
            let kept = digits.len().checked_sub(surplus)?;
            let (kept, lost) = digits.split_at(kept);
            if lost.bytes().any(|digit| digit != b'0') {
                return None;
            }
            digits = kept.to_owned();
        }
    }
    if digits.is_empty() {
        return Some(0);
    }
    format!("{sign}{digits}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn a_number_is_said_exactly_or_not_at_all() {
        let whole = [
            ("100", Some(100)),
            ("-0", Some(0)),
            ("100.0", Some(100)),
            ("1e2", Some(100)),
            ("1200E-2", Some(12)),
            ("1201e-2", None),
            ("0.5", None),
            ("0e999999999999", Some(0)),
            ("1e999999999999", None),
            ("1e-999999999999", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
        ];
        for (text, said) in whole {
            assert_eq!(scaled(text, 0), said, "{text}");
        }
        let decimal = [
            ("100.0001", Some(1_000_001)),
            ("100.00010", Some(1_000_001)),
            ("100.00001", None),
            ("100.00000000000000001", None),
            ("-0.5", Some(-5_000)),
            ("922337203685477.5807", Some(i64::MAX)),
            ("922337203685477.5808", None),
        ];
        for (text, said) in decimal {
            assert_eq!(scaled(text, 4), said, "{text}");
        }
    }
}
