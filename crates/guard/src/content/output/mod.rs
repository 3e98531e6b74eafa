//! What is taken out of what a model says before anybody sees it: links that lead elsewhere, what
//! steers a terminal, markup that runs.

mod address;
mod controls;
mod decoded;
mod hosts;
mod links;
mod markup;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{OutputAction, is_default};
pub use controls::Controls;
pub use hosts::BadHost;
use hosts::Hosts;
use links::Links;

/// What an operator says about what a model may say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputPolicy {
    /// Hosts that links and images may lead to, `docs.example.org` or `*.example.org`; every other
    /// link is taken out. An empty list lets none pass; `None` looks at none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    /// Whether escape sequences, control characters and overrides of the writing direction are
    /// taken out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub controls: bool,
    /// Whether answers are HTML, of which only elements and attributes that do nothing stay. Nothing
    /// is shown before the reply is complete.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub html: bool,
    /// What is done about what is found.
    #[serde(skip_serializing_if = "is_default")]
    pub action: OutputAction,
}

/// What takes it out, made from a policy. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Output {
    hosts: Option<Arc<Hosts>>,
    controls: bool,
    html: bool,
    action: OutputAction,
}

/// What a text is after [`Output::clean`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned<'t> {
    /// The text that may be shown. Borrowed if it is unchanged.
    pub text: Cow<'t, str>,
    /// Where links were taken out: bytes of the text without what steers a terminal.
    pub links: Vec<Range<usize>>,
    /// Whether something that steers a terminal, or that runs, was taken out.
    pub controls: bool,
    /// Whether markup was taken out.
    pub markup: bool,
}

impl Output {
    /// `None` where the policy takes nothing out; an error names a host that is none.
    pub fn of(policy: &OutputPolicy) -> Result<Option<Self>, BadHost> {
        let hosts = policy.urls.as_deref().map(Hosts::of).transpose()?.map(Arc::new);
        let OutputPolicy { controls, html, action, .. } = *policy;
        let nothing = hosts.is_none() && !controls && !html;
        Ok((!nothing).then_some(Self { hosts, controls, html, action }))
    }

    /// What is done about what is found.
    pub const fn action(&self) -> OutputAction {
        self.action
    }

    /// A whole text without what is taken out.
    pub fn clean<'t>(&self, text: &'t str) -> Cleaned<'t> {
        let mut filter = self.stream();
        let mut clean = filter.push(text);
        clean.push_str(&filter.rest());
        let links = filter.links.as_mut().map(Links::take_removed).unwrap_or_default();
        let controls = filter.controls.as_ref().is_some_and(Controls::removed);
        let markup = filter.changed;
        let text = if clean == text { Cow::Borrowed(text) } else { Cow::Owned(clean) };
        Cleaned { text, links, controls, markup }
    }

    /// A filter for a text that arrives in pieces.
    pub fn stream(&self) -> OutputFilter {
        OutputFilter {
            controls: self.controls.then(Controls::new),
            links: self.hosts.as_ref().map(|hosts| Links::new(Arc::clone(hosts))),
            markup: self.html.then(String::new),
            changed: false,
        }
    }
}

/// A filter for one text that arrives in pieces: what leaves at the end does not depend on where
/// they were cut.
#[derive(Clone, Debug)]
pub struct OutputFilter {
    controls: Option<Controls>,
    links: Option<Links>,
    /// The text so far, where it is HTML.
    markup: Option<String>,
    changed: bool,
}

impl OutputFilter {
    /// Takes the next piece and gives what may be shown of the text so far.
    pub fn push(&mut self, piece: &str) -> String {
        self.pass(piece, false)
    }

    /// Gives the rest at the end of the text.
    pub fn finish(mut self) -> String {
        self.rest()
    }

    /// Bytes held back now. Beside those of HTML, which waits for its end, at most
    /// [`OutputFilter::LIMIT`].
    pub fn held(&self) -> usize {
        self.links.as_ref().map_or(0, Links::held) + self.markup.as_ref().map_or(0, String::len)
    }

    /// Most bytes that are held back of a text that is not HTML.
    pub const LIMIT: usize = links::HELD;

    fn rest(&mut self) -> String {
        self.pass("", true)
    }

    fn pass(&mut self, piece: &str, last: bool) -> String {
        let text = match &mut self.controls {
            Some(controls) => controls.push(piece),
            None => piece.to_owned(),
        };
        let text = match &mut self.links {
            Some(links) => links.push(&text, last),
            None => text,
        };
        let Some(markup) = &mut self.markup else { return text };
        markup.push_str(&text);
        if !last {
            return String::new();
        }
        let clean = markup::clean(markup);
        self.changed = clean != *markup;
        clean
    }
}

#[cfg(test)]
mod tests;
