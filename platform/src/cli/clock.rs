//! Times as the tools print them.

use diarch_cib::time::DateTime;

/// A time since 1970 as `2026-11-22 06:18:36Z`.
pub(super) fn utc_text(seconds: i64) -> String {
    DateTime::from_epoch(seconds).to_string()
}

/// A time since 1970 as `Sun Nov 22 06:18:36 2026`. The appliance keeps its clock in UTC.
pub(super) fn local_text(seconds: i64) -> String {
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

#[cfg(test)]
mod tests {
    use super::{local_text, utc_text};

    #[test]
    fn a_time_is_written_as_dates_are_written_in_logs_and_in_xml() {
        assert_eq!(utc_text(1_700_000_000), "2023-11-14 22:13:20Z");
        assert_eq!(local_text(1_700_000_000), "Tue Nov 14 22:13:20 2023");
        assert_eq!(local_text(1_677_628_800), "Wed Mar  1 00:00:00 2023");
    }
}
