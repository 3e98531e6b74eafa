//! Token counts. Anthropic counts what was read from and written to the cache beside the input;
//! and what a compaction inside of the call cost stands only among its `iterations`, though it is
//! billed (platform.claude.com/docs/en/build-with-claude/compaction).

use std::borrow::Cow;

use largestack_types::usage::Usage;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use super::native::Beside;
use crate::escape::write_str;
use crate::json::{Count, Fields, List, Object, Str, lenient, skip};

#[derive(Debug, Default)]
struct Counts<'a> {
    kind: Str<'a>,
    input: Count,
    output: Count,
    cache_read: Count,
    cache_write: Count,
    /// By time to live; their sum where the total is absent.
    cache_creation: Object<Written>,
    details: Object<Details>,
    server_tools: Object<ServerTools>,
    iterations: List<Object<Counts<'a>>>,
}

#[derive(Debug, Default)]
struct Written {
    five_minutes: Count,
    one_hour: Count,
}

#[derive(Debug, Default)]
struct Details {
    thinking: Count,
}

#[derive(Debug, Default)]
struct ServerTools {
    web_searches: Count,
}

impl<'de> Fields<'de> for Counts<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "type" => self.kind = map.next_value()?,
            "input_tokens" => self.input = map.next_value()?,
            "output_tokens" => self.output = map.next_value()?,
            "cache_read_input_tokens" => self.cache_read = map.next_value()?,
            "cache_creation_input_tokens" => self.cache_write = map.next_value()?,
            "cache_creation" => self.cache_creation = map.next_value()?,
            "output_tokens_details" => self.details = map.next_value()?,
            "server_tool_use" => self.server_tools = map.next_value()?,
            "iterations" => self.iterations = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Written {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "ephemeral_5m_input_tokens" => self.five_minutes = map.next_value()?,
            "ephemeral_1h_input_tokens" => self.one_hour = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Details {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "thinking_tokens" => self.thinking = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for ServerTools {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match &*key {
            "web_search_requests" => self.web_searches = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    }
}

impl Counts<'_> {
    fn usage(&self) -> Usage {
        let Object(written) = &self.cache_creation;
        let write = self.cache_write.0.or(sum(written.five_minutes.0, written.one_hour.0));
        let read = self.cache_read.0;
        let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
        Usage {
            input_tokens: self.input.0.map(|plain| plain.saturating_add(cached)),
            output_tokens: self.output.0,
            cache_read_tokens: read,
            cache_write_tokens: write,
            reasoning_tokens: self.details.0.thinking.0,
            cache_write_1h_tokens: written.one_hour.0,
            searches: self.server_tools.0.web_searches.0,
            ..Usage::default()
        }
    }
}

/// The normalised counts of a `usage` object. Iterations of another model (an advisor's) are not
/// in the counts above them, and not added: they have another price.
pub(super) fn read(raw: &RawValue) -> Usage {
    let Object(counts) = lenient::<Object<Counts<'_>>>(raw.get());
    let iterations = counts.iterations.0.iter();
    let compactions = iterations.filter(|Object(one)| one.kind.0.as_deref() == Some("compaction"));
    compactions.fold(counts.usage(), |all, Object(one)| all.plus(one.usage()))
}

/// The usage object of a stream: what the first event says of each count, until a later one says
/// something other than null of it. (The counts of `message_delta` are cumulative.)
#[derive(Debug, Default)]
pub(super) struct Merged(Vec<(String, Box<RawValue>)>);

impl Merged {
    /// Takes a further usage object, and gives the whole.
    pub(super) fn add(&mut self, raw: &RawValue) -> Option<Box<RawValue>> {
        for (key, value) in Beside::read(raw.get()).0 {
            match self.0.iter_mut().find(|(known, _)| *known == *key) {
                Some((_, held)) if value.get() != "null" => *held = value.to_owned(),
                Some(_) => {}
                None => self.0.push((key.into_owned(), value.to_owned())),
            }
        }
        let mut text = vec![b'{'];
        for (key, value) in &self.0 {
            if text.len() > 1 {
                text.push(b',');
            }
            write_str(&mut text, key);
            text.push(b':');
            text.extend_from_slice(value.get().as_bytes());
        }
        text.push(b'}');
        RawValue::from_string(String::from_utf8(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [Option<u64>; 5] {
        let usage = read(serde_json::from_str(text).unwrap());
        [
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
        ]
    }

    #[test]
    fn what_the_cache_held_counts_as_input() {
        let all = r#"{"input_tokens":10,"cache_read_input_tokens":100,
            "cache_creation_input_tokens":30,"output_tokens":7,
            "cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},
            "output_tokens_details":{"thinking_tokens":5},"service_tier":"standard"}"#;
        assert_eq!(of(all), [Some(140), Some(7), Some(100), Some(30), Some(5)]);
        let split = r#"{"input_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}"#;
        assert_eq!(of(split), [Some(31), None, None, Some(30), None]);
        assert_eq!(of(r#"{"cache_read_input_tokens":5}"#), [None, None, Some(5), None, None]);
        assert_eq!(of("{}"), [None; 5]);
        assert_eq!(of("[1]"), [None; 5]);
    }

    #[test]
    fn a_compaction_is_added_and_an_advisor_is_not() {
        let text = r#"{"input_tokens":23,"output_tokens":10,"iterations":[
            {"type":"compaction","input_tokens":180,"output_tokens":35},
            {"type":"message","input_tokens":23,"output_tokens":10},
            {"type":"advisor_message","input_tokens":1000,"output_tokens":1000}]}"#;
        assert_eq!(of(text), [Some(203), Some(45), None, None, None]);
    }

    #[test]
    fn later_counts_replace_earlier_ones_and_null_replaces_nothing() {
        let mut merged = Merged::default();
        let mut add = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            merged.add(raw).unwrap().get().to_owned()
        };
        add(r#"{"input_tokens":5,"output_tokens":1,"service_tier":"standard"}"#);
        let merged = add(r#"{"input_tokens":null,"output_tokens":9,"iterations":null}"#);
        let expected =
            r#"{"input_tokens":5,"output_tokens":9,"service_tier":"standard","iterations":null}"#;
        assert_eq!(merged, expected);
    }
}
