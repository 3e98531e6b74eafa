//! How urgently a call is served, which some providers charge for: what a request asks for and
//! what a reply says it got, in the words of every protocol.

use std::borrow::Cow;
use std::fmt;

use largestack_types::json::Json;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Fields, Object, Str, lenient, skip};

/// How urgently a call is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// As everybody is who asks for nothing else.
    #[default]
    Standard,
    /// Before others.
    Priority,
    /// With more tokens a second.
    Fast,
    /// When there is room.
    Flex,
    /// Within a day.
    Batch,
}

impl Tier {
    /// The name in price lists and configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Priority => "priority",
            Self::Fast => "fast",
            Self::Flex => "flex",
            Self::Batch => "batch",
        }
    }

    /// What a protocol's word means; `None` for a word that nobody documented.
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            // OpenAI and Bedrock say default, Groq on_demand, Vertex AI ON_DEMAND; `auto` leaves it
            // to the account.
            "" | "auto" | "default" | "standard" | "standard_only" | "on_demand" | "ON_DEMAND" => {
                Self::Standard
            }
            "priority" | "ON_DEMAND_PRIORITY" => Self::Priority,
            "fast" => Self::Fast,
            "flex" | "ON_DEMAND_FLEX" => Self::Flex,
            "batch" => Self::Batch,
            _ => return None,
        })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fields that name a tier, wherever they stand. The last that says something else than the
/// standard one counts.
#[derive(Debug, Default)]
struct Said(Option<Result<Tier, String>>);

/// Bedrock's form of the word: an object with a type.
#[derive(Debug, Default)]
struct Typed(Option<String>);

impl<'de> Fields<'de> for Typed {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.0 = map.next_value::<Str<'de>>()?.0.map(Cow::into_owned),
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl Said {
    fn word(&mut self, word: &str) {
        match Tier::of_word(word) {
            Some(Tier::Standard) => {}
            Some(tier) => self.0 = Some(Ok(tier)),
            None => self.0 = Some(Err(word.to_owned())),
        }
    }
}

impl<'de> Fields<'de> for Said {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            // OpenAI, Groq, Anthropic; Bedrock and Gemini; Vertex AI; Anthropic.
            "service_tier" | "serviceTier" | "trafficType" | "speed" => {
                let raw = map.next_value::<&'de RawValue>()?.get();
                // Nearly always a word: an object is not looked for in one.
                if raw.starts_with('{') {
                    self.word(&lenient::<Object<Typed>>(raw).0.0.unwrap_or_default());
                } else {
                    self.word(&lenient::<Str<'_>>(raw).or_empty());
                }
            }
            // Anthropic charges more for keeping a call in one country.
            "inference_geo" => {
                let word = map.next_value::<Str<'de>>()?.or_empty();
                if !matches!(&*word, "" | "global" | "not_available") {
                    self.0 = Some(Err(format!("inference_geo {word}")));
                }
            }
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// The fields that name a tier, from their quote on.
const MARKS: [&str; 4] = ["\"service_tier\"", "\"serviceTier\"", "\"trafficType\"", "\"speed\""];
/// The field that names a place.
const PLACE: &str = "\"inference_geo\"";

/// Whether a text can be seen to name no other tier than the standard one without being read:
/// wherever one of the fields stands in it, a word for the standard tier comes right behind.
fn is_standard(object: &str) -> bool {
    let mut quotes = memchr::memchr_iter(b'"', object.as_bytes());
    quotes.all(|at| names_nothing_else(object, at))
}

/// The same for the field that begins at this place, if one does.
fn names_nothing_else(object: &str, at: usize) -> bool {
    if !matches!(object.as_bytes().get(at + 1), Some(b's' | b't' | b'i')) {
        return true;
    }
    let Some(field) = object.get(at..) else { return true };
    let Some(behind) = MARKS.iter().find_map(|mark| field.strip_prefix(mark)) else {
        return !field.starts_with(PLACE);
    };
    let word = behind.strip_prefix(":\"").and_then(|word| word.split_once('"'));
    behind.starts_with(":null")
        || word.is_some_and(|(word, _)| Tier::of_word(word) == Some(Tier::Standard))
}

/// What objects of a protocol say of the tier: the standard one when they say nothing, and the
/// word itself when nobody documented it.
fn of<'a>(objects: impl Iterator<Item = &'a Json>) -> Result<Tier, String> {
    let mut tier = Ok(Tier::Standard);
    for object in objects.map(Json::as_str) {
        // Most replies say nothing, or that they are as all others: these are not read.
        if !is_standard(object)
            && let Some(said) = lenient::<Object<Said>>(object).0.0
        {
            tier = said;
        }
    }
    tier
}

/// The tier that a request asks for in its extra fields.
pub fn asked(extra: Option<&Json>) -> Result<Tier, String> {
    of(extra.into_iter())
}

/// The tier in which a reply says it was served, in its usage object or beside it.
pub fn served(raw_usage: Option<&Json>, extras: Option<&Json>) -> Result<Tier, String> {
    of(extras.into_iter().chain(raw_usage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(usage: &str, extras: &str) -> Result<Tier, String> {
        let json = |text: &str| Json::parse(text).unwrap();
        served(Some(&json(usage)), Some(&json(extras)))
    }

    #[test]
    fn every_protocols_word_for_a_tier_is_understood() {
        assert_eq!(said("{}", r#"{"service_tier":"flex","created":1}"#), Ok(Tier::Flex));
        assert_eq!(said("{}", r#"{"service_tier":"default"}"#), Ok(Tier::Standard));
        assert_eq!(said(r#"{"service_tier":"batch"}"#, "{}"), Ok(Tier::Batch));
        assert_eq!(said(r#"{"trafficType":"ON_DEMAND_PRIORITY"}"#, "{}"), Ok(Tier::Priority));
        assert_eq!(said("{}", r#"{"serviceTier":{"type":"priority"}}"#), Ok(Tier::Priority));
        assert_eq!(said(r#"{"speed":"fast","service_tier":"standard"}"#, "{}"), Ok(Tier::Fast));
        assert_eq!(said(r#"{"inference_geo":"not_available"}"#, "{}"), Ok(Tier::Standard));
        assert_eq!(said("{}", r#"{"service_tier":null}"#), Ok(Tier::Standard));
        assert_eq!(served(None, None), Ok(Tier::Standard));
    }

    #[test]
    fn what_is_seen_without_reading_is_what_reading_says() {
        for (object, seen) in [
            (r#"{"created":1}"#, true),
            ("", true),
            (r#"{"a":"speed","b":1}"#, false),
            (r#"{"1":2,"speed":"fast"}"#, false),
            (r#"{"12":2,"speed":"fast"}"#, false),
            (r#"{"123":2,"speed":"standard","total":"\u00e9","s":0}"#, true),
            (r#"{"service_tier":"default","x":{"serviceTier":"on_demand"}}"#, true),
            (r#"{"service_tier": "default"}"#, false),
            (r#"{"service_tier":null}"#, true),
            (r#"{"service_tier":"default","service_tier":"flex"}"#, false),
            (r#"{"service_tier":"def\u0061ult"}"#, false),
            (r#"{"inference_geo":"standard"}"#, false),
        ] {
            assert_eq!(is_standard(object), seen, "{object}");
            let read = lenient::<Object<Said>>(object).0.0;
            assert!(!seen || read.is_none(), "{object}");
        }
    }

    #[test]
    fn a_word_that_nobody_documented_is_no_tier_at_all() {
        assert_eq!(said("{}", r#"{"service_tier":"scale"}"#), Err("scale".to_owned()));
        let us = said(r#"{"inference_geo":"us"}"#, "{}");
        assert_eq!(us, Err("inference_geo us".to_owned()));
    }
}
