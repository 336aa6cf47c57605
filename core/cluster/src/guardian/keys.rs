//! Exchanging the pair's key without a moment in which the nodes do not understand each other.
//!
//! Each node accepts the key in use and, once it was written on it, the next. A node seals under
//! the next key as soon as the peer says that it accepts it, or uses it. While nobody is in sight
//! the two take turns, so that a peer that knows only one of them hears this node, too. A key that
//! the peer still uses cannot be taken away.

use super::{Guardian, Small};
use crate::config::Key;
use crate::guardian_io::Event;
use crate::membership::wire::{KeyId, Seal};
use crate::view::Notice;

/// What is known of the peer's keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    /// Under which key its newest heartbeat was sealed.
    heard: KeyId,
    /// Whether the newest key seals while it is in sight.
    use_next: bool,
}

impl Guardian {
    /// The keys were written anew.
    pub(super) fn take_keys(&mut self, key: Key, next: Option<Key>) {
        if self.contact.mutual(self.now) && !self.would_accept(&key, next.as_ref()) {
            self.event(Event::KeysRefused);
            return;
        }
        self.config.key = key;
        self.config.next_key = next;
        self.seal.set_keys(&key, next.as_ref());
        self.keys.use_next = false;
        self.event(Event::KeysTaken { two: next.is_some() });
        self.choose_key();
        self.tell_keys();
        self.send_now();
    }

    fn would_accept(&self, key: &Key, next: Option<&Key>) -> bool {
        let mut seal = Seal::new(key, &self.config.cluster_name, self.config.local);
        seal.set_keys(key, next);
        seal.accepts(self.keys.heard)
    }

    /// The newest heartbeat of the boot in sight was sealed under `key`.
    pub(super) fn follow_key(&mut self, key: KeyId) {
        self.keys.heard = key;
        if self.choose_key() {
            self.tell_keys();
        }
    }

    /// Under the newest key if the peer has it, under the other if it is not known to. Whether
    /// that is another one now.
    fn choose_key(&mut self) -> bool {
        let before = self.keys.use_next;
        if self.config.next_key.is_none() {
            self.keys.use_next = false;
        } else if let Some(sight) = self.contact.sight() {
            let newest = self.seal.newest();
            self.keys.use_next = self.keys.heard == newest || sight.said.newest_key == newest;
        }
        self.seal.use_newest(self.keys.use_next);
        let changed = before != self.keys.use_next;
        if changed {
            self.event(Event::KeyUsed { newest: self.keys.use_next });
        }
        changed
    }

    /// While nobody is in sight, each beat is sealed under the other key.
    pub(super) fn try_other_key(&mut self) {
        if self.config.next_key.is_none() {
            return;
        }
        let newest = if self.contact.mutual(self.now) {
            self.keys.use_next
        } else {
            self.seal.used() != self.seal.newest()
        };
        self.seal.use_newest(newest);
    }

    /// The manager seals as its guardian does.
    pub(super) fn tell_keys(&mut self) {
        if self.supervisor.is_running() {
            let (key, next) = (self.config.key, self.config.next_key);
            self.push(Small::Manager(Notice::Keys { key, next, use_next: self.keys.use_next }));
        }
    }
}
