//! A point in time on the proleptic Gregorian calendar, and its ISO 8601 texts.

use super::Duration;
use core::fmt;
use core::str::FromStr;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A point in time, to the second, with the offset from UTC that it was written with.
///
/// Two of them are equal, and order, by the point in time alone.
#[derive(Clone, Copy, Debug)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    epoch: i64,
    /// Seconds east of UTC.
    offset: i32,
}

/// A point in time as calendar and clock show it at its own offset.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// The month, 1…12.
    pub month: u32,
    /// The day of the month, 1…31.
    pub day: u32,
    /// The hour, 0…23.
    pub hour: u32,
    /// The minute, 0…59.
    pub minute: u32,
    /// The second, 0…59.
    pub second: u32,
}

/// A day by week (ISO 8601 week date).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Week {
    /// The year that the week belongs to.
    pub year: i64,
    /// The week, 1…53.
    pub week: u32,
    /// The day, 1 (Monday) … 7.
    pub day: u32,
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.epoch == other.epoch
    }
}

impl Eq for DateTime {}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.epoch.cmp(&other.epoch)
    }
}

impl DateTime {
    /// The point `epoch` seconds after 1970-01-01T00:00:00Z, shown in UTC.
    #[must_use]
    pub const fn from_epoch(epoch: i64) -> Self {
        Self { epoch, offset: 0 }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn epoch(self) -> i64 {
        self.epoch
    }

    /// The same point, shown at another offset (seconds east of UTC).
    #[must_use]
    pub const fn at_offset(self, offset: i32) -> Self {
        Self { epoch: self.epoch, offset }
    }

    /// What calendar and clock show at its own offset.
    #[must_use]
    pub fn civil(self) -> Civil {
        let local = self.epoch.saturating_add(i64::from(self.offset));
        let (days, seconds) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        let part = |value: i64| u32::try_from(value).unwrap_or(0);
        Civil {
            year,
            month,
            day,
            hour: part(seconds / 3600),
            minute: part(seconds / 60 % 60),
            second: part(seconds % 60),
        }
    }

    /// The day of the year, 1…366.
    #[must_use]
    pub fn year_day(self) -> u32 {
        let civil = self.civil();
        let here = days_from_civil(civil.year, civil.month, civil.day);
        u32::try_from(here - days_from_civil(civil.year, 1, 1) + 1).unwrap_or(0)
    }

    /// The ISO 8601 week date.
    #[must_use]
    pub fn week(self) -> Week {
        let civil = self.civil();
        let days = days_from_civil(civil.year, civil.month, civil.day);
        // 1970-01-01 was a Thursday; a week belongs to the year of its Thursday.
        let weekday = (days + 3).rem_euclid(7);
        let thursday = days - weekday + 3;
        let (year, _, _) = civil_from_days(thursday);
        let week = (thursday - days_from_civil(year, 1, 1)) / 7 + 1;
        let part = |value: i64| u32::try_from(value).unwrap_or(0);
        Week { year, week: part(week), day: part(weekday + 1) }
    }

    /// This point moved by a duration: years and months by the calendar (a day that the month does
    /// not have becomes its last), the rest by the clock.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let civil = self.civil();
        let months = civil
            .year
            .saturating_add(duration.years)
            .saturating_mul(12)
            .saturating_add(i64::from(civil.month) - 1)
            .saturating_add(duration.months)
            .clamp(-12_000_000, 12_000_000);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let month = u32::try_from(month).unwrap_or(1);
        let day = civil.day.min(days_of_month(year, month));
        let local = days_from_civil(year, month, day)
            .saturating_add(duration.weeks.saturating_mul(7))
            .saturating_add(duration.days)
            .saturating_mul(DAY)
            .saturating_add(i64::from(civil.hour * 3600 + civil.minute * 60 + civil.second))
            .saturating_add(duration.clock_seconds());
        Self { epoch: local.saturating_sub(i64::from(self.offset)), offset: self.offset }
    }

    fn from_local(days: i64, seconds: i64, offset: i32) -> Self {
        Self { epoch: days * DAY + seconds - i64::from(offset), offset }
    }
}

impl fmt::Display for DateTime {
    /// `2005-05-03 10:00:00Z`, or with the offset `+02:00` in place of the `Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil();
        write!(f, "{:04}-{:02}-{:02} ", c.year, c.month, c.day)?;
        write!(f, "{:02}:{:02}:{:02}", c.hour, c.minute, c.second)?;
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let minutes = self.offset.unsigned_abs() / 60;
        let sign = if self.offset < 0 { '-' } else { '+' };
        write!(f, " {sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// A text that is no date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotADate;

impl FromStr for DateTime {
    type Err = NotADate;

    /// Reads `2005-05-03`, `2005-123`, `2005-W18-2`, `20050503`, each optionally followed by a
    /// blank or a `T`, a time (`10:00:00`, `10:00`, `100000`, `10`) and an offset (`Z`, `+02:00`,
    /// `+0200`, `+02`).
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let text = text.trim();
        if text == "epoch" {
            return Ok(Self::from_epoch(0));
        }
        let split = text.find([' ', 'T']);
        let (date, time) = split.map_or((text, ""), |at| (&text[..at], text[at + 1..].trim()));
        let (date, zulu) = match date.strip_suffix('Z') {
            Some(date) => (date, true),
            None => (date, false),
        };
        let days = read_date(date).ok_or(NotADate)?;
        if zulu && !time.is_empty() {
            return Err(NotADate);
        }
        let (seconds, offset) = read_time(time).ok_or(NotADate)?;
        Ok(Self::from_local(days, seconds, offset))
    }
}

fn number(text: &str, digits: core::ops::RangeInclusive<usize>) -> Option<i64> {
    let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn read_date(date: &str) -> Option<i64> {
    if !date.is_ascii() {
        return None;
    }
    let parts: Vec<&str> = date.split('-').collect();
    match *parts.as_slice() {
        [year, month, day] if month.starts_with('W') => {
            let week = number(month.get(1..)?, 1..=2)?;
            week_date(number(year, 4..=4)?, week, number(day, 1..=1)?)
        }
        [year, month, day] => {
            calendar(number(year, 4..=4)?, number(month, 1..=2)?, number(day, 1..=2)?)
        }
        [year, rest] if rest.starts_with('W') => {
            week_date(number(year, 4..=4)?, number(rest.get(1..)?, 1..=2)?, 1)
        }
        [year, day] if day.len() == 3 => {
            let (year, day) = (number(year, 4..=4)?, number(day, 3..=3)?);
            let length = if is_leap(year) { 366 } else { 365 };
            (1..=length).contains(&day).then(|| days_from_civil(year, 1, 1) + day - 1)
        }
        [year, month] => calendar(number(year, 4..=4)?, number(month, 1..=2)?, 1),
        [all] if all.len() == 8 => {
            let (year, rest) = all.split_at(4);
            let (month, day) = rest.split_at(2);
            calendar(number(year, 4..=4)?, number(month, 2..=2)?, number(day, 2..=2)?)
        }
        [year] => calendar(number(year, 4..=4)?, 1, 1),
        _ => None,
    }
}

fn calendar(year: i64, month: i64, day: i64) -> Option<i64> {
    let (month, day) = (u32::try_from(month).ok()?, u32::try_from(day).ok()?);
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_of_month(year, month);
    valid.then(|| days_from_civil(year, month, day))
}

fn week_date(year: i64, week: i64, day: i64) -> Option<i64> {
    if !(1..=53).contains(&week) || !(1..=7).contains(&day) {
        return None;
    }
    let fourth = days_from_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    Some(monday + (week - 1) * 7 + day - 1)
}

fn read_time(time: &str) -> Option<(i64, i32)> {
    if time.is_empty() {
        return Some((0, 0));
    }
    let at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = (time[..at].trim(), &time[at..]);
    let parts: Vec<&str> = match clock.len() {
        6 if !clock.contains(':') && clock.is_ascii() => {
            Vec::from([&clock[..2], &clock[2..4], &clock[4..]])
        }
        4 if !clock.contains(':') && clock.is_ascii() => Vec::from([&clock[..2], &clock[2..]]),
        _ => clock.split(':').collect(),
    };
    let mut values = [0; 3];
    if parts.len() > values.len() {
        return None;
    }
    for (value, part) in values.iter_mut().zip(&parts) {
        *value = number(part, 1..=2)?;
    }
    let [hour, minute, second] = values;
    let midnight = hour == 24 && minute == 0 && second == 0;
    if (hour > 23 && !midnight) || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second, read_offset(zone)?))
}

fn read_offset(zone: &str) -> Option<i32> {
    let sign = match zone.chars().next() {
        None => return Some(0),
        Some('Z') => return (zone.len() == 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number(&digits, 1..=2)?, 0),
        4 => (number(digits.get(..2)?, 2..=2)?, number(digits.get(2..)?, 2..=2)?),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    (hours <= 23 && minutes <= 59).then(|| i32::try_from(seconds).ok().map(|s| s * sign)).flatten()
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01, counted through eras of 400 years that begin in March.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = (i64::from(month) + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<DateTime>().map_or_else(|_| "none".to_owned(), |date| date.to_string())
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        for (text, expected) in [
            ("2005-05-03", "2005-05-03 00:00:00Z"),
            ("2005-05-03 10:20:30", "2005-05-03 10:20:30Z"),
            ("2005-05-03T10:20:30Z", "2005-05-03 10:20:30Z"),
            ("20050503T102030Z", "2005-05-03 10:20:30Z"),
            ("2005-05-03 10:00:00 +02:00", "2005-05-03 10:00:00 +02:00"),
            ("2005-05-03 10:00 -0530", "2005-05-03 10:00:00 -05:30"),
            ("2005-123", "2005-05-03 00:00:00Z"),
            ("2009-W01-1", "2008-12-29 00:00:00Z"),
            ("2009-W53-7", "2010-01-03 00:00:00Z"),
            ("2024-02-29", "2024-02-29 00:00:00Z"),
            ("2023-02-29", "none"),
            ("2005-13-01", "none"),
            ("2005-05-03 25:00:00", "none"),
            ("", "none"),
            ("ümlaut--", "none"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn days_and_dates_convert_both_ways_over_ten_centuries() {
        for days in (-200_000..200_000).step_by(17) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        let week = "2008-12-29".parse::<DateTime>().unwrap().week();
        assert_eq!((week.year, week.week, week.day), (2009, 1, 1));
        assert_eq!("2004-12-31".parse::<DateTime>().unwrap().year_day(), 366);
    }

    #[test]
    fn a_month_later_is_clamped_to_the_month() {
        let date: DateTime = "2023-01-31".parse().unwrap();
        assert_eq!(date.plus("P1M".parse().unwrap()).to_string(), "2023-02-28 00:00:00Z");
        assert_eq!(date.plus("P1Y1DT1H".parse().unwrap()).to_string(), "2024-02-01 01:00:00Z");
    }
}
