//! The blocks of a document: headings, paragraphs, list items, tables, code. A line-based reader that never fails: what it does not know
//! is a paragraph. It gives spans, not a tree, because everything above it only asks "which lines belong together".

use std::ops::Range;

use super::line::{
    Line, atx, fence, is_capital_heading, is_rule, is_table_rule, lines, list_marker, underline,
};
use crate::load::Format;

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A heading with its level from 1 and its words.
    Heading {
        /// Depth, 1 is the top.
        level: u8,
        /// The heading without its marks.
        text: String,
    },
    /// Running text; also a quotation.
    Paragraph,
    /// One item of a list without its sub-items.
    Item,
    /// A whole pipe table.
    Table,
    /// Fenced or indented code.
    Code,
    /// Front matter, comments, thematic breaks: no content.
    Aside,
}

/// A block and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// First and last line, from 1, inclusive.
    pub lines: (u32, u32),
    /// Byte span in the document, without the last line ending.
    pub bytes: Range<usize>,
}

/// Reads the blocks of `text` in order. Blank lines belong to no block.
pub fn blocks(text: &str, format: Format) -> Vec<Block> {
    let lines = lines(text);
    let mut reader = Reader { text, lines: &lines, format, at: 0, out: Vec::new() };
    reader.front_matter();
    while reader.at < lines.len() {
        reader.next();
    }
    reader.out
}

struct Reader<'a> {
    text: &'a str,
    lines: &'a [Line<'a>],
    format: Format,
    at: usize,
    out: Vec<Block>,
}

impl<'a> Reader<'a> {
    fn line(&self, ahead: usize) -> Option<&'a Line<'a>> {
        self.lines.get(self.at + ahead)
    }

    /// Ends a block of `count` lines.
    fn take(&mut self, kind: Kind, count: usize) {
        let (Some(first), Some(last)) = (self.line(0), self.lines.get(self.at + count.max(1) - 1))
        else {
            return;
        };
        let number = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
        let start = first.start + (first.text.len() - first.text.trim_start().len());
        let end = last.start + last.text.trim_end().len();
        self.out.push(Block {
            kind,
            lines: (number(self.at), number(self.at + count.max(1) - 1)),
            bytes: start..end.max(start),
        });
        self.at += count.max(1);
    }

    fn front_matter(&mut self) {
        let Some(first) = self.line(0) else { return };
        let close: &[&str] = match first.text.trim_end() {
            "---" => &["---", "..."],
            "+++" => &["+++"],
            _ => return,
        };
        let is_key = self.line(1).is_some_and(|line| line.text.contains([':', '=']));
        let end = self.lines.iter().skip(1).position(|line| close.contains(&line.text.trim_end()));
        if let (true, Some(end)) = (is_key, end) {
            self.take(Kind::Aside, end + 2);
        }
    }

    fn next(&mut self) {
        let Some(line) = self.line(0) else { return };
        if line.is_blank() {
            self.at += 1;
            return;
        }
        if self.format == Format::Markdown {
            if let Some(mark) = fence(line) {
                return self.fenced(mark);
            }
            if let Some((level, span)) = atx(line) {
                let text = self.text.get(span).unwrap_or_default().to_owned();
                return self.take(Kind::Heading { level, text }, 1);
            }
            if line.text.trim_start().starts_with("<!--") {
                let end =
                    self.lines.iter().skip(self.at).position(|line| line.text.contains("-->"));
                return self.take(Kind::Aside, end.map_or(1, |end| end + 1));
            }
            let next_is_rule = self.line(1).is_some_and(|next| is_table_rule(next.text));
            if line.text.contains('|') && next_is_rule {
                return self.table();
            }
        }
        if is_rule(line.text) || (self.format == Format::Markdown && is_table_rule(line.text)) {
            return self.take(Kind::Aside, 1);
        }
        if list_marker(line.text).is_some() {
            return self.item();
        }
        if line.indent() >= 4 && self.format == Format::Markdown && !self.after_item() {
            let count = self.count(|line| !line.is_blank() && line.indent() >= 4);
            return self.take(Kind::Code, count);
        }
        self.paragraph();
    }

    /// Lines from here for which `belongs` holds.
    fn count(&self, belongs: impl Fn(&Line<'_>) -> bool) -> usize {
        self.lines.iter().skip(self.at).take_while(|line| belongs(line)).count()
    }

    fn after_item(&self) -> bool {
        self.out.last().is_some_and(|block| block.kind == Kind::Item)
    }

    fn fenced(&mut self, mark: &str) {
        let end = self
            .lines
            .iter()
            .skip(self.at + 1)
            .position(|line| line.text.trim_start().starts_with(mark));
        let rest = self.lines.len() - self.at;
        self.take(Kind::Code, end.map_or(rest, |end| end + 2));
    }

    fn table(&mut self) {
        let count = self.count(|line| line.text.contains('|'));
        self.take(Kind::Table, count);
    }

    fn item(&mut self) {
        let follow =
            self.lines.iter().skip(self.at + 1).take_while(|line| self.continues(line)).count();
        self.take(Kind::Item, follow + 1);
    }

    /// Whether a line goes on with the paragraph or item before it.
    fn continues(&self, line: &Line<'_>) -> bool {
        let markdown = self.format == Format::Markdown;
        !(line.is_blank()
            || list_marker(line.text).is_some()
            || is_rule(line.text)
            || markdown
                && (atx(line).is_some()
                    || fence(line).is_some()
                    || line.text.trim_start().starts_with("<!--")))
    }

    fn paragraph(&mut self) {
        let marks: &[char] =
            if self.format == Format::Markdown { &['=', '-'] } else { &['=', '-', '~', '^'] };
        let Some(line) = self.line(0) else { return };
        if let Some(level) = self.line(1).and_then(|next| underline(next.text, marks)) {
            let text = line.text.trim().to_owned();
            return self.take(Kind::Heading { level, text }, 2);
        }
        let alone = self.line(1).is_none_or(Line::is_blank);
        if self.format == Format::Plain && alone && is_capital_heading(line.text) {
            let text = line.text.trim().to_owned();
            return self.take(Kind::Heading { level: 2, text }, 1);
        }
        let mut follow = 0;
        while let Some(next) = self.line(follow + 1) {
            let starts_table = next.text.contains('|')
                && self.line(follow + 2).is_some_and(|rule| is_table_rule(rule.text));
            let heading = self.line(follow + 2).is_some_and(|under| {
                underline(under.text, marks).is_some() && !is_table_rule(under.text)
            });
            if !self.continues(next) || starts_table || heading && follow > 0 {
                break;
            }
            follow += 1;
        }
        self.take(Kind::Paragraph, follow + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, format: Format) -> Vec<(Kind, (u32, u32))> {
        blocks(text, format).into_iter().map(|b| (b.kind, b.lines)).collect()
    }

    fn heading(level: u8, text: &str) -> Kind {
        Kind::Heading { level, text: text.into() }
    }

    #[test]
    fn markdown_gives_its_blocks_with_exact_lines() {
        let text = "---\ntitle: x\n---\n# One #\n\nA para\ngoes on.\n- item a\n  more\n- item b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\n# not\n```\nTwo\n---\n<!-- no\n -->\nend";
        assert_eq!(
            kinds(text, Format::Markdown),
            [
                (Kind::Aside, (1, 3)),
                (heading(1, "One"), (4, 4)),
                (Kind::Paragraph, (6, 7)),
                (Kind::Item, (8, 9)),
                (Kind::Item, (10, 10)),
                (Kind::Table, (12, 14)),
                (Kind::Code, (16, 18)),
                (heading(2, "Two"), (19, 20)),
                (Kind::Aside, (21, 22)),
                (Kind::Paragraph, (23, 23)),
            ]
        );
    }

    #[test]
    fn plain_text_has_headings_by_capitals_and_underlines() {
        let text = "OPENING HOURS\n\nWe open at 9.\n# not a heading\n\nCafe\n~~~~\nTea.";
        assert_eq!(
            kinds(text, Format::Plain),
            [
                (heading(2, "OPENING HOURS"), (1, 1)),
                (Kind::Paragraph, (3, 4)),
                (heading(3, "Cafe"), (6, 7)),
                (Kind::Paragraph, (8, 8)),
            ]
        );
    }

    #[test]
    fn line_endings_of_both_kinds_give_the_same_lines() {
        let unix = "# A\n\nb\nc\n";
        assert_eq!(
            kinds(unix, Format::Markdown),
            kinds(&unix.replace('\n', "\r\n"), Format::Markdown)
        );
    }

    proptest::proptest! {
        #[test]
        fn every_line_with_content_is_in_exactly_one_block(text in "[#a-z|\\-=` \n*1.>]{0,200}") {
            let found = blocks(&text, Format::Markdown);
            let mut next = 1;
            let all: Vec<&str> = text.split('\n').collect();
            for block in &found {
                proptest::prop_assert!(block.lines.0 >= next && block.lines.1 >= block.lines.0);
                for line in next..block.lines.0 {
                    proptest::prop_assert!(all[line as usize - 1].trim().is_empty());
                }
                proptest::prop_assert!(text.get(block.bytes.clone()).is_some());
                next = block.lines.1 + 1;
            }
            for line in next as usize..=all.len() {
                proptest::prop_assert!(all[line - 1].trim().is_empty());
            }
        }
    }
}
