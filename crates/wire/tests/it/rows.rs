//! The provider table as people edit it.

/// Lines that a vendor may take: wherever more would be needed, a word for it is missing.
const MOST: usize = 12;

#[test]
fn a_vendor_is_at_most_twelve_lines_of_toml() {
    let table = include_str!("../../src/providers.toml");
    let mut rows: Vec<(&str, usize)> = Vec::new();
    let written = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    for line in table.lines().filter(written) {
        match (line.starts_with('['), rows.last_mut()) {
            (false, Some((_, lines))) => *lines += 1,
            _ => rows.push((line, 1)),
        }
    }
    assert!(rows.len() > 30, "{} rows", rows.len());
    let long: Vec<_> = rows.iter().filter(|(_, lines)| *lines > MOST).collect();
    assert!(long.is_empty(), "{long:?}");
}
