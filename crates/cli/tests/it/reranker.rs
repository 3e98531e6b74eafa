//! A reranker over an agent's documents, from the file to the bill.

use largestack_testkit::upstream::{Answer, Received, Upstream};
use serde_json::json;

use crate::place::{Done, Place};

const AGENT: &str = "name: a\ninstructions: Answer from the documents.\nmodel: offline/extractive\n\
                     tools: [search_knowledge]\n\
                     knowledge: {folder: docs, reranker: cohere/rerank-v3.5}\n";
/// What one search costs at two dollars a thousand.
const SEARCH: i64 = 2_000_000;

/// Puts documents in the opposite of the order in which they come.
fn backwards(request: &Received) -> Answer {
    let body = request.json();
    let count = body["documents"].as_array().map_or(0, Vec::len);
    let top = usize::try_from(body["top_n"].as_u64().unwrap()).unwrap();
    let ranks = (0..count).rev().take(top);
    let results: Vec<_> =
        ranks.map(|index| json!({ "index": index, "relevance_score": 0.5 })).collect();
    let body = json!({ "results": results, "meta": { "billed_units": { "search_units": 1 } } });
    Answer::json(200, body.to_string())
}

fn place(upstream: &Upstream, agent: &str) -> Place {
    let place = Place::new();
    place.write("agent.yaml", agent);
    place.write("docs/loans.md", "# Loans\n\nA book may be kept for 21 days.\n");
    let key = "sk-abcdEFGH1234ijklMNOP5678qrstUVWX";
    place.write("docs/keys.md", format!("# Books\n\nThe key of the book shelf is {key}.\n"));
    place.write("docs/more.md", "# More\n\nA book on paper may be kept longer than a disk.\n");
    let url = upstream.url();
    place.write("largestack.yaml", format!("providers: {{cohere: {{base-url: \"{url}\"}}}}\n"));
    place
}

async fn ask(place: &Place) -> Done {
    let mut command = place.command(&["run", ".", "How long may I keep a book?", "--json"]);
    command.env("COHERE_API_KEY", "sk-mock-0123456789abcdef");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Done::of(&output.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reranker_reads_what_the_guards_let_through_orders_it_and_is_on_the_bill() {
    let upstream = Upstream::answering(backwards).await.unwrap();
    let place = place(&upstream, AGENT);
    let done = ask(&place).await.expect(0).json();
    let requests = upstream.requests();
    assert!(!requests.is_empty(), "nobody was asked");
    let sent = requests[0].json();
    assert_eq!(
        (requests[0].path().as_str(), &sent["model"]),
        ("/v1/v2/rerank", &json!("rerank-v3.5"))
    );
    assert!(sent["documents"].as_array().unwrap().len() > 1, "{sent}");
    assert!(!sent.to_string().contains("sk-abcd"), "{sent}");
    let cost = SEARCH * i64::try_from(requests.len()).unwrap();
    assert_eq!(done["cost_nanos"], cost, "{done}");
    let bill = place.run(&["cost", ".", "--by", "model", "--json"]).expect(0).json();
    let rows = bill["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == "cohere/rerank-v3.5").unwrap();
    assert_eq!(row["cost_nanos"], cost, "{bill}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passages_stay_in_the_order_of_their_words_where_the_reranker_does_not_answer() {
    let upstream = Upstream::answering(|_| Answer::error(400, "no")).await.unwrap();
    let place = place(&upstream, AGENT);
    let done = ask(&place).await.expect(0).json();
    assert!(done["answer"].as_str().unwrap().contains("21 days"), "{done}");
    assert_eq!(done["cost_nanos"], 0, "{done}");
    let run = done["run"].as_str().unwrap();
    let trace = place.run(&["trace", run, "--json"]).expect(0).out;
    assert!(trace.contains("did not put the hits in order"), "{trace}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_fails_with_its_reranker_where_the_file_says_so() {
    let upstream = Upstream::answering(|_| Answer::error(400, "no")).await.unwrap();
    let agent = AGENT.replace("-v3.5}", "-v3.5, on_reranker_failure: fail}");
    let place = place(&upstream, &agent);
    let done = ask(&place).await.json();
    assert!(!done["answer"].as_str().unwrap_or_default().contains("21 days"), "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reranker_that_does_not_fit_the_budget_is_not_asked() {
    let upstream = Upstream::answering(backwards).await.unwrap();
    let place = place(&upstream, &format!("{AGENT}budget: 0.001\n"));
    let done = ask(&place).await.expect(0).json();
    assert!(done["answer"].as_str().unwrap().contains("21 days"), "{done}");
    assert_eq!((upstream.requests().len(), &done["cost_nanos"]), (0, &json!(0)), "{done}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_ranks_nothing_is_no_reranker() {
    let upstream = Upstream::start().await.unwrap();
    for (name, says) in [
        ("openai/gpt-4o", "puts no documents in order"),
        ("offline/extractive", "puts no documents in order"),
        ("cohre/rerank-v3.5", "cohere/rerank-v3.5"),
    ] {
        let place = place(&upstream, &AGENT.replace("cohere/rerank-v3.5", name));
        let done = ask(&place).await.expect(2);
        assert!(done.out.contains(says), "{}", done.out);
    }
}
