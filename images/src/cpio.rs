//! The archive that the kernel unpacks as its first root file system ("newc", the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! Entries come out sorted by path, owned by root, with no times: the same tree gives the same
//! bytes.

use std::collections::BTreeMap;

/// One thing in the tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    /// A directory with its permissions.
    Directory(u32),
    /// A file with its permissions and content.
    File(u32, Vec<u8>),
    /// A symbolic link and where it points.
    Link(String),
    /// A character device: major and minor number.
    Device(u32, u32),
}

/// A root file system, by absolute path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    entries: BTreeMap<String, Entry>,
}

impl Tree {
    /// Puts `entry` at the absolute `path`, with the directories above it. The last one put stays.
    pub(crate) fn put(&mut self, path: &str, entry: Entry) {
        let path = path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            self.entries.entry(path[..end].to_owned()).or_insert(Entry::Directory(0o755));
        }
        self.entries.insert(path.to_owned(), entry);
    }

    /// Whether something is at `path`.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path.trim_matches('/'))
    }

    /// The bytes of all files below the folders named `under`, or of all files where it is empty.
    pub(crate) fn bytes_under(&self, under: &str) -> u64 {
        self.entries
            .iter()
            .filter(|(path, _)| path.starts_with(under.trim_matches('/')))
            .map(|(_, entry)| match entry {
                Entry::File(_, data) => data.len() as u64,
                Entry::Directory(_) | Entry::Link(_) | Entry::Device(..) => 0,
            })
            .sum()
    }

    /// The same tree without what lies below `under`.
    pub(crate) fn without(&self, under: &str) -> Self {
        let under = under.trim_matches('/');
        let mut rest = self.clone();
        rest.entries.retain(|path, _| !path.starts_with(under));
        rest
    }

    /// The archive. Fails never: sizes are those of files in memory.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, (path, entry)) in (1_u32..).zip(&self.entries) {
            let (mode, data, device) = match entry {
                Entry::Directory(mode) => (0o040_000 | mode, &[][..], (0, 0)),
                Entry::File(mode, data) => (0o100_000 | mode, &data[..], (0, 0)),
                Entry::Link(to) => (0o120_777, to.as_bytes(), (0, 0)),
                Entry::Device(major, minor) => (0o020_600, &[][..], (*major, *minor)),
            };
            member(&mut out, number, path, mode, data, device);
        }
        member(&mut out, 0, "TRAILER!!!", 0, &[], (0, 0));
        out
    }
}

fn member(
    out: &mut Vec<u8>,
    number: u32,
    path: &str,
    mode: u32,
    data: &[u8],
    (major, minor): (u32, u32),
) {
    let fields = [
        number,
        mode,
        0, // owner
        0, // group
        1, // links
        0, // time
        u32::try_from(data.len()).unwrap_or(u32::MAX),
        0, // device of the file itself
        0,
        major,
        minor,
        u32::try_from(path.len() + 1).unwrap_or(u32::MAX),
        0, // checksum
    ];
    out.extend_from_slice(b"070701");
    for field in fields {
        out.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    out.extend_from_slice(path.as_bytes());
    out.push(0);
    pad(out);
    out.extend_from_slice(data);
    pad(out);
}

fn pad(out: &mut Vec<u8>) {
    while !out.len().is_multiple_of(4) {
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Tree};

    #[test]
    fn a_file_brings_the_directories_above_it() {
        let mut tree = Tree::default();
        tree.put("/usr/lib/x", Entry::File(0o644, b"abc".to_vec()));
        assert!(tree.contains("/usr") && tree.contains("usr/lib"));
        assert_eq!(tree.bytes_under("/usr"), 3);
        assert_eq!(tree.without("/usr/lib").bytes_under(""), 0);
    }

    #[test]
    fn an_archive_is_aligned_and_ends_with_a_trailer() {
        let mut tree = Tree::default();
        tree.put("/init", Entry::File(0o755, b"#!/bin/sh\n".to_vec()));
        let archive = tree.archive();
        assert!(archive.starts_with(b"07070100000001000081ED"));
        assert_eq!(archive.len() % 4, 0);
        let trailer = archive.windows(11).any(|part| part == b"TRAILER!!!\0");
        assert!(trailer);
    }
}
