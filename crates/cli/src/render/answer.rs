//! What stands under an answer: its sources, and one line of facts.

use std::fmt::Write as _;
use std::time::Duration;

use largestack_agent::Report;
use largestack_engine::EndReason;
use largestack_types::part::Citation;

use super::amount::{lasted, tokens};
use super::style::{FAINT, STRONG, of_status, painted};
use super::text::{counted, one_line};

/// The numbered sources; nothing when there are none. `place` resolves a source to a path.
pub(crate) fn sources(citations: &[Citation], place: impl Fn(&str) -> String) -> String {
    if citations.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", painted(STRONG, "Sources"));
    for (number, citation) in (1..).zip(citations) {
        let source = one_line(&place(&citation.source), 200);
        let lines = match citation.lines {
            Some((first, last)) if first == last => format!(":{first}"),
            Some((first, last)) => format!(":{first}-{last}"),
            None => String::new(),
        };
        let title = citation.title.as_deref().map(|title| one_line(title, 80));
        let title = title.map_or_else(String::new, |title| format!("  {}", painted(FAINT, title)));
        // Writing to a string does not fail.
        let _ = writeln!(text, "  [{number}] {source}{lines}{title}");
    }
    text
}

/// Run, status, turns, calls, tokens, cost and time in one line.
pub(crate) fn facts(report: &Report, took: Duration) -> String {
    let reason = report.finish_reason.map(EndReason::name);
    let status = painted(of_status(report.status), report.status);
    // "completed (stop)" says nothing that "completed" does not.
    let status = match reason {
        Some(reason) if reason != "stop" && reason != report.status.name() => {
            format!("{status} ({reason})")
        }
        _ => status,
    };
    let inherited = report
        .branch
        .as_ref()
        .map(|branch| format!("inherited {} and {}", tokens(&branch.usage), branch.cost));
    let facts = [
        report.run.to_string(),
        status,
        counted(report.turns.into(), "turn"),
        counted(report.tool_calls.into(), "tool call"),
        tokens(&report.usage),
        report.cost.to_string(),
        lasted(took),
    ];
    let facts: Vec<String> = facts.into_iter().chain(inherited).collect();
    format!("{}\n", facts.join(&painted(FAINT, " · ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_numbered_with_their_lines() {
        let citation = |lines| Citation { source: "a.md".into(), lines, ..Citation::default() };
        let all = [citation(Some((3, 5))), citation(Some((7, 7))), citation(None)];
        let text = sources(&all, |source| format!("docs/{source}"));
        let plain = anstream::adapter::strip_str(&text).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(
            lines,
            ["Sources", "  [1] docs/a.md:3-5", "  [2] docs/a.md:7", "  [3] docs/a.md"]
        );
        assert_eq!(sources(&[], str::to_owned), "");
    }
}
