//! One rule: a literal that must stand at its start, and what is read from there.

use super::shape::Shape;
use super::{assign, jwt, pem, shape, starts_token, url};
use crate::layer::Hit;
use crate::view::View;

/// A rule of the table.
pub(super) struct Rule {
    /// The detector's name.
    pub(super) name: &'static str,
    /// The literal that stands where the rule starts.
    pub(super) literal: &'static str,
    pub(super) reads: Reads,
}

/// What a rule reads.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    /// The literal and a body of one alphabet: the token.
    Token(Shape),
    /// The same in several parts joined by one byte.
    Parts(u8, &'static [Shape]),
    /// A body after the literal, which is not part of the secret. Letter case is ignored.
    Value(Shape),
    /// A value assigned to the name that the literal is part of. Letter case is ignored.
    Named(assign::Name),
    /// A signed or encrypted JSON token.
    Jwt,
    /// A private key block.
    Pem,
    /// The password of a URL with user and password.
    UrlPassword,
}

impl Rule {
    /// How it tells, in words.
    pub(super) fn about(&self) -> String {
        let literal = self.literal.trim();
        match self.reads {
            Reads::Token(shape) => format!("`{literal}` and {}", shape.about()),
            Reads::Value(shape) => format!("after `{literal}`, {}", shape.about()),
            Reads::Parts(_, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.about()).collect();
                format!("`{literal}` and {}", parts.join(", then "))
            }
            Reads::Named(_) => "a value that looks drawn at random, assigned to a name such as \
                                password, secret, token or api_key; templates, words, paths and \
                                calls are left alone"
                .to_owned(),
            Reads::Jwt => "three or five parts in base64url whose header names an `alg`".to_owned(),
            Reads::Pem => "a PEM block of a private key, with or without its last line".to_owned(),
            Reads::UrlPassword => "the password of `scheme://user:password@host`".to_owned(),
        }
    }

    /// What it reads as a regular expression.
    pub(super) fn shape(&self) -> String {
        let sign = |c: char| {
            if c.is_alphanumeric() { c.into() } else { format!("\\x{:02x}", u32::from(c)) }
        };
        let literal: String = self.literal.chars().map(sign).collect();
        let after = match self.reads {
            Reads::Token(shape) | Reads::Value(shape) => shape.expression(),
            Reads::Parts(joint, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| part.expression()).collect();
                parts.join(&sign(char::from(joint)))
            }
            Reads::Named(assign::Name::Scheme) => "[A-Za-z0-9+/=._~-]{16,}".to_owned(),
            Reads::Named(_) => {
                let suffix = r"[A-Za-z0-9_-]{0,32}[\x22\x27`\x5c\x5d]{0,4}[ \t]{0,4}";
                let value = r"[:=]>?[ \t]{0,4}[\x22\x27`\x5c]{0,3}[^\s\x22\x27`]{8,}";
                format!("{suffix}{value}")
            }
            Reads::Jwt => r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*".to_owned(),
            Reads::Pem => "[A-Z0-9 ]*PRIVATE KEY".to_owned(),
            Reads::UrlPassword => r"[^\s:/@<>]{0,64}:[^\s/@<>]{1,256}@".to_owned(),
        };
        if self.folds() { format!("(?i:{literal}){after}") } else { format!("{literal}{after}") }
    }

    /// Whether letter case of the literal is ignored.
    const fn folds(&self) -> bool {
        matches!(self.reads, Reads::Value(_) | Reads::Named(_))
    }

    /// Whether the literal stands at `at`.
    fn stands(&self, view: &View<'_>, at: usize) -> bool {
        let literal = self.literal.as_bytes();
        let text = view.slice(at, at + literal.len());
        if self.folds() { text.eq_ignore_ascii_case(literal) } else { text == literal }
    }

    /// Whether a word that names a secret stands at `at`.
    pub(super) fn names(&self, view: &View<'_>, at: usize) -> bool {
        matches!(self.reads, Reads::Named(_)) && self.stands(view, at)
    }

    /// Whether the rule may start at `at`, seeing what stands before.
    pub(super) fn may_start(&self, view: &View<'_>, at: usize) -> bool {
        match self.reads {
            Reads::Token(_) | Reads::Parts(..) | Reads::Value(_) | Reads::Jwt => {
                starts_token(view, at)
            }
            Reads::Named(_) | Reads::Pem | Reads::UrlPassword => true,
        }
    }

    /// Whether `tail` is the beginning of the literal, and not all of it.
    pub(super) fn may_continue(&self, tail: &[u8]) -> bool {
        let Some(head) = self.literal.as_bytes().get(..tail.len()) else { return false };
        tail.len() < self.literal.len()
            && if self.folds() { head.eq_ignore_ascii_case(tail) } else { head == tail }
    }

    /// Reads the rule at `at`.
    pub(super) fn find(&self, view: &View<'_>, at: usize) -> Option<Hit> {
        let end = at + self.literal.len();
        // What is not there yet makes the rule unfinished, which the caller has seen.
        if !self.stands(view, at) || !self.may_start(view, at) {
            return None;
        }
        let (span, score, validated) = match self.reads {
            Reads::Token(shape) => {
                let (end, validated) = shape.read(view, end)?;
                (at..end, 90, validated)
            }
            Reads::Parts(joint, parts) => {
                (at..shape::read_parts(view, end, joint, parts)?, 95, false)
            }
            Reads::Value(shape) => {
                let (close, validated) = shape.read(view, end)?;
                (end..close, 90, validated)
            }
            Reads::Named(name) => (assign::read(view, at..end, name)?, 70, false),
            Reads::Jwt => (at..jwt::read(view, at)?, 99, true),
            Reads::Pem => {
                let (end, closed) = pem::read(view, end)?;
                (at..end, 99, closed)
            }
            Reads::UrlPassword => (url::read(view, end)?, 85, false),
        };
        let score = if validated { 99 } else { score };
        Some(Hit { span, score, detector: self.name, validated })
    }

    /// The longest match, bytes.
    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        self.literal.len()
            + match self.reads {
                Reads::Token(shape) | Reads::Value(shape) => shape.most,
                Reads::Parts(_, parts) => parts.iter().map(|p| p.most + 1).sum(),
                Reads::Named(_) => assign::LONGEST,
                Reads::Jwt => jwt::LONGEST,
                Reads::Pem => pem::LONGEST - self.literal.len(),
                Reads::UrlPassword => url::LONGEST,
            }
    }
}
