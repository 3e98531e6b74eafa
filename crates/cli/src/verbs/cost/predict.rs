//! `largestack cost predict`: what a call will cost, before it is made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use largestack_ports::journal::CostBy;
use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_wire::price::Prediction;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::amount::grouped;
use crate::render::run_json::dollars;
use crate::render::text::counted;
use crate::screen::Screen;
use crate::shared::{For, Shared};
use crate::verbs::providers::project;
use crate::verbs::wire;

/// Says what a call will cost before it is made: three guesses, and the most that a budget must
/// have left for it. Answers are expected to be as long as this model's have been in the project,
/// else half as long again as the input.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// What is sent
    #[arg(value_name = "TEXT", required_unless_present = "input", conflicts_with = "input")]
    text: Option<String>,
    /// The model, e.g. openai/gpt-4o-mini; the project's unless given
    #[arg(long, value_name = "MODEL")]
    model: Option<Arc<str>>,
    /// A file with what is sent, or - for standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The most tokens that the answer may have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_output_tokens: Option<u32>,
    /// The project whose providers, prices and past answers count; the nearest one unless given
    #[arg(long, value_name = "PATH")]
    project: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Amount {
    nanos: i64,
    usd: String,
}

impl Amount {
    fn of(money: Money) -> Self {
        Self { nanos: money.nanos(), usd: dollars(money) }
    }
}

#[derive(Serialize)]
struct Document {
    model: String,
    tier: &'static str,
    low: Amount,
    expected: Amount,
    high: Amount,
    worst_case: Amount,
    input_tokens: u64,
    input_bound: u64,
    output_tokens: u64,
    output_bound: u64,
    /// Whether the length of the answer comes from past ones.
    from_history: bool,
}

impl Predict {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let project = project(self.project.as_deref())?;
        let model = self.model.clone().unwrap_or_else(|| project.model.clone());
        let call = self.call(&model)?;
        let usual = usual_output(global, self.project.as_deref(), &model)?;
        let now = compose::now();
        let prediction =
            largestack_gateway::predict(&project.providers, &project.prices, &call, now, usual)?;
        if self.json {
            screen.json(&document(&model, &prediction, usual.is_some()))?;
        } else {
            screen.print(&said(&model, &prediction, usual.is_some()))?;
        }
        Ok(exit::DONE)
    }

    fn call(&self, model: &Arc<str>) -> Result<Call> {
        let text = match (&self.text, &self.input) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => String::from_utf8(wire::read(file)?).map_err(|_| {
                LargestackError::other(Code::Input, format!("{} is no text", file.display()))
            })?,
            (None, None) => String::new(),
        };
        let settings =
            Settings { max_output_tokens: self.max_output_tokens, ..Settings::default() };
        Ok(Call {
            model: Arc::clone(model),
            messages: Arc::new(vec![Arc::new(Message::user(PartId::default(), text.as_str()))]),
            tools: Arc::new([]),
            tool_choice: ToolChoice::Auto,
            settings: Arc::new(settings),
            stream: false,
        })
    }
}

/// How long this model's answers have been here, where there were any.
fn usual_output(global: &Global, path: Option<&Path>, model: &str) -> Outcome<Option<u64>> {
    let shared = match Shared::of_project(global, path, For::Reading) {
        Ok((_, shared)) => shared,
        Err(error) if error.code() == Code::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let rows = blocking(shared.journal.costs(&compose::scope(), CostBy::Model))??;
    let row = rows.iter().find(|row| row.key == model);
    Ok(row.and_then(|row| row.usage.output_tokens?.checked_div(row.calls - row.cached)))
}

fn document(model: &str, prediction: &Prediction, from_history: bool) -> Document {
    Document {
        model: model.to_owned(),
        tier: prediction.tier.name(),
        low: Amount::of(prediction.low),
        expected: Amount::of(prediction.expected),
        high: Amount::of(prediction.high),
        worst_case: Amount::of(prediction.worst_case),
        input_tokens: prediction.input_tokens,
        input_bound: prediction.input_bound,
        output_tokens: prediction.output_tokens,
        output_bound: prediction.output_bound,
        from_history,
    }
}

fn said(model: &str, prediction: &Prediction, from_history: bool) -> String {
    let Prediction { low, expected, high, worst_case, .. } = prediction;
    let basis = if from_history { "as past answers here" } else { "half as long again as sent" };
    format!(
        "{model}: about {expected}, from {low} to {high}; never more than {worst_case}\n\
         {} in (at most {}), {} out ({basis}; at most {})\n",
        counted(prediction.input_tokens, "token"),
        grouped(prediction.input_bound),
        grouped(prediction.output_tokens),
        grouped(prediction.output_bound),
    )
}
