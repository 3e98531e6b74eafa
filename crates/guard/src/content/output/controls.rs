//! Takes out of a text what steers a terminal or turns the order of its letters: escape sequences
//! (ECMA-48), control characters other than line breaks and tabs, and the marks that override the
//! direction of writing (UAX 9: embeddings, overrides, isolates). Decides letter by letter.

/// Longest string inside a sequence (a title, the address of a link) that is taken out, characters.
const STRING: u16 = 4096;

/// Where in a sequence a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    /// After the escape character.
    Escape,
    /// In the parameters of a control sequence.
    Parameters,
    /// In a string, this far; `true` after an escape character, which may be about to end it.
    String(u16, bool),
}

/// A filter for one text that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    within: Within,
    removed: bool,
}

impl Controls {
    /// A filter at the beginning of a text.
    pub const fn new() -> Self {
        Self { within: Within::Nothing, removed: false }
    }

    /// The piece without what steers. Nothing is held back.
    pub fn push(&mut self, piece: &str) -> String {
        piece.chars().filter(|letter| self.keeps(*letter)).collect()
    }

    /// Whether anything has been taken out.
    pub const fn removed(&self) -> bool {
        self.removed
    }

    fn keeps(&mut self, letter: char) -> bool {
        self.within = match (self.within, letter) {
            (Within::String(..), '\u{7}' | '\u{9c}' | '\n') | (Within::String(STRING.., _), _) => {
                Within::Nothing
            }
            (Within::String(_, true), '\\') => return self.drops(Within::Nothing),
            (Within::String(length, _), _) => {
                return self.drops(Within::String(length + 1, letter == '\u{1b}'));
            }
            (Within::Escape, '[') | (Within::Parameters, ' '..='?') | (_, '\u{9b}') => {
                return self.drops(Within::Parameters);
            }
            (Within::Escape, ']' | 'P' | 'X' | '^' | '_')
            | (_, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => {
                return self.drops(Within::String(0, false));
            }
            (_, '\u{1b}') | (Within::Escape, ' '..='/') => return self.drops(Within::Escape),
            (Within::Escape, '0'..='~') | (Within::Parameters, '@'..='~') => {
                return self.drops(Within::Nothing);
            }
            _ => Within::Nothing,
        };
        if steers(letter) { self.drops(Within::Nothing) } else { true }
    }

    /// Leaves a letter out, and says where the text is then.
    const fn drops(&mut self, within: Within) -> bool {
        self.within = within;
        self.removed = true;
        false
    }
}

fn steers(letter: char) -> bool {
    (letter.is_control() && !matches!(letter, '\n' | '\t'))
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
