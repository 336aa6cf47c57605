//! Times as the tools print them.

use diarch_cib::time::DateTime;

/// A time since 1970 as `2026-11-22 06:18:36Z`.
pub(super) fn utc_text(seconds: i64) -> String {
    DateTime::from_epoch(seconds).to_string()
}

/// A time since 1970 as `Sun Nov 22 06:18:36 2026`. The appliance keeps its clock in UTC.
pub(super) fn local_text(seconds: i64) -> String {
    diarch_scheduler::summary::time::text(seconds)
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
