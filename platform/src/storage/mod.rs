//! What survives a power cut: the CIB with its backups, and the scheduler's inputs.

mod cib;
mod inputs;

pub(crate) use cib::CibStore;
pub(crate) use inputs::InputStore;

use crate::users;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

/// Everything is below this.
pub(crate) const ROOT: &str = "/var/lib/pacemaker";

/// Makes a folder as Pacemaker's packages have it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        fs::create_dir_all(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o750))?;
        own(path);
    }
    Ok(())
}

/// Gives a file to Pacemaker's user, where there is one.
fn own(path: &Path) {
    let user = users::user_by_name(users::DAEMON_USER).map(|user| user.uid);
    let group = users::group_by_name(users::DAEMON_GROUP).map(|group| group.gid);
    if let Err(error) = chown(path, user, group) {
        log::debug!("{}: {error}", path.display());
    }
}

/// Writes a new file beside `path`, durably, and returns its name.
fn write_beside(path: &Path, bytes: &[u8], durable: bool) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    own(&new);
    if durable {
        file.sync_all()?;
    }
    Ok(new)
}

/// Puts a file in the place of another, durably.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = write_beside(path, bytes, true)?;
    fs::rename(&new, path)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The number in a file like `cib.last`; 0 where there is none.
fn read_number(path: &Path) -> u32 {
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default()
}
