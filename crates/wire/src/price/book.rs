//! The price book: who charges what, from which day on, and who says so.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use largestack_types::time::Timestamp;
use serde::Deserialize;

use super::{Price, Section};

/// A day in UTC: year, month, day.
pub type Day = (i64, u8, u8);

/// Who says what something costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A page of the vendor.
    Page {
        /// Its address.
        page: Arc<str>,
        /// The day on which the figures were compared with it.
        read: Day,
    },
    /// The user, in a configuration.
    Own,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { page, read: (year, month, day) } => {
                write!(f, "{page}, read {year:04}-{month:02}-{day:02}")
            }
            Self::Own => f.write_str("the configuration"),
        }
    }
}

/// A price of a model from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The provider.
    pub provider: Arc<str>,
    /// The model, or the beginning of its name and `*`.
    pub model: Arc<str>,
    /// The first day; `None` for as long as anybody remembers.
    pub from: Option<Day>,
    /// The price.
    pub price: Arc<Price>,
    /// Who says so.
    pub origin: Origin,
}

/// What a vendor's page says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// The providers whose prices these are.
    providers: Vec<Arc<str>>,
    page: Arc<str>,
    read: String,
    /// What every model has that says nothing else of it.
    #[serde(default)]
    all: Section,
    models: BTreeMap<Arc<str>, OneOrMore>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Box<Section>),
    More(Vec<Section>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: String,
    list: Vec<List>,
}

/// A list of prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    version: Arc<str>,
    entries: Vec<Entry>,
}

/// A list of prices that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the price list cannot be read: {detail}")]
pub struct BadBook {
    /// What is wrong, and where.
    pub detail: String,
}

impl BadBook {
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into() }
    }

    fn of(self, model: &str) -> Self {
        Self { detail: format!("the price of `{model}`: {}", self.detail) }
    }
}

impl Book {
    /// The list that comes with the crate.
    pub fn builtin() -> &'static Self {
        static TABLE: LazyLock<Book> = LazyLock::new(|| {
            Book::of(crate::table::embedded(include_str!("../prices.toml"))).unwrap_or_default()
        });
        &TABLE
    }

    /// Reads a list in TOML: its `version`, and for each page of a vendor a `[[list]]` with
    /// `providers`, the `page`'s address, the day it was `read`, and `models` with a [`Section`]
    /// each, or several from different days on. What `all` says holds for every model of the list.
    pub fn parse(text: &str) -> Result<Self, BadBook> {
        Self::of(toml::from_str(text).map_err(|error| BadBook::new(error.to_string()))?)
    }

    fn of(table: Table) -> Result<Self, BadBook> {
        let mut book = Self { version: table.version.into(), entries: Vec::new() };
        for List { providers, page, read, all, models } in table.list {
            let read = day(&read)
                .ok_or_else(|| BadBook::new(format!("{page} was read on no day: `{read}`")))?;
            let origin = Origin::Page { page, read };
            for (model, sections) in models {
                let sections = match sections {
                    OneOrMore::One(section) => vec![*section],
                    OneOrMore::More(sections) => sections,
                };
                for section in sections {
                    let section = section.over(&all);
                    for provider in &providers {
                        book.add(provider, &model, &section, origin.clone())?;
                    }
                }
            }
        }
        Ok(book)
    }

    fn add(
        &mut self,
        provider: &Arc<str>,
        model: &Arc<str>,
        section: &Section,
        origin: Origin,
    ) -> Result<(), BadBook> {
        let from = match &section.from {
            None => None,
            Some(text) => Some(day(text).ok_or_else(|| {
                BadBook::new(format!("`{text}` is not a day like 2025-04-14")).of(model)
            })?),
        };
        let price = Arc::new(section.price().map_err(|wrong| wrong.of(model))?);
        let (provider, model) = (provider.clone(), model.clone());
        self.entries.push(Entry { provider, model, from, price, origin });
        Ok(())
    }

    /// Adds a price of the user's own. It goes before every listed one that fits the same model.
    pub fn define(
        &mut self,
        provider: impl Into<Arc<str>>,
        model: impl Into<Arc<str>>,
        section: &Section,
    ) -> Result<(), BadBook> {
        self.add(&provider.into(), &model.into(), section, Origin::Own)
    }

    /// Adds the entries of another list; where both fit equally well, the added ones win.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Which list this is: the day on which it was last brought up to date.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a model at a time: of those that fit and have begun, the user's own before
    /// listed ones, then the one with the most exact name, and of these the latest. `None` when
    /// the price is unknown.
    pub fn entry(&self, provider: &str, model: &str, at: Timestamp) -> Option<&Entry> {
        let today = Some(at.date());
        let fitting = self.entries.iter().filter(|e| &*e.provider == provider && e.from <= today);
        fitting
            .filter_map(|entry| exactness(&entry.model, model).map(|exact| (exact, entry)))
            .max_by_key(|(exact, entry)| (entry.origin == Origin::Own, *exact, entry.from))
            .map(|(_, entry)| entry)
    }

    /// The price of a model at a time; `None` when it is unknown.
    pub fn price(&self, provider: &str, model: &str, at: Timestamp) -> Option<Arc<Price>> {
        self.entry(provider, model, at).map(|entry| entry.price.clone())
    }
}

impl Section {
    /// This, and what `all` says where this says nothing.
    fn over(mut self, all: &Self) -> Self {
        self.search = self.search.or(all.search);
        self.request = self.request.or(all.request);
        self.priority = self.priority.or(all.priority);
        self.fast = self.fast.or(all.fast);
        self.flex = self.flex.or(all.flex);
        self.batch = self.batch.or(all.batch);
        self
    }
}

/// How exactly a pattern names a model; `None` when it does not. A dated snapshot has the price of
/// its model, but any other longer name (`gpt-4o-audio-preview`) is another model.
fn exactness(pattern: &str, model: &str) -> Option<(u8, usize)> {
    if pattern == model {
        return Some((2, pattern.len()));
    }
    if let Some(prefix) = pattern.strip_suffix('*') {
        return model.starts_with(prefix).then_some((0, prefix.len()));
    }
    is_dated(model.strip_prefix(pattern)?).then_some((1, pattern.len()))
}

/// Whether what stands behind a model's name is a date: `-2024-08-06` as OpenAI writes it,
/// `-20250929` as Anthropic does, `@20250929` as Vertex AI does.
fn is_dated(rest: &str) -> bool {
    let Some(date) = rest.strip_prefix(['-', '@']) else { return false };
    let bare = |date: &str| {
        let (year, rest) = date.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        Some(format!("{year}-{month}-{day}"))
    };
    day(date).is_some() || bare(date).is_some_and(|date| day(&date).is_some())
}

/// Reads `2025-04-14`.
fn day(text: &str) -> Option<Day> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = [(year, 4), (month, 2), (day, 2)]
        .iter()
        .all(|(part, len)| part.len() == *len && part.bytes().all(|b| b.is_ascii_digit()));
    let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let sane = (1..=12).contains(&date.1) && (1..=31).contains(&date.2);
    (digits && sane && parts.next().is_none()).then_some(date)
}
