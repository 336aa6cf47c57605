//! The driver of some outlets of one PDU.
//!
//! ```text
//!        request            model known        all read
//!  Idle ────────▶ Identify ───▶ Probe ──▶ Read ────────▶ Idle
//!                                 └─────▶ Order ─▶ Verify ⇄ Pause ─▶ (Order) ─▶ Idle
//! ```
//!
//! A machine with several supplies hangs on several outlets: it is off when all of them read off in
//! one pass, and no outlet is switched on before that. Setting a state is repeated until it is
//! answered, as it may be: a device that is told twice does the same once. Version 3 asks the
//! device for its name first, before the first message of all.

use super::message::{self, Kind, Unit, Value, error};
use super::model::{MODELS, Model, Plug};
use super::usm::{self, Engine, Heard, Keys, User};
use super::{Access, Encoded, Oid};
use crate::power::{DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch, Step};
use crate::random::Random;
use crate::time::Instant;
use core::time::Duration;
use heapless::{Deque, Vec};

/// Most outlets of one PDU that feed one machine.
pub const OUTLETS_MAX: usize = 8;
/// First wait for an answer; doubled at each retransmission.
const RETRY_FIRST: Duration = Duration::from_millis(300);
/// Longest wait for an answer.
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Pause between two looks at outlets that have been ordered to change.
const VERIFY_PAUSE: Duration = Duration::from_millis(150);
/// Most outputs that one input can cause.
const OUTPUTS_MAX: usize = 4;
/// How often a device may correct our idea of its name and time within one request.
const CORRECTIONS_MAX: u8 = 3;
/// `sysObjectID.0`.
const SYS_OBJECT_ID: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 2, 0];
/// `usmStats`, below which reports say what was wrong.
const USM_STATS: &[u32] = &[1, 3, 6, 1, 6, 3, 15, 1, 1];

/// Some outlets of a PDU, reached over UDP port 161.
#[derive(Debug)]
pub struct Outlets {
    access: Access,
    plugs: Vec<Plug, OUTLETS_MAX>,
    random: Random,
    model: Option<&'static Model>,
    /// What the device said it is, while its model is looked for.
    object: Oid,
    peer: Option<Peer>,
    dialogue: Option<Dialogue>,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

/// The device as version 3 knows it.
#[derive(Clone, Debug)]
struct Peer {
    engine: Engine,
    keys: Keys,
    learned_at: Instant,
}

/// What is asked, and until when.
#[derive(Clone, Debug)]
struct Dialogue {
    request: PowerRequest,
    stage: Stage,
    give_up_at: Instant,
    retry_at: Instant,
    retry: Duration,
    /// The numbers of the message and of the unit under way.
    number: i32,
    /// The device's name is asked for, before the stage's question.
    discovering: bool,
    corrections: u8,
    /// What the last look at an ordered state found instead, and its value if that is unclear.
    found: Option<Found>,
}

/// An ordered state that was not there yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    Other(PowerState),
    Unclear(i32),
}

/// What is being asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// What the device is.
    Identify,
    /// Whether it has the table of this model.
    Probe(usize),
    /// The state of this outlet; whether an earlier one is on.
    Read(usize, bool),
    /// This outlet is told to become this.
    Order(PowerState, usize),
    /// Whether this outlet, and all before it, are this.
    Verify(PowerState, usize),
    /// One was not yet: from the first again at the retry time.
    Pause(PowerState),
}

impl Stage {
    const fn step(self) -> Step {
        match self {
            Self::Identify | Self::Probe(_) => Step::Identify,
            Self::Read(..) => Step::Status,
            Self::Order(..) => Step::Control,
            Self::Verify(..) | Self::Pause(..) => Step::Verify,
        }
    }
}

impl Dialogue {
    fn wait(&mut self, now: Instant) {
        self.retry = RETRY_FIRST;
        self.retry_at = now.after(self.retry);
    }

    fn back_off(&mut self, now: Instant) {
        self.retry = (self.retry * 2).min(RETRY_MAX);
        self.retry_at = now.after(self.retry);
    }
}

impl Outlets {
    /// A driver that has not said anything yet. Without a model it is found out. `seed` must be
    /// unpredictable and never used again.
    #[must_use]
    pub fn new(
        access: Access,
        plugs: Vec<Plug, OUTLETS_MAX>,
        model: Option<&'static Model>,
        seed: [u8; 32],
    ) -> Self {
        let (random, object) = (Random::new(seed), Oid::new());
        let (peer, dialogue, outputs) = (None, None, Deque::new());
        Self { access, plugs, random, model, object, peer, dialogue, outputs }
    }

    fn emit(&mut self, output: Output) {
        // Callers drain after each input, and no input causes more than OUTPUTS_MAX outputs.
        let full = self.outputs.push_back(output).is_err();
        debug_assert!(!full, "outputs are drained after every input");
    }

    fn finish(&mut self, result: Result<PowerState, DriverError>) {
        self.dialogue = None;
        self.emit(Output::Done(result));
    }

    fn begin(&mut self, now: Instant, request: PowerRequest, within: Duration) {
        let mut dialogue = Dialogue {
            request,
            stage: Stage::Identify,
            give_up_at: now.after(within),
            retry_at: now,
            retry: RETRY_FIRST,
            number: 0,
            discovering: false,
            corrections: 0,
            found: None,
        };
        if self.plugs.is_empty() {
            self.finish(Err(DriverError::NoSuchOutlet));
            return;
        }
        if self.model.is_some() {
            dialogue.stage = first(request);
        }
        self.ask(now, dialogue);
    }

    /// Asks the stage's question for the first time.
    fn ask(&mut self, now: Instant, mut dialogue: Dialogue) {
        let [a, b, c, d, ..] = self.random.block();
        dialogue.number = i32::from_be_bytes([a & 0x7f, b, c, d]);
        dialogue.wait(now);
        self.send(now, dialogue);
    }

    /// Sends the question under way.
    fn send(&mut self, now: Instant, mut dialogue: Dialogue) {
        let Some(question) = self.question(&dialogue) else {
            self.finish(Err(DriverError::NoSuchOutlet));
            return;
        };
        dialogue.discovering = matches!(self.access, Access::V3(_)) && self.peer.is_none();
        let message = self.message(now, &dialogue, &question);
        self.dialogue = Some(dialogue);
        if let Some(message) = message {
            self.emit(Output::Send(message));
        }
    }

    /// The stage's question; nothing if an outlet's number does not fit the model.
    fn question(&self, dialogue: &Dialogue) -> Option<Unit> {
        let get = |oid| Unit::request(Kind::Get, dialogue.number, oid, Value::Null);
        match dialogue.stage {
            Stage::Identify => Oid::from_slice(SYS_OBJECT_ID).ok().map(get),
            Stage::Probe(at) => MODELS.get(at)?.state_of(self.plugs.first()?).map(get),
            Stage::Read(outlet, _) | Stage::Verify(_, outlet) => {
                self.model?.state_of(self.plugs.get(outlet)?).map(get)
            }
            Stage::Pause(_) => self.model?.state_of(self.plugs.first()?).map(get),
            Stage::Order(wanted, outlet) => {
                let (oid, value) = self.model?.order(self.plugs.get(outlet)?, wanted)?;
                Some(Unit::request(Kind::Set, dialogue.number, oid, Value::Integer(value)))
            }
        }
    }

    fn message(&mut self, now: Instant, dialogue: &Dialogue, unit: &Unit) -> Option<Encoded> {
        match (&self.access, &self.peer) {
            (Access::V1(community), _) => message::write(0, community, unit),
            (Access::V2c(community), _) => message::write(1, community, unit),
            (Access::V3(_), None) => {
                let number = dialogue.number;
                let unit = Unit::request(Kind::Get, number, Oid::new(), Value::Null);
                usm::discover(number, &unit)
            }
            (Access::V3(user), Some(peer)) => {
                let since = i32::try_from(now.since(peer.learned_at).as_secs()).unwrap_or(i32::MAX);
                let time = peer.engine.time.saturating_add(since);
                let engine = Engine { time, ..peer.engine.clone() };
                let [a, b, c, d, e, f, g, h, ..] = self.random.block();
                let salt = [a, b, c, d, e, f, g, h];
                usm::write(user, &peer.keys, &engine, dialogue.number, salt, unit)
            }
        }
    }

    fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) {
        let Some(dialogue) = self.dialogue.clone() else {
            return;
        };
        let unit = match &self.access {
            Access::V1(community) => message::read(0, community, bytes),
            Access::V2c(community) => message::read(1, community, bytes),
            Access::V3(user) => {
                let user = user.clone();
                let keys = self.peer.as_ref().map(|peer| &peer.keys);
                match usm::read(&user, keys, bytes).filter(|h| h.message == dialogue.number) {
                    Some(heard) => self.unwrap_v3(now, &user, &dialogue, heard),
                    None => None,
                }
            }
        };
        let asked = self.question(&dialogue);
        if let Some(unit) = unit
            && unit.kind == Kind::Response
            && unit.request == dialogue.number
            && !matches!(dialogue.stage, Stage::Pause(_))
            && asked.is_some_and(|asked| asked.oid == unit.oid)
        {
            self.handle_answer(now, dialogue, &unit);
        }
    }

    /// The unit of an answer in version 3. A report is dealt with here.
    fn unwrap_v3(&mut self, now: Instant, u: &User, d: &Dialogue, heard: Heard) -> Option<Unit> {
        if heard.unit.kind != Kind::Report {
            let ours = self.peer.as_ref().is_some_and(|peer| peer.engine.id == heard.engine.id);
            return Some(heard.unit).filter(|_| ours && heard.protected && !d.discovering);
        }
        let mut dialogue = d.clone();
        dialogue.corrections += 1;
        let late = dialogue.corrections > CORRECTIONS_MAX;
        let wrong = heard.unit.oid.strip_prefix(USM_STATS).and_then(|rest| rest.first().copied());
        match wrong {
            Some(4) if !late && d.discovering && !heard.engine.id.is_empty() => {
                let keys = u.keys(&heard.engine.id);
                self.peer = Some(Peer { engine: heard.engine, keys, learned_at: now });
                self.ask(now, dialogue);
            }
            Some(4) if !late && !d.discovering => {
                self.peer = None;
                self.ask(now, dialogue);
            }
            Some(2) if !late && heard.proven => {
                if let Some(peer) = &mut self.peer {
                    (peer.engine, peer.learned_at) = (heard.engine, now);
                }
                self.ask(now, dialogue);
            }
            Some(1) => self.finish(Err(DriverError::NotAllowed(d.stage.step()))),
            Some(3) => self.finish(Err(DriverError::UnknownUser)),
            Some(5 | 6) => self.finish(Err(DriverError::WrongSecret)),
            _ => {}
        }
        None
    }

    fn handle_answer(&mut self, now: Instant, d: Dialogue, unit: &Unit) {
        let step = d.stage.step();
        let absent = unit.value == Value::Absent || unit.error == error::NO_SUCH_NAME;
        match unit.error {
            0 | error::NO_SUCH_NAME => {}
            error::NO_ACCESS | error::READ_ONLY | error::NOT_WRITABLE | error::AUTHORIZATION => {
                return self.finish(Err(DriverError::NotAllowed(step)));
            }
            other => {
                let code = u8::try_from(other).unwrap_or(u8::MAX);
                return self.finish(Err(DriverError::Refused(step, code)));
            }
        }
        match (d.stage, &unit.value) {
            (Stage::Probe(at), _) if absent => self.probe_from(now, d, at + 1),
            (Stage::Identify, _) if absent => self.finish(Err(DriverError::UnknownModel)),
            // Version 1 says so of an object that may only be read, too.
            (Stage::Order(..), _) if absent => self.finish(Err(DriverError::NotAllowed(step))),
            (_, _) if absent => self.finish(Err(DriverError::NoSuchOutlet)),
            (Stage::Identify, Value::Object(object)) => {
                self.object = object.clone();
                self.probe_from(now, d, 0);
            }
            (Stage::Probe(at), Value::Integer(_)) => {
                self.model = MODELS.get(at);
                let stage = first(d.request);
                self.ask(now, Dialogue { stage, ..d });
            }
            (Stage::Read(outlet, on), Value::Integer(value)) => {
                self.handle_state(now, d, outlet, on, *value);
            }
            (Stage::Order(wanted, outlet), _) => self.handle_ordered(now, d, wanted, outlet),
            (Stage::Verify(wanted, outlet), Value::Integer(value)) => {
                self.handle_verify(now, d, wanted, outlet, *value);
            }
            (Stage::Pause(_), _) => self.dialogue = Some(d),
            (
                Stage::Identify | Stage::Probe(_) | Stage::Read(..) | Stage::Verify(..),
                Value::Null | Value::Integer(_) | Value::Object(_) | Value::Absent | Value::Other,
            ) => self.finish(Err(DriverError::UnknownModel)),
        }
    }

    /// Asks whether the device has the table of the next model that it can be of.
    fn probe_from(&mut self, now: Instant, d: Dialogue, from: usize) {
        let plug = self.plugs.first().cloned().unwrap_or_default();
        let mut candidates = MODELS.iter().enumerate().filter(|(_, m)| m.claims(&self.object));
        let next = candidates.find(|(at, m)| *at >= from && m.state_of(&plug).is_some());
        match next {
            Some((at, _)) => self.ask(now, Dialogue { stage: Stage::Probe(at), ..d }),
            None if from == 0 => self.finish(Err(DriverError::UnknownModel)),
            None => self.finish(Err(DriverError::NoSuchOutlet)),
        }
    }

    fn meaning(&self, value: i32) -> Option<PowerState> {
        self.model.and_then(|model| model.meaning(value))
    }

    fn handle_state(&mut self, now: Instant, d: Dialogue, outlet: usize, on: bool, value: i32) {
        let Some(state) = self.meaning(value) else {
            return self.finish(Err(DriverError::Unclear(value)));
        };
        let on = on || state == PowerState::On;
        if outlet + 1 < self.plugs.len() {
            self.ask(now, Dialogue { stage: Stage::Read(outlet + 1, on), ..d });
        } else {
            self.finish(Ok(if on { PowerState::On } else { PowerState::Off }));
        }
    }

    fn handle_ordered(&mut self, now: Instant, d: Dialogue, wanted: PowerState, outlet: usize) {
        if outlet + 1 < self.plugs.len() {
            self.ask(now, Dialogue { stage: Stage::Order(wanted, outlet + 1), ..d });
        } else if d.request == PowerRequest::Reboot && wanted == PowerState::On {
            self.finish(Ok(PowerState::Off));
        } else {
            self.ask(now, Dialogue { stage: Stage::Verify(wanted, 0), ..d });
        }
    }

    fn handle_verify(
        &mut self,
        now: Instant,
        mut d: Dialogue,
        wanted: PowerState,
        outlet: usize,
        value: i32,
    ) {
        let state = self.meaning(value);
        if state != Some(wanted) {
            d.found = Some(state.map_or(Found::Unclear(value), Found::Other));
            d.retry_at = now.after(VERIFY_PAUSE);
            d.stage = Stage::Pause(wanted);
            self.dialogue = Some(d);
        } else if outlet + 1 < self.plugs.len() {
            self.ask(now, Dialogue { stage: Stage::Verify(wanted, outlet + 1), ..d });
        } else if d.request == PowerRequest::Reboot {
            d.found = None;
            self.ask(now, Dialogue { stage: Stage::Order(PowerState::On, 0), ..d });
        } else {
            self.finish(Ok(wanted));
        }
    }

    /// What to say when a request's time is over.
    const fn lateness(&self, d: &Dialogue) -> DriverError {
        match d.stage {
            _ if d.discovering => DriverError::NoAnswer(Step::Open),
            Stage::Identify
            | Stage::Probe(_)
            | Stage::Read(..)
            | Stage::Order(..)
            | Stage::Verify(..)
            | Stage::Pause(_) => match d.found {
                Some(Found::Other(state)) => DriverError::NotObeyed(state),
                Some(Found::Unclear(value)) => DriverError::Unclear(value),
                None => DriverError::NoAnswer(d.stage.step()),
            },
        }
    }
}

/// What a request begins with, once the model is known.
const fn first(request: PowerRequest) -> Stage {
    match request {
        PowerRequest::Status => Stage::Read(0, false),
        PowerRequest::Off | PowerRequest::Reboot => Stage::Order(PowerState::Off, 0),
        PowerRequest::On => Stage::Order(PowerState::On, 0),
    }
}

impl PowerSwitch for Outlets {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Request { .. } if self.dialogue.is_some() => {
                self.emit(Output::Done(Err(DriverError::Busy)));
            }
            Input::Request { request, within } => self.begin(now, request, within),
            Input::Datagram(bytes) => self.handle_datagram(now, bytes),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some(mut dialogue) = self.dialogue.clone() else {
            return;
        };
        if now >= dialogue.give_up_at {
            let error = self.lateness(&dialogue);
            self.finish(Err(error));
        } else if now >= dialogue.retry_at {
            if let Stage::Pause(wanted) = dialogue.stage {
                self.ask(now, Dialogue { stage: Stage::Verify(wanted, 0), ..dialogue });
            } else {
                dialogue.back_off(now);
                self.send(now, dialogue);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.dialogue.as_ref().map(|dialogue| dialogue.retry_at.min(dialogue.give_up_at))
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
#[path = "outlets_tests.rs"]
mod tests;
