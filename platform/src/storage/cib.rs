//! `cib.xml` with its digest, and the versions before it as `cib-N.raw`.
//!
//! Whatever moment the power fails at, either `cib.xml` agrees with its digest or the newest backup
//! with its own: a version is kept as a backup before the digest and then the file are replaced.

use super::{make_folder, put, read_number, sync_folder, write_beside};
use diarch_cib::Document;
use diarch_cib::digest;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// So many backups are kept; the oldest is replaced first.
const BACKUPS_MAX: u32 = 100;

/// The folder of the CIB.
#[derive(Clone, Debug)]
pub(crate) struct CibStore {
    folder: PathBuf,
}

impl CibStore {
    /// The CIB in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        make_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The newest CIB that is whole; none where there never was one.
    pub(crate) fn load(&self) -> Option<String> {
        let newest = self.folder.join("cib.xml");
        if !newest.exists() && !self.folder.join("cib.last").exists() {
            return None;
        }
        match whole(&newest) {
            Ok(text) => return Some(text),
            Err(reason) => log::error!("{}: {reason}; trying its backups", newest.display()),
        }
        let next = read_number(&self.folder.join("cib.last"));
        (1..=BACKUPS_MAX).find_map(|back| {
            let path = self.backup((next + BACKUPS_MAX - back) % BACKUPS_MAX);
            let text = path.exists().then(|| whole(&path))?;
            text.inspect(|_| log::warn!("the CIB is taken from {}", path.display())).ok()
        })
    }

    /// Makes `text` the CIB, durably.
    ///
    /// # Errors
    /// It cannot be written; the one before is still there.
    pub(crate) fn store(&self, text: &str) -> io::Result<()> {
        let document =
            Document::parse(text).map_err(|error| io::Error::other(error.to_string()))?;
        let digest = digest::of_element(document.root());
        let (file, signature) = (self.folder.join("cib.xml"), self.folder.join("cib.xml.sig"));
        let new = write_beside(&file, text.as_bytes(), true)?;
        let new_signature = write_beside(&signature, digest.as_bytes(), true)?;
        if file.exists() && signature.exists() {
            self.keep(&file, &signature)?;
        }
        fs::rename(new_signature, &signature)?;
        fs::rename(new, &file)?;
        sync_folder(&self.folder)
    }

    fn keep(&self, file: &Path, signature: &Path) -> io::Result<()> {
        let last = self.folder.join("cib.last");
        let number = read_number(&last) % BACKUPS_MAX;
        let backup = self.backup(number);
        for (from, to) in [(signature, signature_of(&backup)), (file, backup)] {
            match fs::remove_file(&to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => fs::hard_link(from, &to)?,
            }
        }
        put(&last, format!("{}\n", (number + 1) % BACKUPS_MAX).as_bytes())
    }

    fn backup(&self, number: u32) -> PathBuf {
        self.folder.join(format!("cib-{number}.raw"))
    }
}

fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}

/// The text of a file that parses and agrees with its digest, if it has one.
fn whole(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read ({error})"))?;
    let document = Document::parse(&text).map_err(|error| format!("does not parse ({error})"))?;
    match fs::read_to_string(signature_of(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(text),
        Err(error) => Err(format!("its digest cannot be read ({error})")),
        Ok(digest) if digest.trim() == digest::of_element(document.root()) => Ok(text),
        Ok(_) => Err("does not agree with its digest: it was changed by hand or cut short".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(name: &str) -> CibStore {
        let folder = std::env::temp_dir().join(format!("diarch-cib-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        CibStore::new(&folder).unwrap()
    }

    fn version(number: u32) -> String {
        format!("<cib epoch=\"{number}\">\n  <configuration/>\n</cib>\n")
    }

    #[test]
    fn the_last_version_comes_back_and_there_was_none_at_first() {
        let store = store("last");
        assert_eq!(store.load(), None);
        for number in 1..=3 {
            store.store(&version(number)).unwrap();
        }
        assert_eq!(store.load(), Some(version(3)));
        assert_eq!(fs::read_to_string(store.backup(1)).unwrap(), version(2));
        fs::remove_dir_all(&store.folder).unwrap();
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_the_old_version_or_the_new() {
        let store = store("cut");
        store.store(&version(1)).unwrap();
        store.store(&version(2)).unwrap();
        // The digest has been replaced, the file has not.
        let file = store.folder.join("cib.xml");
        store.keep(&file, &store.folder.join("cib.xml.sig")).unwrap();
        put(&store.folder.join("cib.xml.sig"), b"0123").unwrap();
        assert_eq!(store.load(), Some(version(2)));
        // The file is cut short.
        fs::write(store.folder.join("cib.xml.new"), "<cib").unwrap();
        fs::rename(store.folder.join("cib.xml.new"), &file).unwrap();
        assert_eq!(store.load(), Some(version(2)));
        store.store(&version(3)).unwrap();
        assert_eq!(store.load(), Some(version(3)));
        fs::remove_dir_all(&store.folder).unwrap();
    }

    #[test]
    fn a_file_without_a_digest_is_taken_as_it_is() {
        let store = store("bare");
        fs::write(store.folder.join("cib.xml"), version(7)).unwrap();
        assert_eq!(store.load(), Some(version(7)));
        fs::remove_dir_all(&store.folder).unwrap();
    }

    #[test]
    fn backups_go_round_after_a_hundred() {
        let store = store("round");
        for number in 0..=101 {
            store.store(&version(number)).unwrap();
        }
        assert_eq!(fs::read_to_string(store.backup(0)).unwrap(), version(100));
        assert_eq!(read_number(&store.folder.join("cib.last")), 1);
        fs::remove_dir_all(&store.folder).unwrap();
    }
}
