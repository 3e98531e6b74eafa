//! What is shown: values back in the place of placeholders for whoever may have them, and a reply while it
//! streams.

use std::borrow::Cow;

use largestack_guard::{Action, Holdback, detokenise, detokenise_json};
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::label::DataClasses;
use largestack_types::part::PartId;

use super::{RunGuard, forbids, kind_of};

impl RunGuard {
    /// Puts back the values whose placeholders `allowed` holds: the caller's own, which are the
    /// ones in the run's input.
    pub(crate) fn reveal(&self, text: &str, allowed: &str) -> String {
        if !text.contains('<') {
            return text.to_owned();
        }
        let state = self.kept.state();
        let lookup = |placeholder: &str| {
            let value = state.values.get(placeholder).filter(|_| allowed.contains(placeholder));
            value.map(|value| value.expose().to_owned())
        };
        detokenise(text, &self.kept.nonce, lookup).into_owned()
    }

    /// The same for a JSON text, leaf by leaf.
    pub(crate) fn reveal_json(&self, json: Json, allowed: &str) -> Json {
        if !json.as_str().contains('<') || !allowed.contains('<') {
            return json;
        }
        let state = self.kept.state();
        let lookup = |placeholder: &str| {
            let value = state.values.get(placeholder).filter(|_| allowed.contains(placeholder));
            value.map(|value| value.expose().to_owned())
        };
        match detokenise_json(json.as_str(), &self.kept.nonce, lookup) {
            Cow::Borrowed(_) => json,
            Cow::Owned(text) => Json::parse(text).unwrap_or(json),
        }
    }

    /// Arguments with the values of these classes in place of their placeholders: for the tool that
    /// may have them, and for nothing else.
    pub(crate) fn reveal_classes(&self, arguments: Json, classes: DataClasses) -> Json {
        if classes.is_empty() || !arguments.as_str().contains('<') {
            return arguments;
        }
        let state = self.kept.state();
        let lookup = |placeholder: &str| {
            let kind = kind_of(placeholder)?;
            let value = state.values.get(placeholder)?;
            let may =
                classes.contains(kind.data_class()) && !forbids(self.guard.policy().action(kind));
            may.then(|| value.expose().to_owned())
        };
        match detokenise_json(arguments.as_str(), &self.kept.nonce, lookup) {
            Cow::Borrowed(_) => arguments,
            Cow::Owned(text) => Json::parse(text).unwrap_or(arguments),
        }
    }

    /// A filter for one channel of a streamed reply.
    pub(crate) fn holdback(&self) -> Holdback {
        self.guard.stream()
    }

    /// What may leave now, with the caller's own values back in place.
    pub(crate) async fn release(
        &self,
        part: PartId,
        filter: &mut Holdback,
        piece: &str,
        allowed: &str,
    ) -> Result<String> {
        let released = filter.push(piece, &mut self.kept.state().session);
        if released.action == Action::Block {
            self.note(part, released.findings.iter().map(|found| self.record(part, found)));
            return Err(self.blocked("the reply", &released.findings));
        }
        self.keep().await?;
        Ok(self.reveal(&released.text, allowed))
    }

    /// What was held back at the end.
    pub(crate) async fn release_rest(
        &self,
        part: PartId,
        filter: Holdback,
        allowed: &str,
    ) -> Result<String> {
        let released = filter.finish(&mut self.kept.state().session);
        if released.action == Action::Block {
            self.note(part, released.findings.iter().map(|found| self.record(part, found)));
            return Err(self.blocked("the reply", &released.findings));
        }
        self.keep().await?;
        Ok(self.reveal(&released.text, allowed))
    }
}
