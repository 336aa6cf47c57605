//! Version 3: the user-based security model.
//!
//! A device is asked first who it is and what time it has; from then on each message is proven
//! with a key that is the password localised for that device, and its content is hidden. What is
//! not proven is believed for one thing only: how to go on asking.

use super::ber::{self, Reader, Writer};
use super::message::Unit;
use super::{Encoded, Name};
use aes::Aes128;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit as _};
use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

/// The number of the version.
const VERSION: i32 = 3;
/// The number of the user-based security model.
const MODEL: i32 = 3;
/// The longest message that we say we take; agents hold it against nothing we do.
const SIZE_MAX: i32 = 65_507;
/// Flag: proven.
const PROVEN: u8 = 0x01;
/// Flag: hidden.
const HIDDEN: u8 = 0x02;
/// Flag: problems may be reported.
const REPORTABLE: u8 = 0x04;
/// Bytes of an AES block and key.
const BLOCK: usize = 16;
/// Bytes that tell one initialisation vector from another.
const SALT: usize = 8;
/// The longest hash, in bytes.
const HASH_MAX: usize = 64;
/// The longest proof, in bytes.
const PROOF_MAX: usize = 48;
/// The longest name of a device, in bytes (RFC 3411 §5).
const ENGINE_MAX: usize = 32;
/// The bytes of password that a key is made of (RFC 3414 §A.2).
const STRETCH: usize = 1_048_576;

type Hash = heapless::Vec<u8, HASH_MAX>;

/// How a user proves its messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// HMAC-MD5-96.
    Md5,
    /// HMAC-SHA-96.
    Sha1,
    /// HMAC-SHA-256-192.
    Sha256,
    /// HMAC-SHA-512-384.
    Sha512,
}

impl Proof {
    const fn len(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 => 12,
            Self::Sha256 => 24,
            Self::Sha512 => 48,
        }
    }

    fn localised(self, password: &[u8], engine: &[u8]) -> Hash {
        match self {
            Self::Md5 => localised::<Md5>(password, engine),
            Self::Sha1 => localised::<Sha1>(password, engine),
            Self::Sha256 => localised::<Sha256>(password, engine),
            Self::Sha512 => localised::<Sha512>(password, engine),
        }
    }

    fn of(self, key: &[u8], parts: &[&[u8]]) -> Hash {
        let mut proof = match self {
            Self::Md5 => keyed::<Hmac<Md5>>(key, parts),
            Self::Sha1 => keyed::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => keyed::<Hmac<Sha256>>(key, parts),
            Self::Sha512 => keyed::<Hmac<Sha512>>(key, parts),
        };
        proof.truncate(self.len());
        proof
    }
}

fn localised<D: Digest>(password: &[u8], engine: &[u8]) -> Hash {
    let mut long = D::new();
    let mut left = STRETCH;
    while left > 0 && !password.is_empty() {
        let part = &password[..password.len().min(left)];
        long.update(part);
        left -= part.len();
    }
    let key = long.finalize();
    let local = D::new().chain_update(&key).chain_update(engine).chain_update(&key).finalize();
    Hash::from_slice(&local).unwrap_or_default()
}

fn keyed<M: Mac + hmac::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Hash {
    let Ok(mut mac) = <M as hmac::KeyInit>::new_from_slice(key) else {
        // HMAC takes keys of every length; an empty result equals no proof.
        return Hash::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    Hash::from_slice(&mac.finalize().into_bytes()).unwrap_or_default()
}

/// A user and how far it protects what it says.
#[derive(Clone)]
pub struct User {
    /// Its name.
    pub name: Name,
    /// How it proves its messages, and with which password.
    pub proof: Option<(Proof, Name)>,
    /// The password under which it hides them with AES-128; nothing is hidden without a proof.
    pub privacy: Option<Name>,
}

impl core::fmt::Debug for User {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("User(…)")
    }
}

/// A user's keys for one device.
#[derive(Clone)]
pub struct Keys {
    proof: Hash,
    cipher: [u8; BLOCK],
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl User {
    /// Its keys for the device of this name: about a million bytes are hashed for each.
    #[must_use]
    pub fn keys(&self, engine: &[u8]) -> Keys {
        let mut keys = Keys { proof: Hash::new(), cipher: [0; BLOCK] };
        if let Some((proof, password)) = &self.proof {
            keys.proof = proof.localised(password, engine);
            if let Some(privacy) = &self.privacy {
                let key = proof.localised(privacy, engine);
                keys.cipher.iter_mut().zip(key).for_each(|(to, from)| *to = from);
            }
        }
        keys
    }

    const fn flags(&self) -> u8 {
        match (&self.proof, &self.privacy) {
            (None, _) => 0,
            (Some(_), None) => PROVEN,
            (Some(_), Some(_)) => PROVEN | HIDDEN,
        }
    }
}

/// A device's name and time, as it says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Engine {
    /// Its name.
    pub id: heapless::Vec<u8, ENGINE_MAX>,
    /// How often it started.
    pub boots: i32,
    /// Seconds since it started.
    pub time: i32,
}

/// A message that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// Which message it answers.
    pub message: i32,
    /// Whose it is, and when.
    pub engine: Engine,
    /// Whether it is as protected as the user's own messages.
    pub protected: bool,
    /// Whether it is proven, hidden or not.
    pub proven: bool,
    /// What it says.
    pub unit: Unit,
}

/// Asks a device for its name and time.
#[must_use]
pub fn discover(message: i32, unit: &Unit) -> Option<Encoded> {
    let nobody = User { name: Name::new(), proof: None, privacy: None };
    let keys = Keys { proof: Hash::new(), cipher: [0; BLOCK] };
    write(&nobody, &keys, &Engine::default(), message, [0; SALT], unit)
}

/// Writes `unit` as `user` for the device `engine`. `salt` must not have been used before.
#[must_use]
pub fn write(
    user: &User,
    keys: &Keys,
    engine: &Engine,
    message: i32,
    salt: [u8; SALT],
    unit: &Unit,
) -> Option<Encoded> {
    let flags = user.flags();
    let mut writer = Writer::default();
    let end = writer.end();
    scoped(&mut writer, engine, unit);
    if flags & HIDDEN != 0 {
        let mut hidden = writer.finish()?;
        conceal(&keys.cipher, &vector(engine, salt), &mut hidden, true);
        writer = Writer::default();
        writer.octets(&hidden);
    }
    let security = writer.end();
    writer.octets(if flags & HIDDEN == 0 { &[] } else { &salt });
    let proof_len = user.proof.as_ref().map_or(0, |(proof, _)| proof.len());
    let proof = writer.end();
    writer.raw(&[0; PROOF_MAX][..proof_len]);
    let proof_from_end = writer.len();
    writer.head(ber::OCTETS, proof);
    writer.octets(&user.name);
    writer.integer(engine.time);
    writer.integer(engine.boots);
    writer.octets(&engine.id);
    writer.head(ber::SEQUENCE, security);
    writer.head(ber::OCTETS, security);
    let header = writer.end();
    writer.integer(MODEL);
    writer.octets(&[flags | REPORTABLE]);
    writer.integer(SIZE_MAX);
    writer.integer(message);
    writer.head(ber::SEQUENCE, header);
    writer.integer(VERSION);
    writer.head(ber::SEQUENCE, end);
    let mut encoded = writer.finish()?;
    if let Some((proof, _)) = &user.proof {
        let at = encoded.len().checked_sub(proof_from_end)?;
        let code = proof.of(&keys.proof, &[&encoded]);
        encoded.get_mut(at..at + proof_len)?.copy_from_slice(&code);
    }
    Some(encoded)
}

/// Puts a unit with the context that it belongs to: the device's own.
fn scoped(writer: &mut Writer, engine: &Engine, unit: &Unit) {
    let end = writer.end();
    unit.write(writer);
    writer.octets(&[]);
    writer.octets(&engine.id);
    writer.head(ber::SEQUENCE, end);
}

/// Reads a message to `user`. One that claims a proof is not read without the keys or if the proof
/// is wrong.
#[must_use]
pub fn read(user: &User, keys: Option<&Keys>, datagram: &[u8]) -> Option<Heard> {
    let mut fields = Reader::new(datagram).inside(ber::SEQUENCE)?;
    if fields.integer()? != VERSION {
        return None;
    }
    let mut header = fields.inside(ber::SEQUENCE)?;
    let (message, _) = (header.integer()?, header.integer()?);
    let &[flags] = header.expect(ber::OCTETS)? else {
        return None;
    };
    if header.integer()? != MODEL {
        return None;
    }
    let mut security = Reader::new(fields.expect(ber::OCTETS)?).inside(ber::SEQUENCE)?;
    let id = heapless::Vec::from_slice(security.expect(ber::OCTETS)?).ok()?;
    let engine = Engine { id, boots: security.integer()?, time: security.integer()? };
    let name = security.expect(ber::OCTETS)?;
    let (proof, salt) = (security.expect(ber::OCTETS)?, security.expect(ber::OCTETS)?);
    let level = flags & (PROVEN | HIDDEN);
    if level & PROVEN != 0
        && (name != user.name.as_slice() || !proven(user, keys?, datagram, proof))
    {
        return None;
    }
    let unit = if level & HIDDEN == 0 {
        unscoped(&mut fields)?
    } else {
        let mut hidden = Encoded::from_slice(fields.expect(ber::OCTETS)?).ok()?;
        let vector = vector(&engine, salt.try_into().ok()?);
        conceal(&keys?.cipher, &vector, &mut hidden, false);
        unscoped(&mut Reader::new(&hidden))?
    };
    let proven = level & PROVEN != 0;
    Some(Heard { message, engine, protected: level == user.flags(), proven, unit })
}

fn unscoped(fields: &mut Reader<'_>) -> Option<Unit> {
    let mut scoped = fields.inside(ber::SEQUENCE)?;
    let (_, _) = (scoped.expect(ber::OCTETS)?, scoped.expect(ber::OCTETS)?);
    Unit::read(&mut scoped)
}

/// Whether `proof`, a part of `datagram`, is the one that the key gives.
fn proven(user: &User, keys: &Keys, datagram: &[u8], proof: &[u8]) -> bool {
    let Some((kind, _)) = &user.proof else {
        return false;
    };
    let at = proof.as_ptr().addr().wrapping_sub(datagram.as_ptr().addr());
    let (Some(before), Some(after)) = (datagram.get(..at), datagram.get(at + proof.len()..)) else {
        return false;
    };
    let zeros = &[0; PROOF_MAX][..kind.len()];
    let ours = kind.of(&keys.proof, &[before, zeros, after]);
    !ours.is_empty() && bool::from(ours.ct_eq(proof))
}

/// The initialisation vector (RFC 3826 §3.1.2.1).
fn vector(engine: &Engine, salt: [u8; SALT]) -> [u8; BLOCK] {
    let mut vector = [0; BLOCK];
    vector[..4].copy_from_slice(&engine.boots.to_be_bytes());
    vector[4..8].copy_from_slice(&engine.time.to_be_bytes());
    vector[8..].copy_from_slice(&salt);
    vector
}

/// AES-128 in cipher feedback mode, over `bytes` in place.
fn conceal(key: &[u8; BLOCK], vector: &[u8; BLOCK], bytes: &mut [u8], encrypt: bool) {
    let cipher = Aes128::new(key.into());
    let mut feedback = *vector;
    for chunk in bytes.chunks_mut(BLOCK) {
        let mut stream = Block::<Aes128>::from(feedback);
        cipher.encrypt_block(&mut stream);
        for ((byte, key), next) in chunk.iter_mut().zip(&stream).zip(&mut feedback) {
            let before = *byte;
            *byte ^= key;
            *next = if encrypt { *byte } else { before };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Kind, Value};
    use super::*;
    use crate::fixtures::{From, transcript};
    use std::vec::Vec;

    fn name(text: &str) -> Name {
        Name::from_slice(text.as_bytes()).unwrap()
    }

    fn user(name_: &str, proof: Proof, hides: bool) -> User {
        let privacy = hides.then(|| name("privpass12"));
        User { name: name(name_), proof: Some((proof, name("authpass12"))), privacy }
    }

    fn salt_of(datagram: &[u8]) -> [u8; SALT] {
        let mut fields = Reader::new(datagram).inside(ber::SEQUENCE).unwrap();
        fields.element().unwrap();
        fields.element().unwrap();
        let security = fields.expect(ber::OCTETS).unwrap();
        let mut security = Reader::new(security).inside(ber::SEQUENCE).unwrap();
        let all: Vec<&[u8]> = core::iter::from_fn(|| security.element().map(|e| e.1)).collect();
        all[5].try_into().unwrap_or_default()
    }

    /// Plays a transcript; every answer's unit.
    fn play(file: &str, user: &User) -> Option<Vec<Unit>> {
        let (mut keys, mut heard) = (None, Vec::new());
        for (from, datagram) in transcript(&std::format!("snmp/{file}.txt"))? {
            if message_version(&datagram) != VERSION {
                continue;
            }
            let read_ = read(user, keys.as_ref(), &datagram)
                .unwrap_or_else(|| panic!("{file}: {from:?} is not read"));
            match (from, &keys) {
                (From::Client, None) => {
                    let ours = discover(read_.message, &read_.unit).unwrap();
                    assert_eq!(ours.as_slice(), datagram, "{file}: discovery");
                }
                (From::Client, Some(keys)) => {
                    let salt = salt_of(&datagram);
                    let (engine, unit) = (&read_.engine, &read_.unit);
                    let ours = write(user, keys, engine, read_.message, salt, unit).unwrap();
                    assert_eq!(ours.as_slice(), datagram, "{file}: request");
                }
                (From::Device, None) => {
                    assert_eq!(read_.unit.kind, Kind::Report);
                    assert!(!read_.protected);
                    keys = Some(user.keys(&read_.engine.id));
                }
                (From::Device, Some(_)) => {
                    assert!(read_.protected, "{file}");
                    heard.push(read_.unit);
                }
            }
        }
        Some(heard)
    }

    fn message_version(datagram: &[u8]) -> i32 {
        Reader::new(datagram).inside(ber::SEQUENCE).unwrap().integer().unwrap()
    }

    #[test]
    fn messages_of_real_tools_are_ours_byte_for_byte() {
        for (file, user) in [
            ("v3-sha1-aes128-get", user("fence", Proof::Sha1, true)),
            ("v3-sha1-aes128-set", user("fence", Proof::Sha1, true)),
            ("v3-sha256-aes128-get", user("fence256", Proof::Sha256, true)),
            ("v3-sha1-authnopriv-get", user("fenceauth", Proof::Sha1, false)),
        ] {
            let Some(heard) = play(file, &user) else { return };
            assert_eq!(heard.len(), 1, "{file}");
            assert_eq!((heard[0].kind, heard[0].error), (Kind::Response, 0), "{file}");
            assert!(matches!(heard[0].value, Value::Integer(1 | 2)), "{file}: {heard:?}");
        }
    }

    #[test]
    fn proofs_with_other_hashes_hold_though_what_they_cover_is_hidden_in_another_way() {
        for (file, user) in [
            ("v3-md5-des-get", user("fencemd5", Proof::Md5, true)),
            ("v3-sha512-aes256-get", user("fence512", Proof::Sha512, true)),
        ] {
            let Some(lines) = transcript(&std::format!("snmp/{file}.txt")) else { return };
            let engine = read(&user, None, &lines[1].1).unwrap().engine;
            let keys = user.keys(&engine.id);
            for (_, datagram) in &lines[2..] {
                let mut fields = Reader::new(datagram).inside(ber::SEQUENCE).unwrap();
                fields.element().unwrap();
                fields.element().unwrap();
                let security = fields.expect(ber::OCTETS).unwrap();
                let mut security = Reader::new(security).inside(ber::SEQUENCE).unwrap();
                let proof = core::iter::from_fn(|| security.element()).nth(4).unwrap().1;
                assert!(proven(&user, &keys, datagram, proof), "{file}");
            }
        }
    }

    #[test]
    fn a_damaged_or_cut_message_is_never_a_protected_one() {
        let user = user("fence", Proof::Sha256, true);
        let engine = Engine { id: heapless::Vec::from_slice(b"pdu").unwrap(), boots: 7, time: 9 };
        let keys = user.keys(&engine.id);
        let oid = super::super::Oid::from_slice(&[1, 3, 6, 1]).unwrap();
        let unit = Unit::request(Kind::Response, 5, oid, Value::Integer(2));
        let good = write(&user, &keys, &engine, 3, [4; SALT], &unit).unwrap();
        assert_eq!(read(&user, Some(&keys), &good).unwrap().unit, unit);
        let protected = |bytes: &[u8]| read(&user, Some(&keys), bytes).is_some_and(|h| h.protected);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!protected(&bad), "bit {bit}");
        }
        assert!((0..good.len()).all(|length| !protected(&good[..length])));
        let other = User { proof: Some((Proof::Sha256, name("another"))), ..user.clone() };
        assert_eq!(read(&other, Some(&other.keys(&engine.id)), &good), None);
    }
}
