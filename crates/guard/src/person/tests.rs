use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

fn found(text: &str) -> Vec<&str> {
    let all = run(text, Policy::all(Action::Warn)).findings;
    all.into_iter().filter(|f| f.kind == Kind::Person).map(|f| &text[f.span]).collect()
}

#[test]
fn a_date_is_one_of_birth_where_words_say_so() {
    for (text, date) in [
        ("Date of birth: 12/03/1985.", "12/03/1985"),
        ("DOB 1985-03-12", "1985-03-12"),
        ("she was born on 12 March 1985 in Pune", "12 March 1985"),
        ("born March 12th, 1985", "March 12th, 1985"),
        ("Geburtsdatum: 12.3.1985", "12.3.1985"),
        ("जन्म तिथि: १२/०३/१९८५", "१२/०३/१९८५"),
        ("Дата рождения: 12.03.1985", "12.03.1985"),
        ("生年月日：1985-03-12", "1985-03-12"),
        (r#"{"date_of_birth": "1985-03-12"}"#, "1985-03-12"),
    ] {
        assert_eq!(found(text), [date], "{text}");
    }
    for text in [
        "the meeting is on 12/03/1985",
        "born in 1985",
        "version 12.03.1985 was born",
        "DOB: 45/13/1985",
        "a born leader. 12/03/1985",
        "stubborn 12/03/1985",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}

#[test]
fn names_are_found_with_context_and_only_then() {
    for (text, name) in [
        ("My name is Asha Rao and I live here", "Asha Rao"),
        ("Mr. Ravi Kumar called", "Ravi Kumar"),
        ("ask Mrs Jones about it", "Jones"),
        ("Name: Anna-Maria O'Neil\n", "Anna-Maria O'Neil"),
        ("मेरा नाम आशा राव", "आशा राव"),
        ("Меня зовут Анна Петрова.", "Анна Петрова"),
    ] {
        assert_eq!(found(text), [name], "{text}");
    }
    for text in [
        "my name is on the list",
        "Name: Postgres",
        "Asha Rao called",
        "the file name: readme.md",
        "mr bean",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}

#[test]
fn addresses_are_found_where_words_say_so() {
    for (text, address) in [
        ("Address: 221B Baker Street, London", "221B Baker Street, London"),
        ("she lives at 12 MG Road, Bengaluru 560001. Call her", "12 MG Road, Bengaluru 560001"),
        ("ship to 9 Main St. North, Springfield", "9 Main St. North, Springfield"),
    ] {
        assert_eq!(found(text), [address], "{text}");
    }
    for text in [
        "email address: see below",
        "address: 0x7ffe 1234",
        "the address is wrong",
        "live at noon on channel 5",
    ] {
        assert!(found(text).is_empty(), "{text}");
    }
}
