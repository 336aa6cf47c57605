//! Requests for one object and their answers, and the messages of versions 1 and 2c around them.

use super::ber::{self, Reader, Writer};
use super::{Encoded, Oid};

/// What a protocol data unit is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Asks for an object.
    Get,
    /// Asks for the object after a name.
    GetNext,
    /// Answers.
    Response,
    /// Sets an object.
    Set,
    /// Says what was wrong with a message of version 3.
    Report,
}

impl Kind {
    const fn tag(self) -> u8 {
        match self {
            Self::Get => 0xa0,
            Self::GetNext => 0xa1,
            Self::Response => 0xa2,
            Self::Set => 0xa3,
            Self::Report => 0xa8,
        }
    }

    fn of(tag: u8) -> Option<Self> {
        [Self::Get, Self::GetNext, Self::Response, Self::Set, Self::Report]
            .into_iter()
            .find(|kind| kind.tag() == tag)
    }
}

/// An object's value, as far as power switches have such.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Nothing, as in requests.
    Null,
    /// A whole number.
    Integer(i32),
    /// The name of an object.
    Object(Oid),
    /// There is no such object or none of this index.
    Absent,
    /// Anything else.
    Other,
}

/// A protocol data unit about at most one object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    /// What it is.
    pub kind: Kind,
    /// Which request it belongs to.
    pub request: i32,
    /// Why the request failed, 0 if it did not.
    pub error: i32,
    /// The object's name, empty if it is about none.
    pub oid: Oid,
    /// The object's value.
    pub value: Value,
}

/// Values of [`Unit::error`] (RFC 3416 §3) that a driver treats on their own.
pub mod error {
    /// Version 1: there is no such object, or it may not be set.
    pub const NO_SUCH_NAME: i32 = 2;
    /// Version 1: there the object may only be read.
    pub const READ_ONLY: i32 = 4;
    /// The object may not be reached by this user.
    pub const NO_ACCESS: i32 = 6;
    /// This user may not do this.
    pub const AUTHORIZATION: i32 = 16;
    /// The object cannot be set.
    pub const NOT_WRITABLE: i32 = 17;
    /// There is no such object, and none can be made.
    pub const NO_CREATION: i32 = 11;
}

impl Unit {
    /// A request about one object.
    #[must_use]
    pub const fn request(kind: Kind, request: i32, oid: Oid, value: Value) -> Self {
        Self { kind, request, error: 0, oid, value }
    }

    /// Puts this unit before what was written.
    pub fn write(&self, writer: &mut Writer) {
        let end = writer.end();
        if !self.oid.is_empty() {
            match &self.value {
                Value::Integer(value) => writer.integer(*value),
                Value::Object(oid) => writer.object(oid),
                Value::Null | Value::Other => writer.empty(ber::NULL),
                Value::Absent => writer.empty(0x80),
            }
            writer.object(&self.oid);
            writer.head(ber::SEQUENCE, end);
        }
        writer.head(ber::SEQUENCE, end);
        writer.integer(0);
        writer.integer(self.error);
        writer.integer(self.request);
        writer.head(self.kind.tag(), end);
    }

    /// Reads the next unit; nothing if it is not one.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (tag, content) = reader.element()?;
        let kind = Kind::of(tag)?;
        let mut fields = Reader::new(content);
        let (request, error, _) = (fields.integer()?, fields.integer()?, fields.integer()?);
        let mut bindings = fields.inside(ber::SEQUENCE)?;
        if bindings.is_empty() {
            return Some(Self { kind, request, error, oid: Oid::new(), value: Value::Null });
        }
        let mut binding = bindings.inside(ber::SEQUENCE)?;
        let oid = ber::object(binding.expect(ber::OBJECT)?)?;
        let (tag, content) = binding.element()?;
        let value = match tag {
            ber::NULL => Value::Null,
            ber::INTEGER => Value::Integer(ber::signed(content)?),
            ber::OBJECT => Value::Object(ber::object(content)?),
            0x80..=0x82 => Value::Absent,
            _ => Value::Other,
        };
        Some(Self { kind, request, error, oid, value })
    }
}

/// Writes a message of version 1 (number 0) or 2c (number 1).
#[must_use]
pub fn write(version: i32, community: &[u8], unit: &Unit) -> Option<Encoded> {
    let mut writer = Writer::default();
    let end = writer.end();
    unit.write(&mut writer);
    writer.octets(community);
    writer.integer(version);
    writer.head(ber::SEQUENCE, end);
    writer.finish()
}

/// Reads a message of this version and community.
#[must_use]
pub fn read(version: i32, community: &[u8], datagram: &[u8]) -> Option<Unit> {
    let mut fields = Reader::new(datagram).inside(ber::SEQUENCE)?;
    let same = fields.integer()? == version && fields.expect(ber::OCTETS)? == community;
    Unit::read(&mut fields).filter(|_| same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::transcript;

    #[test]
    fn messages_of_real_tools_are_ours_byte_for_byte() {
        for (name, version) in [("v1-get", 0), ("v2c-get", 1)] {
            let Some(lines) = transcript(&std::format!("snmp/{name}.txt")) else { return };
            for (_, datagram) in &lines {
                let unit = read(version, b"public", datagram).unwrap();
                assert_eq!(write(version, b"public", &unit).unwrap().as_slice(), datagram);
                assert_eq!(read(1 - version, b"public", datagram), None);
                assert_eq!(read(version, b"private", datagram), None);
            }
            let answer = read(version, b"public", &lines[1].1).unwrap();
            assert_eq!((answer.kind, answer.error), (Kind::Response, 0));
            assert_eq!(answer.value, Value::Integer(1));
        }
    }

    #[test]
    fn no_cut_message_is_read_and_no_damaged_one_beyond_its_end() {
        let oid = Oid::from_slice(&[1, 3, 6, 1, 4, 1, 318, 1]).unwrap();
        let unit = Unit::request(Kind::Set, 77, oid, Value::Integer(2));
        let good = write(1, b"private", &unit).unwrap();
        assert_eq!(read(1, b"private", &good).as_ref(), Some(&unit));
        for length in 0..good.len() {
            assert_eq!(read(1, b"private", &good[..length]), None);
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // Nothing protects these versions: what is read has to be a whole unit, no more.
            if let Some(unit) = read(1, b"private", &bad) {
                assert!(write(1, b"private", &unit).is_some(), "bit {bit}");
            }
        }
    }
}
