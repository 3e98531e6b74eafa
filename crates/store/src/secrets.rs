//! Secrets of this user, in one sealed file beside its key: third source of providers' keys, after
//! the variables. The file is sealed as a whole, names and tenants too, and replaced as a whole
//! under a lock, so that it is either what somebody wrote or an error. There is no form in clear.

mod sealed;

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use largestack_ports::ids::Ids;
use largestack_ports::secrets::Secrets;
use largestack_ports::vault::Sensitive;
use largestack_types::errors::Result as PortResult;
use largestack_types::scope::Scope;

use crate::error::{Result, StoreError};
use crate::seal::Key;
use crate::{keyfile, private};
use sealed::Contents;

/// The longest name of a secret, in bytes.
const MAX_NAME: usize = 128;
/// The longest value of a secret, in bytes: a key, a token, a certificate.
const MAX_VALUE: usize = 64 << 10;

/// A file of secrets in a folder: `secrets.sealed`, its key in `secrets.key` (both 0600), and
/// `secrets.lock`, which one process at a time holds while it writes.
pub struct SecretFile {
    folder: PathBuf,
    ids: Arc<dyn Ids>,
    /// What was last opened, with its sealed form: opening it again costs more than comparing.
    last: Mutex<Option<(Vec<u8>, Arc<Contents>)>>,
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SecretFile {
    /// The secrets in a folder. Nothing is opened or made.
    pub fn new(folder: impl Into<PathBuf>, ids: Arc<dyn Ids>) -> Self {
        Self { folder: folder.into(), ids, last: Mutex::default() }
    }

    /// The sealed file.
    pub fn path(&self) -> PathBuf {
        self.folder.join("secrets.sealed")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("secrets.key")
    }

    /// Keeps a secret, durable when this returns. Returns whether there was one of this name.
    ///
    /// A name has 1 to 128 of `a-z A-Z 0-9 - _ . /`, a value 1 to 65,536 bytes; anything else is
    /// `LARGESTACK_INPUT`.
    pub fn set(&self, scope: &Scope, name: &str, value: Sensitive) -> Result<bool> {
        check(name, &value)?;
        let (tenant, name) = (scope.tenant().as_str().to_owned(), name.to_owned());
        self.change(|contents| contents.entry(tenant).or_default().insert(name, value).is_some())
    }

    /// Takes a secret away. Returns whether there was one of this name.
    pub fn remove(&self, scope: &Scope, name: &str) -> Result<bool> {
        if !self.path().try_exists().map_err(|error| StoreError::io(&self.path(), error))? {
            return Ok(false);
        }
        let tenant = scope.tenant().as_str();
        self.change(|contents| {
            contents.get_mut(tenant).is_some_and(|secrets| secrets.remove(name).is_some())
        })
    }

    /// The names of a tenant's secrets, in order.
    pub fn names(&self, scope: &Scope) -> Result<Vec<String>> {
        let contents = self.read()?;
        let secrets = contents.get(scope.tenant().as_str());
        Ok(secrets.map(|secrets| secrets.keys().cloned().collect()).unwrap_or_default())
    }

    /// Changes what is there, with every other writer waiting.
    fn change<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> Result<T> {
        let _lock = self.lock()?;
        let mut contents = Contents::clone(&*self.read()?);
        let changed = change(&mut contents);
        let key = self.key()?;
        let sealed = sealed::seal(&key, &*self.ids, &contents)?;
        private::write(&self.path(), &sealed)?;
        Ok(changed)
    }

    /// The lock, held until the file is dropped, also by a process that dies.
    fn lock(&self) -> Result<File> {
        let failed = |error| StoreError::io(&self.folder, error);
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let path = self.folder.join("secrets.lock");
        let failed = |error| StoreError::io(&path, error);
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// The key; made only while there is nothing that another one has sealed.
    fn key(&self) -> Result<Key> {
        let file = self.key_file();
        match keyfile::read(&file)? {
            Some(key) => Ok(key),
            None if bytes(&self.path())?.is_some() => Err(keyfile::gone(&file)),
            None => keyfile::make(&file, &*self.ids),
        }
    }

    /// What is there now.
    fn read(&self) -> Result<Arc<Contents>> {
        let path = self.path();
        let Some(bytes) = bytes(&path)? else { return Ok(Arc::default()) };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, contents)) = last.as_ref().filter(|(known, _)| *known == bytes) {
            return Ok(Arc::clone(contents));
        }
        let name = sealed::key_name(&path, &bytes)?;
        let file = self.key_file();
        let key = keyfile::read(&file)?.ok_or_else(|| keyfile::gone(&file))?;
        if key.name() != name {
            return Err(keyfile::another(&file));
        }
        let contents = Arc::new(sealed::open(&path, &key, &bytes)?);
        *last = Some((bytes, Arc::clone(&contents)));
        Ok(contents)
    }
}

fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, error)),
    }
}

fn check(name: &str, value: &Sensitive) -> Result<()> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(fits) {
        return Err(StoreError::NotASecret(
            "a secret's name has 1 to 128 letters, digits, `-`, `_`, `.` and `/`",
        ));
    }
    match value.expose().len() {
        0 => Err(StoreError::NotASecret("the value is empty")),
        length if length > MAX_VALUE => {
            Err(StoreError::NotASecret("the value is longer than 65,536 bytes"))
        }
        _ => Ok(()),
    }
}

impl Secrets for SecretFile {
    fn get(&self, scope: &Scope, name: &str) -> PortResult<Option<Sensitive>> {
        let contents = self.read()?;
        Ok(contents.get(scope.tenant().as_str()).and_then(|secrets| secrets.get(name)).cloned())
    }
}
