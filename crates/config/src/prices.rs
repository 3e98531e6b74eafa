//! Prices of one's own, over those of the price book.

use std::sync::Arc;

use largestack_wire::Registry;
use largestack_wire::price::{Book, Dollars, LongSection, MediumSection, Section, TierSection};

use crate::node::Node;
use crate::origin::Source;
use crate::problem::Wrong;
use crate::project::shown_as_json;
use crate::read::Fields;
use crate::value;

shown_as_json!(MediumSection, LongSection, TierSection);

/// A price as it is written, with its name and where it stands.
pub(crate) struct Written {
    name: String,
    source: Source,
    model: Option<Arc<str>>,
    section: Section,
}

/// `prices` of a project. The providers they name are checked when all are known.
pub(crate) fn read(section: Fields<'_>) -> Vec<Written> {
    let prefix = section.key("");
    let (entries, report) = section.rest();
    let mut prices = Vec::new();
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        let mut fields = Fields::of(entry.node, &path, report);
        let model = fields.optional("model", value::some_text);
        let section = price(fields);
        prices.push(Written { name: entry.key, source: entry.source, model, section });
    }
    prices
}

fn price(mut fields: Fields<'_>) -> Section {
    let day = |node: &Node| value::some_text(node).map(|day| day.as_ref().to_owned());
    let mut dollars = |key| fields.optional(key, value::money).map(Dollars);
    let mut section = Section {
        input: dollars("input"),
        output: dollars("output"),
        cache_read: dollars("cache-read"),
        cache_write: dollars("cache-write"),
        cache_write_1h: dollars("cache-write-1h"),
        reasoning: dollars("reasoning"),
        search: dollars("search"),
        request: dollars("request"),
        ..Section::default()
    };
    section.from = fields.optional("from", day);
    section.audio = fields.optional("audio", value::group);
    section.image = fields.optional("image", value::group);
    section.long = fields.optional("long", value::listed).unwrap_or_default();
    section.priority = fields.optional("priority", value::grouped);
    section.fast = fields.optional("fast", value::grouped);
    section.flex = fields.optional("flex", value::grouped);
    section.batch = fields.optional("batch", value::grouped);
    fields.finish();
    section
}

/// The price book with these prices over it.
pub(crate) fn book(
    written: &[Written],
    providers: &Registry,
    offered: &[&str],
    mut wrong: impl FnMut(&Source, &str, Wrong),
) -> Book {
    let mut book = Book::builtin().clone();
    for Written { name, source, model, section } in written {
        let path = format!("prices.{name}");
        let full = model.as_deref().unwrap_or(name);
        let Some((provider, model)) = full.split_once('/').filter(|(_, model)| !model.is_empty())
        else {
            let kind = Wrong::value(format!("`{full}` is no `provider/model`"));
            wrong(source, &path, kind);
            continue;
        };
        let here = offered.iter().any(|name| name.split('/').next() == Some(provider));
        let row = providers.provider(provider).map(|row| row.name.clone());
        let Some(provider) = row.or_else(|| here.then(|| provider.into())) else {
            let names: Vec<&str> = providers.providers().map(|row| &*row.name).collect();
            let kind = Wrong::unknown_name("provider", provider, names.iter().copied());
            wrong(source, &path, kind);
            continue;
        };
        if let Err(refused) = book.define(provider, model, section) {
            wrong(source, &path, Wrong::value(refused.detail));
        }
    }
    book
}
