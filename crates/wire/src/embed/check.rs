//! What every protocol of embeddings shares: the request around a body, and the laws that vectors
//! must keep.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::EmbedCall;
use crate::error::{DecodeError, EncodeError};
use crate::json::{Fields, Object};
use crate::model::Target;
use crate::object::Writer;
use crate::wire::{HttpRequest, Mode, headers};

/// A POST of JSON with a whole body as its reply.
pub(crate) fn post(
    target: &Target,
    url: String,
    body: Vec<u8>,
    dropped: Vec<&'static str>,
) -> Result<HttpRequest, EncodeError> {
    Ok(HttpRequest {
        method: "POST",
        url: url.into(),
        headers: headers(Mode::Whole, target)?,
        body: Bytes::from(body),
        mode: Mode::Whole,
        max_output_tokens: 0,
        dropped,
    })
}

/// Checks a call before anything is sent.
pub(super) fn call(call: &EmbedCall<'_>, most: usize, target: &Target) -> Result<(), EncodeError> {
    if call.texts.is_empty() || call.texts.len() > most {
        return Err(target.without("as many texts in one request"));
    }
    if call.texts.iter().any(|text| text.is_empty()) {
        return Err(target.without("an empty text"));
    }
    Ok(())
}

/// A field that is a list of the texts.
pub(super) fn texts(out: &mut Writer<'_>, key: &str, call: &EmbedCall<'_>) {
    out.value(key, call.texts);
}

pub(crate) fn malformed(detail: impl Into<String>) -> DecodeError {
    DecodeError::Malformed { detail: detail.into() }
}

/// A body as an object of this type; a page or a list is none.
pub(crate) fn object<'a, T: Fields<'a>>(body: &'a [u8]) -> Result<T, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    if !text.trim_start().starts_with('{') {
        return Err(malformed("the body is no object"));
    }
    let Object(found) = serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
    Ok(found)
}

/// Vectors in the order of the texts, if there is exactly one for each, and all are finite and of
/// one length, which is the one that was asked for.
pub(super) fn vectors(
    call: &EmbedCall<'_>,
    vectors: Vec<Vec<f32>>,
) -> Result<Vec<Vec<f32>>, DecodeError> {
    let (got, asked) = (vectors.len(), call.texts.len());
    if got != asked {
        return Err(malformed(format!("{got} vectors for {asked} texts")));
    }
    let length = vectors.first().map_or(0, Vec::len);
    if length == 0 {
        return Err(malformed("an empty vector"));
    }
    if let Some(other) = vectors.iter().map(Vec::len).find(|other| *other != length) {
        return Err(malformed(format!("vectors of {length} and of {other} numbers")));
    }
    if call.dimensions.is_some_and(|asked| asked as usize != length) {
        let asked = call.dimensions.unwrap_or_default();
        return Err(malformed(format!("vectors of {length} numbers where {asked} were asked for")));
    }
    if !vectors.iter().flatten().all(|number| number.is_finite()) {
        return Err(malformed("a vector with a number that is not finite"));
    }
    Ok(vectors)
}

/// Vectors that name their places, put in order.
pub(super) fn ordered(
    call: &EmbedCall<'_>,
    numbered: Vec<(Option<u64>, Vec<f32>)>,
) -> Result<Vec<Vec<f32>>, DecodeError> {
    let mut places: Vec<Option<Vec<f32>>> = vec![None; call.texts.len()];
    let got = numbered.len();
    for (next, (index, vector)) in (0..).zip(numbered) {
        // A list without numbers is in order.
        let index = index.unwrap_or(next);
        let place = usize::try_from(index).ok().and_then(|index| places.get_mut(index));
        match place {
            Some(place @ None) => *place = Some(vector),
            Some(Some(_)) => return Err(malformed(format!("two vectors of number {index}"))),
            None => {
                return Err(malformed(format!("a vector of number {index}, which no text has")));
            }
        }
    }
    let found: Vec<Vec<f32>> = places.into_iter().flatten().collect();
    if found.len() != call.texts.len() {
        return Err(malformed(format!("{got} vectors for {} texts", call.texts.len())));
    }
    vectors(call, found)
}

/// The numbers of a vector: as a list, or as base64 of little-endian 32-bit floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers(pub(super) Vec<f32>);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        use serde::de::Error as _;
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if !raw.starts_with('"') {
            return serde_json::from_str(raw).map(Self).map_err(D::Error::custom);
        }
        let text: Cow<'_, str> = serde_json::from_str(raw).map_err(D::Error::custom)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(D::Error::custom("base64 of half a number"));
        }
        Ok(Self(numbers.iter().map(|four| f32::from_le_bytes(*four)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Result<Vec<f32>, String> {
        serde_json::from_str::<Numbers>(text).map(|n| n.0).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_are_a_list_or_base64_of_little_endian_floats() {
        assert_eq!(numbers("[0.5, -2, 1e-3]").unwrap(), [0.5, -2.0, 0.001]);
        // 1.0 is 00 00 80 3F.
        assert_eq!(numbers("\"AACAPwAAAMA=\"").unwrap(), [1.0, -2.0]);
        for broken in ["\"AAA=\"", "\"?\"", "[null]", "[\"1\"]", "{}", "null"] {
            assert!(numbers(broken).is_err(), "{broken}");
        }
    }
}
