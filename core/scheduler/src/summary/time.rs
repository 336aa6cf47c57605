//! Times and durations as the tools print them for people.

use diarch_cib::time::DateTime;

/// Writes a time since 1970 as `Sun Nov 22 06:18:36 2026`, in UTC.
#[must_use]
pub fn text(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let when = DateTime::from_epoch(seconds);
    let civil = when.civil();
    let name = |names: &[&'static str], number: u32| {
        let place = usize::try_from(number.saturating_sub(1)).unwrap_or_default();
        names.get(place).copied().unwrap_or("???")
    };
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {}",
        name(&DAYS, when.week().day),
        name(&MONTHS, civil.month),
        civil.day,
        civil.hour,
        civil.minute,
        civil.second,
        civil.year
    )
}

/// Writes milliseconds as the largest units that fit: `250ms`, `1.5s`, `2m3s`.
pub(super) fn duration(ms: u64) -> String {
    let (seconds, rest) = (ms / 1000, ms % 1000);
    let mut text = String::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60)] {
        let count = match unit {
            "d" => seconds / length,
            "h" => seconds % 86_400 / length,
            _ => seconds % 3600 / length,
        };
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    match (seconds % 60, rest) {
        (0, 0) if !text.is_empty() => {}
        (0, 0) => text.push_str("0s"),
        (0, rest) if text.is_empty() => text.push_str(&format!("{rest}ms")),
        (left, 0) => text.push_str(&format!("{left}s")),
        (left, rest) => {
            let fraction = format!("{rest:03}");
            text.push_str(&format!("{left}.{}s", fraction.trim_end_matches('0')));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{duration, text};

    #[test]
    fn a_duration_is_written_in_the_largest_units_that_fit() {
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(250), "250ms");
        assert_eq!(duration(1500), "1.5s");
        assert_eq!(duration(10_000), "10s");
        assert_eq!(duration(123_000), "2m3s");
        assert_eq!(duration(90_000_000), "1d1h");
    }

    #[test]
    fn a_time_is_written_as_logs_write_it() {
        assert_eq!(text(1_700_000_000), "Tue Nov 14 22:13:20 2023");
    }
}
