//! `guardrails` of `agent.yaml`: what is done about what the guards find.

use largestack_guard::content::ContentPolicy;
use largestack_guard::{Action, Kind, Mode, Policy, inject};

use crate::content;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

const MODES: &[(&str, Mode)] = &[
    ("observe", Mode::Observe),
    ("warn", Mode::Warn),
    ("protect", Mode::Protect),
    ("strict", Mode::Strict),
];

const ACTIONS: &[(&str, Action)] = &[
    ("allow", Action::Allow),
    ("warn", Action::Warn),
    ("redact", Action::Redact),
    ("tokenise", Action::Tokenise),
    ("block", Action::Block),
];

const INJECTION: &[(&str, inject::Action)] = &[
    ("allow", inject::Action::Allow),
    ("warn", inject::Action::Warn),
    ("isolate", inject::Action::Isolate),
    ("block", inject::Action::Block),
];

impl Show for inject::Action {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for Mode {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for Action {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

/// What an agent's section says; what is shown of it is what holds, within what its mode allows.
pub(crate) fn read(mut fields: Fields<'_>) -> (Policy, ContentPolicy) {
    let (mode, policy) = values(&mut fields);
    let injection = injection(fields.section("injection"), mode);
    let content = content::read(&mut fields, mode);
    fields.finish();
    (Policy { injection, ..policy }, content)
}

/// The same of a workflow, whose agents look for orders themselves.
pub(crate) fn read_values(mut fields: Fields<'_>) -> Policy {
    let (_, policy) = values(&mut fields);
    fields.finish();
    Policy { injection: inject::Policy::all(inject::Action::Allow), ..policy }
}

fn values(fields: &mut Fields<'_>) -> (Mode, Policy) {
    let mode = fields.get("mode", Mode::default(), value::choice(MODES)).value;
    let mut action = |key, kind| {
        let held = |said| mode.decide(kind, said);
        let said = value::choice(ACTIONS);
        fields.get(key, held(None), |node| said(node).map(|said| held(Some(said)))).value
    };
    let policy = Policy {
        secret: action("secret", Kind::Secret),
        card: action("card", Kind::Card),
        government_id: action("government_id", Kind::GovernmentId),
        account: action("account", Kind::Account),
        email: action("email", Kind::Email),
        phone: action("phone", Kind::Phone),
        device: action("device", Kind::Device),
        person: action("person", Kind::Person),
        injection: inject::Policy::default(),
    };
    (mode, policy)
}

/// What is done about texts that try to give orders.
fn injection(mut fields: Fields<'_>, mode: Mode) -> inject::Policy {
    use inject::{Policy, Said};
    let held = |said| Policy::of(mode, said);
    let unless_said = held(Said::default());
    let input = fields.get("input", unless_said.input, |node| {
        let said = Some(value::choice(INJECTION)(node)?);
        Ok(held(Said { input: said, ..Said::default() }).input)
    });
    let untrusted = fields.get("untrusted", unless_said.untrusted, |node| {
        let said = Some(value::choice(INJECTION)(node)?);
        Ok(held(Said { untrusted: said, ..Said::default() }).untrusted)
    });
    let threshold = fields.get("threshold", u32::from(unless_said.threshold), |node| {
        let threshold = u8::try_from(value::whole(1, 99)(node)?).ok();
        Ok(u32::from(held(Said { threshold, ..Said::default() }).threshold))
    });
    fields.finish();
    let threshold = u8::try_from(threshold.value).unwrap_or(Policy::FITTED);
    Policy { input: input.value, untrusted: untrusted.value, threshold }
}
