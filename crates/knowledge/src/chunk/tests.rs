use super::*;

const GUIDE: &str = "---\ntitle: \"Shop guide\"\n---\n# Returns\n\nYou have 30 days. Keep the box.\n\n## Postage\n\nWe pay it:\n\n- in Europe\n- in Asia\n\n## Empty\n\n### Deep\n\nLast *words*.\n";

#[test]
fn chunks_know_their_headings_and_lines() {
    let found = chunks("docs/guide.md", GUIDE);
    let seen: Vec<(String, (u32, u32))> = found.iter().map(|c| (c.breadcrumb(), c.lines)).collect();
    assert_eq!(
        seen,
        [
            ("Returns".to_owned(), (4, 6)),
            ("Returns > Postage".to_owned(), (8, 13)),
            ("Returns > Empty > Deep".to_owned(), (15, 19)),
        ]
    );
    assert!(found.iter().all(|c| c.title == "Shop guide"));
    assert!(!found[0].text.contains("title:"));
}

#[test]
fn an_unchanged_section_keeps_its_id_when_another_changes() {
    let before = chunks("a.md", GUIDE);
    let after = chunks("a.md", &GUIDE.replace("30 days", "60 days"));
    assert_ne!(before[0].id, after[0].id);
    assert_eq!(before[1].id, after[1].id);
    let twins = chunks("a.md", "# A\n\nSame.\n\n# A\n\nSame.\n");
    assert_ne!(twins[0].id, twins[1].id);
}

#[test]
fn a_long_section_is_cut_evenly_between_sentences() {
    let sentence = "This sentence has exactly eight words in it. ";
    let text = format!("# Long\n\n{}", sentence.repeat(40));
    let found = chunks("a.md", &text);
    assert_eq!(found.len(), 2);
    for chunk in &found {
        assert!(chunk.text.ends_with("in it."));
        assert!(
            (120..=MAX_WORDS).contains(&chunk.text.split_whitespace().count()),
            "{}",
            chunk.text.split_whitespace().count()
        );
    }
}

#[test]
fn a_table_stays_whole_up_to_the_hard_limit_and_is_cut_by_rows_above_it() {
    let table = |rows: usize| {
        format!(
            "# T\n\n| name | value |\n|---|---|\n{}",
            "| some words here | and five more words |\n".repeat(rows)
        )
    };
    // A row counts ten words with its bars, the head five, the rule one.
    let whole = chunks("t.md", &table(38));
    assert_eq!(whole.len(), 1);
    let cut = chunks("t.md", &table(60));
    assert!(cut.len() > 1);
    assert!(
        cut.iter()
            .all(|c| c.text.ends_with('|') && c.text.split_whitespace().count() <= HARD_WORDS)
    );
}

#[test]
fn a_lead_in_stays_with_its_list() {
    let text = format!(
        "# A\n\n{}\n\nThese are covered:\n\n{}",
        "Word word word word word word word word word words. ".repeat(21),
        "- one item of the list\n".repeat(20)
    );
    let found = chunks("a.md", &text);
    assert!(found.iter().all(|c| !c.text.trim_end().ends_with(':')), "{found:#?}");
}

#[test]
fn the_title_falls_back_to_the_heading_and_then_to_the_file_name() {
    assert_eq!(chunks("x.md", "# Hello `world`\n\nText.")[0].title, "Hello world");
    assert_eq!(chunks("docs/house-rules.txt", "Be kind.")[0].title, "house rules");
}

proptest::proptest! {
    #[test]
    fn spans_round_trip_limits_hold_and_the_union_covers_the_text(
        paragraphs in proptest::collection::vec("(#{1,3} )?([a-zA-Z]{1,9}[ .\n]{1,2}){0,60}", 0..12)
    ) {
        let text = paragraphs.join("\n\n");
        let found = chunks("p.md", &text);
        let mut next = 0;
        for chunk in &found {
            proptest::prop_assert_eq!(&text[chunk.bytes.clone()], &chunk.text);
            proptest::prop_assert!(chunk.bytes.start >= next);
            proptest::prop_assert!(text[next..chunk.bytes.start].trim().is_empty());
            proptest::prop_assert!(chunk.text.split_whitespace().count() <= HARD_WORDS && chunk.text.len() <= HARD_BYTES);
            let lines: Vec<&str> = text.split('\n').collect();
            let cited = lines[chunk.lines.0 as usize - 1..chunk.lines.1 as usize].join("\n");
            proptest::prop_assert!(cited.contains(&chunk.text));
            next = chunk.bytes.end;
        }
        proptest::prop_assert!(text[next..].trim().is_empty());
    }

    #[test]
    fn text_without_any_white_space_still_respects_the_hard_limits(length in 1_usize..20_000) {
        for chunk in chunks("p.txt", &"\u{e9}".repeat(length)) {
            proptest::prop_assert!(chunk.text.len() <= HARD_BYTES);
        }
    }
}
