//! The driver of one BMC over LAN.
//!
//! ```text
//!        request        answer     RAKP 2 ok   RAKP 4 ok    level set
//!  Idle ────────▶ Opening ──▶ Proving ──▶ Keyed ──▶ Raising ──▶ Working ──▶ Idle
//!    │               └──────────┴───────────┴──────────┴───────────┴─ error ─▶ Idle
//!    └──── LoggingIn ──────────────────────────────────────▶
//! ```
//!
//! A session of IPMI 1.5 is opened in LoggingIn; from Raising on it is like any other.
//!
//! Every packet is sent again, with a new session sequence number, until it is answered or the
//! request's time is over. A dialogue that stays unanswered for some repetitions starts again from
//! Opening: the BMC may have taken a proof whose answer was lost, or have forgotten the session. So
//! does a handshake that fails after a repetition, with more patience: a slow BMC has answered both
//! with different numbers, and its answers do not fit together.
//! Whatever way a request ends, a session that was opened is closed.

use super::login::{Login, Next, Old};
use super::message::{self, Command, completion};
use super::rakp::Handshake;
use super::session::{Heard, Session};
use super::wire::{self, Kind};
use super::{Payload, Settings};
use crate::power::{DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch, Step};
use crate::random::Random;
use crate::time::Instant;
use core::time::Duration;
use heapless::Deque;

/// First wait for an answer; doubled at each retransmission.
const RETRY_FIRST: Duration = Duration::from_millis(400);
/// Handshakes that failed after a repetition and are begun again.
const DOUBTS_MAX: u8 = 3;
/// Longest wait for an answer.
const RETRY_MAX: Duration = Duration::from_secs(3);
/// Repetitions after which a dialogue starts again.
const REPEATS_MAX: u8 = 4;
/// Pause before a busy BMC is asked again.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
/// Pause between two looks at a power state that has been ordered to change.
const VERIFY_PAUSE: Duration = Duration::from_millis(150);
/// Most outputs that one input can cause.
const OUTPUTS_MAX: usize = 8;
/// Network function and command that raise a session's privilege.
const RAISE: (u8, u8) = (message::NETFN_APP, message::SET_SESSION_PRIVILEGE);

/// A BMC, reached over UDP port 623.
#[derive(Debug)]
pub struct Lan {
    settings: Settings,
    /// Sessions are those of IPMI 1.5.
    old: Option<Old>,
    random: Random,
    tag: u8,
    state: State,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

#[derive(Debug)]
enum State {
    Idle,
    LoggingIn(Dialogue, Login),
    Opening(Dialogue, Handshake),
    Proving(Dialogue, Handshake),
    Keyed(Dialogue, Handshake),
    Raising(Dialogue, Session),
    Working(Dialogue, Session, Work),
}

/// What is being asked of the BMC, and until when.
#[derive(Clone, Debug)]
struct Dialogue {
    request: PowerRequest,
    give_up_at: Instant,
    /// The packet outside a session that is sent again, empty inside one.
    packet: Payload,
    retry_at: Instant,
    retry: Duration,
    repeats: u8,
    /// The first wait for an answer: grows with what the BMC has taken so far.
    first: Duration,
    /// When the question under way was first asked.
    asked_at: Instant,
    /// A packet of this handshake was sent more than once.
    doubtful: bool,
    /// Handshakes that failed in doubt.
    doubts: u8,
    /// The state was read after the order, and was not as ordered.
    disobeyed: bool,
}

/// What is being done inside a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Work {
    /// Reading the state once.
    Status,
    /// An order was given; its answer is awaited.
    Order(PowerState),
    /// The order was accepted; the state is read until it is this.
    Verify(PowerState),
    /// The state was not yet as ordered: look again at the retry time.
    Pause(PowerState),
}

impl Dialogue {
    fn new(now: Instant, request: PowerRequest, within: Duration) -> Self {
        let (give_up_at, retry_at) = (now.after(within), now.after(RETRY_FIRST));
        let (packet, retry, first) = (Payload::new(), RETRY_FIRST, RETRY_FIRST);
        Self {
            request,
            give_up_at,
            packet,
            retry_at,
            retry,
            repeats: 0,
            first,
            asked_at: now,
            doubtful: false,
            doubts: 0,
            disobeyed: false,
        }
    }

    fn wait(&mut self, now: Instant) {
        self.repeats = 0;
        self.asked_at = now;
        self.retry = self.first;
        self.retry_at = now.after(self.retry);
    }

    /// An answer came: the next one is waited for at least as long.
    fn learn(&mut self, now: Instant) {
        let took = now.since(self.asked_at);
        self.first = self.first.max(took + took / 2).min(RETRY_MAX);
    }

    fn back_off(&mut self, now: Instant) {
        self.repeats = self.repeats.saturating_add(1);
        self.retry = (self.retry * 2).min(RETRY_MAX);
        self.retry_at = now.after(self.retry);
    }
}

impl Work {
    const fn first(request: PowerRequest) -> Self {
        match request {
            PowerRequest::Status => Self::Status,
            PowerRequest::Off | PowerRequest::Reboot => Self::Order(PowerState::Off),
            PowerRequest::On => Self::Order(PowerState::On),
        }
    }

    const fn step(self) -> Step {
        match self {
            Self::Status => Step::Status,
            Self::Order(_) => Step::Control,
            Self::Verify(_) | Self::Pause(_) => Step::Verify,
        }
    }

    /// Network function and command that are asked for.
    const fn asked(self) -> (u8, u8) {
        let command = self.command();
        (command.netfn, command.command)
    }

    const fn command(self) -> Command<'static> {
        const fn control(data: &'static [u8]) -> Command<'static> {
            Command { netfn: message::NETFN_CHASSIS, command: message::CHASSIS_CONTROL, data }
        }
        match self {
            Self::Order(PowerState::Off) => control(&[0]),
            Self::Order(PowerState::On) => control(&[1]),
            Self::Status | Self::Verify(_) | Self::Pause(_) => Command {
                netfn: message::NETFN_CHASSIS,
                command: message::GET_CHASSIS_STATUS,
                data: &[],
            },
        }
    }
}

impl Lan {
    /// A driver that has not said anything yet. `seed` must be unpredictable and never used again.
    #[must_use]
    pub const fn new(settings: Settings, seed: [u8; 32]) -> Self {
        let random = Random::new(seed);
        Self { settings, old: None, random, tag: 0, state: State::Idle, outputs: Deque::new() }
    }

    /// A driver whose sessions are those of IPMI 1.5. `seed` must be unpredictable.
    #[must_use]
    pub const fn legacy(settings: Settings, old: Old, seed: [u8; 32]) -> Self {
        let (old, random) = (Some(old), Random::new(seed));
        Self { settings, old, random, tag: 0, state: State::Idle, outputs: Deque::new() }
    }

    fn emit(&mut self, output: Output) {
        // Callers drain after each input, and no input causes more than OUTPUTS_MAX outputs.
        let full = self.outputs.push_back(output).is_err();
        debug_assert!(!full, "outputs are drained after every input");
    }

    /// A handshake failed: for good, or because the BMC was asked twice and answered twice.
    fn fail_handshake(&mut self, now: Instant, mut dialogue: Dialogue, error: DriverError) {
        if dialogue.doubtful && dialogue.doubts < DOUBTS_MAX {
            dialogue.doubts += 1;
            dialogue.first = (dialogue.first * 2).min(RETRY_MAX);
            self.become_opening(now, dialogue);
        } else {
            self.finish(None, Err(error));
        }
    }

    fn become_opening(&mut self, now: Instant, mut dialogue: Dialogue) {
        dialogue.doubtful = false;
        self.tag = self.tag.wrapping_add(1);
        if let Some(old) = self.old {
            self.become_logging_in(now, dialogue, old);
            return;
        }
        let handshake = Handshake::new(self.tag, self.random.block());
        if let Ok(payload) = handshake.open_request(&self.settings) {
            self.send_plain(&mut dialogue, now, Kind::OpenRequest, &payload);
        }
        self.state = State::Opening(dialogue, handshake);
    }

    fn become_logging_in(&mut self, now: Instant, mut dialogue: Dialogue, old: Old) {
        let login = Login::new(old, &self.settings, self.tag, self.random.block());
        let Some(login) = login else {
            self.finish(None, Err(DriverError::WrongSecret));
            return;
        };
        if let Some(packet) = login.ask(&self.settings) {
            self.send_packet(&mut dialogue, now, packet);
        }
        self.state = State::LoggingIn(dialogue, login);
    }

    fn send_packet(&mut self, dialogue: &mut Dialogue, now: Instant, packet: Payload) {
        dialogue.packet = packet.clone();
        dialogue.wait(now);
        self.emit(Output::Send(packet));
    }

    fn send_plain(&mut self, dialogue: &mut Dialogue, now: Instant, kind: Kind, payload: &[u8]) {
        if let Ok(packet) = wire::write_plain(kind, payload) {
            self.send_packet(dialogue, now, packet);
        }
    }

    fn send_command(&mut self, session: &mut Session, command: Command<'_>) {
        let iv = self.random.block();
        if let Some(packet) = session.write(command, iv) {
            self.emit(Output::Send(packet));
        }
    }

    fn send_raise(&mut self, session: &mut Session) {
        let data = [self.settings.privilege.code()];
        let command = message::SET_SESSION_PRIVILEGE;
        self.send_command(session, Command { netfn: message::NETFN_APP, command, data: &data });
    }

    fn next_command(
        &mut self,
        session: &mut Session,
        dialogue: &mut Dialogue,
        now: Instant,
        w: Work,
    ) {
        session.number = (session.number + 1) & 0x3f;
        dialogue.wait(now);
        self.send_command(session, w.command());
    }

    fn send_close(&mut self, mut session: Session) {
        session.number = (session.number + 1) & 0x3f;
        let (netfn, command) = (message::NETFN_APP, message::CLOSE_SESSION);
        let id = session.id.to_le_bytes();
        self.send_command(&mut session, Command { netfn, command, data: &id });
    }

    fn finish(&mut self, session: Option<Session>, result: Result<PowerState, DriverError>) {
        if let Some(session) = session {
            self.send_close(session);
        }
        self.state = State::Idle;
        self.emit(Output::Done(result));
    }

    fn handle_packet(&mut self, now: Instant, heard: &Heard<'_>) {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::LoggingIn(d, login) => self.handle_login(now, d, login, heard),
            State::Opening(d, h) => self.handle_opening(now, d, h, heard),
            State::Proving(d, h) => self.handle_proving(now, d, h, heard),
            State::Keyed(d, h) => self.handle_keyed(now, d, h, heard),
            State::Raising(d, mut session) => match session.open(heard) {
                Some(payload) => self.handle_raised(now, d, session, &payload),
                None => self.state = State::Raising(d, session),
            },
            State::Working(d, mut session, work) => match session.open(heard) {
                Some(payload) => self.handle_answer(now, d, session, work, &payload),
                None => self.state = State::Working(d, session, work),
            },
        }
    }

    fn handle_login(&mut self, now: Instant, mut d: Dialogue, mut login: Login, p: &Heard<'_>) {
        match p.old().map(|packet| login.hear(&self.settings, &packet)) {
            Some(Ok(Some(Next::Send(packet)))) => {
                d.learn(now);
                self.send_packet(&mut d, now, packet);
                self.state = State::LoggingIn(d, login);
            }
            Some(Ok(Some(Next::Open(session)))) => {
                d.learn(now);
                self.become_raising(now, d, session);
            }
            Some(Err(error)) => self.fail_handshake(now, d, error),
            Some(Ok(None)) | None => self.state = State::LoggingIn(d, login),
        }
    }

    fn become_raising(&mut self, now: Instant, mut dialogue: Dialogue, mut session: Session) {
        dialogue.wait(now);
        self.send_raise(&mut session);
        self.state = State::Raising(dialogue, session);
    }

    fn handle_opening(&mut self, now: Instant, mut d: Dialogue, mut h: Handshake, p: &Heard<'_>) {
        let payload = p.plus(Kind::OpenResponse);
        match payload.map(|payload| h.open_response(&self.settings, payload)) {
            Some(Ok(true)) => {
                d.learn(now);
                if let Ok(payload) = h.rakp1(&self.settings) {
                    self.send_plain(&mut d, now, Kind::Rakp(1), &payload);
                }
                self.state = State::Proving(d, h);
            }
            Some(Err(error)) => self.finish(None, Err(error)),
            Some(Ok(false)) | None => self.state = State::Opening(d, h),
        }
    }

    fn handle_proving(&mut self, now: Instant, mut d: Dialogue, mut h: Handshake, p: &Heard<'_>) {
        let payload = p.plus(Kind::Rakp(2));
        match payload.map(|payload| h.rakp2(&self.settings, payload)) {
            Some(Ok(true)) => {
                d.learn(now);
                if let Ok(payload) = h.rakp3(&self.settings) {
                    self.send_plain(&mut d, now, Kind::Rakp(3), &payload);
                }
                self.state = State::Keyed(d, h);
            }
            Some(Err(error)) => self.fail_handshake(now, d, error),
            Some(Ok(false)) | None => self.state = State::Proving(d, h),
        }
    }

    fn handle_keyed(&mut self, now: Instant, d: Dialogue, h: Handshake, p: &Heard<'_>) {
        let payload = p.plus(Kind::Rakp(4));
        match payload.map(|payload| h.rakp4(&self.settings, payload)) {
            Some(Ok(Some(keys))) => {
                self.become_raising(now, d, Session::plus(keys, h.bmc_session()));
            }
            Some(Err(error)) => self.fail_handshake(now, d, error),
            Some(Ok(None)) | None => self.state = State::Keyed(d, h),
        }
    }

    fn handle_raised(&mut self, now: Instant, mut d: Dialogue, mut s: Session, payload: &[u8]) {
        match message::read(payload).filter(|a| s.is_answer(a, RAISE)) {
            None => self.state = State::Raising(d, s),
            Some(answer) => match answer.code {
                completion::OK => {
                    let work = Work::first(d.request);
                    self.next_command(&mut s, &mut d, now, work);
                    self.state = State::Working(d, s, work);
                }
                completion::BUSY | completion::TIMEOUT | completion::DUPLICATE => {
                    d.retry_at = now.after(BUSY_PAUSE);
                    self.state = State::Raising(d, s);
                }
                0x80 | 0x81 | completion::PRIVILEGE => {
                    self.finish(Some(s), Err(DriverError::NotAllowed(Step::Privilege)));
                }
                code => self.finish(Some(s), Err(DriverError::Refused(Step::Privilege, code))),
            },
        }
    }

    fn handle_answer(&mut self, now: Instant, mut d: Dialogue, s: Session, w: Work, bytes: &[u8]) {
        let Some(answer) = message::read(bytes).filter(|a| s.is_answer(a, w.asked())) else {
            self.state = State::Working(d, s, w);
            return;
        };
        match (answer.code, w) {
            (completion::BUSY | completion::TIMEOUT | completion::DUPLICATE, _) => {
                d.retry_at = now.after(BUSY_PAUSE);
                self.state = State::Working(d, s, w);
            }
            (completion::PRIVILEGE, _) => {
                self.finish(Some(s), Err(DriverError::NotAllowed(w.step())));
            }
            // Not possible in the present state: the state decides, so it is read.
            (completion::OK | completion::STATE, Work::Order(wanted)) => {
                self.handle_accepted(now, d, s, wanted);
            }
            (completion::OK, Work::Status | Work::Verify(_) | Work::Pause(_)) => {
                self.handle_state(now, d, s, w, answer.data);
            }
            (code, _) => self.finish(Some(s), Err(DriverError::Refused(w.step(), code))),
        }
    }

    fn handle_accepted(
        &mut self,
        now: Instant,
        mut d: Dialogue,
        mut s: Session,
        wanted: PowerState,
    ) {
        if d.request == PowerRequest::Reboot && wanted == PowerState::On {
            self.finish(Some(s), Ok(PowerState::Off));
            return;
        }
        self.next_command(&mut s, &mut d, now, Work::Verify(wanted));
        self.state = State::Working(d, s, Work::Verify(wanted));
    }

    fn handle_state(
        &mut self,
        now: Instant,
        mut d: Dialogue,
        mut s: Session,
        w: Work,
        data: &[u8],
    ) {
        let Some(status) = data.first() else {
            self.finish(Some(s), Err(DriverError::Refused(w.step(), completion::OK)));
            return;
        };
        let state = if status & 1 == 0 { PowerState::Off } else { PowerState::On };
        match w {
            Work::Verify(wanted) | Work::Pause(wanted) if state != wanted => {
                d.disobeyed = true;
                d.retry_at = now.after(VERIFY_PAUSE);
                self.state = State::Working(d, s, Work::Pause(wanted));
            }
            Work::Verify(PowerState::Off) | Work::Pause(PowerState::Off)
                if d.request == PowerRequest::Reboot =>
            {
                d.disobeyed = false;
                let work = Work::Order(PowerState::On);
                self.next_command(&mut s, &mut d, now, work);
                self.state = State::Working(d, s, work);
            }
            Work::Status | Work::Order(_) | Work::Verify(_) | Work::Pause(_) => {
                self.finish(Some(s), Ok(state));
            }
        }
    }

    /// What to say when a request's time is over.
    fn lateness(&self) -> DriverError {
        match &self.state {
            State::Idle | State::Opening(..) => DriverError::NoAnswer(Step::Open),
            State::LoggingIn(_, login) => DriverError::NoAnswer(login.step()),
            State::Proving(..) | State::Keyed(..) => DriverError::NoAnswer(Step::Authenticate),
            State::Raising(..) => DriverError::NoAnswer(Step::Privilege),
            State::Working(d, _, Work::Verify(wanted) | Work::Pause(wanted)) if d.disobeyed => {
                DriverError::NotObeyed(match wanted {
                    PowerState::On => PowerState::Off,
                    PowerState::Off => PowerState::On,
                })
            }
            State::Working(_, _, work) => DriverError::NoAnswer(work.step()),
        }
    }

    fn retry(&mut self, now: Instant) {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::Proving(d, _) | State::Keyed(d, _) if d.repeats >= REPEATS_MAX => {
                self.become_opening(now, d);
            }
            State::LoggingIn(d, _) if d.repeats >= REPEATS_MAX => self.become_opening(now, d),
            State::LoggingIn(mut d, login) => {
                self.repeat(now, &mut d);
                self.state = State::LoggingIn(d, login);
            }
            State::Raising(d, session) if d.repeats >= REPEATS_MAX => {
                self.send_close(session);
                self.become_opening(now, d);
            }
            State::Working(mut d, session, work) if d.repeats >= REPEATS_MAX => {
                // What was seen off in this request need not be switched off a second time.
                if work == Work::Order(PowerState::On) {
                    d.request = PowerRequest::On;
                }
                self.send_close(session);
                self.become_opening(now, d);
            }
            State::Opening(mut d, h) => {
                self.repeat(now, &mut d);
                self.state = State::Opening(d, h);
            }
            State::Proving(mut d, h) => {
                self.repeat(now, &mut d);
                self.state = State::Proving(d, h);
            }
            State::Keyed(mut d, h) => {
                self.repeat(now, &mut d);
                self.state = State::Keyed(d, h);
            }
            State::Raising(mut d, mut session) => {
                d.back_off(now);
                self.send_raise(&mut session);
                self.state = State::Raising(d, session);
            }
            State::Working(mut d, mut session, Work::Pause(wanted)) => {
                self.next_command(&mut session, &mut d, now, Work::Verify(wanted));
                self.state = State::Working(d, session, Work::Verify(wanted));
            }
            State::Working(mut d, mut session, work) => {
                d.back_off(now);
                self.send_command(&mut session, work.command());
                self.state = State::Working(d, session, work);
            }
        }
    }

    fn repeat(&mut self, now: Instant, dialogue: &mut Dialogue) {
        dialogue.back_off(now);
        dialogue.doubtful = true;
        self.emit(Output::Send(dialogue.packet.clone()));
    }

    const fn dialogue(&self) -> Option<&Dialogue> {
        match &self.state {
            State::Idle => None,
            State::LoggingIn(d, _)
            | State::Opening(d, _)
            | State::Proving(d, _)
            | State::Keyed(d, _)
            | State::Raising(d, _)
            | State::Working(d, _, _) => Some(d),
        }
    }
}

impl PowerSwitch for Lan {
    fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Request { request, within } => match self.state {
                State::Idle => self.become_opening(now, Dialogue::new(now, request, within)),
                State::LoggingIn(..)
                | State::Opening(..)
                | State::Proving(..)
                | State::Keyed(..)
                | State::Raising(..)
                | State::Working(..) => self.emit(Output::Done(Err(DriverError::Busy))),
            },
            Input::Datagram(bytes) => {
                if let Some(heard) = Heard::read(bytes) {
                    self.handle_packet(now, &heard);
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let Some(dialogue) = self.dialogue() else {
            return;
        };
        if now >= dialogue.give_up_at {
            let error = self.lateness();
            let session = match core::mem::replace(&mut self.state, State::Idle) {
                State::Raising(_, session) | State::Working(_, session, _) => Some(session),
                State::Idle
                | State::LoggingIn(..)
                | State::Opening(..)
                | State::Proving(..)
                | State::Keyed(..) => None,
            };
            self.finish(session, Err(error));
        } else if now >= dialogue.retry_at {
            self.retry(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.dialogue().map(|dialogue| dialogue.retry_at.min(dialogue.give_up_at))
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(test)]
#[path = "lan_tests.rs"]
mod tests;
