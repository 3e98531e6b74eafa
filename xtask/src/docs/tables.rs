//! The tables, by name.

use std::fmt::Write as _;

use largestack_types::error::{Code, Kind};

use crate::Outcome;
use crate::repo::Repo;
use crate::report::{RECORDED, Report, short};
use crate::tidy::pages::kind_name;

/// The table of this name, as Markdown.
pub(super) fn table(name: &str, repo: &Repo) -> Outcome<String> {
    match name {
        "configuration" => Ok(without_title(&largestack_config::reference::keys())),
        "environment" => Ok(without_title(&largestack_config::reference::environment())),
        "errors" => errors(repo),
        "kinds" => kinds(),
        "tools" => Ok(largestack_tools::reference::table()),
        "figures" => figures(repo),
        "measurements" => measurements(repo),
        "guide" => guide(repo),
        _ if name.starts_with("example ") => example(&name["example ".len()..], repo),
        _ if name.starts_with("output ") => output(&name["output ".len()..], repo),
        _ => Err(format!("no table is called `{name}`").into()),
    }
}

/// The code of an example. Its first lines, which the chapter says better, and the allowance for
/// printing are left out.
fn example(name: &str, repo: &Repo) -> Outcome<String> {
    let path = format!("examples/{}.rs", name.replace('-', "_"));
    let file = repo.file(&path).ok_or_else(|| format!("{path} is missing"))?;
    let lines = file.text.lines();
    let code = lines.skip_while(|line| {
        line.is_empty() || line.starts_with("//!") || line.starts_with("#![expect(clippy::print")
    });
    Ok(fenced("rust", &code.collect::<Vec<_>>().join("\n")))
}

/// What an example says when it is run, as its test has seen it.
fn output(name: &str, repo: &Repo) -> Outcome<String> {
    let path = repo.root.join(format!("examples/outputs/{name}.txt"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    Ok(fenced("text", text.trim_end()))
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{text}\n```")
}

/// The chapters of the guide, each with its first paragraph, in the order in which the manifest of
/// the examples names their programs.
fn guide(repo: &Repo) -> Outcome<String> {
    let manifest = repo.file("examples/Cargo.toml").ok_or("examples/Cargo.toml is missing")?;
    let (_, programs) = manifest.text.split_once("[[bin]]").ok_or("there are no examples")?;
    let mut list = String::new();
    for line in programs.lines() {
        let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'))
        else {
            continue;
        };
        let path = format!("guide/{name}.md");
        let chapter =
            repo.file(&format!("docs/{path}")).ok_or_else(|| format!("docs/{path} is missing"))?;
        let title = chapter.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let about = chapter.text.split("\n\n").nth(1).unwrap_or_default().replace('\n', " ");
        writeln!(list, "- [{title}]({path}): {about}")?;
    }
    Ok(list)
}

/// A page without its first heading, which the page it goes into has itself.
fn without_title(page: &str) -> String {
    page.split_once("\n\n").map_or(page, |(_, body)| body).to_owned()
}

fn errors(repo: &Repo) -> Outcome<String> {
    let mut table = String::from(
        "| code | what it means | kind | retryable | exit code | HTTP |\n|---|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let path = format!("docs/errors/{code}.md");
        let page = repo.file(&path).ok_or_else(|| format!("{path} is missing"))?;
        let meaning = first_sentence(&page.text).ok_or_else(|| format!("{path} says nothing"))?;
        let kind = code.kind();
        writeln!(
            table,
            "| [`{code}`](errors/{code}.md) | {meaning} | {} | {} | {} | {} |",
            kind_name(kind),
            if code.retryable() { "yes" } else { "no" },
            kind.exit_code(),
            kind.http_status()
        )?;
    }
    Ok(table)
}

/// The first sentence under a page's first heading, on one line.
fn first_sentence(page: &str) -> Option<String> {
    let (_, body) = page.split_once("## What it means\n")?;
    let words: Vec<&str> = body.split("\n## ").next()?.split_whitespace().collect();
    let text = words.join(" ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text.get(..end).map(str::to_owned).filter(|sentence| !sentence.is_empty())
}

fn kinds() -> Outcome<String> {
    const KINDS: [(Kind, &str); 10] = [
        (Kind::Internal, "a defect, or something unforeseen"),
        (Kind::Invalid, "the input or the configuration is wrong"),
        (Kind::Auth, "credentials are missing or wrong"),
        (Kind::Denied, "a policy, a guard or the kill switch said no"),
        (Kind::NotFound, "what was named does not exist"),
        (Kind::Conflict, "something else holds it, changed it or must come first"),
        (Kind::Limited, "a limit, a budget or a rate was reached"),
        (Kind::Unavailable, "another system failed"),
        (Kind::Timeout, "another system did not answer in time"),
        (Kind::Cancelled, "the caller gave up"),
    ];
    let mut table = String::from("| exit code | kind | meaning |\n|---|---|---|\n");
    for (kind, meaning) in KINDS {
        writeln!(table, "| {} | {} | {meaning} |", kind.exit_code(), kind_name(kind))?;
    }
    Ok(table)
}

/// What was recorded, by name.
fn recorded(repo: &Repo) -> Outcome<Vec<Report>> {
    let files = repo.files.iter().filter(|file| file.path.starts_with(RECORDED));
    files
        .map(|file| {
            serde_json::from_str(&file.text)
                .map_err(|error| format!("{}: {error}", file.path).into())
        })
        .collect()
}

/// Every figure that has an aim.
fn figures(repo: &Repo) -> Outcome<String> {
    let reports = recorded(repo)?;
    if reports.is_empty() {
        return Ok("Nothing has been recorded yet.".to_owned());
    }
    let mut table = String::from("| figure | measured | aim | met |\n|---|---|---|---|\n");
    for ratio in reports.iter().flat_map(|report| &report.ratios) {
        let met = match ratio.verdict() {
            "no" => "**no**",
            other => other,
        };
        writeln!(table, "| {} | {} | {} | {met} |", ratio.name, short(ratio.value), ratio.aim)?;
    }
    Ok(table)
}

/// Every measurement, with its spread.
fn measurements(repo: &Repo) -> Outcome<String> {
    let reports = recorded(repo)?;
    if reports.is_empty() {
        return Ok("Nothing has been recorded yet.".to_owned());
    }
    let mut text = String::new();
    for Report { bench, machine, rounds, rows, .. } in &reports {
        writeln!(text, "## {bench}\n\n{rounds} rounds on {} cores.\n", machine.cores)?;
        writeln!(text, "| | median | least | most | unit |\n|---|---|---|---|---|")?;
        for row in rows {
            let (median, min, max) = (short(row.median), short(row.min), short(row.max));
            writeln!(text, "| {} | {median} | {min} | {max} | {} |", row.name, row.unit)?;
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_ends_at_its_full_stop() {
        let page = "# X\n\n## What it means\n\nOne `a.b`\nthing. Two.\n\n## When";
        assert_eq!(first_sentence(page).as_deref(), Some("One `a.b` thing."));
        assert_eq!(first_sentence("# X"), None);
    }

    #[test]
    fn figures_come_from_what_was_recorded() {
        let recorded = r#"{"bench": "start", "machine": {"cores": 2}, "rounds": 20,
            "rows": [{"name": "help", "median": 5.5, "min": 5.0, "max": 9.0, "unit": "ms"}],
            "ratios": [{"name": "help / C", "value": 3.5, "aim": {"at_most": 3.0}, "met": false}]}"#;
        let repo = Repo::of(&[("docs/figures/start.json", recorded)]);
        let text = table("figures", &repo).unwrap();
        assert!(text.contains("| help / C | 3.50 | at most 3 | **no** |"), "{text}");
        let text = table("measurements", &repo).unwrap();
        assert!(text.contains("| help | 5.50 | 5.00 | 9.00 | ms |"), "{text}");
        assert!(table("figures", &Repo::of(&[])).unwrap().contains("Nothing"));
    }

    #[test]
    fn the_reference_pages_go_in_without_their_title() {
        let environment = table("environment", &Repo::of(&[])).unwrap();
        assert!(environment.starts_with("| Variable |"), "{environment}");
        let configuration = table("configuration", &Repo::of(&[])).unwrap();
        assert!(configuration.starts_with("Files are YAML"), "{configuration}");
    }

    #[test]
    fn an_unknown_table_is_an_error() {
        assert!(table("no-such-table", &Repo::of(&[])).is_err());
    }
}
