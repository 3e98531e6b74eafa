//! The `largestack` binary: the composition root. It reads what was typed, builds the adapters
//! that the verb needs, hands them down behind ports, and shows what came of it. It decides
//! nothing about runs, models, documents or money: that is the crates' below.
//!
//! Nothing is set up before the verb is known: no async runtime, no configuration, no TLS.

mod agents;
mod args;
mod below;
mod budgets;
mod cases;
mod compose;
mod documents;
mod exit;
mod failure;
mod flows;
mod follow;
mod help;
mod interrupt;
mod keys;
mod network;
mod place;
mod policies;
mod rates;
mod render;
mod restate;
mod screen;
mod scripted;
mod shared;
mod standing;
mod tools;
mod usage;
mod verbs;
mod wasm;

use std::process::ExitCode;

use clap::Parser as _;

use args::Arguments;
use failure::Failure;
use screen::Screen;
use verbs::Speech;

fn main() -> ExitCode {
    // Whoever is started to confine a command is nothing else, and has to be alone in its process.
    #[cfg(target_os = "linux")]
    if let Some(code) = largestack_tools::confine::launched(std::env::args_os()) {
        return code;
    }
    // Whoever is started to perform a script of a model likewise.
    if let Some(code) = largestack_code::worked(std::env::args_os()) {
        return code;
    }
    help::print_if_asked(std::env::args_os());
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::refused(&error),
    };
    let mut screen = Screen::new(arguments.global.color, arguments.global.quiet);
    let speech = arguments.verb.speech();
    let code = match verbs::perform(arguments, &mut screen) {
        Ok(code) => code,
        Err(Failure::ReaderGone) => exit::DONE,
        Err(Failure::Error(error)) => {
            let code = exit::of_error(&error);
            let problem = || render::problem::Problem::of(&error);
            // Whoever asked for JSON reads standard output; a reader that is gone needs none.
            let _gone = match speech {
                Speech::Text => {
                    screen.complain(&render::problem::text(&error));
                    Ok(())
                }
                Speech::Document => screen.json(&problem()),
                Speech::Lines => screen.json_line(&problem()),
            };
            code
        }
    };
    ExitCode::from(code)
}
