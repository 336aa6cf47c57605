//! Messages out of a stream of bytes, and back.

use diarch_cluster::request::MESSAGE_MAX;

/// Bytes of the length before each message.
const HEAD: usize = 4;

/// A message is longer than any may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooLong;

/// `text` as it travels.
///
/// # Errors
/// [`TooLong`], if nobody would take it.
pub(crate) fn encode(text: &str) -> Result<Vec<u8>, TooLong> {
    if text.len() > MESSAGE_MAX {
        return Err(TooLong);
    }
    let length = u32::try_from(text.len()).map_err(|_| TooLong)?;
    let mut bytes = Vec::with_capacity(HEAD + text.len());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Ok(bytes)
}

/// Gathers bytes until a message is whole.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one; bytes that are no text are replaced.
    ///
    /// # Errors
    /// [`TooLong`], if the next message says that it is; nothing after it can be understood.
    pub(crate) fn take(&mut self) -> Result<Option<String>, TooLong> {
        let Some(head) = self.bytes.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*head)).map_err(|_| TooLong)?;
        if length > MESSAGE_MAX {
            return Err(TooLong);
        }
        if self.bytes.len() < HEAD + length {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&self.bytes[HEAD..HEAD + length]).into_owned();
        self.bytes.drain(..HEAD + length);
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_any_cutting_of_the_stream() {
        let mut stream = encode("<one/>").unwrap();
        stream.extend(encode("").unwrap());
        stream.extend(encode("<zwei ü=\"\"/>").unwrap());
        for step in 1..stream.len() {
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(step) {
                decoder.push(piece);
                while let Some(text) = decoder.take().unwrap() {
                    seen.push(text);
                }
            }
            assert_eq!(seen, ["<one/>", "", "<zwei ü=\"\"/>"], "in pieces of {step}");
        }
    }

    #[test]
    fn a_message_that_claims_to_be_endless_is_refused_before_it_is_gathered() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_le_bytes());
        assert_eq!(decoder.take(), Err(TooLong));
    }
}
