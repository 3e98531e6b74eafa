//! Words that ordinary English uses for the same thing. The table is general on purpose: it names common business, everyday and
//! computing vocabulary, never a document's own words. A match through it counts less than the word itself.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::stem::stem;

/// One group a line; a word may stand in several groups.
const GROUPS: &str = include_str!("synonyms.txt");

/// The groups that a stem belongs to.
type Groups = HashMap<String, Vec<Seat>>;

/// A stem's place in a group.
#[derive(Clone, Copy, PartialEq)]
struct Seat {
    group: u16,
    place: Place,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// One of several words for the same.
    Equal,
    /// The name of a class.
    Class,
    /// A kind of the class.
    Kind,
}

/// How near the word that was asked is to one that was found, both of one group.
fn nearness_of(asked: Place, found: Place) -> f64 {
    match (asked, found) {
        (Place::Equal, _) | (_, Place::Equal) | (Place::Class, Place::Kind) => GROUP,
        (Place::Kind, Place::Class) => 0.5,
        (Place::Kind, Place::Kind) | (Place::Class, Place::Class) => 0.0,
    }
}

fn groups() -> &'static Groups {
    static TABLE: OnceLock<Groups> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Groups::new();
        let lines = GROUPS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        for (group, line) in (0_u16..).zip(lines) {
            let (class, words) =
                line.split_once(" > ").map_or((None, line), |(class, words)| (Some(class), words));
            let place = if class.is_some() { Place::Kind } else { Place::Equal };
            let members = words
                .split_whitespace()
                .map(|word| (word, place))
                .chain(class.map(|word| (word, Place::Class)));
            for (word, place) in members {
                let seats = table.entry(stem(word)).or_default();
                if !seats.iter().any(|seat| seat.group == group) {
                    seats.push(Seat { group, place });
                }
            }
        }
        table
    })
}

/// A word of one group counts this much of the word itself.
const GROUP: f64 = 0.8;

/// How near the stem `found` is to the stem `asked`: 0.8 within a group, less for a class when
/// one kind of it was asked, 0 for strangers.
pub fn nearness(asked: &str, found: &str) -> f64 {
    let (Some(left), Some(right)) = (groups().get(asked), groups().get(found)) else { return 0.0 };
    let pairs = left.iter().flat_map(|a| {
        right.iter().filter(|b| b.group == a.group).map(|b| nearness_of(a.place, b.place))
    });
    pairs.fold(0.0, f64::max)
}

/// Every stem near to the stem `asked`, with its nearness, nearest first.
pub fn synonyms(asked: &str) -> Vec<(&'static str, f64)> {
    let mut out: Vec<(&'static str, f64)> = Vec::new();
    for seat in groups().get(asked).into_iter().flatten() {
        let others = members(seat.group).iter().filter(|(other, _)| *other != asked);
        out.extend(others.filter_map(|(other, place)| {
            let near = nearness_of(seat.place, *place);
            (near > 0.0).then_some((*other, near))
        }));
    }
    out.sort_unstable_by(|a, b| a.0.cmp(b.0).then(b.1.total_cmp(&a.1)));
    out.dedup_by(|next, first| next.0 == first.0);
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}

/// The stems of a group with their places.
fn members(group: u16) -> &'static [(&'static str, Place)] {
    static MEMBERS: OnceLock<HashMap<u16, Vec<(&'static str, Place)>>> = OnceLock::new();
    let members = MEMBERS.get_or_init(|| {
        let mut out: HashMap<u16, Vec<(&'static str, Place)>> = HashMap::new();
        for (stem, seats) in groups() {
            for seat in seats {
                out.entry(seat.group).or_default().push((stem.as_str(), seat.place));
            }
        }
        out
    });
    members.get(&group).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_symmetric_and_leave_strangers_apart() {
        let (postage, shipping) = (stem("postage"), stem("shipping"));
        assert!(nearness(&postage, &shipping) > 0.5 && nearness(&shipping, &postage) > 0.5);
        assert!(nearness(&postage, &stem("salary")) < 0.1);
        assert!(synonyms(&postage).iter().any(|(word, _)| *word == shipping));
    }

    #[test]
    fn kinds_of_a_class_are_not_each_other() {
        let (language, english, french) = (stem("language"), stem("English"), stem("french"));
        let english = stem(&english.to_lowercase());
        assert!(nearness(&language, &english) > nearness(&english, &language));
        assert!(nearness(&english, &french) < 0.1);
    }

    #[test]
    fn every_line_of_the_table_holds_at_least_two_different_stems() {
        let lines = GROUPS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let alone: Vec<&str> = lines
            .filter(|line| {
                line.split_whitespace()
                    .filter(|word| *word != ">")
                    .map(stem)
                    .collect::<std::collections::BTreeSet<_>>()
                    .len()
                    < 2
            })
            .collect();
        assert_eq!(alone, Vec::<&str>::new());
    }
}
