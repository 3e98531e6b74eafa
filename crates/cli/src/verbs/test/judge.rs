//! What is expected of a case, held against what came of it.

use largestack_agent::Report;
use largestack_config::{Case, Expect};
use largestack_schema::{Problem, Schema};
use largestack_types::errors::{Code, Coded, LargestackError, Result};
use regex::Regex;

use crate::render::run_json::dollars;

/// Characters of an answer that a failure shows.
const SHOWN: usize = 400;

/// What is expected, understood.
pub(super) struct Judge {
    expect: Expect,
    matches: Vec<Regex>,
    schema: Option<Schema>,
}

/// What is wrong with what came of a case, one line each.
pub(super) type Wrongs = Vec<String>;

impl Judge {
    /// Understands what is expected; an expression or schema that is none is refused.
    pub(super) fn of(case: &Case) -> Result<Self> {
        let wrong = |what: &str, why: String| {
            let detail = format!("case `{}`: `{what}`: {why}", case.name);
            LargestackError::other(Code::Config, detail)
        };
        let expressions = case.expect.matches.iter();
        let matches = expressions
            .map(|text| Regex::new(text).map_err(|error| wrong("matches", error.to_string())))
            .collect::<Result<_>>()?;
        let schema = case.expect.schema.as_ref().map(|schema| {
            let value = schema.to().map_err(|error| wrong("schema", error.to_string()))?;
            Schema::compile(&value).map_err(|why| wrong("schema", why))
        });
        Ok(Self { expect: case.expect.clone(), matches, schema: schema.transpose()? })
    }

    /// What is wrong with a run that came to this; nothing when it is as expected.
    pub(super) fn report(&self, report: &Report) -> Wrongs {
        let mut wrongs = Wrongs::new();
        self.ending(report, &mut wrongs);
        self.answer(report, &mut wrongs);
        self.calls(report, &mut wrongs);
        self.bounds(report, &mut wrongs);
        wrongs
    }

    /// What is wrong with a run that could not begin: everything that was to be looked at, unless
    /// just this error was expected and nothing else.
    pub(super) fn refusal(&self, error: &LargestackError) -> Wrongs {
        let alone = Expect { error: self.expect.error, ..Expect::default() };
        if self.expect.error == Some(error.code()) && self.expect == alone {
            return Wrongs::new();
        }
        vec![format!("the run did not begin: {error}")]
    }

    fn ending(&self, report: &Report, wrongs: &mut Wrongs) {
        let got = report.error.as_ref().map(Coded::code);
        if self.expect.error != got {
            wrongs.push(match (&report.error, self.expect.error) {
                (Some(error), None) => format!("it ended with an error: {error}"),
                (Some(error), Some(code)) => format!("expected {code}, got {error}"),
                (None, code) => format!("expected {}, there was no error", shown(code)),
            });
        }
        let implied = if self.expect.error.is_some() { None } else { Some("completed") };
        let status = self.expect.status.as_deref().or(implied);
        if let Some(status) = status.filter(|status| *status != report.status.name()) {
            wrongs.push(format!("expected status {status}, got {}", report.status.name()));
        }
    }

    fn answer(&self, report: &Report, wrongs: &mut Wrongs) {
        let text = report.text.as_str();
        let answer = || crate::render::text::one_line(text, SHOWN);
        if let Some(exact) = &self.expect.exact
            && exact.trim() != text.trim()
        {
            wrongs.push(format!("expected exactly `{}`, got `{}`", exact.trim(), answer()));
        }
        for part in self.expect.contains.iter().filter(|part| !text.contains(&***part)) {
            wrongs.push(format!("`{part}` is not in the answer `{}`", answer()));
        }
        for part in self.expect.excludes.iter().filter(|part| text.contains(&***part)) {
            wrongs.push(format!("`{part}` is in the answer `{}`", answer()));
        }
        for expression in self.matches.iter().filter(|expression| !expression.is_match(text)) {
            wrongs.push(format!("/{expression}/ does not fit the answer `{}`", answer()));
        }
        if let Some(schema) = &self.schema {
            match serde_json::from_str(text) {
                Err(error) => {
                    wrongs.push(format!("the answer is not JSON ({error}): `{}`", answer()));
                }
                Ok(value) => {
                    wrongs.extend(schema.problems(&value, usize::MAX).into_iter().map(|problem| {
                        let Problem { place, message, .. } = problem;
                        format!("the answer does not fit the schema: {place}: {message}")
                    }));
                }
            }
        }
        for source in &self.expect.cites {
            if !report.citations.iter().any(|citation| citation.source.contains(&**source)) {
                let cited: Vec<_> = report.citations.iter().map(|c| &*c.source).collect();
                wrongs.push(format!("{source} is not cited, but [{}]", cited.join(", ")));
            }
        }
    }

    fn calls(&self, report: &Report, wrongs: &mut Wrongs) {
        let parts = report.messages.iter().flat_map(|message| message.parts.iter());
        let called: Vec<&str> =
            parts.filter_map(|part| part.as_tool_call()).map(|call| &*call.name).collect();
        let said = || format!("[{}]", called.join(", "));
        if let Some(tools) = &self.expect.tools
            && !tools.iter().map(|tool| &**tool).eq(called.iter().copied())
        {
            let tools: Vec<_> = tools.iter().map(|tool| &**tool).collect();
            wrongs.push(format!("expected the calls [{}], got {}", tools.join(", "), said()));
        }
        for tool in self.expect.uses.iter().filter(|tool| !called.contains(&&***tool)) {
            wrongs.push(format!("`{tool}` was not called, but {}", said()));
        }
        for tool in self.expect.avoids.iter().filter(|tool| called.contains(&&***tool)) {
            wrongs.push(format!("`{tool}` was called: {}", said()));
        }
    }

    fn bounds(&self, report: &Report, wrongs: &mut Wrongs) {
        let most = |what: &str, most: Option<u32>, got: u32, wrongs: &mut Wrongs| {
            if let Some(most) = most.filter(|most| got > *most) {
                wrongs.push(format!("expected at most {most} {what}, got {got}"));
            }
        };
        most("turns", self.expect.max_turns, report.turns, wrongs);
        most("tool calls", self.expect.max_tool_calls, report.tool_calls, wrongs);
        if let Some(most) = self.expect.max_cost.filter(|most| report.cost > *most) {
            let (most, got) = (dollars(most), dollars(report.cost));
            wrongs.push(format!("expected a cost of at most ${most}, got ${got}"));
        }
    }
}

fn shown(code: Option<Code>) -> String {
    code.map_or_else(|| "no error".to_owned(), |code| code.to_string())
}
