//! The scheduler's inputs, as `pe-input-N.bz2` and its like: for people, so they are not synced.

use super::{make_folder, own, read_number};
use bzip2::Compression;
use bzip2::write::BzEncoder;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// So many of one series are kept.
const SERIES_MAX: u32 = 4000;

/// The folder of the scheduler's inputs.
#[derive(Clone, Debug)]
pub(crate) struct InputStore {
    folder: PathBuf,
}

impl InputStore {
    /// Inputs in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        make_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Keeps one more of `series` (`input`, `warn` or `error`).
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn store(&self, series: &str, text: &str) -> io::Result<()> {
        let last = self.folder.join(format!("pe-{series}.last"));
        let number = read_number(&last) % SERIES_MAX;
        let path = self.folder.join(format!("pe-{series}-{number}.bz2"));
        let mut packer = BzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text.as_bytes())?;
        fs::write(&path, packer.finish()?)?;
        own(&path);
        fs::write(&last, format!("{}\n", (number + 1) % SERIES_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn inputs_are_numbered_and_can_be_unpacked_again() {
        let folder = std::env::temp_dir().join(format!("diarch-inputs-{}", std::process::id()));
        let store = InputStore::new(&folder).unwrap();
        store.store("input", "<one/>").unwrap();
        store.store("input", "<two/>").unwrap();
        let packed = fs::read(folder.join("pe-input-1.bz2")).unwrap();
        let mut text = String::new();
        bzip2::read::BzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "<two/>");
        fs::remove_dir_all(&folder).unwrap();
    }
}
