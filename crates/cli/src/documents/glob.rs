//! Patterns of paths: `*` and `?` within a name, `**` for any folders.

/// Whether a path with `/` fits a pattern.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    levels(&pattern, &path)
}

fn levels(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        // At the end `**` stands for everything below, but not for the folder itself.
        (Some((&"**", [])), below) => below.is_some(),
        (Some((&"**", rest)), _) => {
            (0..=path.len()).any(|skip| path.get(skip..).is_some_and(|path| levels(rest, path)))
        }
        (Some((name, rest)), Some((level, below))) => {
            let (name, level): (Vec<char>, Vec<char>) =
                (name.chars().collect(), level.chars().collect());
            word(&name, &level) && levels(rest, below)
        }
        _ => false,
    }
}

/// One name, with the last `*` as the only place to go back to: linear but for what it covers.
fn word(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while let Some(c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(w) if *w == '?' || w == c => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_people_expect() {
        for (pattern, yes, no) in [
            ("**/*.md", "a.md", "a.txt"),
            ("**/*.md", "x/y/a.md", "x/y/a.md/b"),
            ("*.md", "a.md", "x/a.md"),
            ("./docs/*", "docs/a", "docs/x/a"),
            ("drafts/**", "drafts/x/a.md", "drafts"),
            ("a?c", "abc", "ac"),
            ("*a*b", "xxaxxb", "xxaxxbc"),
            ("**/old/**", "x/old/y/a.md", "x/older/a.md"),
        ] {
            assert!(fits(pattern, yes), "{pattern} {yes}");
            assert!(!fits(pattern, no), "{pattern} {no}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(30) + "b";
        assert!(!fits(&pattern, &"a".repeat(2_000)));
    }
}
