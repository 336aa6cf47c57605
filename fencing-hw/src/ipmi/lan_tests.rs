//! The driver against a BMC of a few lines, with everything that can go wrong on the way.

use super::super::rakp::CONSOLE_SESSION;
use super::super::suite::{BLOCK, Keys, Suite};
use super::super::wire::Packet;
use super::super::{Privilege, Secret};
use super::*;
use std::vec::Vec;

/// A BMC that knows one user; it follows the same sections of the specification from the other
/// side.
struct Bmc {
    password: Secret,
    on: bool,
    /// Answers are lost while this is above 0.
    lose: u32,
    /// Commands are answered "busy" while this is above 0.
    busy: u32,
    /// Status reads until an order takes effect; `None`: never.
    lag: Option<u32>,
    twice: bool,
    ordered: Option<bool>,
    console_random: [u8; 16],
    keys: Option<Keys>,
    sequence: u32,
    orders: u32,
    closed: bool,
    /// RAKP 4 is lost while this is above 0, and a proof is taken once.
    lose_proof: u32,
    /// The session is forgotten after this many commands.
    forget_after: Option<u32>,
    opened: u32,
    /// New with each RAKP 1.
    random: [u8; 16],
    /// Answers take so long, in microseconds.
    slow: u64,
}

const BMC_SESSION: u32 = 0x1234_5678;
const GUID: [u8; 16] = [0x77; 16];

impl Bmc {
    fn new(password: &str) -> Self {
        Self {
            password: Secret::new(password.as_bytes()).unwrap(),
            on: true,
            lose: 0,
            busy: 0,
            lag: Some(0),
            twice: false,
            ordered: None,
            console_random: [0; 16],
            keys: None,
            sequence: 0,
            orders: 0,
            closed: false,
            lose_proof: 0,
            forget_after: None,
            opened: 0,
            random: [0xbb; 16],
            slow: 0,
        }
    }

    fn answer(&mut self, settings: &Settings, datagram: &[u8]) -> Vec<Payload> {
        let packet = wire::read(datagram).unwrap();
        let reply = match packet.kind {
            Kind::OpenRequest => {
                self.keys = None;
                self.sequence = 0;
                self.opened += 1;
                let mut body = Vec::from([packet.payload[0], 0, 4, 0]);
                body.extend(&packet.payload[4..8]);
                body.extend(BMC_SESSION.to_le_bytes());
                body.extend(&packet.payload[8..]);
                wire::write_plain(Kind::OpenResponse, &body).unwrap()
            }
            Kind::Rakp(1) => self.rakp2(settings, packet.payload),
            Kind::Rakp(3) if self.keys.is_some() => return Vec::new(),
            Kind::Rakp(3) => {
                let reply = self.rakp4(settings, packet.payload);
                if self.lose_proof > 0 {
                    self.lose_proof -= 1;
                    return Vec::new();
                }
                reply
            }
            Kind::Message => match self.command(&packet) {
                Some(reply) => reply,
                None => return Vec::new(),
            },
            Kind::OpenResponse | Kind::Rakp(_) => return Vec::new(),
        };
        if self.lose > 0 {
            self.lose -= 1;
            return Vec::new();
        }
        if self.twice { Vec::from([reply.clone(), reply]) } else { Vec::from([reply]) }
    }

    fn rakp2(&mut self, settings: &Settings, payload: &[u8]) -> Payload {
        self.console_random.copy_from_slice(&payload[8..24]);
        self.random[0] = self.random[0].wrapping_add(1);
        let name = &payload[28..];
        let console = CONSOLE_SESSION.to_le_bytes();
        let field = [payload[24], payload[27]];
        let code = settings.suite.hash(
            self.password.bytes(),
            &[
                &console,
                &BMC_SESSION.to_le_bytes(),
                &self.console_random,
                &self.random,
                &GUID,
                &field,
                name,
            ],
        );
        let mut body = Vec::from([payload[0], 0, 0, 0]);
        for part in [&console[..], &self.random, &GUID, &code] {
            body.extend(part);
        }
        wire::write_plain(Kind::Rakp(2), &body).unwrap()
    }

    fn rakp4(&mut self, settings: &Settings, payload: &[u8]) -> Payload {
        let field = [0x14, u8::try_from(settings.user.len()).unwrap()];
        let user = settings.user.as_bytes();
        let parts = [&self.console_random[..], &self.random, &field, user];
        let session = settings.suite.hash(self.password.bytes(), &parts);
        self.keys = Some(Keys::new(settings.suite, &session));
        let parts = [&self.console_random[..], &BMC_SESSION.to_le_bytes(), &GUID];
        let mut check = settings.suite.hash(&session, &parts);
        check.truncate(settings.suite.check_len());
        let mut body = Vec::from([payload[0], 0, 0, 0]);
        body.extend(CONSOLE_SESSION.to_le_bytes());
        body.extend(&check);
        wire::write_plain(Kind::Rakp(4), &body).unwrap()
    }

    fn command(&mut self, packet: &Packet<'_>) -> Option<Payload> {
        let keys = self.keys.clone()?;
        if let Some(left) = &mut self.forget_after {
            if *left == 0 {
                self.keys = None;
                self.forget_after = None;
                return None;
            }
            *left -= 1;
        }
        let message = packet.verified(&keys)?;
        let (number, command, data) = (message[4] >> 2, message[5], &message[6..message.len() - 1]);
        let mut body = Vec::new();
        let code = if self.busy > 0 {
            self.busy -= 1;
            completion::BUSY
        } else {
            self.obey(command, data, &mut body)
        };
        let mut reply = Vec::from([0x81, message[1] | 4]);
        reply.push(reply.iter().fold(0_u8, |s, b| s.wrapping_add(*b)).wrapping_neg());
        reply.extend([0x20, number << 2, command, code]);
        reply.extend(body);
        reply.push(reply[3..].iter().fold(0_u8, |s, b| s.wrapping_add(*b)).wrapping_neg());
        self.sequence += 1;
        wire::write_sealed(&keys, CONSOLE_SESSION, self.sequence, &reply, [5; BLOCK]).ok()
    }

    fn obey(&mut self, command: u8, data: &[u8], body: &mut Vec<u8>) -> u8 {
        match command {
            message::CHASSIS_CONTROL => {
                self.orders += 1;
                self.ordered = Some(data[0] == 1);
            }
            message::GET_CHASSIS_STATUS => {
                if let (Some(on), Some(lag)) = (self.ordered, &mut self.lag) {
                    if *lag == 0 {
                        self.on = on;
                        self.ordered = None;
                    } else {
                        *lag -= 1;
                    }
                }
                body.extend([u8::from(self.on), 0, 0]);
            }
            message::CLOSE_SESSION => self.closed = true,
            _ => body.push(4),
        }
        completion::OK
    }
}

fn settings(suite: Suite) -> Settings {
    Settings {
        user: "admin".parse().unwrap(),
        password: Secret::new(b"secret").unwrap(),
        kg: None,
        suite,
        privilege: Privilege::Administrator,
    }
}

/// Plays a request to its end in virtual time; the result and how long it took, in milliseconds.
fn play(
    bmc: &mut Bmc,
    suite: Suite,
    request: PowerRequest,
) -> (Result<PowerState, DriverError>, u64) {
    let settings = settings(suite);
    let mut driver = Lan::new(settings.clone(), [9; 32]);
    let mut now = 0;
    let within = Duration::from_secs(20);
    driver.handle_input(Instant::from_micros(0), Input::Request { request, within });
    let mut flying: std::collections::VecDeque<(u64, Payload)> = std::collections::VecDeque::new();
    for _ in 0..10_000 {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => return (result, now / 1000),
                Output::Send(datagram) => {
                    now += 1000;
                    let replies = bmc.answer(&settings, &datagram).into_iter();
                    flying.extend(replies.map(|reply| (now + bmc.slow, reply)));
                }
            }
            while let Some((_, reply)) = flying.pop_front_if(|(at, _)| *at <= now) {
                driver.handle_input(Instant::from_micros(now), Input::Datagram(&reply));
            }
        }
        now += 10_000;
        while let Some((_, reply)) = flying.pop_front_if(|(at, _)| *at <= now) {
            driver.handle_input(Instant::from_micros(now), Input::Datagram(&reply));
        }
        driver.handle_timeout(Instant::from_micros(now));
    }
    panic!("the request never ended");
}

#[test]
fn off_is_reported_only_after_it_was_read_back() {
    for suite in [Suite::Sha1, Suite::Sha256] {
        let mut bmc = Bmc { lag: Some(5), ..Bmc::new("secret") };
        let (result, _) = play(&mut bmc, suite, PowerRequest::Off);
        assert_eq!(result, Ok(PowerState::Off));
        assert!(!bmc.on && bmc.closed);
        assert_eq!(bmc.orders, 1);
    }
}

#[test]
fn an_order_that_is_never_obeyed_is_an_error_and_the_session_is_closed() {
    let mut bmc = Bmc { lag: None, ..Bmc::new("secret") };
    let (result, took) = play(&mut bmc, Suite::Sha1, PowerRequest::Off);
    assert_eq!(result, Err(DriverError::NotObeyed(PowerState::On)));
    assert!((20_000..20_100).contains(&took), "{took} ms");
}

#[test]
fn an_order_that_was_seen_not_obeyed_is_reported_as_that_even_if_the_bmc_then_falls_silent() {
    let mut bmc = Bmc { lag: None, forget_after: Some(8), ..Bmc::new("secret") };
    let (result, _) = play(&mut Bmc { lose: 0, ..bmc }, Suite::Sha1, PowerRequest::Off);
    assert_eq!(result, Err(DriverError::NotObeyed(PowerState::On)));
    bmc = Bmc { lag: None, slow: 100_000, ..Bmc::new("secret") };
    assert_eq!(play(&mut bmc, Suite::Sha1, PowerRequest::Off).0, result);
}

#[test]
fn a_reboot_switches_on_only_what_was_seen_off() {
    let mut bmc = Bmc { lag: Some(3), ..Bmc::new("secret") };
    assert_eq!(play(&mut bmc, Suite::Sha256, PowerRequest::Reboot).0, Ok(PowerState::Off));
    assert_eq!((bmc.orders, bmc.ordered), (2, Some(true)));
}

#[test]
fn a_bmc_that_does_not_know_the_password_is_told_nothing_more() {
    let mut bmc = Bmc::new("another");
    assert_eq!(play(&mut bmc, Suite::Sha256, PowerRequest::Off).0, Err(DriverError::WrongSecret));
    assert!(bmc.keys.is_none(), "no RAKP 3 was sent");
}

#[test]
fn silence_is_never_a_power_state() {
    let mut bmc = Bmc { lose: u32::MAX, ..Bmc::new("secret") };
    let (result, _) = play(&mut bmc, Suite::Sha1, PowerRequest::Status);
    assert_eq!(result, Err(DriverError::NoAnswer(Step::Open)));
}

#[test]
fn lost_doubled_and_busy_answers_only_cost_time() {
    for lose in 0..6 {
        let mut bmc = Bmc { lose, busy: 2, twice: true, ..Bmc::new("secret") };
        assert_eq!(play(&mut bmc, Suite::Sha1, PowerRequest::Status).0, Ok(PowerState::On));
    }
}

#[test]
fn a_proof_whose_answer_was_lost_is_given_again_in_a_new_session() {
    let mut bmc = Bmc { lose_proof: 1, ..Bmc::new("secret") };
    assert_eq!(play(&mut bmc, Suite::Sha1, PowerRequest::Off).0, Ok(PowerState::Off));
    assert_eq!(bmc.opened, 2);
}

#[test]
fn a_slow_bmc_that_answers_a_repetition_with_other_numbers_is_understood() {
    for slow_ms in [350, 500, 900, 1500, 2500] {
        let mut bmc = Bmc { slow: slow_ms * 1000, ..Bmc::new("secret") };
        let (result, took) = play(&mut bmc, Suite::Sha256, PowerRequest::Off);
        assert_eq!(result, Ok(PowerState::Off), "{slow_ms} ms: after {took} ms");
        let mut wrong = Bmc { slow: slow_ms * 1000, ..Bmc::new("another") };
        let result = play(&mut wrong, Suite::Sha256, PowerRequest::Off).0;
        assert_eq!(result, Err(DriverError::WrongSecret), "{slow_ms} ms");
    }
}

#[test]
fn a_session_that_the_bmc_forgets_at_any_point_is_opened_anew() {
    for request in [PowerRequest::Off, PowerRequest::Reboot] {
        for commands in 0..6 {
            let mut bmc = Bmc { forget_after: Some(commands), ..Bmc::new("secret") };
            let result = play(&mut bmc, Suite::Sha256, request).0;
            assert!(result.is_ok(), "{request:?} after {commands}: {result:?}");
            assert!(bmc.orders <= 3, "{} orders", bmc.orders);
        }
    }
}

#[test]
fn rubbish_is_ignored_in_every_state() {
    let mut driver = Lan::new(settings(Suite::Sha1), [9; 32]);
    let now = Instant::from_micros(0);
    let within = Duration::from_secs(1);
    driver.handle_input(now, Input::Request { request: PowerRequest::Status, within });
    for length in 0..600 {
        let rubbish: Vec<u8> = (0..=250).cycle().step_by(7).take(length).collect();
        driver.handle_input(now, Input::Datagram(&rubbish));
    }
    let mut sent = 0;
    while let Some(output) = driver.poll_output() {
        assert!(matches!(output, Output::Send(_)));
        sent += 1;
    }
    assert_eq!(sent, 1);
}
