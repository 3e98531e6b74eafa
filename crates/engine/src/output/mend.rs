//! Mending JSON text without guessing.

/// What stands in the only fence of a text.
pub(super) fn fenced(text: &str) -> Option<&str> {
    let mut pieces = text.split("```");
    let (_, inside, _) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if pieces.next().is_some() {
        return None;
    }
    let (first, rest) = inside.split_once('\n')?;
    // The language, if any, stands behind the fence.
    let is_language = first.trim().bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(if is_language { rest.trim() } else { inside.trim() })
}

/// The only object or list of a text that has words around it.
pub(super) fn lone_value(text: &str) -> Option<&str> {
    let begin = text.find(['{', '['])?;
    let rest = text.get(begin..)?;
    let end = balanced(rest)?;
    let after = rest.get(end..)?;
    // Another one may have been meant.
    (!after.contains(['{', '['])).then(|| rest.get(..end))?
}

/// Where the bracket that a text begins with is closed.
fn balanced(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stood last outside of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    /// An opening bracket.
    Open,
    Comma,
    Colon,
    /// The name of a property.
    Name,
    /// A complete value.
    Value,
    /// A number or a word, which may go on.
    Word,
}

/// A text with commas before closing brackets taken out, line breaks in strings written as JSON
/// writes them and, with `close`, the closing brackets that are missing behind a complete value;
/// `None` where more would have to be done.
pub(super) fn mended(text: &str, close: bool) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut open: Vec<char> = Vec::new();
    let (mut last, mut comma) = (Last::Nothing, None);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                string(&mut chars, &mut out)?;
                let named = open.last() == Some(&'}') && matches!(last, Last::Open | Last::Comma);
                last = if named { Last::Name } else { Last::Value };
                continue;
            }
            '{' | '[' => {
                open.push(if char == '{' { '}' } else { ']' });
                last = Last::Open;
            }
            '}' | ']' => {
                if open.pop() != Some(char) {
                    return None;
                }
                if let Some(at) = comma.filter(|_| last == Last::Comma) {
                    out.remove(at);
                }
                last = Last::Value;
            }
            ',' => {
                comma = Some(out.len());
                last = Last::Comma;
            }
            ':' => last = Last::Colon,
            char if char.is_whitespace() => {}
            _ => last = Last::Word,
        }
        out.push(char);
    }
    if open.is_empty() {
        return Some(out);
    }
    let word = ["true", "false", "null"].iter().any(|word| out.trim_end().ends_with(word));
    let complete = last == Last::Value || (last == Last::Word && word);
    if !close || !complete {
        return None;
    }
    out.extend(open.iter().rev());
    Some(out)
}

/// Copies a string behind its opening quote; `None` when it does not end.
fn string(chars: &mut std::str::Chars<'_>, out: &mut String) -> Option<()> {
    out.push('"');
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => {
                out.push('\\');
                out.push(chars.next()?);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char => out.push(char),
        }
    }
    out.push('"');
    Some(())
}
