//! IPMI LAN messages: a command to the BMC and its answer (IPMI 2.0 §13.8).

use super::Payload;

/// The BMC's slave address.
const BMC: u8 = 0x20;
/// The remote console's software id.
const CONSOLE: u8 = 0x81;
/// Bytes of an answer before its data: addresses, function, checksum, sequence, command, code.
const ANSWER_HEAD: usize = 7;

/// Network function of chassis commands.
pub const NETFN_CHASSIS: u8 = 0x00;
/// Network function of application commands.
pub const NETFN_APP: u8 = 0x06;
/// Get Chassis Status (§28.2).
pub const GET_CHASSIS_STATUS: u8 = 0x01;
/// Chassis Control (§28.3).
pub const CHASSIS_CONTROL: u8 = 0x02;
/// Set Session Privilege Level (§22.18).
pub const SET_SESSION_PRIVILEGE: u8 = 0x3b;
/// Close Session (§22.19).
pub const CLOSE_SESSION: u8 = 0x3c;

/// Completion codes that a driver treats on their own (§5.2).
pub mod completion {
    /// Done.
    pub const OK: u8 = 0x00;
    /// Busy: ask again.
    pub const BUSY: u8 = 0xc0;
    /// The BMC's own timeout: ask again.
    pub const TIMEOUT: u8 = 0xc3;
    /// A retransmission of a request still being worked on: wait for its answer.
    pub const DUPLICATE: u8 = 0xcf;
    /// The privilege does not suffice.
    pub const PRIVILEGE: u8 = 0xd4;
    /// Not possible in the present state (power cycle while off).
    pub const STATE: u8 = 0xd5;
}

/// A command to the BMC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command<'a> {
    /// Network function, even, at most 0x3e.
    pub netfn: u8,
    /// Command number.
    pub command: u8,
    /// Request data, at most 16 bytes.
    pub data: &'a [u8],
}

/// An answer of the BMC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer<'a> {
    /// Network function, odd.
    pub netfn: u8,
    /// The request's sequence number, 0…63.
    pub sequence: u8,
    /// Command number.
    pub command: u8,
    /// Completion code.
    pub code: u8,
    /// Data after the completion code.
    pub data: &'a [u8],
}

/// Writes `command` as a message with the requester's sequence number `sequence` (0…63).
///
/// # Errors
///
/// If its data does not fit into one frame.
pub fn write(command: Command<'_>, sequence: u8) -> Result<Payload, TooLong> {
    let head = [BMC, command.netfn << 2];
    let mut message = Payload::new();
    let tail = [CONSOLE, (sequence & 0x3f) << 2, command.command];
    let sum = checksum(&[&tail, command.data]);
    for part in [&head[..], &[checksum(&[&head])], &tail, command.data, &[sum]] {
        message.extend_from_slice(part).map_err(|_| TooLong)?;
    }
    Ok(message)
}

/// Reads an answer; nothing if it is too short, or a checksum or an address is wrong.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Answer<'_>> {
    let (&sum, body) = bytes.split_last()?;
    let (head, data) = body.split_at_checked(ANSWER_HEAD)?;
    let &[to, netfn, head_sum, from, sequence, command, code] = head else {
        return None;
    };
    let sums = head_sum == checksum(&[&[to, netfn]]) && sum == checksum(&[&body[3..]]);
    (sums && to == CONSOLE && from == BMC).then_some(Answer {
        netfn: netfn >> 2,
        sequence: sequence >> 2,
        command,
        code,
        data,
    })
}

/// Too many bytes for one frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TooLong;

fn checksum(parts: &[&[u8]]) -> u8 {
    let sum = parts.iter().flat_map(|part| part.iter()).fold(0_u8, |sum, b| sum.wrapping_add(*b));
    sum.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_with_both_checksums() {
        let command = Command { netfn: NETFN_APP, command: 0x38, data: &[0x8e, 0x04] };
        assert_eq!(
            write(command, 0).unwrap().as_slice(),
            [0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x04, 0xb5]
        );
    }

    #[test]
    fn an_answer_with_any_bit_flipped_is_not_read() {
        let good =
            [0x81, 0x1c, 0x63, 0x20, 0x00, 0x38, 0x00, 0x01, 0x84, 0x04, 0x03, 0, 0, 0, 0, 0x1c];
        assert_eq!(read(&good).map(|answer| (answer.command, answer.code)), Some((0x38, 0)));
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn no_short_answer_is_read() {
        let good = [0x81, 0x1c, 0x63, 0x20, 0x00, 0x38, 0x00, 0xa8];
        assert!(read(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(read(&good[..length]), None);
        }
    }
}
