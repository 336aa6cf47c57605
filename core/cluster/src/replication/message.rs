//! What the two managers say to each other.

use super::change::Change;
use super::codec::{Decoder, Encoder};
use crate::executor::history::Record;
use crate::executor::ocf::Status;
use crate::executor::operation::{AgentName, Operation};
use crate::fencing::history::Event;
use crate::manager_io::WallClock;
use crate::view::BootId;
use core::time::Duration;

/// What a manager says of itself when a session begins, or when another one is to lead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hello {
    /// Its node's boot.
    pub boot: BootId,
    /// The claim's generation, as its guardian knows it.
    pub generation: u64,
    /// Whether its CIB is that of a running cluster, with its status.
    pub settled: bool,
    /// `admin_epoch`, `epoch`, `num_updates`.
    pub version: [u64; 3],
    /// Whether it leads.
    pub leads: bool,
}

/// One message. Between a change and what follows from it the order is kept by the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// How things stand with the sender.
    Hello(Hello),
    /// The leader asks for the other's CIB, which is newer.
    WantCib,
    /// A whole CIB; the follower takes it, and answers with [`Message::Joined`].
    Full {
        /// How many changes are in it.
        sequence: u64,
        /// The document.
        text: String,
    },
    /// The follower has the CIB: this is what its executor knows.
    Joined {
        /// What it ran, and how that ended.
        rows: Vec<Record>,
    },
    /// One change, in the leader's order.
    Update {
        /// Its number.
        sequence: u64,
        /// What to do.
        change: Change,
        /// The version after it.
        version: [u64; 3],
    },
    /// The follower has changes up to this one on stable storage.
    Durable {
        /// The last one.
        sequence: u64,
    },
    /// The follower passes a tool's request on.
    Ask {
        /// Returned with the answer.
        id: u64,
        /// The user who asks.
        user: String,
        /// The request as XML.
        request: String,
    },
    /// The leader's answer to it.
    Answer {
        /// Which.
        id: u64,
        /// The reply as XML.
        reply: String,
    },
    /// Execute this action.
    Execute(Operation),
    /// End a recurring action.
    Cancel {
        /// The resource.
        resource: String,
        /// `monitor`, …
        name: String,
        /// Milliseconds.
        interval_ms: u64,
        /// Returned with the result.
        transition_key: String,
    },
    /// Forget a resource's history.
    Forget {
        /// The resource.
        resource: String,
    },
    /// An action ended.
    Result(Record),
    /// A recurring action was ended.
    Cancelled {
        /// The resource.
        resource: String,
        /// `operation_key`.
        key: String,
        /// As it was given.
        transition_key: String,
    },
    /// Everything is stopped on your node: leave.
    Leave,
    /// Fence the sender's node: it cannot stop what it has to.
    FenceMe,
    /// What was fenced, as far as the sender knows and the other node may not.
    FencingHistory {
        /// In any order.
        events: Vec<Event>,
    },
    /// Forget what was fenced.
    ForgetFencing {
        /// Of which node; of every one where empty.
        target: Option<String>,
    },
}

impl Message {
    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out;
        match self {
            Self::Hello(hello) => {
                out = Encoder::new(1);
                out.number(hello.boot.0).number(hello.generation).flag(hello.settled);
                version(&mut out, hello.version).flag(hello.leads);
            }
            Self::WantCib => out = Encoder::new(2),
            Self::Full { sequence, text } => {
                out = Encoder::new(3);
                out.number(*sequence).text(text);
            }
            Self::Joined { rows } => {
                out = Encoder::new(4);
                out.length(rows.len());
                rows.iter().for_each(|row| write_record(&mut out, row));
            }
            Self::Update { sequence, change, version: stamp } => {
                out = Encoder::new(5);
                out.number(*sequence);
                version(&mut out, *stamp);
                change.encode(&mut out);
            }
            Self::Durable { sequence } => {
                out = Encoder::new(6);
                out.number(*sequence);
            }
            Self::Ask { id, user, request } => {
                out = Encoder::new(7);
                out.number(*id).text(user).text(request);
            }
            Self::Answer { id, reply } => {
                out = Encoder::new(8);
                out.number(*id).text(reply);
            }
            Self::Execute(operation) => {
                out = Encoder::new(9);
                write_operation(&mut out, operation);
            }
            Self::Cancel { resource, name, interval_ms, transition_key } => {
                out = Encoder::new(10);
                out.text(resource).text(name).number(*interval_ms).text(transition_key);
            }
            Self::Forget { resource } => {
                out = Encoder::new(11);
                out.text(resource);
            }
            Self::Result(record) => {
                out = Encoder::new(12);
                write_record(&mut out, record);
            }
            Self::Cancelled { resource, key, transition_key } => {
                out = Encoder::new(13);
                out.text(resource).text(key).text(transition_key);
            }
            Self::Leave => out = Encoder::new(14),
            Self::FenceMe => out = Encoder::new(15),
            Self::FencingHistory { events } => {
                out = Encoder::new(16);
                out.length(events.len());
                events.iter().for_each(|event| write_event(&mut out, event));
            }
            Self::ForgetFencing { target } => {
                out = Encoder::new(17);
                out.maybe(target.as_deref());
            }
        }
        out.finish()
    }

    /// The message that these bytes are; `None` if they are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Decoder::new(bytes);
        let message = match input.tag()? {
            1 => Self::Hello(Hello {
                boot: BootId(input.number()?),
                generation: input.number()?,
                settled: input.flag()?,
                version: read_version(&mut input)?,
                leads: input.flag()?,
            }),
            2 => Self::WantCib,
            3 => Self::Full { sequence: input.number()?, text: input.text()? },
            4 => {
                let count = input.length()?;
                let rows = (0..count).map(|_| read_record(&mut input)).collect::<Option<_>>()?;
                Self::Joined { rows }
            }
            5 => Self::Update {
                sequence: input.number()?,
                version: read_version(&mut input)?,
                change: Change::decode(&mut input)?,
            },
            6 => Self::Durable { sequence: input.number()? },
            7 => Self::Ask { id: input.number()?, user: input.text()?, request: input.text()? },
            8 => Self::Answer { id: input.number()?, reply: input.text()? },
            9 => Self::Execute(read_operation(&mut input)?),
            10 => Self::Cancel {
                resource: input.text()?,
                name: input.text()?,
                interval_ms: input.number()?,
                transition_key: input.text()?,
            },
            11 => Self::Forget { resource: input.text()? },
            12 => Self::Result(read_record(&mut input)?),
            13 => Self::Cancelled {
                resource: input.text()?,
                key: input.text()?,
                transition_key: input.text()?,
            },
            14 => Self::Leave,
            15 => Self::FenceMe,
            16 => {
                let count = input.length()?;
                let events = (0..count).map(|_| read_event(&mut input)).collect::<Option<_>>()?;
                Self::FencingHistory { events }
            }
            17 => Self::ForgetFencing { target: input.maybe()? },
            _ => return None,
        };
        Some(message)
    }
}

fn version(out: &mut Encoder, version: [u64; 3]) -> &mut Encoder {
    for number in version {
        out.number(number);
    }
    out
}

fn read_version(input: &mut Decoder<'_>) -> Option<[u64; 3]> {
    Some([input.number()?, input.number()?, input.number()?])
}

fn write_agent(out: &mut Encoder, agent: &AgentName) {
    out.text(&agent.class).text(&agent.provider).text(&agent.kind);
}

fn read_agent(input: &mut Decoder<'_>) -> Option<AgentName> {
    Some(AgentName { class: input.text()?, provider: input.text()?, kind: input.text()? })
}

fn write_operation(out: &mut Encoder, operation: &Operation) {
    write_agent(out, &operation.agent);
    out.text(&operation.resource).text(&operation.name).number(operation.interval_ms);
    out.text(&operation.key).text(&operation.node).pairs(&operation.attributes);
    out.text(&operation.transition_key);
}

fn read_operation(input: &mut Decoder<'_>) -> Option<Operation> {
    Some(Operation {
        agent: read_agent(input)?,
        resource: input.text()?,
        name: input.text()?,
        interval_ms: input.number()?,
        key: input.text()?,
        node: input.text()?,
        attributes: input.pairs()?,
        transition_key: input.text()?,
    })
}

pub(super) fn write_record(out: &mut Encoder, record: &Record) {
    write_agent(out, &record.agent);
    out.text(&record.node).text(&record.resource).text(&record.operation);
    out.number(record.interval_ms).text(&record.key).text(&record.transition_key);
    out.signed(record.rc.into()).signed(record.status.code().into()).text(&record.exit_reason);
    out.number(record.call_id.into()).signed(record.changed);
    out.number(micros(record.run)).number(micros(record.queued));
    out.maybe(record.migrate_source.as_deref()).maybe(record.migrate_target.as_deref());
    out.text(&record.feature_set).pairs(&record.digests);
}

pub(super) fn read_record(input: &mut Decoder<'_>) -> Option<Record> {
    Some(Record {
        agent: read_agent(input)?,
        node: input.text()?,
        resource: input.text()?,
        operation: input.text()?,
        interval_ms: input.number()?,
        key: input.text()?,
        transition_key: input.text()?,
        rc: i32::try_from(input.signed()?).ok()?,
        status: Status::from_code(i32::try_from(input.signed()?).ok()?),
        exit_reason: input.text()?,
        call_id: u32::try_from(input.number()?).ok()?,
        changed: input.signed()?,
        run: Duration::from_micros(input.number()?),
        queued: Duration::from_micros(input.number()?),
        migrate_source: input.maybe()?,
        migrate_target: input.maybe()?,
        feature_set: input.text()?,
        digests: input.pairs()?,
    })
}

fn write_event(out: &mut Encoder, event: &Event) {
    out.number(event.id).text(&event.target).text(&event.action).text(&event.client);
    out.text(&event.origin).text(&event.delegate).signed(event.completed.0);
    out.flag(event.failed).text(&event.reason);
}

fn read_event(input: &mut Decoder<'_>) -> Option<Event> {
    Some(Event {
        id: input.number()?,
        target: input.text()?,
        action: input.text()?,
        client: input.text()?,
        origin: input.text()?,
        delegate: input.text()?,
        completed: WallClock(input.signed()?),
        failed: input.flag()?,
        reason: input.text()?,
    })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::change::Stamp;
    use crate::request::{CibOperation, CibRequest};

    fn operation() -> Operation {
        Operation {
            resource: "r".to_owned(),
            agent: AgentName {
                class: "ocf".to_owned(),
                provider: "heartbeat".to_owned(),
                kind: "IPaddr2".to_owned(),
            },
            name: "monitor".to_owned(),
            interval_ms: 10_000,
            key: "r_monitor_10000".to_owned(),
            node: "a".to_owned(),
            attributes: vec![("ip".to_owned(), "10.0.0.1".to_owned())],
            transition_key: "1:2:0:u".to_owned(),
        }
    }

    fn record() -> Record {
        Record {
            node: "a".to_owned(),
            resource: "r".to_owned(),
            agent: operation().agent,
            operation: "monitor".to_owned(),
            interval_ms: 10_000,
            key: "r_monitor_10000".to_owned(),
            transition_key: "1:2:0:u".to_owned(),
            rc: 7,
            status: Status::TimedOut,
            exit_reason: "why".to_owned(),
            call_id: 3,
            changed: -1,
            run: Duration::from_millis(7),
            queued: Duration::ZERO,
            migrate_source: None,
            migrate_target: Some("b".to_owned()),
            feature_set: "3.20.5".to_owned(),
            digests: vec![("op-digest".to_owned(), "x".to_owned())],
        }
    }

    fn event() -> Event {
        Event { id: 7, target: "b".to_owned(), completed: WallClock(-1), ..Event::default() }
    }

    fn messages() -> Vec<Message> {
        let text = || "text".to_owned();
        let request =
            CibRequest { input: Some("<a/>".to_owned()), ..CibRequest::new(CibOperation::Create) };
        let changes = vec![
            Change::Requests { requests: vec![request], stamp: Stamp::default() },
            Change::NodeState { id: text(), name: text(), attributes: vec![(text(), text())] },
            Change::Row { id: text(), record: Box::new(record()) },
            Change::RemoveRow { id: text(), resource: text(), row: text() },
            Change::EraseHistory { id: text(), resource: Some(text()) },
            Change::Attribute { id: text(), set: None, name: text(), value: Some(text()) },
            Change::EraseAttributes { id: text() },
            Change::Root { attributes: vec![(text(), text())] },
        ];
        let mut messages = vec![
            Message::Hello(Hello {
                boot: BootId(1),
                generation: 2,
                settled: true,
                version: [3, 4, 5],
                leads: false,
            }),
            Message::WantCib,
            Message::Full { sequence: 9, text: text() },
            Message::Joined { rows: vec![record(), record()] },
            Message::Durable { sequence: 4 },
            Message::Ask { id: 1, user: text(), request: text() },
            Message::Answer { id: 1, reply: text() },
            Message::Execute(operation()),
            Message::Cancel {
                resource: text(),
                name: text(),
                interval_ms: 5,
                transition_key: text(),
            },
            Message::Forget { resource: text() },
            Message::Result(record()),
            Message::Cancelled { resource: text(), key: text(), transition_key: text() },
            Message::Leave,
            Message::FenceMe,
            Message::FencingHistory { events: vec![event(), event()] },
            Message::ForgetFencing { target: Some(text()) },
        ];
        let updates = changes.into_iter().map(|change| Message::Update {
            sequence: 7,
            change,
            version: [1, 2, 3],
        });
        messages.extend(updates);
        messages
    }

    #[test]
    fn every_message_comes_back_as_it_went() {
        for message in messages() {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn a_message_cut_short_or_garbled_is_none_or_another_one() {
        for message in messages() {
            let bytes = message.encode();
            for length in 0..bytes.len() {
                assert_eq!(Message::decode(&bytes[..length]), None, "{message:?}");
                let mut garbled = bytes.clone();
                garbled[length] ^= 0xff;
                // Whatever it is taken for, nothing is allocated or read beyond what is there.
                if let Some(other) = Message::decode(&garbled) {
                    assert!(other.encode().len() <= bytes.len() + 16);
                }
            }
        }
    }
}
