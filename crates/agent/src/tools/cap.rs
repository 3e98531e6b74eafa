//! Long results: head and tail for the model, the whole behind a handle.

/// Head and tail of a text of more than `max` characters, with a note of what is left out; `None`
/// when it fits.
pub(crate) fn cap(text: &str, max: usize) -> Option<String> {
    // Bytes bound characters from above, so most texts are not counted at all.
    if text.len() <= max {
        return None;
    }
    let count = text.chars().count();
    if count <= max {
        return None;
    }
    let (head, tail) = (max - max / 4, max / 4);
    let byte_of = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
    let start = text.get(..byte_of(head)).unwrap_or_default();
    let end = text.get(byte_of(count - tail)..).unwrap_or_default();
    let left_out = count - head - tail;
    Some(format!("{start}\n[... {left_out} characters left out ...]\n{end}"))
}

#[cfg(test)]
mod tests {
    use super::cap;

    #[test]
    fn a_result_at_the_limit_is_whole_and_one_over_is_cut() {
        assert_eq!(cap(&"é".repeat(8), 8), None);
        let capped = cap("123456789", 8).unwrap();
        assert_eq!(capped, "123456\n[... 1 characters left out ...]\n89");
    }

    #[test]
    fn a_limit_of_nothing_leaves_only_the_note() {
        assert_eq!(cap("abc", 0).unwrap(), "\n[... 3 characters left out ...]\n");
    }
}
