//! `largestack secret`: keys of providers that stand in no variable, kept sealed in this user's
//! home. A value is read from standard input or typed unseen; it is never an argument, which other
//! users of the machine could read, and never printed.

mod typed;

use std::io::{IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use largestack_config::Environment;
use largestack_ports::vault::Sensitive;
use largestack_store::SecretFile;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_wire::Registry;
use serde::Serialize;

use crate::args::Global;
use crate::compose::scope;
use crate::exit;
use crate::failure::Outcome;
use crate::keys;
use crate::screen::Screen;

/// The most of standard input that is read; more is more than a secret can be.
const MOST: u64 = 128 << 10;

/// Keeps, lists and removes secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Keep a secret: the value is read from standard input, or asked for
    Set(Set),
    /// List the names of the secrets
    List(List),
    /// Remove a secret
    Remove(Remove),
}

/// Keeps a secret, in place of one of the same name.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name; a provider's name (such as openai) makes it that provider's key
    name: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Lists the names of the secrets.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Removes a secret.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its name
    name: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Kept<'a> {
    name: &'a str,
    replaced: bool,
    provider: bool,
    file: String,
}

#[derive(Serialize)]
struct Names {
    names: Vec<String>,
    file: String,
}

#[derive(Serialize)]
struct Gone<'a> {
    name: &'a str,
    removed: bool,
    file: String,
}

impl Secret {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Set(set) => set.json,
            Self::List(list) => list.json,
            Self::Remove(remove) => remove.json,
        }
    }

    pub(crate) fn perform(&self, _: &Global, screen: &mut Screen) -> Outcome {
        let secrets = keys::secrets(&Environment::of_process())?.ok_or_else(homeless)?;
        let file = secrets.path().display().to_string();
        match self {
            Self::Set(Set { name, json }) => {
                let replaced = secrets.set(&scope(), name, value(name)?).map_err(coded)?;
                let provider = is_provider(name);
                if *json {
                    screen.json(&Kept { name, replaced, provider, file })?;
                } else {
                    let what = if provider {
                        "It is the provider's key where no variable has one."
                    } else {
                        "No built-in provider has this name."
                    };
                    let verb = if replaced { "replaced" } else { "kept" };
                    screen.print(&format!("{name} is {verb} in {file}. {what}\n"))?;
                }
            }
            Self::List(List { json }) => {
                let names = secrets.names(&scope()).map_err(coded)?;
                if *json {
                    screen.json(&Names { names, file })?;
                } else if names.is_empty() {
                    screen.note("There are no secrets. Keep one: largestack secret set NAME");
                } else {
                    screen.print(&format!("{}\n", names.join("\n")))?;
                }
            }
            Self::Remove(Remove { name, json }) => {
                removed(&secrets, name)?;
                if *json {
                    screen.json(&Gone { name, removed: true, file })?;
                } else {
                    screen.print(&format!("{name} is removed from {file}.\n"))?;
                }
            }
        }
        Ok(exit::DONE)
    }
}

fn removed(secrets: &SecretFile, name: &str) -> Result<()> {
    if secrets.remove(&scope(), name)? {
        return Ok(());
    }
    Err(LargestackError::with_advice(
        Code::NotFound,
        format!("there is no secret {name}"),
        "See which there are: largestack secret list",
    ))
}

fn coded(error: largestack_store::StoreError) -> LargestackError {
    error.into()
}

fn homeless() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "nothing says where secrets are kept",
        "Set LARGESTACK_HOME to a folder",
    )
}

/// Whether a secret of this name is a provider's key. Projects may have more providers.
fn is_provider(name: &str) -> bool {
    Registry::builtin().provider(name).is_some_and(|row| *row.name == *name)
}

/// The value, from whoever runs this. The end of a line after it is not part of it.
fn value(name: &str) -> Result<Sensitive> {
    if std::io::stdin().is_terminal() {
        return typed::unseen(&format!("Value of {name} (not shown): "));
    }
    let mut text = String::new();
    let input = |detail: String| LargestackError::other(Code::Input, detail);
    std::io::stdin()
        .lock()
        .take(MOST)
        .read_to_string(&mut text)
        .map_err(|error| input(format!("the value cannot be read: {error}")))?;
    if text.trim().is_empty() {
        return Err(LargestackError::with_advice(
            Code::Input,
            "the value is empty",
            format!("Pipe it in: largestack secret set {name} < FILE, or type it at a terminal"),
        ));
    }
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Sensitive::new(value.strip_suffix('\r').unwrap_or(value)))
}
