//! The driver against a BMC that speaks IPMI 1.5, and the codec against what real ones said.

use super::super::message::{self, completion};
use super::super::suite::Suite;
use super::super::{Lan, Old, Privilege, Settings};
use super::*;
use crate::fixtures::transcript;
use crate::power::{DriverError, Input, Output, PowerRequest, PowerState, PowerSwitch as _, Step};
use crate::time::Instant;
use core::time::Duration;
use std::vec::Vec;

const TEMPORARY: u32 = 5;
const SESSION: u32 = 0x1a82;
const OURS: u32 = 0xffff_fffe;

/// A BMC that knows one user.
#[expect(clippy::struct_excessive_bools, reason = "independent whims of a device")]
struct Bmc {
    signer: Signer,
    /// The kinds of proof that it offers, a bit each.
    types: u8,
    extended: u8,
    on: bool,
    obeys: bool,
    /// Answers are lost while this is above 0.
    lose: u32,
    twice: bool,
    /// Answers to packets of this session are proved by another password.
    forged: Option<u32>,
    inside: u32,
    theirs: u32,
    numbers: Vec<u32>,
    orders: u32,
    closed: bool,
    heard: Vec<Vec<u8>>,
}

fn signer(auth: Auth, password: &str) -> Signer {
    Signer::new(auth, &Secret::new(password.as_bytes()).unwrap()).unwrap()
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

impl Bmc {
    fn new(auth: Auth) -> Self {
        Self {
            signer: signer(auth, "secret"),
            types: 1 << auth.code(),
            extended: 1,
            on: true,
            obeys: true,
            lose: 0,
            twice: false,
            forged: None,
            inside: 0,
            theirs: 0,
            numbers: Vec::new(),
            orders: 0,
            closed: false,
            heard: Vec::new(),
        }
    }

    fn answer(&mut self, datagram: &[u8]) -> Vec<Payload> {
        self.heard.push(datagram.to_vec());
        let packet = read(datagram).unwrap();
        let proved = packet.is_signed_by(&self.signer);
        let command = packet.payload[5];
        let allowed = match packet.session {
            0 => packet.is_plain() && matches!(command, 0x38 | 0x39),
            TEMPORARY => proved && command == 0x3a,
            SESSION => proved && !self.numbers.contains(&packet.sequence),
            _ => false,
        };
        if !allowed {
            return Vec::new();
        }
        if packet.session == SESSION {
            self.numbers.push(packet.sequence);
        }
        let (code, body) = self.obey(command, &packet.payload[6..packet.payload.len() - 1]);
        let mut reply = Vec::from([0x81, packet.payload[1] | 4]);
        reply.push(checksum(&reply));
        reply.extend([0x20, packet.payload[4], command, code]);
        reply.extend(body);
        reply.push(checksum(&reply[3..]));
        let reply = if packet.session == 0 {
            write_plain(&reply)
        } else {
            let number = self.inside;
            self.inside += 1;
            let forged = self.forged == Some(packet.session);
            let signer = if forged { signer(Auth::Md5, "forged") } else { self.signer.clone() };
            write_signed(&signer, packet.session, number, &reply)
        };
        if self.lose > 0 {
            self.lose -= 1;
            return Vec::new();
        }
        let reply = reply.unwrap();
        if self.twice { Vec::from([reply.clone(), reply]) } else { Vec::from([reply]) }
    }

    fn obey(&mut self, command: u8, data: &[u8]) -> (u8, Vec<u8>) {
        let mut body = Vec::new();
        match command {
            0x38 => body.extend([1, self.types | 0x80, 4, self.extended, 0, 0, 0, 0]),
            0x39 if &data[1..6] != b"admin" => return (0x81, body),
            0x39 => {
                body.extend(TEMPORARY.to_le_bytes());
                body.extend([0x77; 16]);
            }
            0x3a => {
                assert_eq!(data[2..18], [0x77; 16]);
                self.theirs = u32::from_le_bytes(data[18..].try_into().unwrap());
                self.inside = self.theirs;
                body.push(data[0]);
                body.extend(SESSION.to_le_bytes());
                body.extend(OURS.to_le_bytes());
                body.push(4);
            }
            message::CHASSIS_CONTROL => {
                self.orders += 1;
                self.on = if self.obeys { data[0] == 1 } else { self.on };
            }
            message::GET_CHASSIS_STATUS => body.extend([u8::from(self.on), 0, 0]),
            message::CLOSE_SESSION => self.closed = true,
            _ => body.push(4),
        }
        (completion::OK, body)
    }
}

fn settings(user: &str, password: &str) -> Settings {
    Settings {
        user: user.parse().unwrap(),
        password: Secret::new(password.as_bytes()).unwrap(),
        kg: None,
        suite: Suite::Sha1,
        privilege: Privilege::Administrator,
    }
}

/// Plays a request to its end in virtual time.
fn play(bmc: &mut Bmc, old: Old, request: PowerRequest) -> Result<PowerState, DriverError> {
    play_as(bmc, old, request, &settings("admin", "secret"))
}

fn play_as(
    bmc: &mut Bmc,
    old: Old,
    request: PowerRequest,
    settings: &Settings,
) -> Result<PowerState, DriverError> {
    let mut driver = Lan::legacy(settings.clone(), old, [9; 32]);
    let mut now = Instant::from_micros(0);
    driver.handle_input(now, Input::Request { request, within: Duration::from_secs(20) });
    for _ in 0..10_000 {
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Done(result) => {
                    while let Some(Output::Send(datagram)) = driver.poll_output() {
                        bmc.answer(&datagram);
                    }
                    return result;
                }
                Output::Send(datagram) => {
                    now = now.after(Duration::from_millis(1));
                    for reply in bmc.answer(&datagram) {
                        driver.handle_input(now, Input::Datagram(&reply));
                    }
                }
            }
        }
        now = driver.poll_timeout().unwrap().max(now);
        driver.handle_timeout(now);
    }
    panic!("the request never ended");
}

const fn old(auth: Auth) -> Old {
    Old { auth, unless_plus: false }
}

#[test]
fn every_request_ends_as_the_power_reads_back_and_the_session_is_closed() {
    for auth in [Auth::Md5, Auth::Password] {
        for (request, state, orders) in [
            (PowerRequest::Status, PowerState::On, 0),
            (PowerRequest::Off, PowerState::Off, 1),
            (PowerRequest::On, PowerState::On, 1),
            (PowerRequest::Reboot, PowerState::Off, 2),
        ] {
            let mut bmc = Bmc::new(auth);
            assert_eq!(play(&mut bmc, old(auth), request), Ok(state), "{auth:?} {request:?}");
            assert_eq!((bmc.orders, bmc.closed), (orders, true));
            assert_eq!(bmc.numbers[..3], [OURS, u32::MAX, 1], "a session's packets have numbers");
        }
    }
}

#[test]
fn what_was_not_proved_by_the_password_says_nothing_about_the_power() {
    let silent = Err(DriverError::NoAnswer(Step::Authenticate));
    let mut bmc = Bmc { on: false, ..Bmc::new(Auth::Md5) };
    bmc.signer = signer(Auth::Md5, "another");
    assert_eq!(play(&mut bmc, old(Auth::Md5), PowerRequest::Status), silent);
    for (session, step) in [(TEMPORARY, Step::Authenticate), (SESSION, Step::Privilege)] {
        let mut bmc = Bmc { on: false, forged: Some(session), ..Bmc::new(Auth::Md5) };
        let silent = Err(DriverError::NoAnswer(step));
        assert_eq!(play(&mut bmc, old(Auth::Md5), PowerRequest::Status), silent);
    }
    let mut bmc = Bmc { obeys: false, ..Bmc::new(Auth::Md5) };
    let on = Err(DriverError::NotObeyed(PowerState::On));
    assert_eq!(play(&mut bmc, old(Auth::Md5), PowerRequest::Off), on);
    assert!(bmc.closed);
}

#[test]
fn lost_and_doubled_answers_only_cost_time() {
    for lose in 0..8 {
        let mut bmc = Bmc { lose, twice: true, ..Bmc::new(Auth::Md5) };
        let result = play(&mut bmc, old(Auth::Md5), PowerRequest::Off);
        assert_eq!(result, Ok(PowerState::Off), "{lose} lost");
        assert_eq!(bmc.orders, 1, "{lose} lost");
    }
}

#[test]
fn a_bmc_is_not_asked_for_less_than_it_can_and_not_for_more() {
    let either = Old { auth: Auth::Md5, unless_plus: true };
    let refused = Err(DriverError::NoSuchSuite);
    let mut modern = Bmc { extended: 3, ..Bmc::new(Auth::Md5) };
    assert_eq!(play(&mut modern, either, PowerRequest::Off), refused);
    assert_eq!((modern.heard.len(), modern.on), (1, true), "it speaks IPMI 2.0");
    assert_eq!(play(&mut modern, old(Auth::Md5), PowerRequest::Off), Ok(PowerState::Off));
    let mut bmc = Bmc::new(Auth::Md5);
    assert_eq!(play(&mut bmc, either, PowerRequest::Off), Ok(PowerState::Off));
    let mut bmc = Bmc::new(Auth::Md5);
    assert_eq!(play(&mut bmc, old(Auth::Password), PowerRequest::Off), refused);
    let told = |bmc: &Bmc| bmc.heard.iter().any(|d| d.windows(6).any(|part| part == b"secret"));
    assert!(!told(&bmc), "no password for a BMC that does not ask for one");
}

#[test]
fn an_unknown_user_and_a_password_that_is_too_long_are_refused() {
    let mut bmc = Bmc::new(Auth::Md5);
    let (md5, off) = (old(Auth::Md5), PowerRequest::Off);
    let ghost = play_as(&mut bmc, md5, off, &settings("ghost", "secret"));
    assert_eq!(ghost, Err(DriverError::UnknownUser));
    let long = play_as(&mut bmc, md5, off, &settings("admin", "12345678901234567"));
    assert_eq!(long, Err(DriverError::WrongSecret));
}

#[test]
fn sessions_of_ipmitool_are_ours_byte_for_byte() {
    let md5 = signer(Auth::Md5, "secret");
    for name in ["ipmitool-15-md5-status", "ipmi_sim-15-md5-status"] {
        let Some(datagrams) = transcript(&std::format!("ipmi/{name}.txt")) else { return };
        let mut proved = 0;
        // Presence pings are not of the class IPMI.
        for (from, datagram) in datagrams.iter().filter(|(_, datagram)| datagram[3] == 7) {
            let packet = read(datagram).unwrap();
            if packet.session == 0 {
                assert_eq!(write_plain(packet.payload).unwrap(), datagram[..], "{name}");
                continue;
            }
            assert!(packet.is_signed_by(&md5), "{name}: {from:?}");
            let (session, sequence) = (packet.session, packet.sequence);
            let ours = write_signed(&md5, session, sequence, packet.payload).unwrap();
            assert_eq!(ours, datagram[..], "{name}");
            assert!(!packet.is_signed_by(&signer(Auth::Md5, "Secret")));
            proved += 1;
        }
        assert!(proved > 10, "{name}: {proved}");
    }
}

#[test]
fn a_digest_proves_every_bit_of_a_packet() {
    let signer = signer(Auth::Md5, "secret");
    let packet = write_signed(&signer, 7, 9, b"hello").unwrap();
    let whole = read(&packet).unwrap();
    assert_eq!((whole.session, whole.sequence, whole.payload), (7, 9, &b"hello"[..]));
    assert!(whole.is_signed_by(&signer) && !whole.is_plain());
    for bit in 0..packet.len() * 8 {
        let mut bad = packet.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let believed = read(&bad).is_some_and(|packet| packet.is_signed_by(&signer));
        assert!(!believed, "bit {bit}");
    }
    for length in 0..packet.len() {
        assert_eq!(read(&packet[..length]), None);
    }
}

#[test]
fn a_password_is_no_digest_and_a_packet_without_proof_is_never_believed() {
    let (md5, password) = (signer(Auth::Md5, "secret"), signer(Auth::Password, "secret"));
    let packet = write_signed(&password, 7, 9, b"hello").unwrap();
    let packet = read(&packet).unwrap();
    assert!(packet.is_signed_by(&password) && !packet.is_signed_by(&md5));
    let plain = write_plain(b"hello").unwrap();
    let plain = read(&plain).unwrap();
    assert!(plain.is_plain());
    assert!(!(plain.is_signed_by(&password) || plain.is_signed_by(&md5)));
}

#[test]
fn a_password_is_never_printed() {
    assert_eq!(std::format!("{:?}", signer(Auth::Password, "secret")), "Signer(Password)");
}
