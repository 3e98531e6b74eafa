//! With the tables of OpenAI's models: windows of memory and reserved money are exact to the token.

use largestack::providers::{Auth, Section};
use largestack::session::{SessionKey, Tiktoken, Tokenizer as _, Window};
use largestack::{Agent, Limits, Local, Memory, Money, RunOptions, Scope};
use largestack_testkit::{ChatReply, Upstream};

fn row(provider: &Upstream) -> Section {
    Section { base_url: Some(provider.url()), auth: Some(Auth::None), ..Section::default() }
}

/// Whether the second question is asked with the first before it, in a window of so many tokens.
async fn remembers(tokens: u64) -> bool {
    let provider = Upstream::answering(|_| ChatReply::text("understood").into()).await.unwrap();
    let runtime = Local::new().provider("openai", row(&provider)).build().unwrap();
    let window = Window { messages: None, tokens: Some(tokens) };
    let builder = Agent::builder("a").model("openai/gpt-4o").memory(Memory::within(window));
    let agent = builder.build(runtime).unwrap();
    for question in ["supercalifragilisticexpialidocious", "again"] {
        let session = Some(SessionKey::from("s"));
        let options = RunOptions { session, ..RunOptions::default() };
        agent.run_with(&Scope::local(), question, (), options).await.unwrap();
    }
    provider.requests()[1].says("supercalifragilisticexpialidocious")
}

#[tokio::test]
async fn a_window_of_memory_is_measured_by_the_models_own_tokens() {
    let words = ["supercalifragilisticexpialidocious", "understood"];
    let counts = words.map(|word| Tiktoken.count("o200k_base", word).unwrap());
    // Four around each of two messages.
    let exact = counts.iter().sum::<u64>() + 8;
    assert!(remembers(exact).await, "{exact}");
    assert!(!remembers(exact - 1).await, "{exact}");
}

#[tokio::test]
async fn a_budget_that_covers_the_tokens_covers_the_call() {
    let provider =
        Upstream::answering(|_| ChatReply::text("yes").usage(9, 1).into()).await.unwrap();
    let question = "the same words again and ".repeat(4_000);
    let runtime = Local::new().provider("openai", row(&provider)).build().unwrap();
    // At 2.50 dollars a million, 20,000 tokens are 0.05; 100,000 bytes would be 0.25.
    let limits = Limits { budget: Some(Money::from_nanos(120_000_000)), ..Limits::default() };
    let ask = async |model: &str| {
        let agent = Agent::builder("a").model(model).limits(limits.clone());
        let agent = agent.build(runtime.clone()).unwrap();
        agent.run(&Scope::local(), question.as_str()).await
    };
    assert_eq!(ask("openai/gpt-4o").await.unwrap().output, "yes");
}
