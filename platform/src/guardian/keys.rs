//! Reads the pair's keys anew beside the guardian, which never waits for a file.

use crate::config::{Keys, SettingsError, read_keys};
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// Enough for reading one small file.
const STACK_BYTES: usize = 128 * 1024;

/// A reading of the keys that may be under way.
#[derive(Debug, Default)]
pub(super) struct KeyReader {
    under_way: Option<Receiver<Result<Keys, SettingsError>>>,
}

impl KeyReader {
    /// Begins to read; what an earlier reading finds is not waited for any more.
    pub(super) fn begin(&mut self, path: &Path) {
        let path = path.to_owned();
        let (found, under_way) = sync_channel(1);
        let read = move || {
            // Nobody listens any more when the file was written anew meanwhile.
            found.send(read_keys(&path)).ok();
        };
        let thread = thread::Builder::new().name("keys".to_owned()).stack_size(STACK_BYTES);
        match thread.spawn(read) {
            Ok(_) => self.under_way = Some(under_way),
            Err(error) => log::error!("the keys cannot be read: {error}"),
        }
    }

    /// What was read, once.
    pub(super) fn poll(&mut self) -> Option<Keys> {
        let result = match self.under_way.as_ref()?.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                self.under_way = None;
                return None;
            }
        };
        self.under_way = None;
        result.map_err(|error| log::error!("{error}: the keys stay what they are")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diarch_cluster::config::Key;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    fn read(path: &Path, text: &str) -> Option<Keys> {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        let mut reader = KeyReader::default();
        reader.begin(path);
        while reader.under_way.is_some() {
            if let Some(keys) = reader.poll() {
                assert_eq!(reader.poll(), None, "told once");
                return Some(keys);
            }
            thread::yield_now();
        }
        None
    }

    #[test]
    fn what_the_file_holds_is_told_once_and_what_it_does_not_is_not() {
        let name = format!("diarch-keys-{}", std::process::id());
        let path: PathBuf = std::env::temp_dir().join(name);
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let both = (Key([0x11; 32]), Some(Key([0x22; 32])));
        assert_eq!(read(&path, &format!("{old}\n{new}\n")), Some(both));
        assert_eq!(read(&path, &new), Some((Key([0x22; 32]), None)));
        assert_eq!(read(&path, "no key\n"), None);
        fs::remove_file(&path).unwrap();
    }
}
