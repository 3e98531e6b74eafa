//! Where the strings and numbers of a JSON text stand. Reads any depth without recursion.

use std::ops::Range;

/// A string or number that is a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// A string's text between its quotes, or a number.
    pub(crate) span: Range<usize>,
    /// Whether it is a string.
    pub(crate) quoted: bool,
    /// The key it stands under, also inside an array, as written between the quotes.
    pub(crate) key: Option<Range<usize>>,
}

/// An object or array that is not closed yet.
struct Open {
    object: bool,
    key: Option<Range<usize>>,
}

/// Reads a text from the left.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// Every leaf, in order; nothing if the text is not one JSON value.
pub(crate) fn leaves(text: &str) -> Option<Vec<Leaf>> {
    let mut reader = Reader { text, at: 0 };
    let mut leaves = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut key = None;
    loop {
        reader.spaces();
        match reader.peek()? {
            opening @ (b'{' | b'[') => {
                reader.at += 1;
                reader.spaces();
                let object = opening == b'{';
                if reader.eat(if object { b'}' } else { b']' }).is_none() {
                    if object {
                        open.push(Open { object, key: None });
                        key = Some(reader.key()?);
                    } else {
                        open.push(Open { object, key: key.clone() });
                    }
                    continue;
                }
            }
            b'"' => {
                let span = reader.string()?;
                leaves.push(Leaf { span, quoted: true, key: key.clone() });
            }
            b'-' | b'0'..=b'9' => {
                let span = reader.number()?;
                leaves.push(Leaf { span, quoted: false, key: key.clone() });
            }
            _ => reader.literal()?,
        }
        // A value ended: close what it closes, and go on to the next one.
        loop {
            reader.spaces();
            let Some(container) = open.last() else {
                return (reader.at == text.len()).then_some(leaves);
            };
            if reader.eat(b',').is_some() {
                reader.spaces();
                key = if container.object { Some(reader.key()?) } else { container.key.clone() };
                break;
            }
            reader.eat(if container.object { b'}' } else { b']' })?;
            open.pop();
        }
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<Range<usize>> {
        let key = self.string()?;
        self.spaces();
        self.eat(b':')?;
        Some(key)
    }

    /// What stands between two quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        self.eat(b'"')?;
        let start = self.at;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(start..self.at - 1),
                b'\\' => self.escape()?,
                0..=0x1F => return None,
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
            self.at += 1;
        }
        let number = self.text.get(start..self.at)?;
        number.parse::<f64>().is_ok().then_some(start..self.at)
    }

    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(())
    }
}
