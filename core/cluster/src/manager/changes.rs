//! Ordering changes, making them durable on both nodes, and telling their authors.

use super::{Author, Clocks, Manager};
use crate::alerts;
use crate::controller::status;
use crate::manager_io::{Durable, Output, PersistTicket};
use crate::replication::change::{Stamp, version};
use crate::replication::{Change, Message};
use crate::request::Reply;
use diarch_cib::operations::Refusal;
use diarch_cib::time::{Civil, DateTime};

/// Exit status: the disk refused.
const EXIT_IO: i32 = 74;

/// A change whose author waits.
#[derive(Debug)]
struct Pending {
    sequence: u64,
    author: Author,
    reply: Reply,
    /// Still to be durable here.
    here: bool,
    /// Still to be durable on the other node.
    there: bool,
}

/// What is ordered and not yet durable everywhere.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The last change's number.
    sequence: u64,
    pending: Vec<Pending>,
    /// The write that is under way, and the last change in it.
    writing: Option<(PersistTicket, u64)>,
    /// A later change of the configuration that is not in it.
    unwritten: Option<u64>,
    next_ticket: u64,
}

impl Changes {
    pub(super) fn forget(&mut self, author: Author) {
        for pending in self.pending.iter_mut().filter(|pending| pending.author == author) {
            pending.author = Author::Nobody;
        }
    }

    pub(super) const fn ticket(&mut self) -> PersistTicket {
        self.next_ticket += 1;
        PersistTicket(self.next_ticket)
    }
}

impl Manager {
    /// Orders a change on the leader; its author is answered when it is safe.
    pub(super) fn commit(&mut self, at: Clocks, author: Author, change: Change) -> bool {
        let applied = match change.apply(&mut self.cib) {
            Ok(applied) => applied,
            Err(refusal) => {
                self.reply(at, author, refused(refusal));
                return false;
            }
        };
        self.changes.sequence += 1;
        let sequence = self.changes.sequence;
        let mut there = false;
        if self.joining.full_sent {
            let stamp = version(&self.cib);
            self.tell(at, &Message::Update { sequence, change, version: stamp });
            there = applied.configuration;
        }
        if applied.configuration {
            self.changes.unwritten = Some(sequence);
            self.persist();
        }
        let (reply, here) = (Reply::default(), applied.configuration);
        self.changes.pending.push(Pending { sequence, author, reply, here, there });
        self.release(at);
        applied.changed
    }

    /// As [`Self::commit`], of an attribute; alerts hear of it if it changed anything.
    pub(super) fn commit_attribute(&mut self, at: Clocks, author: Author, change: Change) -> bool {
        let told = change.clone();
        let changed = self.commit(at, author, change);
        if changed && let Change::Attribute { id, name, value, .. } = &told {
            let local = *id == self.local_id();
            let node = if local { self.local_name() } else { self.peer_name() }.to_owned();
            let (node, value) = (node.as_str(), value.as_deref());
            self.alert(at, alerts::Event::Attribute { node, id, name, value });
        }
        changed
    }

    /// Carries out what the leader ordered.
    pub(super) fn follow(&mut self, at: Clocks, sequence: u64, change: &Change, stamp: [u64; 3]) {
        let applied = change.apply(&mut self.cib);
        self.changes.sequence = sequence;
        match applied {
            Ok(applied) if version(&self.cib) == stamp => {
                if applied.configuration {
                    self.changes.unwritten = Some(sequence);
                    self.persist();
                }
            }
            Ok(_) | Err(_) => {
                self.warn("this CIB differs from the leader's: taking all of it".to_owned());
                self.say_hello(at, false);
            }
        }
    }

    /// Takes a whole CIB with everything up to this change.
    pub(super) fn adopt(&mut self, sequence: u64) {
        self.changes.sequence = sequence;
        self.changes.unwritten = Some(sequence);
        self.settled = true;
        self.persist();
    }

    pub(super) const fn sequence(&self) -> u64 {
        self.changes.sequence
    }

    /// Writes the configuration, one write at a time.
    fn persist(&mut self) {
        if self.changes.writing.is_some() {
            return;
        }
        let Some(sequence) = self.changes.unwritten.take() else { return };
        let ticket = self.changes.ticket();
        self.changes.writing = Some((ticket, sequence));
        let [admin, epoch, updates] = version(&self.cib);
        let what = Durable::Cib {
            text: status::without_status(&self.cib),
            version: format!("{admin}.{epoch}.{updates}"),
        };
        self.out.push_back(Output::Persist { ticket, what });
    }

    pub(super) fn take_persisted(
        &mut self,
        at: Clocks,
        ticket: PersistTicket,
        result: Result<(), String>,
    ) {
        let written = self.changes.writing.take_if(|(writing, _)| *writing == ticket);
        let Some((_, sequence)) = written else {
            if let Err(error) = result {
                self.warn(format!("could not keep the scheduler's input: {error}"));
            }
            return;
        };
        match result {
            Ok(()) => {
                for pending in &mut self.changes.pending {
                    pending.here &= pending.sequence > sequence;
                }
                if !self.leading {
                    self.tell(at, &Message::Durable { sequence });
                }
            }
            Err(error) => {
                let text = format!("the configuration could not be written: {error}");
                self.warn(text.clone());
                for pending in &mut self.changes.pending {
                    if pending.here && pending.sequence <= sequence {
                        pending.here = false;
                        pending.reply = Reply::failed(EXIT_IO, text.clone());
                    }
                }
            }
        }
        self.persist();
        self.release(at);
    }

    /// The follower has these changes on stable storage.
    pub(super) fn peer_has(&mut self, at: Clocks, sequence: u64) {
        for pending in &mut self.changes.pending {
            pending.there &= pending.sequence > sequence;
        }
        self.release(at);
    }

    /// Nobody waits for a peer that is no member.
    pub(super) fn peer_is_gone(&mut self, at: Clocks) {
        self.peer_has(at, u64::MAX);
    }

    fn release(&mut self, at: Clocks) {
        let safe = self.changes.pending.extract_if(.., |pending| !pending.here && !pending.there);
        let safe: Vec<Pending> = safe.collect();
        for Pending { author, reply, .. } in safe {
            self.reply(at, author, reply);
        }
    }

    /// Who changes the configuration, for the CIB's root.
    pub(super) fn stamp(&self, at: Clocks, client: &str, user: &str) -> Stamp {
        Stamp {
            origin: self.local_name().to_owned(),
            client: client.to_owned(),
            user: user.to_owned(),
            written: written(DateTime::from_epoch(at.wall.0)),
        }
    }
}

fn refused(refusal: Refusal) -> Reply {
    Reply { rc: refusal.rc, message: refusal.message, payload: refusal.details }
}

/// A date in the form of `cib-last-written`: `Sun Nov 22 22:33:32 2026`.
pub(super) fn written(date: DateTime) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil { year, month, day, hour, minute, second, .. } = date.civil();
    let place = |number: u32| usize::try_from(number).unwrap_or(1).saturating_sub(1);
    let weekday = DAYS.get(place(date.week().day)).unwrap_or(&"");
    let month = MONTHS.get(place(month)).unwrap_or(&"");
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}")
}
