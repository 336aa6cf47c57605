//! The encoding of SNMP messages: definite lengths, the shortest form when writing.

use super::{Encoded, Oid};
use crate::power::DATAGRAM_MAX;

/// A whole number.
pub const INTEGER: u8 = 0x02;
/// Bytes.
pub const OCTETS: u8 = 0x04;
/// Nothing.
pub const NULL: u8 = 0x05;
/// An object's name.
pub const OBJECT: u8 = 0x06;
/// Several elements.
pub const SEQUENCE: u8 = 0x30;

/// Writes elements from the last to the first, so that lengths are known when they are written.
#[derive(Debug)]
pub struct Writer {
    buffer: [u8; DATAGRAM_MAX],
    start: usize,
    full: bool,
}

/// Where an element ends: what was written since is its content.
#[derive(Clone, Copy, Debug)]
pub struct End(usize);

impl Default for Writer {
    fn default() -> Self {
        Self { buffer: [0; DATAGRAM_MAX], start: DATAGRAM_MAX, full: false }
    }
}

impl Writer {
    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        DATAGRAM_MAX - self.start
    }

    /// Whether nothing was written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Marks the end of an element whose content is written next.
    #[must_use]
    pub const fn end(&self) -> End {
        End(self.start)
    }

    /// Puts bytes before what was written.
    pub fn raw(&mut self, bytes: &[u8]) {
        let Some(start) = self.start.checked_sub(bytes.len()) else {
            self.full = true;
            return;
        };
        self.buffer[start..self.start].copy_from_slice(bytes);
        self.start = start;
    }

    /// Puts the head of an element whose content reaches to `end`.
    pub fn head(&mut self, tag: u8, end: End) {
        let length = end.0.saturating_sub(self.start);
        let [.., high, low] = length.to_be_bytes();
        match length {
            0..0x80 => self.raw(&[tag, low]),
            0x80..0x100 => self.raw(&[tag, 0x81, low]),
            _ => self.raw(&[tag, 0x82, high, low]),
        }
    }

    /// Puts a whole number.
    pub fn integer(&mut self, value: i32) {
        let end = self.end();
        let bytes = value.to_be_bytes();
        let fill = if value < 0 { 0xff } else { 0 };
        // A leading byte says nothing if the next one says the sign as well.
        let spare = bytes
            .windows(2)
            .take_while(|pair| pair[0] == fill && (pair[1] & 0x80 == 0) == (value >= 0));
        self.raw(&bytes[spare.count()..]);
        self.head(INTEGER, end);
    }

    /// Puts bytes as an element.
    pub fn octets(&mut self, bytes: &[u8]) {
        let end = self.end();
        self.raw(bytes);
        self.head(OCTETS, end);
    }

    /// Puts an element without content.
    pub fn empty(&mut self, tag: u8) {
        let end = self.end();
        self.head(tag, end);
    }

    /// Puts an object's name. One of less than two numbers is none, and is put as 0.0.
    pub fn object(&mut self, oid: &[u32]) {
        let end = self.end();
        let (first, rest) = match oid {
            [a, b, rest @ ..] => (a.saturating_mul(40).saturating_add(*b), rest),
            _ => (0, &[][..]),
        };
        for number in rest.iter().rev().chain([&first]) {
            self.base128(*number);
        }
        self.head(OBJECT, end);
    }

    fn base128(&mut self, mut number: u32) {
        let mut more = 0;
        loop {
            let [.., low] = number.to_be_bytes();
            self.raw(&[(low & 0x7f) | more]);
            number >>= 7;
            more = 0x80;
            if number == 0 {
                return;
            }
        }
    }

    /// What was written; nothing if it did not fit.
    #[must_use]
    pub fn finish(&self) -> Option<Encoded> {
        Encoded::from_slice(&self.buffer[self.start..]).ok().filter(|_| !self.full)
    }
}

/// Reads elements one after another; whatever it returns lies inside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of the elements in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element's tag and content.
    pub fn element(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let value = unsigned(bytes)?;
            (usize::try_from(value).ok().filter(|_| !bytes.is_empty())?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next element's content, if it has this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The elements inside the next one, if it has this tag.
    pub fn inside(&mut self, tag: u8) -> Option<Self> {
        self.expect(tag).map(Self)
    }

    /// The next element as a whole number.
    pub fn integer(&mut self) -> Option<i32> {
        self.expect(INTEGER).and_then(signed)
    }
}

/// A whole number's value.
#[must_use]
pub fn signed(bytes: &[u8]) -> Option<i32> {
    let first = bytes.first()?;
    let fill = if first & 0x80 == 0 { 0_i64 } else { -1 };
    let value = bytes.iter().try_fold(fill, |value, byte| {
        value.checked_mul(256).map(|value| value + i64::from(*byte))
    })?;
    i32::try_from(value).ok()
}

fn unsigned(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(256).and_then(|value| value.checked_add(u32::from(*byte)))
    })
}

/// The name of an object.
#[must_use]
pub fn object(bytes: &[u8]) -> Option<Oid> {
    let mut oid = Oid::new();
    let mut number = 0_u32;
    for byte in bytes {
        number = number.checked_mul(128)?.checked_add(u32::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if oid.is_empty() {
            let top = (number / 40).min(2);
            oid.push(top).ok()?;
            number -= top * 40;
        }
        oid.push(number).ok()?;
        number = 0;
    }
    // The last number has to be whole.
    bytes.last().filter(|last| **last & 0x80 == 0).map(|_| oid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn written(write: impl Fn(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        write(&mut writer);
        writer.finish().unwrap().to_vec()
    }

    #[test]
    fn whole_numbers_are_written_in_the_shortest_form_and_read_back() {
        for (value, bytes) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xff]),
            (-128, &[2, 1, 0x80]),
            (-129, &[2, 2, 0xff, 0x7f]),
            (65507, &[2, 3, 0, 0xff, 0xe3]),
            (i32::MAX, &[2, 4, 0x7f, 0xff, 0xff, 0xff]),
            (i32::MIN, &[2, 4, 0x80, 0, 0, 0]),
        ] {
            assert_eq!(written(|w| w.integer(value)), bytes, "{value}");
            assert_eq!(Reader::new(bytes).integer(), Some(value));
        }
        assert_eq!(Reader::new(&[2, 0]).integer(), None);
        assert_eq!(Reader::new(&[2, 5, 1, 0, 0, 0, 0]).integer(), None);
    }

    #[test]
    fn names_of_objects_are_read_back() {
        for oid in [&[1, 3, 6, 1, 4, 1, 318][..], &[0, 0], &[2, 100, 3], &[1, 3, u32::MAX, 128]] {
            let bytes = written(|w| w.object(oid));
            let content = Reader::new(&bytes).expect(OBJECT).unwrap();
            assert_eq!(object(content).unwrap().as_slice(), oid);
        }
        assert_eq!(object(&[0x2b, 0x80]), None);
        assert_eq!(object(&[]), None);
        assert_eq!(object(&[0x2b, 0x9f, 0xff, 0xff, 0xff, 0x7f]), None);
    }

    #[test]
    fn lengths_of_all_forms_are_read_and_none_reaches_beyond_the_end() {
        assert_eq!(Reader::new(&[4, 0x82, 0, 1, 9]).expect(OCTETS), Some(&[9][..]));
        assert_eq!(Reader::new(&[4, 0x80, 9]).element(), None);
        assert_eq!(Reader::new(&[4, 0x84, 0xff, 0xff, 0xff, 0xff]).element(), None);
        assert_eq!(Reader::new(&[4, 2, 9]).element(), None);
        for length in [0, 127, 128, 255, 256, 400] {
            let content = std::vec![7; length];
            let bytes = written(|w| w.octets(&content));
            assert_eq!(Reader::new(&bytes).expect(OCTETS), Some(&content[..]));
        }
    }

    #[test]
    fn what_does_not_fit_is_not_half_written() {
        let mut writer = Writer::default();
        writer.octets(&[0; DATAGRAM_MAX]);
        assert_eq!(writer.finish(), None);
    }
}
