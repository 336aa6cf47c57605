//! The pair's key: 32 random bytes as 64 hexadecimal digits, readable by root alone. While it is
//! exchanged, the next key stands on a second line.

use super::SettingsError;
use diarch_cluster::config::Key;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What it is called beside the settings.
pub(crate) const NAME: &str = "diarch.key";
/// Its length, in bytes.
const LENGTH: usize = 32;

/// What the file holds: the key in use, and the next if there is one.
pub(crate) type Keys = (Key, Option<Key>);

/// Reads keys that nobody else can read.
///
/// # Errors
/// It is missing, open to others, or none.
pub(crate) fn read(path: &Path) -> Result<Keys, SettingsError> {
    let error = |reason: String, fix: &str| SettingsError {
        file: path.to_owned(),
        place: String::new(),
        reason,
        fix: fix.to_owned(),
    };
    let unreadable = |cause: io::Error| {
        let reason = format!("the pair's key cannot be read ({cause})");
        error(reason, "copy it from the other node, or write a new one with `diarch setup`")
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let reason = format!("the pair's key is open to others (mode {:o})", mode & 0o777);
        return Err(error(reason, "make it readable by root alone with `chmod 600`"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    let keys: Option<Vec<Key>> = text.lines().map(|line| decode(line.trim()).map(Key)).collect();
    match keys.as_deref() {
        Some([key]) => Ok((*key, None)),
        Some([key, next]) if key != next => Ok((*key, Some(*next))),
        Some([..]) | None => {
            let reason =
                "this is not the pair's key: 64 hexadecimal digits, while it is exchanged \
                          another 64 on a second line"
                    .to_owned();
            Err(error(
                reason,
                "copy it from the other node, or write a new one with `diarch setup`",
            ))
        }
    }
}

/// Writes a new random key; a file that exists is never touched.
///
/// # Errors
/// The file exists, or it cannot be written.
pub(crate) fn write_new(path: &Path) -> io::Result<()> {
    let mut key = [0; LENGTH];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let mut text = String::new();
    for byte in key {
        write!(text, "{byte:02x}").map_err(io::Error::other)?;
    }
    text.push('\n');
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn decode(text: &str) -> Option<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    if text.len() != 2 * LENGTH || !text.is_ascii() {
        return None;
    }
    for (byte, place) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(key)
}
