//! Opening a session of IPMI 1.5 (IPMI 2.0 §13.15): what the BMC can, its challenge, its consent.
//!
//! The BMC's answer to the last step is proved like everything after it; the first two say nothing
//! that has to be believed.

use super::legacy::{self, Auth, Packet, Signer};
use super::message::{self, Command, NETFN_APP};
use super::session::Session;
use super::{Payload, Settings};
use crate::power::{DriverError, Step};

/// This channel.
const CHANNEL: u8 = 0x0e;
/// Tell about IPMI 2.0 as well.
const TELL_ALL: u8 = 0x80;
/// The extended capability that is IPMI 2.0.
const SPEAKS_PLUS: u8 = 0x02;
/// The command that asks for a challenge has no second of its name.
const AUTH_CAPABILITIES: u8 = 0x38;
const SESSION_CHALLENGE: u8 = 0x39;
const ACTIVATE_SESSION: u8 = 0x3a;

/// How a session of IPMI 1.5 is opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Old {
    /// How its packets are proved.
    pub auth: Auth,
    /// A BMC that speaks IPMI 2.0 is not asked for one: the request ends in
    /// [`DriverError::NoSuchSuite`] at once.
    pub unless_plus: bool,
}

/// How far a login is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Asking,
    Challenging,
    /// The session's first number, which the BMC may replace.
    Activating(u32),
}

/// One login.
#[derive(Clone, Debug)]
pub(super) struct Login {
    old: Old,
    signer: Signer,
    stage: Stage,
    /// The requester's sequence number, 0…63.
    number: u8,
    /// The number that the BMC's first packet shall have.
    first: u32,
}

/// What an answer brings.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nothing is allocated, and it is taken at once")]
pub(super) enum Next {
    /// This packet is sent next.
    Send(Payload),
    /// The session is open.
    Open(Session),
}

impl Login {
    /// A new login; `random` chooses its numbers. Nothing if the password is too long for it.
    pub(super) fn new(old: Old, settings: &Settings, number: u8, random: [u8; 16]) -> Option<Self> {
        let signer = Signer::new(old.auth, &settings.password)?;
        let [a, b, c, ..] = random;
        // Far from the end of its range: it only ever grows.
        let first = u32::from_le_bytes([a, b, c, 0]).max(1);
        Some(Self { old, signer, stage: Stage::Asking, number: number & 0x3f, first })
    }

    /// The first packet.
    pub(super) fn ask(&self, settings: &Settings) -> Option<Payload> {
        let data = [CHANNEL | TELL_ALL, settings.privilege.code()];
        self.plain(AUTH_CAPABILITIES, &data)
    }

    /// Where in the dialogue this is.
    pub(super) const fn step(&self) -> Step {
        match self.stage {
            Stage::Asking => Step::Open,
            Stage::Challenging | Stage::Activating(_) => Step::Authenticate,
        }
    }

    /// Takes a packet; nothing if it is no answer to what was asked last.
    ///
    /// # Errors
    /// Why the BMC does not let us in.
    pub(super) fn hear(
        &mut self,
        settings: &Settings,
        packet: &Packet<'_>,
    ) -> Result<Option<Next>, DriverError> {
        let (stage, command) = match self.stage {
            Stage::Asking => (self.stage, AUTH_CAPABILITIES),
            Stage::Challenging => (self.stage, SESSION_CHALLENGE),
            Stage::Activating(_) => (self.stage, ACTIVATE_SESSION),
        };
        let asked = |answer: &message::Answer<'_>| {
            let same = answer.netfn == NETFN_APP + 1 && answer.command == command;
            same && answer.sequence == self.number
        };
        let Some(answer) = message::read(packet.payload).filter(asked) else {
            return Ok(None);
        };
        let next = match stage {
            Stage::Asking => {
                accepted(command, answer.code)?;
                self.challenge(settings, answer.data)?.map(Next::Send)
            }
            Stage::Challenging => {
                accepted(command, answer.code)?;
                self.activate(settings, answer.data)
            }
            Stage::Activating(temporary) => {
                accepted(command, answer.code)?;
                let ours = packet.session == temporary && packet.is_signed_by(&self.signer);
                ours.then(|| self.opened(answer.data)).flatten()
            }
        };
        Ok(next)
    }

    fn challenge(
        &mut self,
        settings: &Settings,
        data: &[u8],
    ) -> Result<Option<Payload>, DriverError> {
        let Some(&[_, types, _, extended]) = data.first_chunk::<4>() else { return Ok(None) };
        let speaks_plus = types & TELL_ALL != 0 && extended & SPEAKS_PLUS != 0;
        let offered = types & (1 << self.old.auth.code()) != 0;
        if (self.old.unless_plus && speaks_plus) || !offered {
            return Err(DriverError::NoSuchSuite);
        }
        let user = legacy::padded(settings.user.as_bytes()).ok_or(DriverError::UnknownUser)?;
        let mut data = [0; 1 + legacy::CODE_LEN];
        data[0] = self.old.auth.code();
        data[1..].copy_from_slice(&user);
        self.advance(Stage::Challenging);
        Ok(self.plain(SESSION_CHALLENGE, &data))
    }

    fn activate(&mut self, settings: &Settings, data: &[u8]) -> Option<Next> {
        let (temporary, challenge) = data.split_first_chunk::<4>()?;
        let challenge = challenge.first_chunk::<{ legacy::CODE_LEN }>()?;
        let temporary = u32::from_le_bytes(*temporary);
        let mut data = [0; 22];
        data[0] = self.old.auth.code();
        data[1] = settings.privilege.code();
        data[2..18].copy_from_slice(challenge);
        data[18..].copy_from_slice(&self.first.to_le_bytes());
        self.advance(Stage::Activating(temporary));
        let command = Command { netfn: NETFN_APP, command: ACTIVATE_SESSION, data: &data };
        let message = message::write(command, self.number).ok()?;
        legacy::write_signed(&self.signer, temporary, 0, &message).ok().map(Next::Send)
    }

    fn opened(&self, data: &[u8]) -> Option<Next> {
        let (&[auth], rest) = data.split_first_chunk::<1>()?;
        let (id, rest) = rest.split_first_chunk::<4>()?;
        let (ours, _) = rest.split_first_chunk::<4>()?;
        // A BMC that goes on without any proof is not believed anything.
        let (id, ours) = (u32::from_le_bytes(*id), u32::from_le_bytes(*ours));
        let session = || Session::old(self.signer.clone(), id, ours, self.first);
        (auth & 0x0f == self.old.auth.code()).then(session).map(Next::Open)
    }

    fn advance(&mut self, stage: Stage) {
        self.number = (self.number + 1) & 0x3f;
        self.stage = stage;
    }

    fn plain(&self, command: u8, data: &[u8]) -> Option<Payload> {
        let message = message::write(Command { netfn: NETFN_APP, command, data }, self.number);
        legacy::write_plain(&message.ok()?).ok()
    }
}

/// What a completion code of a login means (§22.16, §22.17).
const fn accepted(command: u8, code: u8) -> Result<(), DriverError> {
    match (command, code) {
        (_, 0) => Ok(()),
        (SESSION_CHALLENGE, 0x81 | 0x82) => Err(DriverError::UnknownUser),
        (ACTIVATE_SESSION, 0x81..=0x83) => Err(DriverError::NoFreeSession),
        (ACTIVATE_SESSION, 0x86) => Err(DriverError::NotAllowed(Step::Authenticate)),
        (AUTH_CAPABILITIES, _) => Err(DriverError::Refused(Step::Open, code)),
        (_, _) => Err(DriverError::Refused(Step::Authenticate, code)),
    }
}
