//! Times as values: points in time, ISO 8601 durations, and intervals such as `10s`.
//!
//! Nothing here reads a clock or a time zone: a text without an offset is UTC
//! (*Pacemaker Explained*, "Rules", "Date/Time Expressions" and "Time Intervals").

mod date_time;
mod iso_duration;

pub use date_time::{Civil, DateTime, NotADate, Week};
pub use iso_duration::{Duration, NotADuration, Period};

/// Milliseconds of a time interval option: `30`, `30s`, `5min`, `1h`, `100ms`, or an ISO 8601
/// duration. A number alone counts seconds; blanks around number and unit do not matter.
#[must_use]
pub fn interval_ms(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.starts_with('P') {
        let duration: Duration = text.parse().ok()?;
        return u64::try_from(duration.approximate_seconds()).ok()?.checked_mul(1000);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() {
        return (text == "INFINITY" || text == "+INFINITY").then_some(u64::from(u32::MAX));
    }
    let number: u64 = digits.parse().unwrap_or(u64::MAX);
    match unit.trim() {
        "ms" | "msec" => Some(number),
        "us" | "usec" => Some(number / 1000),
        "" | "s" | "sec" => Some(number.saturating_mul(1000)),
        "m" | "min" => Some(number.saturating_mul(60_000)),
        "h" | "hr" => Some(number.saturating_mul(3_600_000)),
        _ => None,
    }
}

/// The value of a boolean option: `true`, `on`, `yes`, `y`, `1` and their opposites, in any case.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    let is = |words: [&str; 5]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "on", "yes", "y", "1"]) {
        Some(true)
    } else if is(["false", "off", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_know_their_units() {
        for (text, expected) in [
            ("10", Some(10_000)),
            ("10s", Some(10_000)),
            (" 2 min ", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("250ms", Some(250)),
            ("2000us", Some(2)),
            ("PT1M30S", Some(90_000)),
            ("P30S", Some(30_000)),
            ("P1D", Some(86_400_000)),
            ("", None),
            ("s", None),
            ("10 days", None),
            ("-5", None),
        ] {
            assert_eq!(interval_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn truth_has_many_words() {
        assert_eq!(truth("Yes"), Some(true));
        assert_eq!(truth("OFF"), Some(false));
        assert_eq!(truth("maybe"), None);
    }
}
