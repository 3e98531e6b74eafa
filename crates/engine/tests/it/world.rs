//! A scripted world: answers effects the way a driver would record them.

use std::sync::Arc;

use largestack_engine::event::{
    CallRecord, EffectStarted, ModelReplied, RunStarted, ToolOutcome, ToolReturned,
};
use largestack_engine::{Definition, Effect, Event, Run, answer};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::money::Money;
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall, ToolResult};
use largestack_types::reply::FinishReason;
use largestack_types::tool::ToolSpec;
use largestack_types::usage::Usage;

/// One turn of the script.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// Calls of (tool, arguments).
    Calls(Vec<(&'static str, String)>),
    /// An answer.
    Says(&'static str, FinishReason),
}

pub(crate) fn calls(calls: &[(&'static str, &str)]) -> Turn {
    Turn::Calls(calls.iter().map(|(name, args)| (*name, (*args).to_owned())).collect())
}

pub(crate) fn says(text: &'static str) -> Turn {
    Turn::Says(text, FinishReason::Stop)
}

pub(crate) fn definition() -> Definition {
    let spec = |name: &str, idempotent| ToolSpec {
        name: name.into(),
        description: "".into(),
        parameters: Json::empty_object(),
        idempotent,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    Definition {
        tools: Arc::new([spec("look", true), spec("act", false)]),
        ..Definition::new("agent", "Do.", "test/model")
    }
}

pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) journal: Vec<Event>,
    script: Vec<Turn>,
}

impl World {
    pub(crate) fn new(definition: Definition, script: Vec<Turn>) -> Self {
        let id = RunId::from_u128(7);
        let definition = Arc::new(definition);
        let mut world =
            Self { run: Run::new(id, Arc::clone(&definition)), journal: Vec::new(), script };
        world.record(Event::RunStarted(RunStarted {
            agent: "agent".into(),
            definition: definition.sealed().unwrap().1,
            input: Arc::new(Message::user(PartId::new(0, 1), "go")),
            history: Vec::new(),
            principal: "local".into(),
            session: None,
            recalled: None,
            adjusted: None,
            parent: None,
            root: id,
        }));
        world
    }

    pub(crate) fn record(&mut self, event: Event) {
        self.run.apply(&event).unwrap();
        self.journal.push(event);
    }

    pub(crate) fn ready(&self) -> Vec<Effect> {
        let mut ready = Vec::new();
        self.run.ready(&mut ready);
        ready
    }

    pub(crate) fn start(&mut self, effect: Effect) {
        let (Effect::Model { id: effect, attempt } | Effect::Tool { id: effect, attempt, .. }) =
            effect
        else {
            panic!("unknown effect")
        };
        self.record(Event::EffectStarted(EffectStarted { effect, attempt }));
    }

    /// The outcome of an effect; the same for every attempt.
    pub(crate) fn outcome(&self, effect: Effect) -> Event {
        match effect {
            Effect::Model { id, .. } => self.reply(id),
            Effect::Tool { id, .. } => self.tool_result(id),
            _ => panic!("unknown effect"),
        }
    }

    fn reply(&self, effect: EffectId) -> Event {
        let turn = self.script.get(self.run.turns() as usize).cloned().unwrap_or(says("over"));
        let label = Label::from_origin(Origin::Agent);
        let part = |body| Part { id: PartId::default(), label, body, native: None };
        let (parts, finish_reason) = match turn {
            Turn::Says(text, finish) => (vec![part(Body::Text(text.into()))], finish),
            Turn::Calls(calls) => {
                let call = |(name, arguments): (&str, String)| {
                    part(Body::ToolCall(ToolCall {
                        call: largestack_types::id::CallId::default(),
                        provider_id: "".into(),
                        name: name.into(),
                        arguments: Arguments::from_text(&arguments),
                    }))
                };
                (calls.into_iter().map(call).collect(), FinishReason::ToolCalls)
            }
        };
        let usage = Usage { input_tokens: Some(10), output_tokens: Some(2), ..Usage::default() };
        let call = CallRecord { usage, cost: Money::from_nanos(100), ..CallRecord::default() };
        let message = Arc::new(self.run.adopt(effect, parts));
        Event::ModelReplied(ModelReplied { effect, message, finish_reason, call })
    }

    fn tool_result(&self, effect: EffectId) -> Event {
        let call = self.run.tool_call(effect).unwrap();
        let text = format!("{} of {}", call.name, call.arguments.as_str());
        let mut message = answer(call, effect, Label::from_origin(Origin::Tool), &text);
        if let Body::ToolResult(ToolResult { is_error, .. }) = &mut message.parts[0].body {
            *is_error = false;
        }
        Event::ToolReturned(ToolReturned {
            loads: Vec::new(),
            child: None,
            effect,
            message: Arc::new(message),
            outcome: ToolOutcome::Returned,
            duration_us: 5,
            shared: false,
            raise: None,
            calls: Vec::new(),
        })
    }

    /// One round: starts everything that is ready, then lands it in the order `pick` gives.
    pub(crate) fn round(&mut self, pick: impl FnOnce(&mut Vec<Effect>)) -> bool {
        let mut ready = self.ready();
        if ready.is_empty() {
            if let Some(end) = self.run.conclusion() {
                self.record(Event::RunFinished(end));
            }
            return false;
        }
        for effect in &ready {
            self.start(*effect);
        }
        pick(&mut ready);
        for effect in ready {
            let outcome = self.outcome(effect);
            self.record(outcome);
        }
        true
    }

    pub(crate) fn ended(mut self) -> Self {
        while self.round(|_| {}) {}
        self
    }

    pub(crate) fn roles(&self) -> Vec<Role> {
        self.run.own_messages().iter().map(|message| message.role).collect()
    }
}
