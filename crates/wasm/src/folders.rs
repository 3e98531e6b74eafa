//! Which folders a program is given, and by which names.

use std::path::{Path, PathBuf};

use largestack_ports::command::{Command, CommandFailure, Confinement};

/// A folder that a program is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is called inside: its path from the folder that the command runs in, where it is in
    /// that, else its whole path.
    pub(crate) name: String,
    /// Whether it may be changed.
    pub(crate) writes: bool,
}

/// What a command is given: the folder that it runs in, and what it may reach. The former is left out
/// where it may only be read and holds what is hidden from commands, since nothing can be taken out of a
/// folder that is given; any other such folder is refused. So is one that a link leads to which the
/// program itself could have made.
pub(crate) fn given(
    command: &Command,
    confinement: &Confinement,
    hidden: &[PathBuf],
) -> Result<Vec<Folder>, CommandFailure> {
    let home = match &command.folder {
        Some(folder) => Some(real(folder)?),
        None => None,
    };
    // What is not there now could be there while it runs.
    let hidden = hidden.iter().map(|path| real(path)).collect::<Result<Vec<_>, _>>()?;
    let changed =
        confinement.writes.iter().map(|path| real(path)).collect::<Result<Vec<_>, _>>()?;
    let named = confinement.reads.iter().map(|path| (path, false));
    let named = named.chain(confinement.writes.iter().map(|path| (path, true)));
    let named = command.folder.iter().map(|folder| (folder, false)).chain(named);
    let mut given: Vec<Folder> = Vec::new();
    for (named, writes) in named {
        let path = real(named)?;
        if let Some(within) = led_out(named, &path, &changed) {
            return Err(CommandFailure::Unconfined(format!(
                "{} leads out of {}, which the program may change: it may have made that link itself",
                named.display(),
                within.display()
            )));
        }
        let holds =
            hidden.iter().any(|hidden| hidden.starts_with(&path) || path.starts_with(hidden));
        match (holds, !writes && Some(&path) == home.as_ref()) {
            (true, true) => continue,
            (true, false) => {
                return Err(CommandFailure::Unconfined(format!(
                    "{} holds or is what is hidden from commands, and a folder is given whole: name \
                     folders inside it",
                    path.display()
                )));
            }
            (false, _) => {}
        }
        if !path.is_dir() {
            return Err(CommandFailure::Unconfined(format!(
                "{} is no folder, and WebAssembly is given folders: name the one that it is in",
                path.display()
            )));
        }
        let name = name(&path, home.as_deref())?;
        match given.iter_mut().find(|folder| folder.path == path) {
            Some(folder) => folder.writes |= writes,
            None => given.push(Folder { path, name, writes }),
        }
    }
    Ok(given)
}

/// The folder that may be changed and that a path, as it is named, leads into and out of again.
fn led_out<'c>(named: &Path, path: &Path, changed: &'c [PathBuf]) -> Option<&'c PathBuf> {
    named.ancestors().filter_map(|part| part.canonicalize().ok()).find_map(|part| {
        changed.iter().find(|folder| part.starts_with(folder) && !path.starts_with(folder))
    })
}

fn real(path: &Path) -> Result<PathBuf, CommandFailure> {
    path.canonicalize()
        .map_err(|error| CommandFailure::Unconfined(format!("{}: {error}", path.display())))
}

fn name(path: &Path, home: Option<&Path>) -> Result<String, CommandFailure> {
    let inside = home.and_then(|home| path.strip_prefix(home).ok());
    let name = inside
        .unwrap_or(path)
        .to_str()
        .ok_or_else(|| CommandFailure::Unconfined(format!("{} is not Unicode", path.display())))?;
    Ok(if name.is_empty() { ".".to_owned() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bytes::Bytes;
    use largestack_ports::command::{CommandLimits, Sandbox};

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_that_a_program_could_have_made_gives_it_nothing() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["home", "out/deep", "else/deep"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let (home, out, link) = (root.join("home"), root.join("out"), root.join("out/link"));
        symlink(root.join("else"), &link).unwrap();
        symlink(out.join("deep"), out.join("within")).unwrap();
        symlink(&out, root.join("theirs")).unwrap();
        let may = |reads: &Path, writes: &[&Path]| {
            let writes = writes.iter().map(|path| path.to_path_buf()).collect();
            let reach = Confinement { reads: vec![reads.to_owned()], writes, network: false };
            given(&command(&home), &reach, &[]).is_ok()
        };
        for path in [link.clone(), link.join("deep"), root.join("theirs/link")] {
            assert!(!may(&path, &[&out]), "{}", path.display());
            // Where it may not change them, links are whose folder it is.
            assert!(may(&path, &[]), "{}", path.display());
        }
        assert!(!may(&out, &[&out, &link]));
        assert!(may(&out.join("within"), &[&out]));
        assert!(may(&root.join("theirs/deep"), &[&out]));
    }

    fn command(folder: &Path) -> Command {
        Command {
            program: "tool.wasm".into(),
            arguments: Vec::new(),
            folder: Some(folder.to_owned()),
            environment: Vec::new(),
            input: Bytes::new(),
            limits: CommandLimits::default(),
            sandbox: Sandbox::default(),
        }
    }

    #[test]
    fn folders_have_names_from_the_commands_own_and_what_is_hidden_is_in_none() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["home/data", "home/state", "else"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("home/file"), "").unwrap();
        let (home, data, elsewhere) =
            (root.join("home"), root.join("home/data"), root.join("else"));
        let reach = |reads: &[&Path], writes: &[&Path]| Confinement {
            reads: reads.iter().map(|path| path.to_path_buf()).collect(),
            writes: writes.iter().map(|path| path.to_path_buf()).collect(),
            network: false,
        };
        let hidden = [home.join("state")];
        let names = |confinement, hidden: &[PathBuf]| {
            given(&command(&home), &confinement, hidden)
                .map(|all| all.into_iter().map(|one| (one.name, one.writes)).collect::<Vec<_>>())
        };
        let whole = elsewhere.to_str().unwrap().to_owned();
        assert_eq!(
            names(reach(&[&data], &[&elsewhere, &data]), &[]).unwrap(),
            [(".".into(), false), ("data".into(), true), (whole, true)]
        );
        // The command's own folder holds what is hidden, and is left out.
        assert_eq!(names(reach(&[&home, &data], &[]), &hidden).unwrap(), [("data".into(), false)]);
        // Any other such folder, what is hidden itself, a file and what is not there are refused.
        for path in [root.as_path(), &home.join("state"), &home.join("file"), &home.join("no")] {
            assert!(names(reach(&[path], &[]), &hidden).is_err(), "{}", path.display());
        }
        // And so is the command's own where it is to change what is in it.
        assert!(names(reach(&[], &[&home]), &hidden).is_err());
        assert_eq!(names(reach(&[], &[&home]), &[]).unwrap(), [(".".into(), true)]);
        // What is not there cannot be kept out of a folder.
        assert!(names(reach(&[&data], &[]), &[home.join("none")]).is_err());
    }
}
