//! `largestack run` of a workflow.

use std::path::Path;

use largestack_agent::CancelHandle;
use largestack_config::{self as config, Flags, Settings};
use largestack_flow::FlowOptions;
use largestack_ports::ids::MakeId as _;
use largestack_types::errors::{Code, LargestackError, Result};
use serde_json::Value;

use super::Run;
use super::prepare::prepare_flow;
use crate::agents;
use crate::compose;
use crate::failure::Outcome;
use crate::flows::Going;
use crate::screen::Screen;

impl Run {
    pub(super) fn workflow(
        &self,
        (path, flags): (&Path, &Flags),
        question: &str,
        screen: &mut Screen,
    ) -> Outcome {
        let only_of_agents = |what: &str, advice: &str| {
            let detail = format!("{what}, and {} is a workflow", path.display());
            LargestackError::with_advice(Code::Input, detail, advice)
        };
        if !self.attach.is_empty() {
            let what = "--attach is for the question of an agent";
            return Err(only_of_agents(what, "Run the agent that is to see the file").into());
        }
        if self.session.is_some() {
            let what = "--session is a conversation with an agent";
            return Err(only_of_agents(what, "Leave it out").into());
        }
        let settings = compose::flow_settings(path, flags)?;
        let input = input(&settings.agent, question)?;
        let ran = self.begin(&settings, input, screen);
        compose::with_runtime(compose::asking(settings.project.models_blocked, ran))?
    }

    async fn begin(
        &self,
        settings: &Settings<config::Workflow>,
        input: Value,
        screen: &mut Screen,
    ) -> Outcome {
        let house = prepare_flow(settings, screen).await?;
        let state = &settings.project.state;
        let (file, model) = (&*settings.agent.file, self.model.as_deref());
        agents::remember_with(state, house.workflow.definition_hash(), (file, model))?;
        let run = house.ids.run_id(house.clock.now());
        let cancel = CancelHandle::default();
        let form = self.output.form();
        let folder = &settings.agent.folder;
        let going = Going { run, form, cancel: cancel.clone(), begins: true, state, folder };
        let options = FlowOptions { id: Some(run), cancel, ..FlowOptions::default() };
        let stream = house.workflow.stream(&compose::scope(), input, options);
        going.finish(&house, stream, screen).await
    }
}

/// What was typed, as what the workflow is given: the value of its only key, or a JSON object of all.
pub(in crate::verbs) fn input(workflow: &config::Workflow, typed: &str) -> Result<Value> {
    let unfit = |why: String| {
        let wanted: Vec<String> =
            workflow.inputs.iter().map(|(key, _)| format!("`{key}`")).collect();
        let advice = match wanted.as_slice() {
            [] => "The workflow is given nothing: put an empty text, or {}".to_owned(),
            [one] => format!("Put the value of {one} behind the path"),
            _ => format!("Put a JSON object with {} behind the path", wanted.join(", ")),
        };
        LargestackError::with_advice(Code::Input, why, advice)
    };
    let object = || serde_json::from_str::<serde_json::Map<String, Value>>(typed);
    match workflow.inputs.as_slice() {
        [] if typed.trim().is_empty() => Ok(Value::Object(serde_json::Map::new())),
        [(key, kind)] => {
            // An object that has the key and nothing else says it by name.
            let named =
                object().ok().filter(|fields| fields.len() == 1 && fields.contains_key(&**key));
            let value = match named.and_then(|mut fields| fields.remove(&**key)) {
                Some(value) if config::Kind::of(&value).fits(*kind) => value,
                Some(value) => {
                    let (found, kind) = (config::Kind::of(&value).name(), kind.name());
                    return Err(unfit(format!(
                        "`{key}`: a {kind} is wanted, and this is a {found}"
                    )));
                }
                None => kind.typed(typed).map_err(|why| unfit(format!("`{key}`: {why}")))?,
            };
            Ok(Value::Object(serde_json::Map::from_iter([(key.to_string(), value)])))
        }
        inputs => {
            let fields =
                object().map_err(|error| unfit(format!("the input is no JSON object: {error}")))?;
            for (key, kind) in inputs {
                let found = fields.get(&**key).map(config::Kind::of);
                if let Some(found) = found.filter(|found| !found.fits(*kind)) {
                    let (found, kind) = (found.name(), kind.name());
                    let why = format!("`{key}`: a {kind} is wanted, and this is a {found}");
                    return Err(unfit(why));
                }
            }
            Ok(Value::Object(fields))
        }
    }
}
