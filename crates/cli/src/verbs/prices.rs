//! `largestack prices`: what calls cost here, and who says so.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use largestack_config::Project;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_wire::price::{Entry, Medium, Origin, Price, Rates};
use serde::Serialize;

use super::providers::project;
use crate::compose;
use crate::exit;
use crate::failure::Outcome;
use crate::render::style::{FAINT, painted};
use crate::render::table::{Flush, Table};
use crate::screen::Screen;

/// What calls cost: the price book and the project's own prices, each with who says so.
#[derive(Debug, Args)]
pub(crate) struct Prices {
    /// A model, e.g. openai/gpt-4o-mini, or a provider; every price unless given
    model: Option<String>,
    /// The project whose prices count; the nearest one unless given
    #[arg(long, value_name = "PATH")]
    project: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tokens are in dollars per million, searches and calls in dollars per thousand.
#[derive(Serialize)]
struct Document {
    version: String,
    prices: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    provider: String,
    model: String,
    from: Option<String>,
    own: bool,
    source: String,
    rates: RatesDocument,
    long: Vec<Long>,
    tiers: Vec<TierDocument>,
}

#[derive(Serialize)]
struct RatesDocument {
    input: Option<String>,
    output: Option<String>,
    cache_read: Option<String>,
    cache_write: Option<String>,
    cache_write_1h: Option<String>,
    reasoning: Option<String>,
    audio: MediumDocument,
    image: MediumDocument,
    search: Option<String>,
    request: Option<String>,
}

#[derive(Serialize)]
struct MediumDocument {
    input: Option<String>,
    cache_read: Option<String>,
    output: Option<String>,
}

#[derive(Serialize)]
struct Long {
    above: u64,
    rates: RatesDocument,
}

#[derive(Serialize)]
struct TierDocument {
    tier: &'static str,
    /// The rates of tokens are these times so many thousandths.
    times: u32,
    rates: RatesDocument,
}

/// A rate of a million units as dollars; for a thousand where `each` is 1,000.
fn dollars(rate: Option<i64>, each: i64) -> Option<String> {
    rate.map(|rate| Money::from_nanos(rate / each).to_string().trim_start_matches('$').to_owned())
}

impl MediumDocument {
    fn of(medium: &Medium) -> Self {
        let [input, cache_read, output] =
            [medium.input, medium.cache_read, medium.output].map(|rate| dollars(rate, 1));
        Self { input, cache_read, output }
    }
}

impl RatesDocument {
    fn of(rates: &Rates) -> Self {
        Self {
            input: dollars(rates.input, 1),
            output: dollars(rates.output, 1),
            cache_read: dollars(rates.cache_read, 1),
            cache_write: dollars(rates.cache_write, 1),
            cache_write_1h: dollars(rates.cache_write_1h, 1),
            reasoning: dollars(rates.reasoning, 1),
            audio: MediumDocument::of(&rates.audio),
            image: MediumDocument::of(&rates.image),
            search: dollars(rates.search, 1_000),
            request: dollars(rates.request, 1_000),
        }
    }
}

impl Row {
    fn of(entry: &Entry) -> Self {
        let price: &Price = &entry.price;
        let tiers = price.tiers().map(|(tier, rates, times)| TierDocument {
            tier: tier.name(),
            times,
            rates: RatesDocument::of(&rates),
        });
        let long = price.long().iter();
        Self {
            provider: entry.provider.to_string(),
            model: entry.model.to_string(),
            from: entry.from.map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")),
            own: entry.origin == Origin::Own,
            source: entry.origin.to_string(),
            rates: RatesDocument::of(price.rates()),
            long: long
                .map(|(above, rates)| Long { above: *above, rates: RatesDocument::of(rates) })
                .collect(),
            tiers: tiers.collect(),
        }
    }
}

impl Prices {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let project = project(self.project.as_deref())?;
        let asked = self.model.as_deref();
        let one = asked.filter(|name| project.providers.provider(name).is_none());
        let prices = if let Some(model) = one {
            vec![entry(&project, model, compose::now())?]
        } else {
            let provider = asked.and_then(|name| project.providers.provider(name));
            let of = |e: &&Entry| provider.is_none_or(|row| e.provider == row.name);
            project.prices.entries().iter().filter(of).collect()
        };
        let rows = prices.into_iter().map(Row::of).collect::<Vec<_>>();
        let version = project.prices.version();
        if self.json {
            screen.json(&Document { version: version.to_owned(), prices: rows })?;
        } else if one.is_some() {
            rows.iter().try_for_each(|row| screen.print(&whole(row)))?;
        } else {
            screen.print(&table(&rows, version))?;
        }
        Ok(exit::DONE)
    }
}

/// The price that holds for a model today.
fn entry<'p>(
    project: &'p Project,
    model: &str,
    now: Timestamp,
) -> Result<&'p Entry, LargestackError> {
    let target = project.providers.resolve(model);
    let (provider, name) = match &target {
        Ok(target) => (&*target.provider.name, &*target.model),
        Err(_) => model.split_once('/').unwrap_or((model, "")),
    };
    if let Some(entry) = project.prices.entry(provider, name, now) {
        return Ok(entry);
    }
    let target = target?;
    let advice = if target.provider.auth == largestack_wire::Auth::None {
        "Nobody has an account there: calls are taken to cost nothing"
    } else {
        "Give it one under `prices` in largestack.yaml; until then a budget refuses its calls"
    };
    let detail = format!("the price of {} is not known", target.name());
    Err(LargestackError::with_advice(Code::NotFound, detail, advice))
}

const UNKNOWN: &str = "-";

fn cell(rate: Option<&String>) -> String {
    rate.map_or_else(|| UNKNOWN.to_owned(), Clone::clone)
}

fn table(rows: &[Row], version: &str) -> String {
    let mut table = Table::new(&[
        ("model", Flush::Left),
        ("from", Flush::Left),
        ("input", Flush::Right),
        ("cached", Flush::Right),
        ("output", Flush::Right),
        ("search", Flush::Right),
        ("besides", Flush::Left),
        ("source", Flush::Left),
    ]);
    for row in rows {
        let mut besides: Vec<String> =
            row.long.iter().map(|long| format!("above {}", long.above)).collect();
        besides.extend(row.tiers.iter().map(|tier| tier.tier.to_owned()));
        let media = [("audio", &row.rates.audio), ("image", &row.rates.image)];
        let priced = media.iter().filter(|(_, medium)| medium.input.is_some());
        besides.extend(priced.map(|(name, _)| (*name).to_owned()));
        let source = if row.own { "your own" } else { "price book" };
        table.row(vec![
            format!("{}/{}", row.provider, row.model),
            cell(row.from.as_ref()),
            cell(row.rates.input.as_ref()),
            cell(row.rates.cache_read.as_ref()),
            cell(row.rates.output.as_ref()),
            cell(row.rates.search.as_ref()),
            besides.join(", "),
            source.to_owned(),
        ]);
    }
    let mut text = table.lines(|_, _, cell| cell);
    let legend = format!(
        "\nDollars per million tokens, searches per thousand. Price book of {version}; a model's \
         page and other rates: largestack prices MODEL\n"
    );
    text.push_str(&painted(FAINT, legend));
    text
}

/// A line for each rate of a model.
fn whole(row: &Row) -> String {
    let from = row.from.as_ref().map(|day| format!(" from {day}")).unwrap_or_default();
    let mut text = format!("{}/{}{from}\n", row.provider, row.model);
    lines(&mut text, "", &row.rates);
    for long in &row.long {
        lines(&mut text, &format!("above {} tokens: ", long.above), &long.rates);
    }
    for tier in &row.tiers {
        if tier.times == 1_000 {
            lines(&mut text, &format!("{}: ", tier.tier), &tier.rates);
        } else {
            let times = f64::from(tier.times) / 1_000.0;
            let _ = writeln!(text, "  {}: {times} times the rates of tokens", tier.tier);
        }
    }
    text.push_str(&painted(FAINT, format!("  {}\n", row.source)));
    text
}

fn lines(text: &mut String, before: &str, rates: &RatesDocument) {
    let tokens = [
        ("input", &rates.input),
        ("output", &rates.output),
        ("cache read", &rates.cache_read),
        ("cache write", &rates.cache_write),
        ("cache write for an hour", &rates.cache_write_1h),
        ("reasoning", &rates.reasoning),
        ("sound in", &rates.audio.input),
        ("cached sound", &rates.audio.cache_read),
        ("sound out", &rates.audio.output),
        ("images in", &rates.image.input),
        ("images out", &rates.image.output),
    ];
    let counted = [("search", &rates.search), ("call", &rates.request)];
    let million = tokens.iter().map(|(name, rate)| (name, rate, "million tokens"));
    let thousand = counted.iter().map(|(name, rate)| (name, rate, "thousand"));
    // What is counted one by one costs the same at every length and in every tier.
    let thousand = thousand.filter(|_| before.is_empty());
    for (name, rate, each) in million.chain(thousand) {
        if let Some(rate) = rate {
            let _ = writeln!(text, "  {before}{name} ${rate} per {each}");
        }
    }
}
