//! `largestack providers check MODEL`: one small real call.

use std::sync::Arc;

use clap::Args;
use futures::StreamExt as _;
use largestack_gateway::Gateway;
use largestack_ports::ids::MakeId as _;
use largestack_ports::model::{Answer, CallContext, Model as _, ModelEvent, RunSlot};
use largestack_ports::switch::MemorySwitch;
use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::part::PartId;
use largestack_types::usage::Usage;
use serde::Serialize;

use crate::compose::{self, Ground};
use crate::exit;
use crate::failure::Outcome;
use crate::keys::Keys;
use crate::render::amount::grouped;
use crate::render::run_json::dollars;
use crate::render::text::one_line;
use crate::screen::Screen;

/// The most tokens that the call may cost: enough for a word, also after some thought.
const MOST: u32 = 256;

/// Makes one small real call to a model and says what happened. It costs what the provider charges
/// for it.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The model, e.g. openai/gpt-4o-mini
    model: Arc<str>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    model: String,
    answered_as: Option<String>,
    text: String,
    finish_reason: &'static str,
    usage: Usage,
    cost_nanos: Option<i64>,
    cost_usd: Option<String>,
    key_source: Option<String>,
    duration_ms: u64,
}

impl Check {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let project = super::project(None)?;
        let providers = project.providers;
        let keys = Keys::of_process()?;
        let row = providers.resolve(&self.model).ok().map(|target| target.provider);
        let found = row.map(|row| keys.find(&row)).transpose()?.flatten();
        let key_source = found.map(|(_, source)| source.to_string());
        let asked = async {
            let Ground { ports, tasks } = compose::ground(
                &providers,
                &project.network,
                Arc::new(MemorySwitch::default()),
                None,
            )?;
            let clock = Arc::clone(&ports.clock);
            let run = ports.ids.run_id(clock.now());
            let gateway =
                Gateway::builder(ports).registry(providers.clone()).prices(project.prices).build();
            let context = CallContext {
                scope: compose::scope(),
                run,
                effect: EffectId::new(1),
                agent: "check".into(),
                budgets: Arc::new([]),
                keep_for_last_turn: false,
                deadline: None,
                slot: RunSlot::default(),
            };
            let began = clock.monotonic();
            let answer = ask(&gateway, &context, &self.model).await;
            let took = clock.monotonic().saturating_sub(began);
            tasks.finished().await;
            Ok::<_, LargestackError>((answer?, took))
        };
        let asked = compose::asking(project.models_blocked, asked);
        let (answer, took) = compose::with_runtime(asked)??;
        let reply = &answer.reply;
        let unpriced = answer.call.flags.iter().any(|flag| **flag == *"unpriced");
        let cost = (!unpriced).then_some(answer.call.cost);
        let document = Document {
            model: self.model.to_string(),
            answered_as: reply.model.as_deref().map(str::to_owned),
            text: reply.text(),
            finish_reason: reply.finish_reason.name(),
            usage: reply.usage,
            cost_nanos: cost.map(Money::nanos),
            cost_usd: cost.map(dollars),
            key_source,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        if self.json {
            screen.json(&document)?;
        } else {
            screen.print(&said(&document))?;
        }
        Ok(exit::DONE)
    }
}

async fn ask(gateway: &Gateway, context: &CallContext, model: &Arc<str>) -> Result<Answer> {
    let question = Message::user(PartId::default(), "Answer with the one word: ready");
    let settings = Settings { max_output_tokens: Some(MOST), ..Settings::default() };
    let call = Call {
        model: Arc::clone(model),
        messages: Arc::new(vec![Arc::new(question)]),
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(settings),
        stream: false,
    };
    let mut events = gateway.call(context, call).await?;
    while let Some(event) = events.next().await {
        if let ModelEvent::Done(answer) = event? {
            return Ok(*answer);
        }
    }
    Err(LargestackError::other(Code::Provider, "the reply ended without an end"))
}

fn said(document: &Document) -> String {
    let count = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), grouped);
    let cost = document.cost_usd.as_deref();
    let cost = cost.map_or_else(|| "an unknown amount".to_owned(), |cost| format!("${cost}"));
    format!(
        "{} answers: {}\n{} ms, {} tokens in, {} out, {}, finish reason {}{}\n",
        document.answered_as.as_deref().unwrap_or(&document.model),
        one_line(&document.text, 60),
        document.duration_ms,
        count(document.usage.input_tokens),
        count(document.usage.output_tokens),
        cost,
        document.finish_reason,
        document.key_source.as_ref().map_or_else(String::new, |at| format!(", key from {at}")),
    )
}
