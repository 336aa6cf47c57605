//! ISO 8601 durations and periods: `P1Y2M3DT4H5M6S`, `P2W`, `START/END`.

use super::DateTime;
use core::str::FromStr;

/// An amount of calendar and clock time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Duration {
    /// Years.
    pub years: i64,
    /// Months.
    pub months: i64,
    /// Weeks.
    pub weeks: i64,
    /// Days.
    pub days: i64,
    /// Hours.
    pub hours: i64,
    /// Minutes.
    pub minutes: i64,
    /// Seconds.
    pub seconds: i64,
}

/// A text that is no duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotADuration;

impl Duration {
    /// The part that a clock measures, in seconds.
    #[must_use]
    pub const fn clock_seconds(self) -> i64 {
        self.hours
            .saturating_mul(3600)
            .saturating_add(self.minutes.saturating_mul(60))
            .saturating_add(self.seconds)
    }

    /// All of it in seconds, with years of 365 days and months of 30.
    #[must_use]
    pub const fn approximate_seconds(self) -> i64 {
        self.years
            .saturating_mul(365)
            .saturating_add(self.months.saturating_mul(30))
            .saturating_add(self.weeks.saturating_mul(7))
            .saturating_add(self.days)
            .saturating_mul(86_400)
            .saturating_add(self.clock_seconds())
    }
}

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let mut rest = text.trim().strip_prefix('P').ok_or(NotADuration)?;
        let mut duration = Self::default();
        let (mut in_time, mut any) = (false, false);
        while !rest.is_empty() {
            if let Some(time) = rest.strip_prefix('T') {
                if in_time {
                    return Err(NotADuration);
                }
                (in_time, rest) = (true, time);
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').ok_or(NotADuration)?;
            let number: i64 = rest[..end].parse().map_err(|_| NotADuration)?;
            let unit = rest[end..].chars().next().ok_or(NotADuration)?;
            let field = match (in_time, unit) {
                (false, 'Y') => &mut duration.years,
                (false, 'M') => &mut duration.months,
                (false, 'W') => &mut duration.weeks,
                (false, 'D') => &mut duration.days,
                // Units that no date has need no `T` before them.
                (_, 'H') => &mut duration.hours,
                (true, 'M') => &mut duration.minutes,
                (_, 'S') => &mut duration.seconds,
                (_, _) => return Err(NotADuration),
            };
            *field = number;
            any = true;
            rest = &rest[end + unit.len_utf8()..];
        }
        if any { Ok(duration) } else { Err(NotADuration) }
    }
}

/// A time span with a beginning and an end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Period {
    /// When it begins.
    pub start: DateTime,
    /// When it ends.
    pub end: DateTime,
}

impl FromStr for Period {
    type Err = NotADuration;

    /// Reads `START/END`, `START/DURATION` and `DURATION/END`.
    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let (first, second) = text.split_once('/').ok_or(NotADuration)?;
        let date = |text: &str| text.parse::<DateTime>().map_err(|_| NotADuration);
        if first.trim().starts_with('P') {
            let (duration, end) = (first.parse::<Duration>()?, date(second)?);
            return Ok(Self { start: end.plus(negated(duration)), end });
        }
        let start = date(first)?;
        let end = match second.parse::<Duration>() {
            Ok(duration) => start.plus(duration),
            Err(NotADuration) => date(second)?,
        };
        Ok(Self { start, end })
    }
}

const fn negated(d: Duration) -> Duration {
    Duration {
        years: d.years.saturating_neg(),
        months: d.months.saturating_neg(),
        weeks: d.weeks.saturating_neg(),
        days: d.days.saturating_neg(),
        hours: d.hours.saturating_neg(),
        minutes: d.minutes.saturating_neg(),
        seconds: d.seconds.saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_tells_months_from_minutes() {
        let duration: Duration = "P1M2DT3M4S".parse().unwrap();
        assert_eq!((duration.months, duration.days), (1, 2));
        assert_eq!((duration.minutes, duration.seconds), (3, 4));
        for text in ["", "P", "PT", "1D", "P1", "PT1D", "P1YTT1S", "P--1D"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        for (text, seconds) in [("P1H", 3600), ("P40S", 40)] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.approximate_seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn a_period_has_two_ends_however_it_is_written() {
        for text in ["2019-01-01/2019-01-03", "2019-01-01/P2D", "P2D/2019-01-03"] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.start.to_string(), "2019-01-01 00:00:00Z", "{text}");
            assert_eq!(period.end.to_string(), "2019-01-03 00:00:00Z", "{text}");
        }
        assert!("2019-01-01".parse::<Period>().is_err());
    }
}
