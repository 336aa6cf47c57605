//! Private values, and values that wait until changes have been gathered for a while.

use super::failcount;
use crate::Instant;
use core::time::Duration;
use std::collections::BTreeMap;

/// A new value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update {
    /// The attribute's name.
    pub name: String,
    /// The node's id.
    pub node: String,
    /// The value; removed where empty.
    pub value: Option<String>,
    /// How long changes are gathered; as before where empty.
    pub dampen: Option<Duration>,
    /// Never written to the CIB.
    pub private: bool,
    /// The id of the attribute set.
    pub set: Option<String>,
}

/// A value that has to be written to the CIB now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Write {
    /// The node's id.
    pub node: String,
    /// The id of the attribute set.
    pub set: Option<String>,
    /// The attribute's name.
    pub name: String,
    /// The value; removed where empty.
    pub value: Option<String>,
}

/// The attributes that are not, or not yet, in the CIB.
#[derive(Debug, Default)]
pub struct Table {
    private: BTreeMap<(String, String), String>,
    delays: BTreeMap<String, Duration>,
    waiting: BTreeMap<String, (Instant, BTreeMap<String, Write>)>,
}

impl Table {
    /// Takes a new value; returns what has to be written at once.
    ///
    /// An attribute with a delay is written when nothing about it has changed for that long.
    pub fn update(&mut self, now: Instant, update: Update) -> Option<Write> {
        let Update { name, node, value, dampen, private, set } = update;
        if private {
            match value {
                Some(value) => self.private.insert((name, node), value),
                None => self.private.remove(&(name, node)),
            };
            return None;
        }
        if let Some(dampen) = dampen {
            self.delays.insert(name.clone(), dampen);
        }
        let delay = self.delays.get(&name).copied().unwrap_or_default();
        let write = Write { node: node.clone(), set, name: name.clone(), value };
        if delay.is_zero() {
            if let Some((_, writes)) = self.waiting.get_mut(&name) {
                writes.remove(&node);
            }
            return Some(write);
        }
        let (due, writes) = self.waiting.entry(name).or_insert((now, BTreeMap::new()));
        *due = now.after(delay);
        writes.insert(node, write);
        None
    }

    /// The value that is not in the CIB: `Some(None)` is one that will be removed.
    #[must_use]
    pub fn look_up(&self, name: &str, node: &str) -> Option<Option<&str>> {
        if let Some(value) = self.private.get(&(name.to_owned(), node.to_owned())) {
            return Some(Some(value));
        }
        let (_, writes) = self.waiting.get(name)?;
        writes.get(node).map(|write| write.value.as_deref())
    }

    /// What has been gathered long enough.
    pub fn due(&mut self, now: Instant) -> Vec<Write> {
        let ready = self.waiting.extract_if(.., |_, (due, _)| *due <= now);
        ready.flat_map(|(_, (_, writes))| writes.into_values()).collect()
    }

    /// When [`Table::due`] has something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let gathered = self.waiting.values().filter(|(_, writes)| !writes.is_empty());
        gathered.map(|(due, _)| *due).min()
    }

    /// Forgets everything: another node orders changes from here on.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A value with `value++` and `value+=N` carried out.
#[must_use]
pub fn expanded(value: &str, known: Option<&str>) -> String {
    let Some(rest) = value.strip_prefix("value") else { return value.to_owned() };
    let by = match rest.strip_prefix("+=") {
        Some(by) => by.to_owned(),
        None if rest == "++" => "1".to_owned(),
        None => return value.to_owned(),
    };
    failcount::raised(known, &by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(value: &str, dampen_ms: Option<u64>) -> Update {
        Update {
            name: "pingd".to_owned(),
            node: "1".to_owned(),
            value: Some(value.to_owned()),
            dampen: dampen_ms.map(Duration::from_millis),
            private: false,
            set: None,
        }
    }

    #[test]
    fn changes_are_gathered_until_nothing_changed_for_the_delay() {
        let at = |millis: u64| Instant::from_micros(millis * 1000);
        let mut table = Table::default();
        assert_eq!(table.update(at(0), update("1", Some(100))), None);
        assert_eq!(table.update(at(60), update("2", None)), None);
        assert_eq!(table.look_up("pingd", "1"), Some(Some("2")));
        assert_eq!(table.due(at(159)), []);
        assert_eq!(table.poll_timeout(), Some(at(160)));
        let written: Vec<_> = table.due(at(160)).into_iter().map(|write| write.value).collect();
        assert_eq!(written, [Some("2".to_owned())]);
        assert_eq!(table.poll_timeout(), None);
    }

    #[test]
    fn private_values_are_never_written() {
        let mut table = Table::default();
        let private = Update { private: true, ..update("1", None) };
        assert_eq!(table.update(Instant::default(), private), None);
        assert_eq!(table.look_up("pingd", "1"), Some(Some("1")));
    }

    #[test]
    fn increments_are_carried_out() {
        assert_eq!(expanded("value++", Some("4")), "5");
        assert_eq!(expanded("value+=10", None), "10");
        assert_eq!(expanded("value++", Some("INFINITY")), "INFINITY");
        assert_eq!(expanded("plain", Some("4")), "plain");
    }
}
