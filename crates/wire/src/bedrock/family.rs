//! What Converse leaves to the makers of the models: the names of `additionalModelRequestFields`,
//! and which models take prompt-cache marks. Told apart by the model's name, which holds the
//! maker's (`us.anthropic.claude-sonnet-4-5-20250929-v1:0`); behind an application's own profile
//! ARN nobody can tell.

/// Models that take the same additional fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's, whose thinking has a budget of tokens.
    Claude,
    /// Anthropic's from 4.6 on, which decide by themselves how much to think.
    ClaudeAdaptive,
    /// Amazon's Nova, without reasoning.
    Nova,
    /// Amazon's Nova 2, with reasoning.
    Nova2,
    /// OpenAI's open weights.
    GptOss,
    /// Alibaba's.
    Qwen,
    /// DeepSeek's: reasoning may not go back.
    DeepSeek,
    /// All others.
    Other,
}

impl Family {
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let has = |word: &str| name.contains(word);
        if has("claude") {
            return if is_adaptive(&name) { Self::ClaudeAdaptive } else { Self::Claude };
        }
        match () {
            () if has("nova-2") => Self::Nova2,
            () if has("amazon.nova") => Self::Nova,
            () if has("gpt-oss") => Self::GptOss,
            () if has("qwen") => Self::Qwen,
            () if has("deepseek") => Self::DeepSeek,
            () => Self::Other,
        }
    }

    pub(super) const fn is_claude(self) -> bool {
        matches!(self, Self::Claude | Self::ClaudeAdaptive)
    }

    /// Whether marks in system and messages are taken (the user guide's page on prompt caching).
    pub(super) const fn caches(self) -> bool {
        self.is_claude() || matches!(self, Self::Nova | Self::Nova2)
    }

    /// Whether a model's own reasoning is taken back.
    pub(super) fn takes_reasoning(self) -> bool {
        self != Self::DeepSeek
    }
}

/// Whether the numbers behind the model's size are 4 and 6, or more.
fn is_adaptive(name: &str) -> bool {
    let behind = ["opus-", "sonnet-", "haiku-"].iter().find_map(|size| name.split_once(size));
    let Some((_, version)) = behind else { return false };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        // A date is no minor version.
        (Some(Ok(major)), Some(Ok(minor))) if minor < 100 => (major, minor) >= (4, 6),
        (Some(Ok(major)), _) => (5..100).contains(&major),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_the_name() {
        for (name, family) in [
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Claude),
            ("anthropic.claude-sonnet-4-20250514-v1:0", Family::Claude),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Family::Claude),
            ("us.anthropic.claude-sonnet-4-6", Family::ClaudeAdaptive),
            ("global.anthropic.claude-opus-4-7-v1", Family::ClaudeAdaptive),
            ("anthropic.claude-sonnet-5-20270101-v1:0", Family::ClaudeAdaptive),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova2),
            ("amazon.nova-micro-v1:0", Family::Nova),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("qwen.qwen3-32b-v1:0", Family::Qwen),
            ("us.deepseek.r1-v1:0", Family::DeepSeek),
            ("us.meta.llama4-maverick-17b-instruct-v1:0", Family::Other),
        ] {
            assert_eq!(Family::of(name), family, "{name}");
        }
    }
}
