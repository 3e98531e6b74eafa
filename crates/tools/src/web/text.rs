//! The text of a page: what a reader would see of it, one pass over its characters, with no tree
//! and no scripts. Addresses of links stay behind their words.

/// Elements whose content nobody reads.
const UNSEEN: &[&str] =
    &["script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "head"];
/// Elements that begin a line.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "br",
    "hr",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "blockquote",
    "pre",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "form",
    "figure",
    "figcaption",
    "title",
    "option",
];

/// Title and text of a page in HTML.
pub fn text_of(html: &str) -> (Option<String>, String) {
    let mut page = Page::default();
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once('<') {
        page.words(before);
        rest = if let Some(comment) = behind.strip_prefix("!--") {
            comment.split_once("-->").map_or("", |(_, behind)| behind)
        } else if behind.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)) {
            let (tag, behind) = tag_end(behind);
            page.tag(tag, behind)
        } else {
            page.words("<");
            behind
        };
    }
    page.words(rest);
    (page.title.map(|title| title.trim().to_owned()).filter(|t| !t.is_empty()), tidied(&page.text))
}

/// Splits behind the tag; an angle bracket in quotes does not end it.
fn tag_end(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => {
                let (tag, behind) = text.split_at(at);
                return (tag, behind.get(1..).unwrap_or_default());
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    (text, "")
}

#[derive(Default)]
struct Page {
    text: String,
    title: Option<String>,
    in_title: bool,
}

impl Page {
    fn words(&mut self, raw: &str) {
        let words = decoded(raw);
        if self.in_title {
            self.title.get_or_insert_default().push_str(&words);
            return;
        }
        let mut gap = words.starts_with(char::is_whitespace);
        for word in words.split_whitespace() {
            if gap && !self.text.ends_with(['\n', ' ']) && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
            gap = true;
        }
        if gap && words.ends_with(char::is_whitespace) && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
    }

    /// Takes a tag in, and gives back what is to be read behind it.
    fn tag<'h>(&mut self, tag: &str, behind: &'h str) -> &'h str {
        let closes = tag.starts_with('/');
        let name = tag.trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
        if name == "title" {
            self.in_title = !closes && self.title.is_none();
            return behind;
        }
        if BLOCKS.contains(&&*name) && !self.text.is_empty() {
            self.text.push('\n');
        }
        if name == "li" && !closes {
            self.text.push_str("- ");
        }
        // The head is left where its title is; its other elements show nothing.
        let unseen = UNSEEN.contains(&&*name) && name != "head";
        if unseen && !closes && !tag.ends_with('/') { behind_end(behind, &name) } else { behind }
    }
}

/// What stands behind the end of an element.
fn behind_end<'h>(text: &'h str, name: &str) -> &'h str {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("</") {
        let is = behind.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if is {
            return behind.split_once('>').map_or("", |(_, behind)| behind);
        }
        rest = behind;
    }
    ""
}

/// Characters for the references that pages use; others stay as they are.
fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let reference = behind.split_once(';').filter(|(name, _)| name.len() <= 8);
        let known = reference.and_then(|(name, behind)| Some((character(name)?, behind)));
        let (c, behind) = known.unwrap_or(('&', behind));
        out.push(c);
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16)).ok()?;
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "copy" => '©',
        "euro" => '€',
        _ => return None,
    })
}

/// No more than one empty line in a row, and no space at the ends of lines.
fn tidied(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim) {
        empty = if line.is_empty() || line == "-" { empty + 1 } else { 0 };
        if empty == 0 {
            out.push_str(line);
            out.push('\n');
        } else if empty == 1 && !out.is_empty() {
            out.push('\n');
        }
    }
    out.trim_end().to_owned()
}
