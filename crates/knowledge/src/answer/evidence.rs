//! What a passage says, taken apart into units that can be quoted: sentences, list items, table rows, lead-ins with their lists, code.
//! Each unit carries its own words and, apart, the words of what surrounds it, because "It takes three days." is about its heading.

use std::collections::HashSet;

use super::clean;
use crate::analysis::sentence::sentences;
use crate::analysis::{stem, terms, tokens};
use crate::chunk::{Block, Kind, blocks};
use crate::load::Format;

/// A search hit as the answer sees it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Passage {
    /// Where it is from.
    pub path: String,
    /// First and last line in the document, from 1, inclusive.
    pub lines: (u32, u32),
    /// Headings above it, as one line, `Returns > Postage`.
    pub heading: String,
    /// The document's title.
    pub title: String,
    /// Its source text.
    pub text: String,
    /// Rank score of the search, higher is better.
    pub score: f64,
}

/// What kind of source a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A sentence of running text.
    Sentence,
    /// A list item.
    Item,
    /// A table row.
    Row,
    /// A sentence that ends in a colon with the list it leads.
    List,
    /// Code with the sentence before it.
    Code,
}

/// Words by stem.
pub(crate) type Words = HashSet<String>;

/// Something that can be quoted.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Reading text.
    pub text: String,
    /// Its form.
    pub form: Form,
    /// First and last line of the cited span in the document.
    pub lines: (u32, u32),
    /// Which passage, by position.
    pub passage: usize,
    /// Which block of the passage.
    pub(crate) block: usize,
    /// Stems of its own words, in order.
    pub(crate) order: Vec<String>,
    /// Stems of its own words.
    pub(crate) own: Words,
    /// Stems of what introduces it: the nearest heading, a question above it, a lead-in.
    pub(crate) lead: Words,
    /// Stems of the neighbouring sentences.
    pub(crate) near: Words,
    /// In a table: stems of the row's first cell.
    pub(crate) label: Option<Words>,
    /// In a table: stems of each other cell.
    pub(crate) cells: Vec<Words>,
    /// It begins what a heading announces.
    pub(crate) opens: bool,
    /// It only says on which other page something is told.
    pub(crate) refers: bool,
}

/// Words of a passage that all of its units share.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Stems of title, outer headings and path.
    pub(crate) document: Words,
    /// Stems of the whole passage.
    pub(crate) passage: Words,
    /// Stems of the title alone.
    pub(crate) title: Words,
}

/// A paragraph is cited whole up to this many lines, else only the lines of its sentence.
const PARAGRAPH_LINES: u32 = 6;
/// A list is quoted whole up to this many items.
const LIST_ITEMS: usize = 10;
/// Code longer than this is not quoted.
const CODE_LINES: u32 = 12;

/// The units of a passage with the words that they share.
pub(super) fn units(passage: &Passage, position: usize) -> (Vec<Unit>, Frame) {
    let mut reader = Reader {
        passage,
        position,
        lead: words(last_heading(&passage.heading)),
        out: Vec::new(),
        last: String::new(),
        opens: true,
    };
    let found = blocks(&passage.text, Format::of(&passage.path));
    for at in 0..found.len() {
        reader.block(&found, at);
    }
    let mut out = reader.out;
    neighbours(&mut out);
    let document = words(&format!("{} {} {}", passage.title, passage.heading, passage.path));
    (out, Frame { document, passage: words(&passage.text), title: words(&passage.title) })
}

fn last_heading(breadcrumb: &str) -> &str {
    breadcrumb.rsplit(" > ").next().unwrap_or(breadcrumb)
}

/// Whether a sentence does no more than link to another document.
fn refers(raw: &str, text: &str) -> bool {
    const TELLS: &[&str] =
        &["see ", "page", "described", "more is", "details", "explained", "is said"];
    let links = raw.contains(".md)") || raw.contains(".txt)") || raw.contains(".md#");
    let text = text.to_lowercase();
    links && TELLS.iter().any(|tell| text.contains(tell))
}

/// The stems of a text as a set.
pub(crate) fn words(text: &str) -> Words {
    terms(text).into_iter().collect()
}

/// All stems of a text in order, stop words included as they stand, for adjacency.
fn ordered(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|t| stem(&t.text)).collect()
}

fn neighbours(units: &mut [Unit]) {
    let own: Vec<(usize, Words)> =
        units.iter().map(|unit| (unit.block, unit.own.clone())).collect();
    for (at, unit) in units.iter_mut().enumerate() {
        let before = at.checked_sub(1).and_then(|at| own.get(at));
        let after = own.get(at + 1).filter(|(block, _)| *block == unit.block);
        for (_, words) in before.into_iter().chain(after) {
            unit.near.extend(words.iter().cloned());
        }
    }
}

struct Reader<'a> {
    passage: &'a Passage,
    position: usize,
    lead: Words,
    out: Vec<Unit>,
    /// The last sentence read, for what follows it.
    last: String,
    /// Nothing has been read since the last heading.
    opens: bool,
}

impl Reader<'_> {
    fn block(&mut self, all: &[Block], at: usize) {
        let Some(block) = all.get(at) else { return };
        let Some(slice) = self.passage.text.get(block.bytes.clone()) else { return };
        match &block.kind {
            Kind::Aside => {}
            Kind::Heading { text, .. } => {
                self.lead = words(text);
                self.last.clear();
                self.opens = true;
            }
            Kind::Paragraph => self.paragraph(all, at, slice),
            Kind::Item => self.sentences(block, at, slice, Form::Item),
            Kind::Table => self.table(block, at, slice),
            Kind::Code => self.code(block, at, slice),
        }
    }

    fn paragraph(&mut self, all: &[Block], at: usize, slice: &str) {
        let Some(block) = all.get(at) else { return };
        let text = clean::sentence(slice);
        let asks = text.ends_with('?') && text.split_whitespace().count() <= 30;
        let bold = slice.starts_with("**")
            && slice.trim_end().ends_with("**")
            && text.split_whitespace().count() <= 16;
        if asks || bold {
            self.lead = words(&text);
            self.last = text;
            self.opens = true;
            return;
        }
        self.sentences(block, at, slice, Form::Sentence);
        if text.ends_with(':') {
            self.list(all, at);
        }
    }

    /// The sentence that leads a list, with the list.
    fn list(&mut self, all: &[Block], at: usize) {
        let items: Vec<&Block> =
            all.iter().skip(at + 1).take_while(|b| b.kind == Kind::Item).collect();
        let (Some(last), Some(lead)) = (items.last(), self.out.last().cloned()) else { return };
        if items.len() > LIST_ITEMS {
            return;
        }
        let said: Vec<String> = items
            .iter()
            .filter_map(|b| self.passage.text.get(b.bytes.clone()))
            .map(clean::sentence)
            .collect();
        let text = format!("{} {}", lead.text, said.join("; "));
        let lines = (lead.lines.0, self.line(last.lines.1));
        self.out.pop();
        self.push(text, Form::List, lines, at);
    }

    /// A line of the passage as a line of the document.
    fn line(&self, line: u32) -> u32 {
        self.passage.lines.0 + line - 1
    }

    fn sentences(&mut self, block: &Block, at: usize, slice: &str, form: Form) {
        let whole = block.lines.1 - block.lines.0 < PARAGRAPH_LINES;
        for span in sentences(slice) {
            let Some(raw) = slice.get(span.clone()) else { continue };
            let text = clean::sentence(raw);
            if !text.chars().any(char::is_alphanumeric) {
                continue;
            }
            let breaks = |upto: usize| {
                u32::try_from(slice.get(..upto).map_or(0, |s| s.matches('\n').count())).unwrap_or(0)
            };
            let lines = if whole {
                (self.line(block.lines.0), self.line(block.lines.1))
            } else {
                (
                    self.line(block.lines.0 + breaks(span.start)),
                    self.line(block.lines.0 + breaks(span.end)),
                )
            };
            let refers = refers(raw, &text);
            let opens = self.opens;
            self.push(text, form, lines, at);
            if let Some(unit) = self.out.last_mut() {
                unit.refers = refers;
            }
            self.opens = opens && refers;
        }
    }

    fn push(&mut self, text: String, form: Form, lines: (u32, u32), block: usize) {
        let own = words(&text);
        let mut lead = self.lead.clone();
        if self.last.ends_with(':') {
            lead.extend(words(&self.last));
        }
        if form != Form::Item {
            self.last.clone_from(&text);
        }
        let order = ordered(&text);
        self.out.push(Unit {
            order,
            own,
            lead,
            near: Words::new(),
            label: None,
            cells: Vec::new(),
            opens: self.opens,
            refers: false,
            text,
            form,
            lines,
            passage: self.position,
            block,
        });
        self.opens = false;
    }

    fn table(&mut self, block: &Block, at: usize, slice: &str) {
        let cells = |line: &str| -> Vec<String> {
            line.trim()
                .trim_start_matches('|')
                .trim_end_matches('|')
                .replace("\\|", "\u{1}")
                .split('|')
                .map(|cell| clean::inline(&cell.replace('\u{1}', "|")))
                .collect()
        };
        let mut rows = slice.lines();
        let head = rows.next().map(cells).unwrap_or_default();
        let ruled = rows.clone().next().is_some_and(crate::chunk::line::is_table_rule);
        for (number, row) in (0_u32..).zip(slice.lines()) {
            if crate::chunk::line::is_table_rule(row) || number == 0 && ruled {
                continue;
            }
            let values = cells(row);
            let mut meant = values.iter().map(|cell| words(cell)).collect::<Vec<_>>().into_iter();
            let said: Vec<String> = values
                .into_iter()
                .enumerate()
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(column, cell)| {
                    match head.get(column).filter(|name| !name.is_empty() && ruled) {
                        Some(name) => format!("{name}: {cell}"),
                        None => cell,
                    }
                })
                .collect();
            let line = self.line(block.lines.0 + number);
            self.push(said.join("; "), Form::Row, (line, line), at);
            if let Some(unit) = self.out.last_mut() {
                unit.label = meant.next();
                unit.cells = meant.filter(|cell| !cell.is_empty()).collect();
            }
        }
    }

    fn code(&mut self, block: &Block, at: usize, slice: &str) {
        if block.lines.1 - block.lines.0 > CODE_LINES {
            return;
        }
        let body: Vec<&str> = slice
            .lines()
            .filter(|line| {
                !line.trim_start().starts_with("```") && !line.trim_start().starts_with("~~~")
            })
            .collect();
        let body = body.join("\n");
        let start = self
            .out
            .last()
            .filter(|unit| unit.form == Form::Sentence && unit.block + 1 == at)
            .map(|unit| unit.lines.0);
        let text = match start {
            Some(_) => format!("{} `{}`", self.last, body.trim()),
            None => format!("`{}`", body.trim()),
        };
        let lines = (start.unwrap_or(self.line(block.lines.0)), self.line(block.lines.1));
        let last = std::mem::take(&mut self.last);
        self.push(text, Form::Code, lines, at);
        self.last = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Unit> {
        let lines = (10, 9 + u32::try_from(text.lines().count()).unwrap());
        units(
            &Passage {
                path: "a.md".into(),
                lines,
                heading: "Shop > Returns".into(),
                text: text.into(),
                ..Passage::default()
            },
            0,
        )
        .0
    }

    #[test]
    fn sentences_rows_lists_and_code_are_units_with_their_lines() {
        let found = of(
            "## Returns\n\nFirst one. Second\none.\n\n| Zone | Price |\n|---|---|\n| Asia | 5 |\n\nBring these:\n\n- a box\n- a bill\n\nRun this.\n\n```\nx --y\n```",
        );
        let seen: Vec<(&str, Form, (u32, u32))> =
            found.iter().map(|u| (u.text.as_str(), u.form, u.lines)).collect();
        assert_eq!(
            seen,
            [
                ("First one.", Form::Sentence, (12, 13)),
                ("Second one.", Form::Sentence, (12, 13)),
                ("Zone: Asia; Price: 5", Form::Row, (17, 17)),
                ("Bring these: a box; a bill", Form::List, (19, 22)),
                ("a box", Form::Item, (21, 21)),
                ("a bill", Form::Item, (22, 22)),
                ("Run this.", Form::Sentence, (24, 24)),
                ("Run this. `x --y`", Form::Code, (24, 28)),
            ]
        );
    }

    #[test]
    fn a_question_in_the_text_leads_what_follows_and_is_no_answer_itself() {
        let found = of("**Can I bring a dog?**\n\nYes, on a lead.");
        assert_eq!(found.len(), 1);
        assert!(found[0].lead.contains("dog"));
    }

    #[test]
    fn the_first_sentence_below_a_heading_opens_it_unless_it_only_points_elsewhere() {
        let found = of(
            "## Fees\n\nOther fees are on [a page](b.md) of their own.\n\nIt costs 5.\n\nIt is paid once.",
        );
        let seen: Vec<(bool, bool)> = found.iter().map(|u| (u.opens, u.refers)).collect();
        assert_eq!(seen, [(true, true), (true, false), (false, false)]);
    }
}
