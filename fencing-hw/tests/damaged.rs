//! A stranger answers in the device's place, with anything at all: no driver panics, none waits
//! longer than it was told to, and one that checks who answers never takes a power state from him.
//!
//! What is sent is drawn from fixed seeds, so a failure repeats.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its driver has failed")]

use core::time::Duration;
use diarch_fencing_hw::ipmi::legacy::{self, Auth, Signer};
use diarch_fencing_hw::ipmi::rakp::CONSOLE_SESSION;
use diarch_fencing_hw::ipmi::suite::Suite;
use diarch_fencing_hw::ipmi::wire::{self, Kind};
use diarch_fencing_hw::ipmi::{Lan, Old, Privilege, Secret, Settings};
use diarch_fencing_hw::power::{DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch};
use diarch_fencing_hw::snmp::model::{MODELS, Model};
use diarch_fencing_hw::snmp::{Access, Outlets};
use diarch_fencing_hw::time::Instant;

const WITHIN: Duration = Duration::from_secs(20);
const REQUESTS: [PowerRequest; 4] =
    [PowerRequest::Status, PowerRequest::Off, PowerRequest::On, PowerRequest::Reboot];

struct Stranger(u64);

impl Stranger {
    fn below(&mut self, bound: usize) -> usize {
        // A linear congruence: its high bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// Puts some bytes out of order.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len());
            let byte = self.byte();
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), byte),
                _ => {
                    if let Some(old) = bytes.get_mut(at) {
                        *old = byte;
                    }
                }
            }
        }
    }

    /// A BMC's answers, as well as they can be given without the password.
    fn as_bmc(&mut self, asked: &[u8]) -> Vec<u8> {
        let Some(packet) = wire::read(asked) else { return self.bytes(40) };
        let tag = packet.payload.first().copied().unwrap_or(0);
        let (kind, length) = match packet.kind {
            Kind::OpenRequest => (Kind::OpenResponse, 36),
            Kind::Rakp(1) => (Kind::Rakp(2), 60),
            Kind::Rakp(_) => (Kind::Rakp(4), 28),
            Kind::OpenResponse | Kind::Message => (Kind::Message, 48),
        };
        let mut payload = self.bytes(length);
        payload[..4].copy_from_slice(&[tag, 0, 0, 0]);
        if let Some(echoed) = packet.payload.get(4..8).filter(|_| kind == Kind::OpenResponse) {
            payload[4..8].copy_from_slice(echoed);
            payload[12..].copy_from_slice(&packet.payload[8..]);
        }
        // The console's session is the same in all answers; so it can be learned.
        if kind != Kind::OpenResponse {
            payload[4..8].copy_from_slice(&CONSOLE_SESSION.to_le_bytes());
        }
        wire::write_plain(kind, &payload).unwrap().to_vec()
    }

    /// The same of an old BMC, proved by another password.
    fn as_old_bmc(&mut self, asked: &[u8]) -> Vec<u8> {
        let Some(packet) = legacy::read(asked) else { return self.bytes(40) };
        let &[_, function, _, _, number, command, ..] = packet.payload else {
            return self.bytes(40);
        };
        let data = match command {
            0x38 => vec![1, 0x94, 4, 1, 0, 0, 0, 0],
            0x39 => [7, 0, 0, 0].into_iter().chain(self.bytes(16)).collect(),
            0x3a => vec![2, 7, 0, 0, 0, 1, 0, 0, 0, 4],
            _ => vec![0, 0, 0],
        };
        let sum = |bytes: &[u8]| bytes.iter().fold(0, |s: u8, b| s.wrapping_add(*b)).wrapping_neg();
        let mut reply = vec![0x81, function | 4];
        reply.push(sum(&reply));
        reply.extend([0x20, number, command, 0]);
        reply.extend(data);
        reply.push(sum(&reply[3..]));
        if packet.session == 0 || self.below(3) == 0 {
            return legacy::write_plain(&reply).unwrap().to_vec();
        }
        let guessed = Secret::new(&self.bytes(6)).unwrap();
        let signer = Signer::new(Auth::Md5, &guessed).unwrap();
        legacy::write_signed(&signer, packet.session, 9, &reply).unwrap().to_vec()
    }
}

/// Plays one request against the stranger; how it ended, and when. One that never ends took for
/// ever.
fn play(
    driver: &mut impl PowerSwitch,
    request: PowerRequest,
    stranger: &mut Stranger,
    answer: impl Fn(&mut Stranger, &[u8]) -> Vec<u8>,
) -> (Result<PowerState, DriverError>, Duration) {
    let start = Instant::from_micros(5_000_000);
    let mut now = start;
    driver.handle_input(now, Input::Request { request, within: WITHIN });
    for _ in 0..100_000 {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => return (result, now.since(start)),
                Output::Send(datagram) => {
                    for _ in 0..stranger.below(3) {
                        let mut reply = answer(stranger, &datagram);
                        stranger.spoil(&mut reply);
                        now = now.after(Duration::from_micros(700));
                        driver.handle_input(now, Input::Datagram(&reply));
                    }
                }
            }
        }
        let Some(due) = driver.poll_timeout() else { break };
        now = if due > now { due } else { now };
        driver.handle_timeout(now);
    }
    (Err(DriverError::Busy), Duration::MAX)
}

#[test]
fn nobody_without_the_password_can_make_a_bmc_look_off() {
    for seed in 0..2000 {
        let settings = Settings {
            user: "admin".parse().unwrap(),
            password: Secret::new(b"secret").unwrap(),
            kg: None,
            suite: if seed % 2 == 0 { Suite::Sha1 } else { Suite::Sha256 },
            privilege: Privilege::Operator,
        };
        let mut stranger = Stranger(seed);
        let request = REQUESTS[stranger.below(4)];
        let (result, took) = if seed % 3 == 0 {
            let old = Old { auth: Auth::Md5, unless_plus: false };
            let mut driver = Lan::legacy(settings, old, [7; 32]);
            play(&mut driver, request, &mut stranger, Stranger::as_old_bmc)
        } else {
            let mut driver = Lan::new(settings, [7; 32]);
            play(&mut driver, request, &mut stranger, Stranger::as_bmc)
        };
        assert!(result.is_err(), "seed {seed}: {result:?}");
        assert!(took <= WITHIN + Duration::from_secs(1), "seed {seed}: {took:?}");
    }
}

#[test]
fn a_pdu_that_answers_anything_ends_in_time() {
    for seed in 0..2000 {
        let mut stranger = Stranger(seed);
        let community = heapless::Vec::from_slice(b"private").unwrap();
        let access = if seed % 2 == 0 { Access::V1(community) } else { Access::V2c(community) };
        let model: Option<&'static Model> = MODELS.get(stranger.below(MODELS.len() + 1));
        let mut plugs = heapless::Vec::new();
        plugs.push(heapless::Vec::from_slice(&[1]).unwrap()).unwrap();
        let mut driver = Outlets::new(access, plugs, model, [7; 32]);
        let request = REQUESTS[stranger.below(4)];
        // The question is sent back as an answer, which it nearly is.
        let echo = |stranger: &mut Stranger, asked: &[u8]| {
            let mut reply = asked.to_vec();
            for byte in reply.iter_mut().filter(|byte| (0xa0..=0xa3).contains(*byte)) {
                *byte = 0xa2;
            }
            if stranger.below(9) == 0 { stranger.bytes(90) } else { reply }
        };
        let (_, took) = play(&mut driver, request, &mut stranger, echo);
        assert!(took <= WITHIN + Duration::from_secs(1), "seed {seed}: {took:?}");
    }
}
