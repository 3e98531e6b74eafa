//! `largestack fork` of a workflow's run.

use std::path::Path;

use largestack_agent::CancelHandle;
use largestack_config::Flags;
use largestack_flow::{FlowFork, FlowResume};
use largestack_ports::ids::MakeId as _;
use serde_json::{Map, Value};

use super::super::doubts::decided;
use super::super::resume::workflow::{Taken, workflow_file};
use super::super::run::prepare::prepare_flow;
use super::{Fork, pairs};
use crate::agents;
use crate::compose;
use crate::failure::Outcome;
use crate::flows::Going;
use crate::screen::Screen;

impl Fork {
    /// Makes the fork, and goes on with it.
    pub(super) fn workflow(
        &self,
        (state, path): (&Path, Option<&Path>),
        taken: Taken,
        screen: &mut Screen,
    ) -> Outcome {
        let written = self.values()?;
        let file = workflow_file(state, path, taken.definition)?;
        let mut flags = Flags::new().set("state", "--state", state.display().to_string());
        if let Some(model) = agents::model(state, taken.definition) {
            flags = flags.set("model", "the run", model);
        }
        let settings = compose::flow_settings(&file, &flags)?;
        let going_on = async {
            let house = prepare_flow(&settings, screen).await?;
            let (form, cancel) = (self.output.form(), CancelHandle::default());
            let (scope, id) = (compose::scope(), house.ids.run_id(house.clock.now()));
            let new = FlowFork { at: self.at, id: Some(id), state: written };
            let (in_doubt, doubts) = decided(id, &self.in_doubt)?;
            let run = house.workflow.fork(&scope, taken.run, new).await?;
            let own = cancel.clone();
            let options = FlowResume { in_doubt, doubts, cancel: own, ..FlowResume::default() };
            let folder = &settings.agent.folder;
            let going = Going { run, form, cancel, begins: true, state, folder };
            let stream = house.workflow.resume_stream(&scope, run, options);
            going.finish(&house, stream, screen).await
        };
        compose::with_runtime(compose::asking(settings.project.models_blocked, going_on))?
    }

    /// What stands in the state from there on. An object or a list is one, everything else the text that
    /// was typed, as where a run is given values.
    fn values(&self) -> largestack_types::errors::Result<Map<String, Value>> {
        let typed = |value: &str| match serde_json::from_str(value) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
            _ => Value::String(value.to_owned()),
        };
        let pairs = pairs(&self.set)?;
        Ok(pairs.into_iter().map(|(key, value)| (key.to_owned(), typed(value))).collect())
    }
}
