//! `iso8601`: reads dates, durations and periods, and shows how they are understood.

use super::args::{applet, flag, value, words};
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use clap::Command;
use diarch_cib::time::{DateTime, Duration, Period};

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "iso8601", command, run };

/// Seconds from the first day of the year 1 to 1970.
const SECONDS_BEFORE_1970: i64 = 62_135_596_800;

fn command() -> Command {
    applet("iso8601", "Display and parse ISO 8601 dates and times")
        .next_help_heading("Commands")
        .arg(flag("now", 'n', "Display the current date/time"))
        .arg(value("date", 'd', "DATE", "Parse an ISO 8601 date/time"))
        .arg(value("period", 'p', "PERIOD", "Parse an ISO 8601 period with start time"))
        .arg(value("duration", 'D', "DURATION", "Parse an ISO 8601 duration"))
        .arg(value("expected", 'E', "TEXT", "Fail if the date does not match this text"))
        .next_help_heading("Output modifiers")
        .arg(flag("seconds", 's', "Show as seconds since 0000-001 00:00:00Z"))
        .arg(flag("epoch", 'S', "Show as seconds since 1970-001 00:00:00Z"))
        .arg(flag("local", 'L', "Show with the offset that was given"))
        .arg(flag("ordinal", 'O', "Show as an 'ordinal' date/time"))
        .arg(flag("week", 'W', "Show as a 'calendar week' date/time"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let mut date = None;
    if run.given("now") {
        let now = DateTime::from_epoch(run.world.now);
        show_date(run, "Current date/time", now);
        date = Some(now);
    }
    if let Some(text) = run.text("date") {
        let parsed = read_date(&text, run.world.now)?;
        show_date(run, "Date", parsed);
        date = Some(parsed);
    }
    let mut shown = date.map(|date| date_text(run, date));
    if let Some(text) = run.text("duration") {
        let duration: Duration = text.parse().map_err(|_| {
            Failure::new(Exit::InvalidParam, format!("Invalid duration specified: {text}"))
        })?;
        let text = duration_text(&duration);
        run.out.line(&format!("Duration: {text}"));
        run.out.open("duration", &[]);
        parts_of(run, &duration);
        run.out.element_with_text("text", &[], &text);
        run.out.close();
        if let Some(start) = date {
            let end = start.plus(duration);
            show_date(run, "Duration ends at", end);
            shown = Some(date_text(run, end));
        }
    }
    if let Some(text) = run.text("period") {
        let period: Period = text.parse().map_err(|_| {
            Failure::new(Exit::InvalidParam, format!("Invalid interval specified: {text}"))
        })?;
        let (start, end) = (date_text(run, period.start), date_text(run, period.end));
        run.out.line(&format!("Period: {start} to {end}"));
        run.out.element("period", &[("start", &start), ("end", &end)]);
    }
    match (run.text("expected"), shown) {
        (Some(expected), Some(shown)) if expected != shown => Ok(Exit::Error),
        _ => Ok(Exit::Ok),
    }
}

/// A date; a time alone is today's.
fn read_date(text: &str, now: i64) -> Result<DateTime, Failure> {
    let today = DateTime::from_epoch(now).to_string();
    let today = today.split(' ').next().unwrap_or_default();
    let is_time = text.get(..3).is_some_and(|start| start.ends_with(':'));
    let whole = if is_time { format!("{today} {text}") } else { text.to_owned() };
    whole.parse().map_err(|_| {
        Failure::new(Exit::InvalidParam, format!("Invalid date/time specified: {text}"))
    })
}

fn show_date(run: &mut Run, title: &str, date: DateTime) {
    let text = date_text(run, date);
    run.out.line(&format!("{title}: {text}"));
    run.out.open("date", &[]);
    run.out.element_with_text("text", &[], &text);
    run.out.close();
}

/// A date as the output modifiers want it.
fn date_text(run: &Run, date: DateTime) -> String {
    if run.given("epoch") {
        return date.epoch().to_string();
    }
    if run.given("seconds") {
        return date.epoch().saturating_add(SECONDS_BEFORE_1970).to_string();
    }
    let date = if run.given("local") { date } else { date.at_offset(0) };
    let plain = date.to_string();
    let (_, time) = plain.split_once(' ').unwrap_or_default();
    if run.given("ordinal") {
        return format!("{:04}-{:03} {time}", date.civil().year, date.year_day());
    }
    if run.given("week") {
        let week = date.week();
        return format!("{:04}-W{:02}-{} {time}", week.year, week.week, week.day);
    }
    plain
}

fn parts(duration: &Duration) -> [(&'static str, i64, usize); 3] {
    let days = duration.weeks.saturating_mul(7).saturating_add(duration.days);
    [("year", duration.years, 4), ("month", duration.months, 2), ("day", days, 2)]
}

fn counted(number: i64, unit: &str, width: usize) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number:width$} {unit}{plural}")
}

/// A duration in words: years, months and days by the calendar, the rest in seconds.
fn duration_text(duration: &Duration) -> String {
    let mut text = String::new();
    for (unit, number, width) in parts(duration) {
        if number != 0 {
            text.push_str(&counted(number, unit, width));
            text.push(' ');
        }
    }
    let seconds = duration.clock_seconds();
    if seconds == 0 {
        if text.is_empty() {
            text.push_str("0 seconds");
        }
        return text;
    }
    text.push_str(&counted(seconds, "second", 0));
    if seconds.abs() >= 60 {
        let broken_down: Vec<String> =
            [("hour", seconds / 3600), ("minute", seconds / 60 % 60), ("second", seconds % 60)]
                .into_iter()
                .filter(|(_, number)| *number != 0)
                .map(|(unit, number)| counted(number, unit, 0))
                .collect();
        text.push_str(&format!(" ({})", broken_down.join(" ")));
    }
    text
}

fn parts_of(run: &mut Run, duration: &Duration) {
    for (unit, number, _) in parts(duration) {
        if number != 0 {
            let text = number.to_string();
            run.out.element_with_text(&format!("{unit}s"), &[], &text);
        }
    }
    let seconds = duration.clock_seconds().to_string();
    run.out.element_with_text("seconds", &[], &seconds);
}
