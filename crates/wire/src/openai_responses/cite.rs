//! Annotations of a text as citations: a page, a file of a vector store, a file of a container.

use std::borrow::Cow;

use largestack_types::json::Json;
use largestack_types::part::Citation;
use serde::de::MapAccess;
use serde_json::value::RawValue;

use crate::json::{Fields, Object, Str, lenient};

#[derive(Debug, Default)]
struct Annotation<'a> {
    url: Str<'a>,
    file_id: Str<'a>,
    title: Str<'a>,
    filename: Str<'a>,
    /// OpenRouter: the words of the page.
    content: Str<'a>,
}

impl<'de> Fields<'de> for Annotation<'de> {
    fn field<A: MapAccess<'de>>(
        &mut self,
        key: Cow<'de, str>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let raw: &RawValue = map.next_value()?;
        match &*key {
            "url" => self.url = lenient(raw.get()),
            "file_id" => self.file_id = lenient(raw.get()),
            "title" => self.title = lenient(raw.get()),
            "filename" => self.filename = lenient(raw.get()),
            "content" | "quote" => self.content = lenient(raw.get()),
            _ => {}
        }
        Ok(())
    }
}

/// The citation of an annotation.
pub(super) fn citation(raw: &RawValue) -> Citation {
    let Object(found) = lenient::<Object<Annotation<'_>>>(raw.get());
    Citation {
        source: found.url.non_empty().or(found.file_id.non_empty()).unwrap_or_default().into(),
        title: found.title.non_empty().or(found.filename.non_empty()).map(Into::into),
        lines: None,
        quote: found.content.non_empty().map(Into::into),
        raw: Some(Json::from(raw.to_owned())),
    }
}
