//! Whether a sentence holds the kind of thing that was asked for: a length of time for "how long", a number for "how many".

use super::evidence::{Form, Unit};
use super::question::{Clause, Expect};
use crate::analysis::synonym::nearness;
use crate::analysis::{Token, stem, tokens};

const TIME_UNITS: &[&str] = &[
    "second",
    "seconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "ms",
    "millisecond",
    "milliseconds",
    "fortnight",
    "night",
    "nights",
    "quarter",
    "sec",
    "secs",
    "min",
    "mins",
    "hr",
    "hrs",
    "s",
    "h",
    "decade",
    "microseconds",
    "nanoseconds",
    "weekend",
];

const FREQUENCY: &[&str] = &[
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "annually",
    "hourly",
    "quarterly",
    "once",
    "twice",
    "every",
    "always",
    "never",
    "fortnightly",
    "each",
    "per",
    "annual",
    "nightly",
];

/// Lengths of time without a number.
const SPANS: &[&str] = &[
    "immediately",
    "instantly",
    "indefinitely",
    "forever",
    "overnight",
    "permanently",
    "lifetime",
    "unlimited",
];

const DATES: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mondays",
    "tuesdays",
    "wednesdays",
    "thursdays",
    "fridays",
    "saturdays",
    "sundays",
    "weekday",
    "weekdays",
    "weekend",
    "weekends",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "noon",
    "midnight",
    "today",
    "tomorrow",
    "morning",
    "mornings",
    "evening",
    "evenings",
    "afternoon",
    "am",
    "pm",
    "spring",
    "summer",
    "autumn",
    "winter",
    "easter",
    "christmas",
    "oclock",
    "date",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "annually",
    "always",
    "never",
    "immediately",
    "year",
    "month",
    "week",
    "day",
    "days",
    "weeks",
    "months",
    "years",
    "hours",
    "hour",
    "minutes",
];

/// Words that open a clause of time.
const TIME_CLAUSES: &[&str] = &[
    "when", "after", "before", "until", "once", "during", "whenever", "while", "as", "if",
    "unless", "till", "since",
];

const CURRENCIES: &[&str] = &[
    "euro",
    "euros",
    "dollar",
    "dollars",
    "pound",
    "pounds",
    "cent",
    "cents",
    "pence",
    "eur",
    "usd",
    "gbp",
    "chf",
    "francs",
    "franc",
    "yen",
    "percent",
    "free",
    "gratis",
    "nothing",
    "complimentary",
    "rupees",
    "crowns",
    "kroner",
];

const LENGTHS: &[&str] = &[
    "m",
    "km",
    "cm",
    "mm",
    "metre",
    "metres",
    "meter",
    "meters",
    "kilometre",
    "kilometres",
    "kilometers",
    "centimetres",
    "centimeters",
    "millimetres",
    "millimeters",
    "mile",
    "miles",
    "foot",
    "feet",
    "inch",
    "inches",
    "yards",
    "nm",
    "nautical",
];

const WEIGHTS: &[&str] = &[
    "kg",
    "g",
    "gram",
    "grams",
    "kilogram",
    "kilograms",
    "kilo",
    "kilos",
    "tonne",
    "tonnes",
    "ton",
    "tons",
    "lb",
    "ounces",
];

const OTHER_UNITS: &[&str] = &[
    "litre",
    "litres",
    "liter",
    "liters",
    "l",
    "ml",
    "degree",
    "degrees",
    "c",
    "f",
    "k",
    "knots",
    "h",
    "mph",
    "kmh",
    "hz",
    "khz",
    "mhz",
    "ghz",
    "kb",
    "mb",
    "gb",
    "tb",
    "bytes",
    "byte",
    "bits",
    "w",
    "kw",
    "kwh",
    "v",
    "volt",
    "volts",
    "hpa",
    "bar",
    "percent",
    "characters",
    "words",
    "lines",
    "pages",
    "pixels",
    "points",
    "square",
    "cubic",
];

/// The units that an adjective or noun of measure calls for.
const MEASURES: &[(&[&str], &[&str])] = &[
    (
        &[
            "far", "tall", "high", "deep", "wide", "thick", "distance", "height", "depth", "width",
            "altitude", "close", "diameter",
        ],
        LENGTHS,
    ),
    (&["heavy", "weight", "weigh"], WEIGHTS),
    (&["hot", "cold", "warm", "temperature"], &["degree", "degrees", "c", "f", "k", "celsius"]),
    (
        &["fast", "speed"],
        &[
            "km",
            "knots",
            "mph",
            "kmh",
            "m",
            "metres",
            "miles",
            "kilometres",
            "millimetres",
            "centimetres",
            "second",
            "per",
        ],
    ),
];

const QUANTITIES: &[&str] = &[
    "half",
    "twice",
    "double",
    "dozen",
    "none",
    "no",
    "free",
    "unlimited",
    "one",
    "single",
    "third",
    "quarter",
    "percent",
    "nothing",
    "both",
    "couple",
    "pair",
    "zero",
    "infinite",
    "any",
    "once",
    "thousand",
    "million",
];

const PEOPLE: &[&str] = &[
    "manager",
    "team",
    "staff",
    "customer",
    "customers",
    "employee",
    "employees",
    "owner",
    "director",
    "head",
    "lead",
    "officer",
    "we",
    "you",
    "they",
    "supervisor",
    "department",
    "office",
    "desk",
    "person",
    "people",
    "anyone",
    "everyone",
    "member",
    "members",
    "user",
    "users",
    "administrator",
    "administrators",
    "admin",
    "company",
    "coordinator",
    "engineer",
    "engineers",
    "developer",
    "developers",
    "author",
    "authors",
    "maintainer",
    "maintainers",
    "committee",
    "board",
    "secretary",
    "treasurer",
    "chair",
    "sender",
    "recipient",
    "buyer",
    "seller",
    "tenant",
    "landlord",
    "driver",
    "doctor",
    "nurse",
    "teacher",
    "parent",
    "guest",
    "guests",
    "volunteer",
    "volunteers",
    "student",
    "students",
    "caller",
    "compiler",
    "client",
    "he",
    "she",
    "whoever",
    "nobody",
    "agent",
    "representative",
    "warden",
    "captain",
    "president",
    "founder",
    "colleague",
    "finance",
    "hr",
    "security",
    "reception",
    "support",
    "legal",
    "us",
    "our",
];

const REASONS: &[&str] = &[
    "because",
    "since",
    "due",
    "reason",
    "reasons",
    "avoid",
    "avoids",
    "ensure",
    "ensures",
    "otherwise",
    "prevent",
    "prevents",
    "therefore",
    "hence",
    "thus",
    "so",
];

/// How well a unit fits what its clause expects: 1 it does, 0 it does not, between when little can be said.
pub(crate) fn fits(unit: &Unit, clause: &Clause) -> f64 {
    let text = unit.text.as_str();
    // What the question says itself is no answer to it: "the summer party" does not tell when in summer.
    let said = |t: &Token<'_>| {
        (t.is_number() || DATES.contains(&t.text.as_str()) && !is_time_unit(&t.text))
            && clause.subjects.iter().any(|s| s.word == t.text)
    };
    let words: Vec<Token<'_>> = tokens(text).into_iter().filter(|t| !said(t)).collect();
    let any = |list: &[&str]| words.iter().any(|t| list.contains(&t.text.as_str()));
    let number = words.iter().any(Token::is_number);
    let money = any(CURRENCIES) || text.contains(['%', '\u{20ac}', '$', '\u{a3}']);
    match clause.expect {
        Expect::Duration => {
            let often = ["often", "frequen", "interval"]
                .iter()
                .any(|word| clause.text.to_lowercase().contains(word));
            duration(&words, any(SPANS) || often && any(FREQUENCY), clause)
        }
        Expect::Count => count(&words, unit, clause, number),
        Expect::Money if money => 1.0,
        Expect::Money => {
            if number {
                0.3
            } else {
                0.0
            }
        }
        Expect::Number => number_fit(&words, unit, clause, number, money || any(QUANTITIES)),
        Expect::Time => time(&words, any(DATES), any(TIME_CLAUSES)),
        Expect::Email => f64::from(u8::from(text.contains('@'))),
        Expect::Person => {
            let named = words.iter().skip(1).any(|t| t.is_capitalised() && !t.is_acronym());
            if any(PEOPLE) || text.contains('@') || named { 1.0 } else { 0.2 }
        }
        Expect::Place => {
            let at = any(&[
                "in", "at", "on", "under", "to", "from", "into", "next", "behind", "inside",
                "beside", "near", "opposite", "via",
            ]);
            if at || text.contains(['/', '@']) { 1.0 } else { 0.2 }
        }
        Expect::Command => f64::from(u8::from(
            text.contains('`') || any(&["run", "command", "use", "type", "execute"]),
        )),
        Expect::Reason => {
            if any(REASONS) {
                1.0
            } else {
                0.3
            }
        }
        Expect::YesNo => {
            if any(MODALS) {
                0.8
            } else {
                0.4
            }
        }
        Expect::Manner => {
            if any(MEANS) {
                0.8
            } else {
                0.4
            }
        }
        Expect::Other => 0.5,
    }
}

const MODALS: &[&str] = &[
    "can",
    "may",
    "must",
    "not",
    "no",
    "only",
    "never",
    "yes",
    "allowed",
    "possible",
    "cannot",
    "free",
    "always",
    "except",
    "unless",
    "if",
    "cant",
    "dont",
    "isnt",
    "wont",
    "doesnt",
    "should",
    "welcome",
    "forbidden",
    "need",
    "without",
    "neither",
    "nor",
    "permitted",
];

const MEANS: &[&str] = &[
    "by", "use", "using", "with", "via", "through", "add", "set", "run", "call", "press", "click",
    "open", "write", "you", "to", "can", "must", "send", "ask",
];

fn number_fit(words: &[Token<'_>], unit: &Unit, clause: &Clause, number: bool, vague: bool) -> f64 {
    let asked = tokens(&clause.text);
    let called =
        MEASURES.iter().find(|(names, _)| asked.iter().any(|t| names.contains(&t.text.as_str())));
    let symbol = unit.text.contains(['%', '\u{b0}']);
    if let Some((_, units)) = called {
        return if measured(words, units) || symbol {
            1.0
        } else if number {
            0.4
        } else {
            0.0
        };
    }
    if number
        && (symbol
            || measured(words, LENGTHS)
            || measured(words, WEIGHTS)
            || measured(words, OTHER_UNITS))
    {
        1.0
    } else if number {
        0.8
    } else if vague {
        0.4
    } else {
        0.0
    }
}

fn is_time_unit(word: &str) -> bool {
    TIME_UNITS.contains(&word)
}

fn measured(words: &[Token<'_>], units: &[&str]) -> bool {
    words.windows(2).any(
        |pair| matches!(pair, [n, unit] if is_quantity(n) && units.contains(&unit.text.as_str())),
    )
}

fn duration(words: &[Token<'_>], told: bool, clause: &Clause) -> f64 {
    let apart = words.windows(3).any(|three| matches!(three, [n, _, unit] if is_quantity(n) && TIME_UNITS.contains(&unit.text.as_str())));
    // "How long is the rope?" may ask for metres as well.
    let lengths = clause.text.to_lowercase().contains("how long") && measured(words, LENGTHS);
    if measured(words, TIME_UNITS) || apart || told || lengths {
        1.0
    } else if words.iter().any(Token::is_number)
        || words.iter().any(|t| {
            TIME_UNITS.contains(&t.text.as_str()) || TIME_CLAUSES.contains(&t.text.as_str())
        })
    {
        0.5
    } else {
        0.0
    }
}

/// A count stands directly before what is counted, or in its cell of a table.
fn count(words: &[Token<'_>], unit: &Unit, clause: &Clause, number: bool) -> f64 {
    // "How many customer accounts" counts accounts, "how many people work here" counts people.
    let person = clause.counted.first().filter(|noun| matches!(noun.as_str(), "person"));
    let Some(noun) = person.or(clause.counted.last()) else { return f64::from(u8::from(number)) };
    let is_counted = |t: &Token<'_>| {
        let stem = stem(&t.text);
        *noun == stem || nearness(noun, &stem) >= 0.8
    };
    let beside = words.iter().enumerate().filter(|(_, t)| is_counted(t)).any(|(at, _)| {
        let before = words.get(at.saturating_sub(3)..at).unwrap_or_default();
        let close = before.last().into_iter().chain(words.get(at + 1));
        before.iter().any(Token::is_number)
            || close.into_iter().any(|t| t.is_number() || QUANTITIES.contains(&t.text.as_str()))
    });
    if beside {
        1.0
    } else if number && matches!(unit.form, Form::Row) {
        0.7
    } else if number {
        0.35
    } else {
        0.0
    }
}

fn time(words: &[Token<'_>], date: bool, clause: bool) -> f64 {
    let clock = words.iter().any(|t| t.text.contains(':') && t.is_number());
    let year = words.iter().any(|t| {
        t.is_number() && t.text.len() == 4 && (t.text.starts_with("19") || t.text.starts_with("20"))
    });
    if clock || year || date {
        1.0
    } else if clause {
        0.7
    } else {
        0.1
    }
}

fn is_quantity(token: &Token<'_>) -> bool {
    token.is_number()
        || matches!(
            token.text.as_str(),
            "a" | "an"
                | "one"
                | "half"
                | "several"
                | "few"
                | "each"
                | "per"
                | "every"
                | "within"
                | "next"
                | "same"
        )
}

/// Whether a missing fit speaks strongly against a unit.
pub(crate) fn is_strict(expect: Expect) -> bool {
    matches!(
        expect,
        Expect::Duration
            | Expect::Count
            | Expect::Money
            | Expect::Number
            | Expect::Email
            | Expect::Time
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(question: &str, text: &str) -> f64 {
        let passage = crate::answer::Passage {
            path: "a.md".into(),
            lines: (1, 1),
            text: text.into(),
            ..crate::answer::Passage::default()
        };
        let (units, _) = crate::answer::evidence::units(&passage, 0);
        fits(&units[0], &crate::answer::clauses(question)[0])
    }

    #[test]
    fn the_kind_that_was_asked_for_is_recognised() {
        for (question, yes, no) in [
            ("How long is the trial?", "It takes two working days.", "The box is red."),
            ("How long is the rope?", "The rope is 40 metres long.", "The rope is red."),
            (
                "How many boxes are there?",
                "There are 40 large boxes.",
                "There are boxes, and there are 40 lamps.",
            ),
            ("What does it cost?", "It costs 5 euros.", "It has 5 legs."),
            ("How far is it?", "It is 400 metres away.", "It is green."),
            ("When do you open?", "We open at 9:00.", "We open five doors."),
            ("What is the email address?", "Write to a@b.c", "Write to us."),
            ("Who decides?", "Your manager decides.", "It rains."),
        ] {
            assert!(
                fit(question, yes) > fit(question, no) + 0.4,
                "{question} {} {}",
                fit(question, yes),
                fit(question, no)
            );
        }
    }
}
