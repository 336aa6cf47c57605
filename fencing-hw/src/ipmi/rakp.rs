//! The RMCP+ handshake: Open Session and RAKP messages 1 to 4 (IPMI 2.0 §13.17–§13.24).
//!
//! The BMC proves in RAKP 2 that it knows the password before anything that depends on the password
//! is sent to it, and codes are compared in constant time.

use super::message::TooLong;
use super::suite::{self, Hash, Keys};
use super::{Payload, Settings};
use crate::power::{DriverError, Step};

/// The console's session id; any value but 0 will do.
pub const CONSOLE_SESSION: u32 = 0x6469_6172;
/// Look the user up by its name and not by name and privilege.
const NAME_ONLY: u8 = 0x10;
/// Bytes of an answer's head: tag, status, two reserved or level bytes, and the console's session.
const ANSWER_HEAD: usize = 8;

/// What both sides said in a handshake so far.
#[derive(Clone, Debug)]
pub struct Handshake {
    tag: u8,
    console_session: u32,
    console_random: [u8; 16],
    bmc_session: u32,
    bmc_random: [u8; 16],
    bmc_guid: [u8; 16],
}

impl Handshake {
    /// A new handshake; `tag` tells its answers from an older one's, `console_random` must be
    /// unpredictable.
    #[must_use]
    pub const fn new(tag: u8, console_random: [u8; 16]) -> Self {
        Self {
            tag,
            console_session: CONSOLE_SESSION,
            console_random,
            bmc_session: 0,
            bmc_random: [0; 16],
            bmc_guid: [0; 16],
        }
    }

    /// The BMC's session id, once it has answered Open Session.
    #[must_use]
    pub const fn bmc_session(&self) -> u32 {
        self.bmc_session
    }

    /// Open Session Request (§13.17).
    ///
    /// # Errors
    ///
    /// If it does not fit into a frame, which it does.
    pub fn open_request(&self, settings: &Settings) -> Result<Payload, TooLong> {
        let mut payload = Payload::new();
        let head = [self.tag, settings.privilege.code(), 0, 0];
        payload.extend_from_slice(&head).map_err(|_| TooLong)?;
        payload.extend_from_slice(&self.console_session.to_le_bytes()).map_err(|_| TooLong)?;
        for (kind, algorithm) in (0_u8..).zip(settings.suite.algorithms()) {
            let block = [kind, 0, 0, 8, algorithm, 0, 0, 0];
            payload.extend_from_slice(&block).map_err(|_| TooLong)?;
        }
        Ok(payload)
    }

    /// Takes the Open Session Response (§13.18). `Ok(false)`: not for this handshake.
    ///
    /// # Errors
    ///
    /// If the BMC refuses, or offers other algorithms than were asked for.
    pub fn open_response(&mut self, s: &Settings, payload: &[u8]) -> Result<bool, DriverError> {
        let Some(rest) = self.head(payload, Step::Open)? else {
            return Ok(false);
        };
        let Some((session, blocks)) = rest.split_first_chunk::<4>() else {
            return Ok(false);
        };
        let mut offered = blocks.chunks_exact(8).map(|block| block[4]);
        if !s.suite.algorithms().into_iter().all(|wanted| offered.next() == Some(wanted)) {
            return Err(DriverError::NoSuchSuite);
        }
        self.bmc_session = u32::from_le_bytes(*session);
        Ok(true)
    }

    /// RAKP message 1 (§13.20).
    ///
    /// # Errors
    ///
    /// If it does not fit into a frame, which it does.
    pub fn rakp1(&self, settings: &Settings) -> Result<Payload, TooLong> {
        let mut payload = Payload::new();
        let name = settings.user.as_bytes();
        let length = u8::try_from(name.len()).map_err(|_| TooLong)?;
        let parts: [&[u8]; 5] = [
            &[self.tag, 0, 0, 0],
            &self.bmc_session.to_le_bytes(),
            &self.console_random,
            &[role(settings), 0, 0, length],
            name,
        ];
        for part in parts {
            payload.extend_from_slice(part).map_err(|_| TooLong)?;
        }
        Ok(payload)
    }

    /// Takes RAKP message 2 (§13.21) and verifies that its sender knows the password.
    ///
    /// # Errors
    ///
    /// If the BMC refuses, or its code is not the one that the password gives.
    pub fn rakp2(&mut self, settings: &Settings, payload: &[u8]) -> Result<bool, DriverError> {
        let Some(rest) = self.head(payload, Step::Authenticate)? else {
            return Ok(false);
        };
        let Some((random, rest)) = rest.split_first_chunk::<16>() else {
            return Ok(false);
        };
        let Some((guid, code)) = rest.split_first_chunk::<16>() else {
            return Ok(false);
        };
        (self.bmc_random, self.bmc_guid) = (*random, *guid);
        let expected = settings.suite.hash(
            settings.password.bytes(),
            &[
                &self.console_session.to_le_bytes(),
                &self.bmc_session.to_le_bytes(),
                &self.console_random,
                &self.bmc_random,
                &self.bmc_guid,
                &name_field(settings),
                settings.user.as_bytes(),
            ],
        );
        suite::equal(&expected, code).then_some(true).ok_or(DriverError::WrongSecret)
    }

    /// RAKP message 3 (§13.22): the console's proof.
    ///
    /// # Errors
    ///
    /// If it does not fit into a frame, which it does.
    pub fn rakp3(&self, settings: &Settings) -> Result<Payload, TooLong> {
        let code = settings.suite.hash(
            settings.password.bytes(),
            &[
                &self.bmc_random,
                &self.console_session.to_le_bytes(),
                &name_field(settings),
                settings.user.as_bytes(),
            ],
        );
        let mut payload = Payload::new();
        for part in [&[self.tag, 0, 0, 0], &self.bmc_session.to_le_bytes()[..], &code] {
            payload.extend_from_slice(part).map_err(|_| TooLong)?;
        }
        Ok(payload)
    }

    /// Takes RAKP message 4 (§13.23): the session's keys.
    ///
    /// # Errors
    ///
    /// If the BMC refuses, or its integrity check value is wrong (another Kg).
    pub fn rakp4(&self, settings: &Settings, payload: &[u8]) -> Result<Option<Keys>, DriverError> {
        let Some(code) = self.head(payload, Step::Authenticate)? else {
            return Ok(None);
        };
        let session = self.session_key(settings);
        let mut expected = settings.suite.hash(
            &session,
            &[&self.console_random, &self.bmc_session.to_le_bytes(), &self.bmc_guid],
        );
        expected.truncate(settings.suite.check_len());
        if suite::equal(&expected, code) {
            Ok(Some(Keys::new(settings.suite, &session)))
        } else {
            Err(DriverError::WrongSecret)
        }
    }

    fn session_key(&self, settings: &Settings) -> Hash {
        let key = settings.kg.as_ref().unwrap_or(&settings.password);
        let name = settings.user.as_bytes();
        let parts = [&self.console_random[..], &self.bmc_random, &name_field(settings), name];
        settings.suite.hash(key.bytes(), &parts)
    }

    /// What follows an answer's head, if it is an answer of this handshake.
    fn head<'a>(&self, payload: &'a [u8], step: Step) -> Result<Option<&'a [u8]>, DriverError> {
        let &[tag, status, ..] = payload else {
            return Ok(None);
        };
        if tag != self.tag {
            return Ok(None);
        }
        if status != 0 {
            return Err(refusal(status, step));
        }
        let Some((head, rest)) = payload.split_at_checked(ANSWER_HEAD) else {
            return Ok(None);
        };
        Ok((head[4..] == self.console_session.to_le_bytes()).then_some(rest))
    }
}

fn role(settings: &Settings) -> u8 {
    settings.privilege.code() | NAME_ONLY
}

fn name_field(settings: &Settings) -> [u8; 2] {
    // A name is at most USER_MAX bytes, so its length is a byte.
    [role(settings), u8::try_from(settings.user.len()).unwrap_or(u8::MAX)]
}

/// What an RMCP+ status (§13.24) means to an administrator.
fn refusal(status: u8, step: Step) -> DriverError {
    match status {
        0x01 | 0x0b => DriverError::NoFreeSession,
        0x04..=0x07 | 0x10 | 0x11 => DriverError::NoSuchSuite,
        0x09 | 0x0a => DriverError::NotAllowed(step),
        0x0c | 0x0d => DriverError::UnknownUser,
        0x0f => DriverError::WrongSecret,
        other => DriverError::Refused(step, other),
    }
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod golden_tests;
