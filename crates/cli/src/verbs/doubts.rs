//! `--in-doubt [CALL=]WHAT`: what becomes of calls that were cut off and may have happened.

use std::str::FromStr;
use std::sync::Arc;

use largestack_engine::event::DoubtDecision;
use largestack_ports::tree::Doubt;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};

/// What can be said of a call, for whoever said something else.
pub(crate) const WHAT: &str = "tell-model|rerun|fail";

/// One `--in-doubt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InDoubt {
    /// The call; without one all others are meant.
    call: Option<(Option<RunId>, EffectId)>,
    decision: DoubtDecision,
    /// What the call returned, where it happened.
    output: Option<Arc<str>>,
}

impl FromStr for InDoubt {
    type Err = String;

    fn from_str(said: &str) -> std::result::Result<Self, String> {
        let (call, what) = match said.split_once('=') {
            Some((call, what)) if call != "happened" => (Some(call_of(call)?), what),
            _ => (None, said),
        };
        let (decision, output) = match (what, what.split_once('=')) {
            ("tell-model", _) => (DoubtDecision::TellModel, None),
            ("rerun", _) => (DoubtDecision::Rerun, None),
            ("fail", _) => (DoubtDecision::Fail, None),
            (_, Some(("happened", output))) if call.is_some() => {
                (DoubtDecision::Happened, Some(output.into()))
            }
            _ => {
                return Err(format!("write {WHAT}, or for one call CALL={WHAT}|happened=OUTPUT"));
            }
        };
        Ok(Self { call, decision, output })
    }
}

/// `e3`, or `RUN/e3` of a run below.
fn call_of(text: &str) -> std::result::Result<(Option<RunId>, EffectId), String> {
    let (run, effect) = match text.rsplit_once('/') {
        Some((run, effect)) => (Some(run), effect),
        None => (None, text),
    };
    let run = run.map(str::parse::<RunId>).transpose().map_err(|error| error.to_string())?;
    let ordinal = effect.strip_prefix('e').and_then(|ordinal| ordinal.parse().ok());
    let ordinal = ordinal.ok_or_else(|| {
        format!("`{text}` is no call: write one as `largestack trace` shows it, e.g. e3, or RUN/e3")
    })?;
    Ok((run, EffectId::new(ordinal)))
}

/// What was said, for a run that is taken up: about all, and about each call.
pub(super) fn decided(run: RunId, said: &[InDoubt]) -> Result<(Option<DoubtDecision>, Vec<Doubt>)> {
    let (mut others, mut each) = (None, Vec::new());
    for InDoubt { call, decision, output } in said {
        let Some((of, effect)) = call else {
            if others.replace(*decision).is_some() {
                return Err(LargestackError::with_advice(
                    Code::Input,
                    "--in-doubt says two things about all calls",
                    "Say CALL=WHAT for each",
                ));
            }
            continue;
        };
        let output = output.clone();
        each.push(Doubt { output, ..Doubt::new(of.unwrap_or(run), *effect, *decision) });
    }
    Ok((others, each))
}

/// The same for a run that another engine drives, which is told one thing about all.
pub(super) fn of_all(run: RunId, said: &[InDoubt]) -> Result<Option<DoubtDecision>> {
    let (others, each) = decided(run, said)?;
    if each.is_empty() {
        return Ok(others);
    }
    Err(LargestackError::with_advice(
        Code::Input,
        format!(
            "{run} is driven elsewhere, where one decision holds for all of its calls in doubt"
        ),
        format!("--in-doubt {WHAT}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_about_all_calls_or_about_one_and_what_happened_is_about_one() {
        let run = RunId::from_u128(7);
        let said: Vec<InDoubt> = ["rerun", "e3=fail", "e4=happened={\"id\": 7}"]
            .iter()
            .map(|text| text.parse().unwrap())
            .chain([format!("{run}/e5=tell-model").parse().unwrap()])
            .collect();
        let other = RunId::from_u128(8);
        let (others, each) = decided(other, &said).unwrap();
        assert_eq!(others, Some(DoubtDecision::Rerun));
        let expected = [
            Doubt::new(other, EffectId::new(3), DoubtDecision::Fail),
            Doubt::happened(other, EffectId::new(4), "{\"id\": 7}"),
            Doubt::new(run, EffectId::new(5), DoubtDecision::TellModel),
        ];
        assert_eq!(each, expected);
        assert!(decided(other, &["rerun".parse().unwrap(), "fail".parse().unwrap()]).is_err());
        assert!(of_all(run, &said).is_err());
        assert_eq!(of_all(run, &said[..1]).unwrap(), Some(DoubtDecision::Rerun));
        for wrong in
            ["", "e3", "happened=1", "e3=happened", "x3=rerun", "nobody/e3=rerun", "e=fail"]
        {
            assert!(wrong.parse::<InDoubt>().is_err(), "{wrong}");
        }
    }
}
