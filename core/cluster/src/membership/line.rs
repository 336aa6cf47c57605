//! Frames on a serial line, which knows bytes only, loses some and makes up others.
//!
//! ```text
//! 0      2        4             6          6 + length
//! | D1 A5 | length | ! length    | the frame | CRC-16 of length and frame |
//! ```
//!
//! Integers are big endian. The check finds noise and where the next frame begins; who spoke and
//! whether to believe it is the seal's business. Whatever comes in, no more than [`ROOM`] bytes are
//! kept, and a whole frame is found however much noise lay before it.

/// The longest frame that a line carries: a heartbeat, and room for later ones.
pub const LINE_FRAME_MAX: usize = 256;
/// Bytes around a frame.
pub const LINE_OVERHEAD: usize = HEAD + CHECK;
/// Bytes that wait to become frames.
const ROOM: usize = 2 * (LINE_FRAME_MAX + LINE_OVERHEAD);

const MARK: [u8; 2] = [0xd1, 0xa5];
const HEAD: usize = 6;
const CHECK: usize = 2;

const _: () = assert!(
    super::wire::HEADER_LEN + super::wire::HEARTBEAT_LEN + super::wire::TAG_LEN <= LINE_FRAME_MAX
);

/// A frame as it goes onto the line.
pub type Framed = heapless::Vec<u8, { LINE_FRAME_MAX + LINE_OVERHEAD }>;

/// Frames `frame`; none if it is too long for a line.
#[must_use]
pub fn frame(frame: &[u8]) -> Option<Framed> {
    let length = u16::try_from(frame.len()).ok().filter(|_| frame.len() <= LINE_FRAME_MAX)?;
    let mut framed = Framed::new();
    framed.extend_from_slice(&MARK).ok()?;
    framed.extend_from_slice(&length.to_be_bytes()).ok()?;
    framed.extend_from_slice(&(!length).to_be_bytes()).ok()?;
    framed.extend_from_slice(frame).ok()?;
    framed.extend_from_slice(&check(length, frame).to_be_bytes()).ok()?;
    Some(framed)
}

/// Finds frames in what comes in on a line.
#[derive(Clone, Debug)]
pub struct Deframer {
    bytes: [u8; ROOM],
    /// What waits is `bytes[start..end]`.
    start: usize,
    end: usize,
}

impl Default for Deframer {
    fn default() -> Self {
        Self { bytes: [0; ROOM], start: 0, end: 0 }
    }
}

impl Deframer {
    /// Where the next bytes go, never empty once [`Self::next_frame`] has found no more.
    pub fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        &mut self.bytes[self.end..]
    }

    /// So many bytes were put into [`Self::room`].
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(ROOM);
    }

    /// The next whole frame; none until more has come in.
    pub fn next_frame(&mut self) -> Option<&[u8]> {
        let length = loop {
            match look(&self.bytes[self.start..self.end]) {
                Look::Frame(length) => break length,
                Look::Noise => self.start += 1,
                Look::Unfinished => return None,
            }
        };
        let begin = self.start + HEAD;
        self.start = begin + length + CHECK;
        Some(&self.bytes[begin..begin + length])
    }
}

/// What lies at the beginning of some bytes.
enum Look {
    /// A whole frame of that length.
    Frame(usize),
    /// No frame begins here.
    Noise,
    /// A frame may begin here, or would with more bytes.
    Unfinished,
}

fn look(bytes: &[u8]) -> Look {
    let known = bytes.len().min(MARK.len());
    if bytes[..known] != MARK[..known] {
        return Look::Noise;
    }
    let Some((&[_, _, high, low, not_high, not_low], rest)) = bytes.split_first_chunk::<HEAD>()
    else {
        return Look::Unfinished;
    };
    let length = u16::from_be_bytes([high, low]);
    let wanted = usize::from(length);
    if length != !u16::from_be_bytes([not_high, not_low]) || wanted > LINE_FRAME_MAX {
        return Look::Noise;
    }
    let Some((frame, rest)) = rest.split_at_checked(wanted) else {
        return Look::Unfinished;
    };
    match rest.first_chunk::<CHECK>() {
        None => Look::Unfinished,
        Some(sum) if u16::from_be_bytes(*sum) == check(length, frame) => Look::Frame(wanted),
        Some(_) => Look::Noise,
    }
}

/// CRC-16 with the polynomial of X.25, most significant bit first, over length and frame.
fn check(length: u16, frame: &[u8]) -> u16 {
    length.to_be_bytes().iter().chain(frame).fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc: u16, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in pieces of `piece` and lists the frames found.
    fn found(deframer: &mut Deframer, bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        for part in bytes.chunks(piece) {
            let mut part = part;
            while !part.is_empty() {
                let room = deframer.room();
                assert!(!room.is_empty(), "there is always room once frames are taken");
                let count = room.len().min(part.len());
                room[..count].copy_from_slice(&part[..count]);
                deframer.filled(count);
                part = &part[count..];
                while let Some(frame) = deframer.next_frame() {
                    frames.push(frame.to_vec());
                }
            }
        }
        frames
    }

    fn line(frames: &[&[u8]]) -> Vec<u8> {
        frames.iter().flat_map(|bytes| frame(bytes).unwrap()).collect()
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let longest = [0xd1; LINE_FRAME_MAX];
        let frames: [&[u8]; 4] = [b"one", b"", &longest, b"\xd1\xa5\x00\x01"];
        let bytes = line(&frames);
        for piece in [1, 2, 7, 64, 1000] {
            assert_eq!(found(&mut Deframer::default(), &bytes, piece), frames);
        }
        assert!(frame(&[0; LINE_FRAME_MAX + 1]).is_none());
    }

    #[test]
    fn a_lost_byte_costs_one_frame_and_not_the_next() {
        let bytes = line(&[b"first", b"second", b"third"]);
        let first = line(&[b"first"]).len();
        for lost in 0..first {
            let mut damaged = bytes.clone();
            damaged.remove(lost);
            let frames = found(&mut Deframer::default(), &damaged, 5);
            assert_eq!(frames, [&b"second"[..], b"third"], "byte {lost} lost");
        }
    }

    #[test]
    fn a_bent_byte_costs_one_frame_and_is_never_handed_on() {
        let bytes = line(&[b"first", b"second"]);
        let first = line(&[b"first"]).len();
        for at in 0..first {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let frames = found(&mut Deframer::default(), &damaged, 3);
                // A length that is bent would have to be bent twice to be believed.
                assert_eq!(frames, [b"second"], "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn noise_of_any_length_is_passed_over() {
        let mut noise: Vec<u8> = (0..5000_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        noise.extend([0xd1, 0xd1, 0xa5, 0x00, 0xff, 0xff, 0x00]);
        let mut bytes = noise.clone();
        bytes.extend(line(&[b"after"]));
        // What looked like the head of a long frame has to be waited out.
        bytes.extend([0; LINE_FRAME_MAX]);
        assert_eq!(found(&mut Deframer::default(), &bytes, 11), [b"after"]);
    }
}
