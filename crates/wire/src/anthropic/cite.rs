//! Citations in the words that all wires share
//! (platform.claude.com/docs/en/build-with-claude/citations).

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::Citation;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Fields, Object, Str, lenient};

#[derive(Debug, Default)]
struct Cited<'a> {
    quote: Str<'a>,
    url: Str<'a>,
    source: Str<'a>,
    title: Str<'a>,
    document_title: Str<'a>,
    file_id: Str<'a>,
    document_index: Str<'a>,
}

impl<'de> Fields<'de> for Cited<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "cited_text" => self.quote = lenient(raw.get()),
            "url" => self.url = lenient(raw.get()),
            "source" => self.source = lenient(raw.get()),
            "title" => self.title = lenient(raw.get()),
            "document_title" => self.document_title = lenient(raw.get()),
            "file_id" => self.file_id = lenient(raw.get()),
            "document_index" => self.document_index = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

/// What is cited: the page, the source of a search result, the uploaded file, the document's
/// title, or else its number among the request's documents.
pub(super) fn citation(raw: &RawValue) -> Citation {
    let Object(cited) = lenient::<Object<Cited<'_>>>(raw.get());
    let title = cited.title.non_empty().or_else(|| cited.document_title.non_empty());
    let source = [cited.url, cited.source, cited.file_id].into_iter().find_map(Str::non_empty);
    let numbered =
        || cited.document_index.non_empty().map(|number| format!("document {number}").into());
    let source = source.or_else(|| title.clone()).or_else(numbered);
    Citation {
        source: source.unwrap_or_default().into(),
        title: title.map(Into::into),
        lines: None,
        quote: cited.quote.non_empty().map(Into::into),
        raw: Some(Json::from(raw)),
    }
}
