//! A run's guard: one session of placeholders over all its stages, kept in the token vault before
//! any text that holds them goes anywhere.

mod held;
mod injection;
mod noted;
mod shown;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_engine::event::FindingRecord;
use largestack_guard::{
    Action, Finding, Guard, Kind, Nonce, Protected, Session, detokenise, detokenise_json,
};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::errors::{GuardrailBlockedError, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::label::{DataClasses, Label};
use largestack_types::part::{Arguments, PartId};
use largestack_types::scope::Scope;

pub(crate) use injection::Injected;
use noted::Noted;

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
    /// Whether its texts come from outside: then no placeholder in them is one, whoever made it.
    outside: bool,
    kept: Arc<Kept>,
    /// The latest arguments in which nothing was found.
    clean: Mutex<VecDeque<Json>>,
    noted: Noted,
}

/// What the placeholders of a tree of runs, or of a session, stand for.
struct Kept {
    scope: Scope,
    root: RunId,
    vault: Arc<dyn TokenVault>,
    nonce: Nonce,
    /// Never held while something is waited for: whoever holds it may be in flight and not polled
    /// again before whoever asks for it has it.
    state: Mutex<State>,
}

struct State {
    session: Session,
    values: HashMap<String, Sensitive>,
    /// What the vault has not said to have yet.
    unkept: Vec<(String, Sensitive)>,
}

impl Kept {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        Self::with_nonce(guard, (scope, root, vault), known, nonce)
    }

    /// A guard for a fork, whose placeholders go on with those of the events that it shares.
    pub(crate) fn of_fork(
        guard: Guard,
        scope: Scope,
        root: RunId,
        vault: Arc<dyn TokenVault>,
        known: Vec<(String, Sensitive)>,
    ) -> Self {
        let nonce = known.first().and_then(|(placeholder, _)| {
            placeholder.rsplit_once(':')?.1.strip_suffix('>')?.parse().ok()
        });
        match nonce {
            Some(nonce) => Self::with_nonce(guard, (scope, root, vault), known, nonce),
            None => Self::new(guard, scope, root, vault, known),
        }
    }

    fn with_nonce(
        guard: Guard,
        (scope, root, vault): (Scope, RunId, Arc<dyn TokenVault>),
        known: Vec<(String, Sensitive)>,
        nonce: Nonce,
    ) -> Self {
        let mut session = Session::new(nonce.clone());
        for (placeholder, value) in &known {
            session.adopt(placeholder, value.expose());
        }
        let values = known.into_iter().collect();
        let state = Mutex::new(State { session, values, unkept: Vec::new() });
        Self::over(guard, Arc::new(Kept { scope, root, vault, nonce, state }))
    }

    /// Another guard over the same placeholders: of a run below, or of an agent that takes over.
    pub(crate) fn beside(&self, guard: Guard) -> Self {
        Self::over(guard, Arc::clone(&self.kept))
    }

    /// The same over texts that somebody outside has written. Whoever names a placeholder of another's
    /// value, in a second turn or in a fork, is not given the value for it.
    pub(crate) fn over_outside(&self) -> Self {
        Self { outside: true, ..self.beside(self.guard) }
    }

    fn over(guard: Guard, kept: Arc<Kept>) -> Self {
        let forbids = |kind| forbids(guard.policy().action(kind));
        let strict = Kind::ALL.into_iter().any(forbids);
        let (clean, noted) = (Mutex::default(), Noted::default());
        Self { guard, strict, outside: false, kept, clean, noted }
    }

    /// The text after the guard, before the vault has heard of it.
    fn protected<'t>(&self, text: &'t str, json: bool) -> Protected<'t> {
        let session = &mut self.kept.state().session;
        match (self.outside, json) {
            (true, true) => self.guard.protect_json_from_outside(text, session),
            (true, false) => self.guard.protect_from_outside(text, session),
            (false, true) => self.guard.protect_json(text, session),
            (false, false) => self.guard.protect(text, session),
        }
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
        let protected = self.protected(text, false);
        let mut blocked = (protected.action == Action::Block)
            .then(|| self.blocked("the input", &protected.findings));
        let mut guarded = self.guarded(part, label, protected).await?;
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
        let protected = self.protected(text, json);
        if protected.action == Action::Block {
            self.note(part, protected.findings.iter().map(|found| self.record(part, found)));
            return Err(self.blocked(place, &protected.findings));
        }
        let mut guarded = self.guarded(part, label, protected).await?;
        if let Some((taken, forbidden)) = self.without_forbidden(&guarded, text, json) {
            if let Some(error) = self.forbidden(place, forbidden) {
                self.note(part, guarded.findings);
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
    ) -> Result<Guarded> {
        // What is taken out cannot be read: a placeholder says itself what it stands for.
        let stays = |f: &&Finding| !self.guard.policy().action(f.kind).alters();
        let readable = protected.findings.iter().filter(stays);
        let label = readable.fold(label, |l, f| l.with_class(f.kind.data_class()));
        let findings = protected.findings.iter().map(|f| self.record(part, f)).collect();
        let text = match protected.text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text.into()),
        };
        self.keep().await?;
        Ok(Guarded { text, label, findings })
    }

    /// Waits until the vault has everything that a placeholder was made for, whoever made it: a text
    /// may hold one that somebody else is still writing. To write one twice does no harm.
    async fn keep(&self) -> Result<()> {
        let unkept = {
            let mut state = self.kept.state();
            let State { session, values, unkept } = &mut *state;
            let fresh = session.take_fresh().into_iter();
            for (placeholder, value) in fresh.map(|e| (e.placeholder, Sensitive::new(e.value))) {
                values.insert(placeholder.clone(), value.clone());
                unkept.push((placeholder, value));
            }
            unkept.clone()
        };
        if unkept.is_empty() {
            return Ok(());
        }
        let Kept { scope, root, vault, .. } = &*self.kept;
        vault.put(scope, *root, unkept.clone()).await?;
        let is_kept = |(placeholder, _): &(String, Sensitive)| {
            unkept.iter().any(|(kept, _)| kept == placeholder)
        };
        self.kept.state().unkept.retain(|one| !is_kept(one));
        Ok(())
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
