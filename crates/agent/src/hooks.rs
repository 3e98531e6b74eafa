//! Asking an agent's own stages: one after the other, until one decides. One that panics is one
//! that fails: it lets nothing through and takes nothing down with it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use largestack_types::errors::{Code, LargestackError, Result};

use crate::stage::{Ruling, Stage, StageContext, Verdict};

/// What a place's stages decided together.
pub(crate) enum Said {
    Proceed,
    Guide(Arc<str>),
    Discard(Option<Arc<str>>),
    Finish(Arc<str>),
    Fail(LargestackError),
    Pause(Arc<str>),
}

/// The subject as the stages left it, and what they decided.
pub(crate) struct Decided<S> {
    pub(crate) subject: S,
    /// Whether one of them changed it.
    pub(crate) changed: bool,
    /// Who decided, or changed it last; empty for nobody.
    pub(crate) hook: Arc<str>,
    pub(crate) said: Said,
}

/// Asks one stage.
pub(crate) async fn ask<S: Sync + 'static>(
    stage: &dyn Stage<S>,
    context: &StageContext,
    subject: &S,
) -> Result<Ruling<S>> {
    let asked = AssertUnwindSafe(async { stage.apply(context, subject).await });
    asked.catch_unwind().await.unwrap_or_else(|_| Err(wrong(stage.name(), "panicked")))
}

/// What a hook is blamed for.
pub(crate) fn wrong(hook: &str, why: &str) -> LargestackError {
    LargestackError::other(Code::Hook, format!("the hook `{hook}` {why}"))
}

/// Asks the stages of a place in order, from behind the one that has asked a person before.
pub(crate) async fn decide<S: Send + Sync + 'static>(
    stages: &[Box<dyn Stage<S>>],
    behind: Option<&str>,
    context: &StageContext,
    subject: S,
) -> Decided<S> {
    let heard = behind.and_then(|name| stages.iter().position(|stage| stage.name() == name));
    let mut decided = Decided { subject, changed: false, hook: "".into(), said: Said::Proceed };
    for stage in stages.iter().skip(heard.map_or(0, |index| index + 1)) {
        let said = match ask(&**stage, context, &decided.subject).await.map(|r| r.verdict) {
            Ok(Verdict::Continue) => continue,
            Ok(Verdict::Replace(new)) => {
                decided.subject = new;
                decided.changed = true;
                decided.hook = stage.name().into();
                continue;
            }
            Ok(Verdict::Retry(text)) => Said::Guide(text),
            Ok(Verdict::Discard(text)) => Said::Discard(text),
            Ok(Verdict::Finish(text)) => Said::Finish(text),
            Ok(Verdict::Suspend(reason)) => Said::Pause(reason),
            Ok(Verdict::Block(error)) | Err(error) => Said::Fail(error),
        };
        decided.hook = stage.name().into();
        decided.said = said;
        break;
    }
    decided
}
