//! The search tool over a small collection.

use std::sync::Arc;

use largestack_knowledge::tool::SearchResult;
use largestack_knowledge::{File, Knowledge, MemoryDocuments, SearchKnowledge, ingest};
use largestack_ports::tool::{Tool, ToolFailure, ToolOutput};
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::scope::Scope;

use crate::run::{block_on, tool_context};

fn tool(documents: &[(&str, String)]) -> SearchKnowledge {
    let index = Arc::new(MemoryDocuments::default());
    let files = documents
        .iter()
        .map(|(path, text)| File { path: (*path).into(), bytes: Ok(text.clone().into_bytes()) });
    block_on(ingest(&*index, &Scope::local(), "docs", files, |_| ())).unwrap();
    SearchKnowledge::new(Knowledge::new(index, "docs"))
}

fn shop() -> SearchKnowledge {
    tool(&[
        ("returns.md", "# Returns\n\nYou may return any item within 30 days.\n\n## Postage\n\nWe pay the postage for faulty items.\n".into()),
        ("hours.md", "# Opening hours\n\nThe shop is open on weekdays.\n".into()),
        ("jobs.md", "# Jobs\n\nWe look for a baker.\n".into()),
    ])
}

fn call(tool: &SearchKnowledge, arguments: &str) -> Result<ToolOutput, ToolFailure> {
    block_on(tool.call(tool_context(), Json::parse(arguments).unwrap()))
}

fn search(tool: &SearchKnowledge, query: &str) -> SearchResult {
    let arguments = serde_json::json!({ "query": query }).to_string();
    serde_json::from_str(&call(tool, &arguments).unwrap().text).unwrap()
}

#[test]
fn hits_say_where_they_stand_and_terms_say_how_rare_the_words_are() {
    let result = search(&shop(), "Who pays the shipping of faulty spoons?");
    let best = &result.hits[0];
    assert_eq!(
        (best.n, best.path.as_str(), best.lines, best.heading.as_str()),
        (1, "returns.md", (5, 7), "Returns > Postage")
    );
    assert_eq!(result.passages, 4);
    assert_eq!(result.terms.get("faulty"), Some(&1));
    assert_eq!(result.terms.get("spoons"), Some(&0));
}

#[test]
fn results_are_labelled_as_documents_and_cited() {
    let tool = shop();
    assert_eq!(tool.spec().origin, Origin::Retrieval);
    assert!(tool.spec().idempotent);
    let output = call(&tool, r#"{"query":"opening hours"}"#).unwrap();
    assert_eq!(&*output.citations[0].source, "hours.md");
    assert_eq!(output.citations[0].lines, Some((1, 3)));
}

#[test]
fn a_query_without_words_or_without_matches_finds_nothing() {
    assert!(search(&shop(), "???").hits.is_empty());
    assert!(search(&shop(), "xylophone").hits.is_empty());
}

/// Thirty documents about the same.
fn lamps() -> SearchKnowledge {
    let many: Vec<(String, String)> =
        (0..30).map(|n| (format!("d{n:02}.md"), format!("# Lamp {n}\n\nA lamp."))).collect();
    let many: Vec<(&str, String)> =
        many.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    tool(&many)
}

fn count(tool: &SearchKnowledge, arguments: &str) -> usize {
    let result: SearchResult = serde_json::from_str(&call(tool, arguments).unwrap().text).unwrap();
    result.hits.len()
}

#[test]
fn the_limit_bounds_the_hits_and_wrong_arguments_are_refused() {
    let tool = lamps();
    let count = |arguments: &str| count(&tool, arguments);
    assert_eq!(count(r#"{"query":"lamp"}"#), 8);
    assert_eq!(count(r#"{"query":"lamp","limit":3}"#), 3);
    assert_eq!(count(r#"{"query":"lamp","limit":99}"#), 20);
    assert!(call(&tool, r#"{"limit":3}"#).is_err());
    let query = |length: usize| serde_json::json!({ "query": "a".repeat(length) }).to_string();
    assert!(call(&tool, &query(10_000)).is_ok());
    assert!(call(&tool, &query(10_001)).is_err());
}

#[test]
fn a_tool_made_with_a_limit_returns_that_many_unless_asked_and_says_so() {
    let mut tool = lamps();
    for (limit, hits) in [(0, 1), (1, 1), (3, 3), (20, 20), (21, 20)] {
        tool = tool.with_limit(limit);
        assert_eq!(count(&tool, r#"{"query":"lamp"}"#), hits);
        assert_eq!(count(&tool, r#"{"query":"lamp","limit":null}"#), hits);
        assert_eq!(count(&tool, r#"{"query":"lamp","limit":5}"#), 5);
        let schema = tool.spec().parameters.as_str();
        assert!(schema.contains(&format!("return; {hits} if absent")), "{schema}");
    }
}

#[test]
fn a_result_stays_below_the_size_that_a_run_would_cut() {
    let long: Vec<(String, String)> = (0..20)
        .map(|n| {
            (
                format!("d{n:02}.md"),
                format!("# Lamp {n}\n\n```\n{}```\n", "lamp \"\\x\" lamp\n".repeat(130)),
            )
        })
        .collect();
    let long: Vec<(&str, String)> =
        long.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let tool = tool(&long);
    let output = call(&tool, r#"{"query":"lamp","limit":20}"#).unwrap();
    assert!(output.text.chars().count() <= tool.options().max_result_chars);
    let result: SearchResult = serde_json::from_str(&output.text).unwrap();
    assert!(result.hits.len() > 1);
}

#[test]
fn the_same_documents_in_another_order_rank_the_same() {
    let mut documents = vec![
        ("a.md", "# Tea\n\nTea is served at five.".to_owned()),
        ("b.md", "# Coffee\n\nCoffee is served at four. No tea.".to_owned()),
        ("c.md", "# Cake\n\nCake with tea.".to_owned()),
    ];
    let order = |documents: &[(&str, String)]| -> Vec<String> {
        search(&tool(documents), "When is tea served?")
            .hits
            .into_iter()
            .map(|hit| hit.path)
            .collect()
    };
    let forward = order(&documents);
    documents.reverse();
    assert_eq!(forward, order(&documents));
    assert_eq!(forward[0], "a.md");
}
