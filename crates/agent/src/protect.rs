//! A run's guard: one session of placeholders over all its stages, kept in the token vault before
//! any text that holds them goes anywhere.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use largestack_engine::event::FindingRecord;
use largestack_guard::{
    Action, Finding, Guard, Holdback, Kind, Nonce, Protected, Session, detokenise, detokenise_json,
};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::errors::{GuardrailBlockedError, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::label::{DataClasses, Label};
use largestack_types::part::{Arguments, PartId};
use largestack_types::scope::Scope;
use tokio::sync::Mutex;

/// A text after the guard.
pub(crate) struct Guarded {
    pub(crate) text: Option<Arc<str>>,
    pub(crate) label: Label,
    pub(crate) findings: Vec<FindingRecord>,
}

/// The guard of one run.
pub(crate) struct RunGuard {
    guard: Guard,
    /// Whether the policy takes values out for good: also those that others have kept.
    strict: bool,
    kept: Arc<Kept>,
    /// The latest arguments in which nothing was found.
    clean: Lock<VecDeque<Json>>,
}

/// What the placeholders of a tree of runs, or of a session, stand for.
struct Kept {
    scope: Scope,
    root: RunId,
    vault: Arc<dyn TokenVault>,
    nonce: Nonce,
    state: Mutex<State>,
}

struct State {
    session: Session,
    values: HashMap<String, Sensitive>,
}

/// Arguments kept as clean: those of one turn, where it does not call very many tools.
const MOST_CLEAN: usize = 16;

impl RunGuard {
    /// A guard for a new run, or for one that is taken up again with what the vault holds.
    pub(crate) fn new(
        guard: Guard,
        scope: Scope,
        root: RunId,
        vault: Arc<dyn TokenVault>,
        known: Vec<(String, Sensitive)>,
    ) -> Self {
        let (_, random) = root.as_bytes().split_last_chunk().unwrap_or((&[], &[0; 8]));
        let nonce = Nonce::from_random(u64::from_le_bytes(*random));
        let mut session = Session::new(nonce.clone());
        for (placeholder, value) in &known {
            session.adopt(placeholder, value.expose());
        }
        let values = known.into_iter().collect();
        let state = Mutex::new(State { session, values });
        Self::over(guard, Arc::new(Kept { scope, root, vault, nonce, state }))
    }

    /// Another guard over the same placeholders: of a run below, or of an agent that takes over.
    pub(crate) fn beside(&self, guard: Guard) -> Self {
        Self::over(guard, Arc::clone(&self.kept))
    }

    fn over(guard: Guard, kept: Arc<Kept>) -> Self {
        let forbids = |kind| forbids(guard.policy().action(kind));
        let strict = Kind::ALL.into_iter().any(forbids);
        Self { guard, strict, kept, clean: Lock::default() }
    }

    /// What it does about what it finds.
    pub(crate) fn guard(&self) -> Guard {
        self.guard
    }

    /// The classes of values that this policy lets through as they are.
    pub(crate) fn let_through(guard: Guard) -> DataClasses {
        let kept = |kind: &Kind| guard.policy().action(*kind).alters();
        let held: Vec<_> = Kind::ALL.into_iter().filter(kept).map(Kind::data_class).collect();
        let classes = Kind::ALL.into_iter().map(Kind::data_class);
        classes.filter(|class| !held.contains(class)).collect()
    }

    /// Whether a text may hold a placeholder of what this policy takes out for good.
    fn may_forbid(&self, text: &str) -> bool {
        self.strict && text.contains('<')
    }

    /// Whether nothing is found in a text. Nearly always so, and then neither the session nor the
    /// vault is waited for.
    pub(crate) fn passes(&self, text: &str) -> bool {
        !self.may_forbid(text) && self.guard.is_clean(text)
    }

    /// The same for a JSON text; `false` says nothing.
    pub(crate) fn passes_json(&self, text: &str) -> bool {
        !self.may_forbid(text) && self.guard.is_clean_json(text)
    }

    /// The same for the arguments of a tool call. Those that have passed are known when they come
    /// again, on their way from the reply to the tool.
    pub(crate) fn passes_arguments(&self, arguments: &Arguments) -> bool {
        let Arguments::Json(json) = arguments else {
            return self.passes_json(arguments.as_str());
        };
        if self.clean().iter().any(|clean| clean.is(json)) {
            return true;
        }
        let clean = self.passes_json(json.as_str());
        if clean {
            self.remember(json);
        }
        clean
    }

    fn clean(&self) -> MutexGuard<'_, VecDeque<Json>> {
        self.clean.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, json: &Json) {
        let mut clean = self.clean();
        if clean.len() >= MOST_CLEAN {
            clean.pop_front();
        }
        clean.push_back(json.clone());
    }

    /// Takes sensitive values out of what is asked. A blocked one comes back without them beside the
    /// error, so that it can be recorded that it was blocked.
    pub(crate) async fn asked(
        &self,
        part: PartId,
        label: Label,
        text: &str,
    ) -> Result<(Guarded, Option<LargestackError>)> {
        let mut state = self.kept.state.lock().await;
        let protected = self.guard.protect(text, &mut state.session);
        let mut blocked = (protected.action == Action::Block)
            .then(|| self.blocked("the input", &protected.findings));
        let mut guarded = self.guarded(part, label, protected, &mut state).await?;
        if let Some((text, forbidden)) = self.without_forbidden(&guarded, text, false) {
            guarded.text = Some(text.into());
            blocked = blocked.or_else(|| self.forbidden("the input", forbidden));
        }
        Ok((guarded, blocked))
    }

    /// Takes sensitive values out of a text. `place` names the kind of text for the error of a
    /// blocked one.
    pub(crate) async fn text(
        &self,
        part: PartId,
        place: &str,
        label: Label,
        text: &str,
    ) -> Result<Guarded> {
        self.pass(part, place, label, text, false).await
    }

    /// The same for a JSON text, leaf by leaf.
    pub(crate) async fn json(
        &self,
        part: PartId,
        place: &str,
        label: Label,
        text: &str,
    ) -> Result<Guarded> {
        self.pass(part, place, label, text, true).await
    }

    /// The same for the arguments of a tool call.
    pub(crate) async fn arguments(
        &self,
        part: PartId,
        place: &str,
        label: Label,
        arguments: &Arguments,
    ) -> Result<Guarded> {
        let guarded = self.pass(part, place, label, arguments.as_str(), true).await?;
        // Clean value by value, which the whole text does not show.
        if let Arguments::Json(json) = arguments
            && guarded.text.is_none()
            && guarded.findings.is_empty()
        {
            self.remember(json);
        }
        Ok(guarded)
    }

    async fn pass(
        &self,
        part: PartId,
        place: &str,
        label: Label,
        text: &str,
        json: bool,
    ) -> Result<Guarded> {
        let mut state = self.kept.state.lock().await;
        let protected = if json {
            self.guard.protect_json(text, &mut state.session)
        } else {
            self.guard.protect(text, &mut state.session)
        };
        if protected.action == Action::Block {
            return Err(self.blocked(place, &protected.findings));
        }
        let mut guarded = self.guarded(part, label, protected, &mut state).await?;
        if let Some((taken, forbidden)) = self.without_forbidden(&guarded, text, json) {
            if let Some(error) = self.forbidden(place, forbidden) {
                return Err(error);
            }
            guarded.text = Some(taken.into());
        }
        Ok(guarded)
    }

    /// A text without the placeholders of values that this policy takes out for good, and the kind
    /// of the worst: somebody else's policy has kept them. `None` where there are none.
    fn without_forbidden(
        &self,
        guarded: &Guarded,
        text: &str,
        json: bool,
    ) -> Option<(String, Kind)> {
        let text = guarded.text.as_deref().unwrap_or(text);
        if !self.may_forbid(text) {
            return None;
        }
        let worst = Cell::new(None);
        let lookup = |placeholder: &str| {
            let kind = kind_of(placeholder)?;
            let action = self.guard.policy().action(kind);
            if !forbids(action) {
                return None;
            }
            worst.set(worst.get().max(Some((action, kind))));
            Some(kind.marker())
        };
        let nonce = &self.kept.nonce;
        let taken = if json {
            detokenise_json(text, nonce, lookup).into_owned()
        } else {
            detokenise(text, nonce, lookup).into_owned()
        };
        let (_, kind) = worst.get()?;
        Some((taken, kind))
    }

    fn forbidden(&self, place: &str, kind: Kind) -> Option<LargestackError> {
        (self.guard.policy().action(kind) == Action::Block).then(|| {
            GuardrailBlockedError {
                guard_type: kind.data_class().name().into(),
                detail: format!("{place} holds a value that this agent must not be told"),
            }
            .into()
        })
    }

    async fn guarded(
        &self,
        part: PartId,
        label: Label,
        protected: Protected<'_>,
        state: &mut State,
    ) -> Result<Guarded> {
        let label = protected.findings.iter().fold(label, |l, f| l.with_class(f.kind.data_class()));
        let findings = protected.findings.iter().map(|f| self.record(part, f)).collect();
        let text = match protected.text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text.into()),
        };
        self.keep_fresh(state).await?;
        Ok(Guarded { text, label, findings })
    }

    async fn keep_fresh(&self, state: &mut State) -> Result<()> {
        let fresh = state.session.take_fresh();
        if fresh.is_empty() {
            return Ok(());
        }
        let pairs: Vec<_> =
            fresh.into_iter().map(|e| (e.placeholder, Sensitive::new(e.value))).collect();
        state.values.extend(pairs.iter().cloned());
        let Kept { scope, root, vault, .. } = &*self.kept;
        vault.put(scope, *root, pairs).await
    }

    fn blocked(&self, place: &str, findings: &[Finding]) -> LargestackError {
        let worst = findings.iter().find(|f| self.guard.policy().action(f.kind) == Action::Block);
        let (kind, detector) =
            worst.map_or(("guard", "guard"), |f| (f.kind.data_class().name(), f.detector));
        GuardrailBlockedError {
            guard_type: kind.into(),
            detail: format!("{place} holds what {detector} looks for"),
        }
        .into()
    }

    fn record(&self, part: PartId, finding: &Finding) -> FindingRecord {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let action = match self.guard.policy().action(finding.kind) {
            Action::Allow => "allow",
            Action::Warn => "warn",
            Action::Redact => "redact",
            Action::Tokenise => "tokenise",
            Action::Block => "block",
        };
        FindingRecord {
            part,
            kind: finding.kind.to_string().into(),
            start: narrow(finding.span.start),
            end: narrow(finding.span.end),
            action: action.into(),
        }
    }

    /// Puts back the values whose placeholders `allowed` holds: the caller's own, which are the
    /// ones in the run's input.
    pub(crate) async fn reveal(&self, text: &str, allowed: &str) -> String {
        if !text.contains('<') {
            return text.to_owned();
        }
        let state = self.kept.state.lock().await;
        let lookup = |placeholder: &str| {
            let value = state.values.get(placeholder).filter(|_| allowed.contains(placeholder));
            value.map(|value| value.expose().to_owned())
        };
        detokenise(text, &self.kept.nonce, lookup).into_owned()
    }

    /// The same for a JSON text, leaf by leaf.
    pub(crate) async fn reveal_json(&self, json: Json, allowed: &str) -> Json {
        if !json.as_str().contains('<') || !allowed.contains('<') {
            return json;
        }
        let state = self.kept.state.lock().await;
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
    pub(crate) async fn reveal_classes(&self, arguments: Json, classes: DataClasses) -> Json {
        if classes.is_empty() || !arguments.as_str().contains('<') {
            return arguments;
        }
        let state = self.kept.state.lock().await;
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
        filter: &mut Holdback,
        piece: &str,
        allowed: &str,
    ) -> Result<String> {
        let mut state = self.kept.state.lock().await;
        let released = filter.push(piece, &mut state.session);
        if released.action == Action::Block {
            return Err(self.blocked("the reply", &released.findings));
        }
        self.keep_fresh(&mut state).await?;
        drop(state);
        Ok(self.reveal(&released.text, allowed).await)
    }

    /// What was held back at the end.
    pub(crate) async fn release_rest(&self, filter: Holdback, allowed: &str) -> Result<String> {
        let mut state = self.kept.state.lock().await;
        let released = filter.finish(&mut state.session);
        if released.action == Action::Block {
            return Err(self.blocked("the reply", &released.findings));
        }
        self.keep_fresh(&mut state).await?;
        drop(state);
        Ok(self.reveal(&released.text, allowed).await)
    }
}

/// Whether values are taken out for good.
fn forbids(action: Action) -> bool {
    matches!(action, Action::Redact | Action::Block)
}

/// The kind of value that a placeholder stands for.
fn kind_of(placeholder: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| {
        let tag = placeholder.strip_prefix('<').and_then(|p| p.strip_prefix(kind.tag()));
        tag.is_some_and(|rest| rest.starts_with('_'))
    })
}
