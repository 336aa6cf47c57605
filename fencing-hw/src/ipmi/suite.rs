//! The cryptography of cipher suites 3 and 17 (IPMI 2.0 §13.28–§13.32, and its SHA-256 addendum).

use super::Payload;
use aes::Aes128;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Bytes of an AES block, and of an initialisation vector.
pub const BLOCK: usize = 16;
/// The longest hash, in bytes.
const HASH_MAX: usize = 32;
/// Bytes of the constants from which K1 and K2 are made; 20 with SHA-256 too, as three independent
/// implementations agree.
const CONSTANT: usize = 20;

/// A cipher suite: which hash authenticates, and how much of it protects each packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Suite {
    /// Suite 3: HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128.
    Sha1,
    /// Suite 17: HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128.
    Sha256,
}

/// A keyed hash's result.
pub type Hash = heapless::Vec<u8, HASH_MAX>;

impl Suite {
    /// Authentication, integrity and confidentiality algorithm numbers (§13.28).
    #[must_use]
    pub const fn algorithms(self) -> [u8; 3] {
        match self {
            Self::Sha1 => [1, 1, 1],
            Self::Sha256 => [3, 4, 1],
        }
    }

    /// Bytes of the key exchange codes in RAKP 2 and 3.
    #[must_use]
    pub const fn exchange_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Bytes of RAKP 4's integrity check value and of each packet's authentication code.
    #[must_use]
    pub const fn check_len(self) -> usize {
        match self {
            Self::Sha1 => 12,
            Self::Sha256 => 16,
        }
    }

    /// The keyed hash of `parts` one after another.
    #[must_use]
    pub fn hash(self, key: &[u8], parts: &[&[u8]]) -> Hash {
        match self {
            Self::Sha1 => digest::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => digest::<Hmac<Sha256>>(key, parts),
        }
    }
}

fn digest<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Hash {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        // HMAC takes keys of every length; an empty result matches no code of any length.
        return Hash::new();
    };
    parts.iter().for_each(|part| mac.update(part));
    Hash::from_slice(&mac.finalize().into_bytes()).unwrap_or_default()
}

/// Whether two codes are equal, in time that does not depend on where they differ.
#[must_use]
pub fn equal(ours: &[u8], theirs: &[u8]) -> bool {
    !ours.is_empty() && ours.ct_eq(theirs).into()
}

/// The keys of one session.
#[derive(Clone)]
pub struct Keys {
    suite: Suite,
    integrity: Hash,
    cipher: [u8; BLOCK],
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keys").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Keys {
    /// K1 and K2 from the session integrity key (§13.32).
    #[must_use]
    pub fn new(suite: Suite, session: &[u8]) -> Self {
        let integrity = suite.hash(session, &[&[1; CONSTANT]]);
        let second = suite.hash(session, &[&[2; CONSTANT]]);
        let mut cipher = [0; BLOCK];
        cipher.iter_mut().zip(&second).for_each(|(to, from)| *to = *from);
        Self { suite, integrity, cipher }
    }

    /// The suite that the keys are for.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The authentication code of a packet's bytes.
    #[must_use]
    pub fn code(&self, bytes: &[u8]) -> Hash {
        let mut code = self.suite.hash(&self.integrity, &[bytes]);
        code.truncate(self.suite.check_len());
        code
    }

    /// Encrypts `plain` under `iv`: the vector, then the blocks (§13.29). `None` if it does not
    /// fit.
    #[must_use]
    pub fn seal(&self, plain: &[u8], iv: [u8; BLOCK]) -> Option<Payload> {
        let pad = (BLOCK - (plain.len() + 1) % BLOCK) % BLOCK;
        let mut body = Payload::from_slice(plain).ok()?;
        for value in (1_u8..).take(pad) {
            body.push(value).ok()?;
        }
        body.push(u8::try_from(pad).ok()?).ok()?;
        let mut mode = cbc::Encryptor::<Aes128>::new(&self.cipher.into(), &iv.into());
        let mut sealed = Payload::from_slice(&iv).ok()?;
        for chunk in body.chunks_exact(BLOCK) {
            let mut block = Block::<Aes128>::try_from(chunk).ok()?;
            mode.encrypt_block(&mut block);
            sealed.extend_from_slice(&block).ok()?;
        }
        Some(sealed)
    }

    /// Decrypts what [`Self::seal`] made; `None` if lengths or padding are not as they must be.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Payload> {
        let (iv, body) = sealed.split_at_checked(BLOCK)?;
        if body.is_empty() || body.len() % BLOCK != 0 {
            return None;
        }
        let iv = Block::<Aes128>::try_from(iv).ok()?;
        let mut mode = cbc::Decryptor::<Aes128>::new(&self.cipher.into(), &iv);
        let mut plain = Payload::new();
        for chunk in body.chunks_exact(BLOCK) {
            let mut block = Block::<Aes128>::try_from(chunk).ok()?;
            mode.decrypt_block(&mut block);
            plain.extend_from_slice(&block).ok()?;
        }
        let pad = usize::from(plain.pop()?);
        let length = plain.len().checked_sub(pad)?;
        let padded = plain.get(length..)?.iter().zip(1_u8..).all(|(byte, value)| *byte == value);
        (pad < BLOCK && padded).then(|| {
            plain.truncate(length);
            plain
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_again_at_every_length() {
        let keys = Keys::new(Suite::Sha256, b"session");
        for length in 0..100 {
            let plain = std::vec![0xa5; length];
            let sealed = keys.seal(&plain, [7; BLOCK]).unwrap();
            assert_eq!(sealed.len() % BLOCK, 0);
            assert_eq!(keys.open(&sealed).unwrap().as_slice(), plain);
        }
    }

    #[test]
    fn nonsense_does_not_open() {
        let keys = Keys::new(Suite::Sha1, b"session");
        assert_eq!(keys.open(&[]), None);
        assert_eq!(keys.open(&[0; BLOCK]), None);
        assert_eq!(keys.open(&[0; BLOCK * 2 + 1]), None);
        assert_eq!(keys.open(&[0; BLOCK * 2]), None);
    }

    #[test]
    fn an_empty_code_equals_nothing() {
        assert!(!equal(&[], &[]));
        assert!(equal(&[1, 2], &[1, 2]));
        assert!(!equal(&[1, 2], &[1]));
    }
}
