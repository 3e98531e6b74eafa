//! What a model is told of arguments, for every kind of type.

use std::collections::BTreeMap;

use largestack_macros::tool;
use largestack_ports::tool::Tool;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facade;
use crate::support::{call, text};

mod elsewhere {
    /// A place on the map.
    #[derive(Debug, super::Deserialize, super::Serialize, super::JsonSchema)]
    pub(crate) struct Place {
        /// Degrees north.
        #[schemars(range(min = -90.0, max = 90.0))]
        pub(crate) latitude: f64,
        /// Degrees east.
        pub(crate) longitude: f64,
    }
}

/// How to travel.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Travel {
    /// On foot.
    Walk,
    /// By train.
    Train {
        /// The class of the seat.
        class: u8,
    },
}

/// A folder with folders in it.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Folder {
    /// Its name.
    name: String,
    /// What is in it.
    #[serde(default)]
    folders: Vec<Folder>,
}

fn schema(tool: &dyn Tool) -> serde_json::Value {
    tool.spec().parameters.to().unwrap()
}

/// Finds a journey.
///
/// Times are local.
#[tool(crate = facade)]
fn journey(
    /// Where it begins.
    from: elsewhere::Place,
    /// How.
    travel: Travel,
    /// At most this many changes.
    #[schemars(range(min = 0, max = 10))]
    #[default(3)]
    changes: u8,
    /// A code of three letters.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    to: String,
    /// Words to look for.
    #[schemars(length(min = 1, max = 5))]
    words: Vec<String>,
    /// Names and numbers.
    seats: BTreeMap<String, u32>,
    /// When, if it matters.
    at: Option<String>,
) -> String {
    format!("{from:?} {travel:?} {changes} {to} {words:?} {seats:?} {at:?}")
}

#[test]
fn constraints_tagged_enums_maps_and_types_of_other_modules_are_in_the_schema() {
    assert_eq!(&*journey().spec().description, "Finds a journey.\n\nTimes are local.");
    insta::assert_json_snapshot!(schema(&journey()));
}

#[test]
fn what_the_schema_describes_is_what_the_function_takes() {
    let arguments = r#"{"from":{"latitude":1.5,"longitude":2},"travel":{"by":"train","class":2},
        "to":"OSL","words":["a"],"seats":{"x":1}}"#;
    let expected = "Place { latitude: 1.5, longitude: 2.0 } Train { class: 2 } 3 OSL [\"a\"] \
                    {\"x\": 1} None";
    assert_eq!(text(&journey(), arguments), expected);
    assert!(call(&journey(), &arguments.replace("train", "boat")).is_err());
}

/// Counts folders.
#[tool(crate = facade)]
fn count(
    /// Where to begin.
    root: Folder,
) -> usize {
    fn all(folder: &Folder) -> usize {
        1 + folder.folders.iter().map(all).sum::<usize>()
    }
    all(&root)
}

#[test]
fn a_recursive_type_refers_to_itself() {
    insta::assert_json_snapshot!(schema(&count()));
    let arguments = r#"{"root":{"name":"a","folders":[{"name":"b"},{"name":"c"}]}}"#;
    assert_eq!(text(&count(), arguments), "3");
}

/// Does nothing with nothing.
#[tool(crate = facade)]
fn bare() {}

#[test]
fn a_function_without_parameters_takes_an_empty_object() {
    insta::assert_json_snapshot!(schema(&bare()), @r#"
    {
      "type": "object",
      "additionalProperties": false,
      "properties": {}
    }
    "#);
}

/// Every way to say what stands for an absent argument.
#[tool(crate = facade)]
fn defaults(
    #[default] a: u8,
    #[default(2)] b: u8,
    #[default = 3] c: u8,
    #[tool(default)] d: bool,
    #[tool(default = "five".to_owned())] e: String,
    #[default("six")] f: &str,
    #[serde(rename = "seventh")] g: Option<u8>,
) -> String {
    format!("{a} {b} {c} {d} {e} {f} {g:?}")
}

#[test]
fn defaults_are_shown_and_used() {
    insta::assert_json_snapshot!(schema(&defaults()));
    assert_eq!(text(&defaults(), "{}"), "0 2 3 false five six None");
    assert_eq!(text(&defaults(), r#"{"c":9,"seventh":7}"#), "0 2 9 false five six Some(7)");
}
