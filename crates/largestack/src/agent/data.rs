//! An agent as the file that says the same.

use largestack_types::errors::Result;

use super::Agent;

impl<Deps: Send + Sync + 'static, Out: Send + 'static> Agent<Deps, Out> {
    /// The agent as an `agent.yaml`, which loads to the same definition, where its JSON is written as
    /// [`Json::of`](largestack_types::json::Json::of) does. Tools, hooks, checks and
    /// whatever else is code no file can say: a `LARGESTACK_CONFIG` names each of them. What looks
    /// like a variable in a text of it stays a text.
    ///
    /// ```
    /// use largestack::Agent;
    /// use largestack_testkit::TestModel;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> largestack::Result<()> {
    /// let runtime = largestack::local_with(TestModel::new([]))?;
    /// let agent = Agent::builder("clerk").model("openai/gpt-4o-mini").instructions("Be brief.");
    /// let file = agent.build(runtime)?.to_yaml()?;
    /// assert!(file.starts_with("name: clerk\ninstructions: \"Be brief.\"\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_yaml(&self) -> Result<String> {
        let made = (!self.how.instruct.is_empty()).then_some("instructions made for each run");
        Ok(largestack_config::agent_file(&self.inner.described(made)?))
    }
}
