//! Numbers and texts as bytes, for messages between the managers. Little endian; a text or list is
//! its length and its content. Reading checks every length.

/// Writes values one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new(tag: u8) -> Self {
        Self { bytes: vec![tag] }
    }

    pub(crate) fn number(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn signed(&mut self, value: i64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn flag(&mut self, value: bool) -> &mut Self {
        self.bytes.push(u8::from(value));
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.number(length);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
        self
    }

    pub(crate) fn pairs(&mut self, pairs: &[(String, String)]) -> &mut Self {
        self.length(pairs.len());
        for (name, value) in pairs {
            self.text(name).text(value);
        }
        self
    }

    pub(crate) fn length(&mut self, length: usize) -> &mut Self {
        self.number(u64::try_from(length).unwrap_or(u64::MAX))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads what an [`Encoder`] wrote; `None` at the first thing that cannot be.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn tag(&mut self) -> Option<u8> {
        let (tag, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*tag)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        self.number().map(u64::cast_signed)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.tag().map(|byte| byte != 0)
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.number()?).ok()?;
        // Whatever is counted takes at least a byte each.
        (length <= self.rest.len()).then_some(length)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        core::str::from_utf8(text).ok().map(str::to_owned)
    }

    pub(crate) fn maybe(&mut self) -> Option<Option<String>> {
        if self.flag()? { self.text().map(Some) } else { Some(None) }
    }

    pub(crate) fn pairs(&mut self) -> Option<Vec<(String, String)>> {
        (0..self.length()?).map(|_| Some((self.text()?, self.text()?))).collect()
    }
}
