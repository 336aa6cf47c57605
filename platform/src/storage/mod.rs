//! The manager's durable state, in Pacemaker's own places under `/var/lib/pacemaker`.
//!
//! `cib/cib.xml` is written crash-safe: what stood before becomes `cib-N.raw` (hard-linked, so that
//! the name never stands for nothing), the new text goes to a temporary file, is flushed, renamed,
//! and the folder is flushed; its digest in `cib.xml.sig` likewise. A file whose digest does not
//! match is kept aside and the last good backup is loaded in its place.

use diarch_cib::Document;
use diarch_cib::digest;
use diarch_cluster::manager_io::Durable;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

/// How many backups of the CIB are kept.
const BACKUPS_MAX: u32 = 100;
/// How many scheduler inputs of each series are kept.
const INPUTS_MAX: u32 = 400;
/// Longest file that is read, in bytes.
const FILE_MAX: u64 = 256 << 20;
/// The owner of what is written, if the system has that user.
const OWNER: &str = "hacluster";

/// The folder of everything durable.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
    owner: Option<(u32, u32)>,
}

/// What was found at start.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Loaded {
    /// The configuration's text; nothing on a new node.
    pub(crate) text: Option<String>,
    /// What an administrator should know about how it was found.
    pub(crate) warnings: Vec<String>,
}

impl Store {
    /// The store below `root`, usually `/var/lib/pacemaker`; folders are made when needed.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self { root: root.into(), owner: owner_in(&passwd) }
    }

    /// The newest configuration that is whole.
    ///
    /// # Errors
    ///
    /// If a file is there and cannot be read: nothing is replaced then.
    pub(crate) fn load(&self) -> io::Result<Loaded> {
        let mut warnings = Vec::new();
        let current = self.cib("cib.xml");
        match self.whole(&current)? {
            Found::Absent => return Ok(Loaded::default()),
            Found::Whole(text) => return Ok(Loaded { text: Some(text), warnings }),
            Found::Broken(reason) => {
                let aside = self.set_aside(&current)?;
                let shown = current.display();
                warnings.push(format!("{shown}: {reason}; kept as {}", aside.display()));
            }
        }
        for number in self.newest_backups() {
            let backup = self.cib(&format!("cib-{number}.raw"));
            if let Found::Whole(text) = self.whole(&backup)? {
                warnings.push(format!("{}: taken in its place", backup.display()));
                return Ok(Loaded { text: Some(text), warnings });
            }
        }
        warnings.push("no backup is whole: beginning with an empty configuration".to_owned());
        Ok(Loaded { text: None, warnings })
    }

    /// Makes something durable: when this returns without error it has reached the disk.
    ///
    /// # Errors
    ///
    /// A sentence that names the file; what was there before is still there.
    pub(crate) fn save(&self, what: &Durable) -> Result<(), String> {
        match what {
            Durable::Cib { text, .. } => self.save_cib(text),
            Durable::SchedulerInput { series, text } => self.save_input(series, text),
        }
    }

    fn save_cib(&self, text: &str) -> Result<(), String> {
        let folder = self.root.join("cib");
        let current = self.cib("cib.xml");
        let failed = |error: io::Error| format!("{}: {error}", current.display());
        let document = Document::parse(text).map_err(|error| format!("cib.xml: {error}"))?;
        let signature = digest::of_element(document.root());
        self.folder(&folder).map_err(failed)?;
        self.back_up(&current).map_err(failed)?;
        self.replace(&current, text.as_bytes()).map_err(failed)?;
        self.replace(&self.cib("cib.xml.sig"), signature.as_bytes()).map_err(failed)?;
        sync_folder(&folder).map_err(failed)
    }

    fn save_input(&self, series: &str, text: &str) -> Result<(), String> {
        let folder = self.root.join("pengine");
        let last = folder.join(format!("pe-{series}.last"));
        let number = read_number(&last);
        let path = folder.join(format!("pe-{series}-{number}.xml"));
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        self.folder(&folder).map_err(failed)?;
        // For reading afterwards only: a lost one costs nothing, so nothing waits for the disk.
        fs::write(&path, text).map_err(failed)?;
        self.own(&path, 0o600).map_err(failed)?;
        fs::write(&last, ((number + 1) % INPUTS_MAX).to_string()).map_err(failed)
    }

    fn cib(&self, name: &str) -> PathBuf {
        self.root.join("cib").join(name)
    }

    /// Reads a configuration and compares it with the digest beside it.
    fn whole(&self, path: &Path) -> io::Result<Found> {
        let length = match fs::metadata(path) {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Absent),
            Err(error) => return Err(error),
        };
        if length > FILE_MAX {
            return Ok(Found::Broken(format!("longer than {FILE_MAX} bytes")));
        }
        let Ok(text) = String::from_utf8(fs::read(path)?) else {
            return Ok(Found::Broken("not UTF-8".to_owned()));
        };
        let document = match Document::parse(&text) {
            Ok(document) => document,
            Err(error) => return Ok(Found::Broken(error.to_string())),
        };
        let mut signature = path.as_os_str().to_owned();
        signature.push(".sig");
        match fs::read_to_string(PathBuf::from(signature)) {
            // Without a digest it was put there by hand, which is allowed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Whole(text)),
            Err(error) => Err(error),
            Ok(expected) if expected.trim() == digest::of_element(document.root()) => {
                Ok(Found::Whole(text))
            }
            Ok(_) => Ok(Found::Broken("its digest does not match".to_owned())),
        }
    }

    fn set_aside(&self, path: &Path) -> io::Result<PathBuf> {
        let mut aside = self.cib("cib.auto.0");
        for number in 1_u32.. {
            if !aside.exists() {
                break;
            }
            aside = self.cib(&format!("cib.auto.{number}"));
        }
        fs::rename(path, &aside)?;
        let signature = self.cib("cib.xml.sig");
        if signature.exists() {
            fs::rename(&signature, aside.with_extension("sig"))?;
        }
        Ok(aside)
    }

    fn newest_backups(&self) -> impl Iterator<Item = u32> + use<> {
        let next = read_number(&self.cib("cib.last"));
        (1..=BACKUPS_MAX).map(move |back| (next + BACKUPS_MAX - back) % BACKUPS_MAX)
    }

    fn back_up(&self, current: &Path) -> io::Result<()> {
        if !current.exists() {
            return Ok(());
        }
        let number = read_number(&self.cib("cib.last"));
        let backup = self.cib(&format!("cib-{number}.raw"));
        for (from, to) in [
            (current.to_owned(), backup),
            (self.cib("cib.xml.sig"), self.cib(&format!("cib-{number}.raw.sig"))),
        ] {
            match fs::remove_file(&to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            if from.exists() {
                fs::hard_link(&from, &to)?;
            }
        }
        let next = ((number + 1) % BACKUPS_MAX).to_string();
        self.replace(&self.cib("cib.last"), next.as_bytes())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        self.own(&temporary, 0o600)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    }

    fn folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(path)?;
        self.own(path, 0o750)
    }

    fn own(&self, path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        match self.owner {
            Some((user, group)) => match chown(path, Some(user), Some(group)) {
                // Without privilege the files stay the caller's.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                other => other,
            },
            None => Ok(()),
        }
    }
}

enum Found {
    Absent,
    Whole(String),
    Broken(String),
}

fn read_number(path: &Path) -> u32 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The user and group of [`OWNER`] in the text of `/etc/passwd`.
fn owner_in(passwd: &str) -> Option<(u32, u32)> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut ours = fields.filter(|fields| fields.first() == Some(&OWNER));
    let fields = ours.next()?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests;
