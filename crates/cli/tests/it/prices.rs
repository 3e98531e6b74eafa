//! `prices` and `cost predict`: what calls cost before they are made.

use largestack_testkit::upstream::{ChatReply, Upstream};

use crate::place::Place;

fn row<'d>(document: &'d serde_json::Value, model: &str) -> &'d serde_json::Value {
    let prices = document["prices"].as_array().unwrap();
    prices.iter().find(|row| row["model"] == model).unwrap_or_else(|| panic!("{model}"))
}

#[test]
fn the_book_is_listed_with_who_says_so_and_narrowed_by_provider_and_model() {
    let place = Place::new();
    let all = place.run(&["prices", "--json"]).expect(0).json();
    assert_eq!(all["version"].as_str().unwrap().len(), 10);
    let mini = row(&all, "gpt-4o-mini");
    assert_eq!((&mini["rates"]["input"], &mini["own"]), (&"0.15".into(), &false.into()));
    assert!(mini["source"].as_str().unwrap().starts_with("https://"), "{mini}");
    let anthropic = place.run(&["prices", "anthropic", "--json"]).expect(0).json();
    let rows = anthropic["prices"].as_array().unwrap();
    assert!(rows.len() > 10 && rows.iter().all(|row| row["provider"] == "anthropic"));
    let one = place.run(&["prices", "claude-sonnet-4-5-20250929", "--json"]).expect(0).json();
    assert_eq!(row(&one, "claude-sonnet-4-5")["long"][0]["above"], 200_000);
    assert_eq!(row(&one, "claude-sonnet-4-5")["rates"]["search"], "10.00");
    let text = place.run(&["prices", "anthropic/claude-sonnet-4-5"]).expect(0).out;
    insta::assert_snapshot!(text);
    assert!(place.run(&["prices"]).expect(0).out.contains("openai/gpt-4o-mini"));
}

#[test]
fn a_model_without_a_price_and_one_that_nobody_has_are_errors_of_their_own() {
    let place = Place::new();
    let unknown = place.run(&["prices", "openai/gpt-99"]).expect(5).err;
    assert!(unknown.contains("the price of openai/gpt-99 is not known"), "{unknown}");
    assert!(unknown.contains("largestack.yaml"), "{unknown}");
    let nobody = place.run(&["prices", "opnai/gpt-4o"]).err;
    assert!(nobody.contains("openai/gpt-4o"), "{nobody}");
    let local = place.run(&["prices", "local/llama"]).expect(5).err;
    assert!(local.contains("cost nothing"), "{local}");
}

#[test]
fn a_price_of_the_project_goes_before_the_books_and_says_so() {
    let place = Place::new();
    let file = "prices:\n  openai/gpt-4o*: {input: 1.5, output: 0.0375, batch: 0.5}\n  \
                deal: {model: groq/llama-9, input: 3, output: 4, audio: {input: 40}}\n";
    place.write("largestack.yaml", file);
    let mini = place.run(&["prices", "openai/gpt-4o-mini", "--json"]).expect(0).json();
    let own = row(&mini, "gpt-4o*");
    assert_eq!((&own["rates"]["output"], &own["own"]), (&"0.0375".into(), &true.into()));
    assert_eq!(
        (&own["tiers"][0]["tier"], &own["tiers"][0]["times"]),
        (&"batch".into(), &500.into())
    );
    let deal = place.run(&["prices", "groq/llama-9"]).expect(0).out;
    assert!(deal.contains("sound in $40.00 per million tokens"), "{deal}");
    assert!(deal.contains("the configuration"), "{deal}");
    let variable = ("LARGESTACK_PRICES__DEAL__INPUT", "7");
    let changed = place.run_with(variable, &["prices", "groq/llama-9"]).expect(0).out;
    assert!(changed.contains("input $7.00"), "{changed}");
}

#[test]
fn a_price_that_cannot_be_is_refused_with_its_place() {
    let place = Place::new();
    for (line, wrong) in [
        ("openai/gpt-4o: {inptu: 1}", "`inptu`"),
        ("openai/gpt-4o: {input: -1}", "amount in dollars"),
        ("opnai/gpt-4o: {input: 1}", "`openai`"),
        ("gpt-4o: {input: 1}", "no `provider/model`"),
        ("openai/gpt-4o: {}", "names no rate"),
        ("openai/gpt-4o: {input: 1, from: yesterday}", "is not a day"),
        ("openai/gpt-4o: {input: 1, batch: half}", "factor"),
    ] {
        place.write("largestack.yaml", format!("prices:\n  {line}\n"));
        let done = place.run(&["prices"]).expect(2);
        assert!(done.err.contains(wrong), "{line}: {}", done.err);
        assert!(done.err.contains("largestack.yaml:2"), "{line}: {}", done.err);
    }
}

#[test]
fn a_call_is_predicted_before_it_is_made() {
    let place = Place::new();
    place.write("question.txt", "word ".repeat(4_000));
    let arguments =
        ["cost", "predict", "--model", "openai/gpt-4o-mini", "--input", "question.txt", "--json"];
    let guess = place.run(&arguments).expect(0).json();
    // 20,000 bytes are about 5,000 tokens; the answer is taken to be half as long again.
    assert_eq!(guess["input_tokens"], 5_000);
    assert_eq!((&guess["output_bound"], &guess["output_tokens"]), (&4_096.into(), &4_096.into()));
    let nanos = |what: &str| guess[what]["nanos"].as_i64().unwrap();
    assert_eq!(nanos("expected"), 5_000 * 150 + 4_096 * 600);
    assert!(nanos("low") < nanos("expected") && nanos("high") < nanos("worst_case"), "{guess}");
    assert_eq!(guess["from_history"], false);
    let text = place
        .run(&[
            "cost",
            "predict",
            "--model",
            "openai/gpt-4o-mini",
            "--max-output-tokens",
            "100",
            "Why?",
        ])
        .expect(0)
        .out;
    assert!(text.starts_with("openai/gpt-4o-mini: about $0.0000"), "{text}");
    let unknown = place.run(&["cost", "predict", "--model", "openai/gpt-99", "Why?"]).expect(7).err;
    assert!(unknown.contains("is not known"), "{unknown}");
    place.run(&["cost", "predict", "--model", "openai/gpt-4o-mini"]).expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_answers_have_been_is_what_they_are_expected_to_be() {
    let upstream = Upstream::start().await.unwrap();
    let place = Place::new();
    place.write("agent.yaml", "name: a\ninstructions: Answer.\nmodel: openai/gpt-4o-mini\n");
    let project = format!("providers: {{openai: {{base-url: \"{}\"}}}}\n", upstream.url());
    place.write("largestack.yaml", project);
    upstream.push(ChatReply::text("42").usage(100, 77));
    let mut command = place.command(&["run", ".", "What is the answer?"]);
    command.env("OPENAI_API_KEY", "sk-mock-0123456789abcdef");
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(ran.status.success());
    let arguments = ["cost", "predict", "--model", "openai/gpt-4o-mini", "Another?", "--json"];
    let guess = place.run(&arguments).expect(0).json();
    assert_eq!((&guess["output_tokens"], &guess["from_history"]), (&77.into(), &true.into()));
}
