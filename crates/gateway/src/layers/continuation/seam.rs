//! The seam: where a model that goes on repeats what it was given, the repetition is not heard.

/// Takes what the next model says, as it comes, and gives on what is new.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seam {
    /// The words it was given, where it may say them again; empty once that is decided.
    echo: String,
    /// What has come and may still be such a repetition.
    held: String,
    /// White space that was delivered, was not given to it, and that it may say.
    blank: String,
}

impl Seam {
    /// The seam behind this text. `echoes`: the provider sends what it was given again before it
    /// goes on.
    pub(crate) fn behind(text: &str, echoes: bool) -> Self {
        let words = text.trim_end();
        let blank = text.get(words.len()..).unwrap_or_default().to_owned();
        let echo = if echoes { words.to_owned() } else { String::new() };
        Self { echo, held: String::new(), blank }
    }

    /// What of this is new.
    pub(crate) fn take(&mut self, piece: &str) -> String {
        if self.echo.is_empty() {
            return self.without_blank(piece).to_owned();
        }
        self.held.push_str(piece);
        if self.echo.starts_with(&self.held) && self.held.len() < self.echo.len() {
            return String::new();
        }
        let (echo, held) = (std::mem::take(&mut self.echo), std::mem::take(&mut self.held));
        let new = held.strip_prefix(&echo).unwrap_or(&held);
        self.without_blank(new).to_owned()
    }

    /// What was held back and turned out not to be a repetition.
    pub(crate) fn rest(&mut self) -> String {
        self.echo.clear();
        let held = std::mem::take(&mut self.held);
        self.without_blank(&held).to_owned()
    }

    fn without_blank<'a>(&mut self, piece: &'a str) -> &'a str {
        if self.blank.is_empty() || piece.is_empty() {
            return piece;
        }
        let pairs = piece.chars().zip(self.blank.chars());
        let same: usize = pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let new = piece.get(same..).unwrap_or_default();
        if new.is_empty() {
            self.blank.drain(..same);
        } else {
            self.blank.clear();
        }
        new
    }
}
