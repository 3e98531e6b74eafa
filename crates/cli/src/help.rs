//! The first page of help. It is asked for before anything else and needs the least: the names of
//! the verbs, not what each of them takes, whose making is most of what a command line costs to
//! start.

use std::ffi::OsString;

use clap::{Args as _, Command};

use crate::args::Global;
use crate::verbs;

/// Prints the page and ends the program, if nothing else was asked for.
pub(crate) fn print_if_asked(typed: impl Iterator<Item = OsString>) {
    let typed: Vec<OsString> = typed.collect();
    if let [_, asked] = typed.as_slice()
        && (asked == "--help" || asked == "-h")
    {
        page().get_matches_from(typed);
    }
}

/// The command line with verbs that take nothing.
fn page() -> Command {
    let verbs = verbs::LISTED.iter().map(|(verb, about)| {
        // Never given back: the program ends when the page is printed.
        let name: &'static str = verb.to_ascii_lowercase().leak();
        Command::new(name).about(about.trim_start())
    });
    Global::augment_args(Command::new("largestack"))
        .about("Runs governed AI agents: answers with sources, a budget, a durable trace of every step")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(crate::exit::HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .max_term_width(100)
        .subcommands(verbs)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Arguments;

    #[test]
    fn the_first_page_is_what_the_whole_command_line_says_of_itself_at_any_width() {
        for width in [40, 80, 100, 200] {
            let whole = || Arguments::command().term_width(width);
            let page = || page().term_width(width);
            let long = |mut command: Command| command.render_long_help().ansi().to_string();
            let short = |mut command: Command| command.render_help().ansi().to_string();
            assert_eq!(long(page()), long(whole()), "{width} columns");
            assert_eq!(short(page()), short(whole()), "{width} columns");
        }
    }

    #[test]
    fn the_page_is_shown_in_the_same_way_and_only_where_nothing_else_is_asked() {
        for asked in ["--help", "-h"] {
            let typed = ["largestack", asked];
            let page = page().try_get_matches_from(typed).unwrap_err();
            let whole = Arguments::command().try_get_matches_from(typed).unwrap_err();
            assert_eq!((page.kind(), page.exit_code()), (whole.kind(), whole.exit_code()));
            assert_eq!(page.to_string(), whole.to_string());
        }
        // It would end the test.
        print_if_asked(["largestack", "run", "--help"].map(OsString::from).into_iter());
        print_if_asked(["largestack"].map(OsString::from).into_iter());
    }
}
