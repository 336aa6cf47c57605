//! Sessions that real clients held with real and simulated BMCs, played through the codec: what
//! a client sent is what we would have sent, and what a BMC sent is what we accept.

use super::super::message::{self, Command};
use super::super::suite::Suite;
use super::super::wire::{self, Kind, Packet};
use super::super::{Privilege, Secret};
use super::*;
use crate::fixtures::{From, bytes, transcript};
use std::vec::Vec;

const KG: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9001020304";

/// What a session's transcript came to.
#[derive(Debug, Default)]
struct Played {
    /// How the handshake ended, if not with keys.
    refused: Option<DriverError>,
    /// Function and command, completion code and data of every verified answer in the session.
    answers: Vec<((u8, u8), u8, Vec<u8>)>,
    /// Packets of the BMC inside the session that did not verify.
    unverified: usize,
    /// Commands of the client, written again byte for byte.
    commands: usize,
}

fn settings(user: &str, password: &str, suite: Suite, privilege: Privilege) -> Settings {
    let (user, password) = (user.parse().unwrap(), Secret::new(password.as_bytes()).unwrap());
    Settings { user, password, kg: None, suite, privilege }
}

fn admin(suite: Suite) -> Settings {
    settings("admin", "secret", suite, Privilege::Administrator)
}

/// Plays the transcript `name`; nothing where there is none.
fn play(name: &str, settings: &Settings) -> Option<Played> {
    let mut played = Played::default();
    let mut handshake = Handshake::new(0, [0; 16]);
    let mut keys: Option<Keys> = None;
    for (from, datagram) in transcript(&std::format!("ipmi/{name}.txt"))? {
        // Before a session, clients ask in the format of IPMI 1.5 what the BMC can do.
        let Some(packet) = wire::read(&datagram) else {
            assert!(datagram[4] == 0 && keys.is_none(), "{name}: unreadable packet");
            continue;
        };
        match (from, packet.kind) {
            (From::Client, Kind::OpenRequest | Kind::Rakp(_)) => {
                same_proof(name, &mut handshake, settings, &packet);
            }
            (From::Device, Kind::OpenResponse | Kind::Rakp(_)) => {
                let taken = take(&mut handshake, settings, &packet, &mut keys);
                if let Err(refusal) = taken {
                    played.refused.get_or_insert(refusal);
                }
            }
            (_, Kind::Message) => {
                if let Some(keys) = &keys {
                    in_session(name, &mut played, keys, from, &datagram);
                }
            }
            (_, kind) => panic!("{name}: {kind:?} from {from:?}"),
        }
    }
    Some(played)
}

/// Takes over what a client chose freely, and compares the rest with what we would have sent.
fn same_proof(name: &str, h: &mut Handshake, settings: &Settings, packet: &Packet<'_>) {
    let theirs = packet.payload;
    h.tag = theirs[0];
    let (ours, kind) = match packet.kind {
        Kind::OpenRequest => {
            h.console_session = u32::from_le_bytes(theirs[4..8].try_into().unwrap());
            let mut ours = h.open_request(settings).unwrap();
            // The level asked for here is the highest that the session may have; 0 is any.
            ours[1] = theirs[1];
            (ours, Kind::OpenRequest)
        }
        Kind::Rakp(1) => {
            h.console_random = theirs[8..24].try_into().unwrap();
            (h.rakp1(settings).unwrap(), Kind::Rakp(1))
        }
        Kind::Rakp(_) => (h.rakp3(settings).unwrap(), Kind::Rakp(3)),
        Kind::Message | Kind::OpenResponse => panic!("{name}: a client sent {packet:?}"),
    };
    assert_eq!(ours.as_slice(), theirs, "{name}: {kind:?}");
    assert_eq!(packet.kind, kind);
}

fn take(
    h: &mut Handshake,
    settings: &Settings,
    packet: &Packet<'_>,
    keys: &mut Option<Keys>,
) -> Result<(), DriverError> {
    assert!(packet.is_plain());
    match packet.kind {
        Kind::OpenResponse => assert!(h.open_response(settings, packet.payload)?),
        Kind::Rakp(2) => assert!(h.rakp2(settings, packet.payload)?),
        Kind::Rakp(_) => {
            *keys = h.rakp4(settings, packet.payload)?;
            assert!(keys.is_some());
        }
        Kind::Message | Kind::OpenRequest => panic!("a BMC sent {packet:?}"),
    }
    Ok(())
}

fn in_session(name: &str, played: &mut Played, keys: &Keys, from: From, datagram: &[u8]) {
    let packet = wire::read(datagram).unwrap();
    let plain = packet.verified(keys);
    match from {
        From::Device => match plain.as_deref().and_then(message::read) {
            Some(a) => played.answers.push(((a.netfn - 1, a.command), a.code, a.data.to_vec())),
            None => played.unverified += 1,
        },
        From::Client => {
            let plain = plain.unwrap();
            let (netfn, number, command) = (plain[1] >> 2, plain[4] >> 2, plain[5]);
            let data = &plain[6..plain.len() - 1];
            let ours = message::write(Command { netfn, command, data }, number).unwrap();
            assert_eq!(ours, plain, "{name}");
            let iv = packet.payload[..16].try_into().unwrap();
            let sealed =
                wire::write_sealed(keys, packet.session, packet.sequence, &ours, iv).unwrap();
            assert_eq!(sealed.as_slice(), datagram, "{name}: sealed");
            played.commands += 1;
        }
    }
}

fn chassis(played: &Played, command: u8) -> Vec<(u8, &[u8])> {
    let wanted = (message::NETFN_CHASSIS, command);
    let answers = played.answers.iter().filter(|(asked, ..)| *asked == wanted);
    answers.map(|(_, code, data)| (*code, data.as_slice())).collect()
}

fn is_on(played: &Played) -> bool {
    let answers = chassis(played, message::GET_CHASSIS_STATUS);
    answers.iter().any(|(code, data)| *code == 0 && data[0] & 1 == 1)
}

#[test]
fn sessions_of_ipmitool_and_freeipmi_are_ours_byte_for_byte() {
    let kg = |settings: Settings| Settings { kg: Secret::new(&bytes(KG)), ..settings };
    let long = settings("longpw", "12345678901234567890", Suite::Sha1, Privilege::Administrator);
    let user = |suite| settings("admin", "secret", suite, Privilege::Operator);
    for (name, settings) in [
        ("ipmitool-C3-status", admin(Suite::Sha1)),
        ("ipmi_sim-C3-status", admin(Suite::Sha1)),
        ("ipmitool-C17-status", admin(Suite::Sha256)),
        ("ipmitool-default-suite-discovery", admin(Suite::Sha256)),
        ("ipmitool-C3-kg", kg(admin(Suite::Sha1))),
        ("ipmitool-C17-kg", kg(admin(Suite::Sha256))),
        ("ipmitool-C3-longpw20", long),
        ("freeipmi-3-status", user(Suite::Sha1)),
        ("freeipmi-17-status", user(Suite::Sha256)),
        ("freeipmi-C17-kg", kg(user(Suite::Sha256))),
    ] {
        let Some(played) = play(name, &settings) else { return };
        assert_eq!((played.refused, played.unverified), (None, 0), "{name}");
        assert!(is_on(&played), "{name}: {played:?}");
        assert!(played.commands > 2, "{name}");
    }
}

#[test]
fn orders_are_answered_as_the_privilege_allows() {
    for (name, settings, code) in [
        ("ipmitool-C17-cycle", admin(Suite::Sha256), 0x00),
        (
            "ipmitool-C3-operator-off",
            settings("operator", "operpw", Suite::Sha1, Privilege::Operator),
            0x00,
        ),
        (
            "ipmitool-C3-user-off-denied",
            settings("viewer", "viewpw", Suite::Sha1, Privilege::User),
            message::completion::PRIVILEGE,
        ),
    ] {
        let Some(played) = play(name, &settings) else { return };
        let answers = chassis(&played, message::CHASSIS_CONTROL);
        assert_eq!(answers, [(code, &[][..])], "{name}");
    }
}

#[test]
fn who_does_not_know_the_password_or_the_key_is_not_believed() {
    let wrong = settings("admin", "wrong", Suite::Sha1, Privilege::Administrator);
    let other_kg = Settings { kg: Secret::new(b"another"), ..admin(Suite::Sha256) };
    for (name, settings) in [
        ("ipmitool-C3-wrongpw", wrong),
        ("fault-badrakp2", admin(Suite::Sha256)),
        ("ipmitool-C17-kg", other_kg),
    ] {
        let Some(played) = play(name, &settings) else { return };
        assert_eq!(played.refused, Some(DriverError::WrongSecret), "{name}");
        assert!(played.answers.is_empty(), "{name}");
    }
}

#[test]
fn an_unknown_user_is_refused_by_name() {
    let ghost = settings("ghost", "", Suite::Sha1, Privilege::Administrator);
    let Some(played) = play("ipmitool-C3-nouser", &ghost) else { return };
    assert_eq!(played.refused, Some(DriverError::UnknownUser));
}

#[test]
fn answers_whose_code_is_wrong_are_not_read() {
    let Some(played) = play("fault-badhmac", &admin(Suite::Sha256)) else { return };
    assert!(played.unverified > 0 && played.answers.is_empty(), "{played:?}");
}

#[test]
fn busy_lost_and_doubled_answers_leave_the_same_session() {
    for name in ["fault-busy2", "fault-drop3", "fault-dup"] {
        let Some(played) = play(name, &admin(Suite::Sha256)) else { return };
        assert_eq!((played.refused, played.unverified), (None, 0), "{name}");
        assert!(!played.answers.is_empty(), "{name}");
    }
}
