//! Counting failures: which results count, how much, and under which names.

use crate::executor::history::Record;

/// The score that stands for ever.
const INFINITY: i64 = 1_000_000;

/// What follows `fail-count-` and `last-failure-`: the resource without its instance's number, and
/// the operation.
#[must_use]
pub fn suffix(resource: &str, operation: &str, interval_ms: u64) -> String {
    let resource = match resource.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => resource,
    };
    format!("{resource}#{operation}_{interval_ms}")
}

/// What a failed result adds to the count: `1` or `INFINITY`; `None` if it is not counted.
#[must_use]
pub fn step(record: &Record, start_failure_is_fatal: bool) -> Option<&'static str> {
    match record.operation.as_str() {
        _ if record.interval_ms > 0 => Some("1"),
        "promote" | "demote" => Some("1"),
        "start" if start_failure_is_fatal => Some("INFINITY"),
        "start" => Some("1"),
        "stop" => Some("INFINITY"),
        _ => None,
    }
}

/// A count raised by a number or by `INFINITY`.
#[must_use]
pub fn raised(known: Option<&str>, by: &str) -> String {
    let number = |text: &str| match text {
        "INFINITY" | "+INFINITY" => INFINITY,
        text => text.parse().unwrap_or(0),
    };
    let sum = known.map_or(0, number).saturating_add(number(by)).min(INFINITY);
    if sum == INFINITY { "INFINITY".to_owned() } else { sum.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_leave_out_the_instance() {
        assert_eq!(suffix("db:1", "monitor", 10_000), "db#monitor_10000");
        assert_eq!(suffix("db", "start", 0), "db#start_0");
    }

    #[test]
    fn counts_end_at_infinity() {
        assert_eq!(raised(None, "1"), "1");
        assert_eq!(raised(Some("3"), "1"), "4");
        assert_eq!(raised(Some("3"), "INFINITY"), "INFINITY");
        assert_eq!(raised(Some("INFINITY"), "1"), "INFINITY");
    }
}
