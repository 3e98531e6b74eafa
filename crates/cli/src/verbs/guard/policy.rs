//! `--policy`: a mode, and actions for some kinds: `strict,email=allow`.

use std::str::FromStr;

use largestack_guard::{Action, Kind, Mode, Policy, inject};

/// A policy as it was typed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typed {
    mode: Mode,
    said: [Option<Action>; Kind::ALL.len()],
    injection: Option<inject::Action>,
}

impl Typed {
    /// What it comes to.
    pub(crate) fn policy(self) -> Policy {
        let said = |kind| Kind::ALL.iter().zip(self.said).find(|(known, _)| **known == kind);
        let injection =
            inject::Said { input: self.injection, untrusted: self.injection, threshold: None };
        Policy {
            injection: inject::Policy::of(self.mode, injection),
            ..Policy::of(self.mode, |kind| said(kind).and_then(|(_, action)| action))
        }
    }
}

impl FromStr for Typed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut typed = Self::default();
        for word in text.split(',').map(str::trim) {
            match word.split_once('=') {
                None => typed.mode = mode(word)?,
                Some(("injection", action)) => {
                    let all = inject::Action::ALL;
                    typed.injection = Some(find("an action", action, all, inject::Action::name)?);
                }
                Some((kind, action)) => {
                    let kind = find("a kind", kind, Kind::ALL, Kind::name)?;
                    let action = find("an action", action, Action::ALL, Action::name)?;
                    let slots = Kind::ALL.into_iter().zip(&mut typed.said);
                    slots.filter(|(known, _)| *known == kind).for_each(|(_, said)| {
                        *said = Some(action);
                    });
                }
            }
        }
        Ok(typed)
    }
}

fn mode(word: &str) -> Result<Mode, String> {
    find("a mode", word, Mode::ALL, Mode::name)
}

/// The one of this name, or which there are.
fn find<T: Copy, const N: usize>(
    what: &str,
    word: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, String> {
    all.into_iter().find(|one| name(*one) == word).ok_or_else(|| {
        let names: Vec<&str> = all.into_iter().map(name).collect();
        format!("{word:?} is not {what}: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_and_actions_of_kinds_are_read_and_anything_else_is_refused() {
        let policy = |text: &str| text.parse::<Typed>().map(Typed::policy);
        assert_eq!(policy("protect").unwrap(), Policy::default());
        let mixed = policy("warn, email=redact,secret=block").unwrap();
        assert_eq!(
            (mixed.email, mixed.secret, mixed.card),
            (Action::Redact, Action::Block, Action::Warn)
        );
        assert_eq!(policy("strict,email=allow").unwrap().email, Action::Tokenise);
        let isolate = policy("injection=isolate").unwrap().injection;
        assert_eq!(isolate.input, inject::Action::Isolate);
        for wrong in
            ["", "lax", "email", "email=hide", "emails=warn", "strict;email=warn", "injection=hide"]
        {
            assert!(policy(wrong).is_err(), "{wrong:?}");
        }
    }
}
