//! `largestack man`: the manual pages, made from the same table as `--help`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};

use crate::args::Arguments;
use crate::exit;
use crate::failure::{Outcome, unwritten};
use crate::screen::Screen;

/// The manual pages.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write every page into this folder; else the main page is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let mut command = Arguments::command();
        command.build();
        match &self.out {
            None => screen.print_bytes(&page(&command)?)?,
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
                let pages = write(&command, folder)?;
                screen.print(&format!("{pages} pages in {}\n", folder.display()))?;
            }
        }
        Ok(exit::DONE)
    }
}

fn page(command: &Command) -> Outcome<Vec<u8>> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render(&mut page).map_err(|error| crate::failure::Failure::output(&error))?;
    Ok(page)
}

/// Writes the page of a command and of every command under it; how many. Each is named by its
/// full name, as `man largestack-run` finds it.
fn write(command: &Command, folder: &Path) -> Outcome<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command)?).map_err(|error| unwritten(&path, &error))?;
    let mut pages = 1;
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages += write(verb, folder)?;
    }
    Ok(pages)
}
