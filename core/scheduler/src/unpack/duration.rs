//! Durations as options write them: a number with a unit, or ISO 8601 (*Pacemaker Explained*,
//! "Configuration Value Types").

/// Reads a duration in milliseconds; a bare number is seconds.
pub(crate) fn parse_ms(text: &str) -> Option<u64> {
    diarch_cib::time::interval_ms(text)
}

/// Reads a duration in milliseconds, with a default where it is missing or unreadable.
pub(crate) fn ms_or(text: Option<&str>, default: u64) -> u64 {
    text.and_then(parse_ms).unwrap_or(default)
}

/// Reads an interval: 32 bits of milliseconds.
pub(crate) fn interval_ms(text: Option<&str>) -> u32 {
    u32::try_from(ms_or(text, 0)).unwrap_or(u32::MAX)
}

/// Reads a boolean.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    diarch_cib::time::truth(text)
}

/// Tells whether a text is a true boolean.
pub(crate) fn is_true(text: Option<&str>) -> bool {
    text.and_then(boolean).unwrap_or(false)
}

/// Reads the leading integer of a text.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value = digits[..end].parse::<i64>().ok()?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// Reads an integer within 32 bits.
pub(crate) fn small(text: Option<&str>) -> Option<i32> {
    text.and_then(integer).and_then(|value| i32::try_from(value).ok())
}
