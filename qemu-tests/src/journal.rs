//! Everything seen from outside, with the host's monotonic time: one list for all sources.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Who said or did something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A line on the console of this machine (0 or 1).
    Console(usize),
    /// An event that QEMU reported of this machine.
    Qmp(usize),
    /// What the rig did to the machines.
    Rig,
    /// The client outside.
    Client,
}

/// One thing that was seen.
#[derive(Clone, Debug)]
pub struct Record {
    /// When, on the host.
    pub at: Instant,
    /// Who.
    pub source: Source,
    /// What.
    pub text: String,
}

#[derive(Debug)]
struct Inner {
    records: Vec<Record>,
    file: Option<File>,
}

/// The list, shared by everything that watches.
#[derive(Clone, Debug)]
pub struct Journal {
    start: Instant,
    inner: Arc<(Mutex<Inner>, Condvar)>,
}

impl Journal {
    /// An empty list that is also written to the file at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let inner = Inner { records: Vec::new(), file: File::create(path).ok() };
        Self { start: Instant::now(), inner: Arc::new((Mutex::new(inner), Condvar::new())) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked while it held the list has still left a list.
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `source` said `text` now.
    pub fn note(&self, source: Source, text: impl Into<String>) {
        let record = Record { at: Instant::now(), source, text: text.into() };
        let mut inner = self.lock();
        let seconds = self.seconds(record.at);
        if let Some(file) = &mut inner.file {
            let written = writeln!(file, "{seconds:9.3} {:?} {}", record.source, record.text);
            if written.is_err() {
                inner.file = None;
            }
        }
        inner.records.push(record);
        drop(inner);
        self.inner.1.notify_all();
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().records.len()
    }

    /// Whether nothing has been seen yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All records from number `from` on.
    #[must_use]
    pub fn since(&self, from: usize) -> Vec<Record> {
        self.lock().records.get(from..).map_or_else(Vec::new, <[Record]>::to_vec)
    }

    /// Seconds from the start of the rig to `at`.
    #[must_use]
    pub fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.start).as_secs_f64()
    }

    /// Waits for the first record from number `from` on that `wanted` accepts, until `deadline`.
    #[must_use]
    pub fn wait(
        &self,
        from: usize,
        deadline: Instant,
        wanted: impl Fn(&Record) -> bool,
    ) -> Option<Record> {
        let mut next = from;
        let mut inner = self.lock();
        loop {
            let found = inner.records.iter().skip(next).find(|record| wanted(record));
            if let Some(record) = found {
                return Some(record.clone());
            }
            next = inner.records.len().max(from);
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            inner =
                self.inner.1.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, Source};
    use std::path::Path;
    use std::time::Instant;

    #[test]
    fn a_record_is_found_from_where_the_search_begins() {
        let journal = Journal::new(Path::new("/dev/null"));
        journal.note(Source::Console(0), "up");
        journal.note(Source::Console(1), "up");
        let up = |from| journal.wait(from, Instant::now(), |record| record.text == "up");
        assert_eq!(up(0).map(|record| record.source), Some(Source::Console(0)));
        assert_eq!(up(1).map(|record| record.source), Some(Source::Console(1)));
        assert!(up(2).is_none());
    }
}
