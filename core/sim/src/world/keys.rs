//! Exchanging the pair's key, step by step, while everything else goes on.

use super::{BOTH, Event, World};
use crate::node::{KeyFile, Waiting};
use crate::rng::Rng;
use core::time::Duration;
use diarch_cluster::config::{Key, NodeIndex};

/// The key that every world begins with.
pub const OLD: Key = Key([42; 32]);
/// The one that takes its place.
pub const NEW: Key = Key([43; 32]);

impl World {
    /// Writes a node's key file anew after `delay`, and tells its guardian if it runs.
    pub fn write_keys(&mut self, node: NodeIndex, file: KeyFile, delay: Duration) {
        self.at(delay, Event::Keys { node, file });
    }

    pub(super) fn take_keys(&mut self, node: NodeIndex, file: KeyFile) {
        self.tell(node, if file.next.is_some() { "gets a second key" } else { "has one key left" });
        self.nodes[node.index()].key_file = file;
        self.hand(node, Waiting::Keys(file));
    }

    /// Exchanges the key as an administrator does: the new one is added on one node, then on the
    /// other; later the old one is taken away on one, then on the other.
    pub fn exchange_keys(&mut self, rng: &mut Rng, within: Duration) {
        let both = KeyFile { key: OLD, next: Some(NEW) };
        let new = KeyFile { key: NEW, next: None };
        let mut moments: Vec<Duration> =
            (0..4).map(|_| rng.between(Duration::ZERO, within)).collect();
        moments.sort_unstable();
        let first = BOTH[usize::from(rng.happens(500))];
        let steps = [(first, both), (first.other(), both), (first, new), (first.other(), new)];
        for ((node, file), moment) in steps.into_iter().zip(moments) {
            self.write_keys(node, file, moment);
        }
    }
}
