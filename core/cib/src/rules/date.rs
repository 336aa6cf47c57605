//! Conditions on time.

use super::Context;
use crate::time::{DateTime, Duration};
use crate::xml::Element;

/// Where the present is in relation to a condition on time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relation {
    /// The condition holds.
    Within,
    /// It does not hold yet.
    Before,
    /// It does not hold any more.
    After,
    /// It does not hold, and may do so before and after.
    Outside,
    /// It cannot be understood.
    Undetermined,
}

/// Evaluates a `<date_expression>`.
#[must_use]
pub fn evaluate(expression: Element<'_>, context: &Context<'_>) -> Relation {
    let date = |name: &str| -> Result<Option<DateTime>, ()> {
        expression.attribute(name).map(|text| text.parse().map_err(|_| ())).transpose()
    };
    match expression.attribute("operation").unwrap_or("in_range") {
        "in_range" => match (date("start"), date("end")) {
            (Ok(start), Ok(end)) => in_range(expression, context, start, end),
            (_, _) => Relation::Undetermined,
        },
        "gt" => match date("start") {
            Ok(Some(start)) if context.now > start => Relation::Within,
            Ok(Some(start)) => {
                context.changes_at(start.plus(Duration { seconds: 1, ..Duration::default() }));
                Relation::Before
            }
            Ok(None) | Err(()) => Relation::Undetermined,
        },
        "lt" => match date("end") {
            Ok(Some(end)) if context.now < end => {
                context.changes_at(end);
                Relation::Within
            }
            Ok(Some(_)) => Relation::After,
            Ok(None) | Err(()) => Relation::Undetermined,
        },
        "date_spec" => match expression.child("date_spec") {
            Some(spec) if matches(spec, context.now) => Relation::Within,
            Some(_) => Relation::Outside,
            None => Relation::Undetermined,
        },
        _ => Relation::Undetermined,
    }
}

fn in_range(
    expression: Element<'_>,
    context: &Context<'_>,
    start: Option<DateTime>,
    end: Option<DateTime>,
) -> Relation {
    let end = match (end, start, expression.child("duration")) {
        (None, Some(start), Some(duration)) => match amount(duration) {
            Some(duration) => Some(start.plus(duration)),
            None => return Relation::Undetermined,
        },
        (end, _, _) => end,
    };
    if start.is_none() && end.is_none() {
        return Relation::Undetermined;
    }
    if let Some(start) = start
        && context.now < start
    {
        context.changes_at(start);
        return Relation::Before;
    }
    if let Some(end) = end {
        if context.now > end {
            return Relation::After;
        }
        // The end itself is still inside.
        context.changes_at(end.plus(Duration { seconds: 1, ..Duration::default() }));
    }
    Relation::Within
}

/// The amount of time that a `<duration>` stands for.
fn amount(element: Element<'_>) -> Option<Duration> {
    let mut duration = Duration::default();
    for (name, value) in element.attributes() {
        let field = match name {
            "years" => &mut duration.years,
            "months" => &mut duration.months,
            "weeks" => &mut duration.weeks,
            "days" => &mut duration.days,
            "hours" => &mut duration.hours,
            "minutes" => &mut duration.minutes,
            "seconds" => &mut duration.seconds,
            _ => continue,
        };
        *field = value.trim().parse().ok()?;
    }
    Some(duration)
}

/// Whether every part of a `<date_spec>` matches a point in time.
fn matches(spec: Element<'_>, now: DateTime) -> bool {
    let (civil, week) = (now.civil(), now.week());
    spec.attributes().all(|(name, wanted)| {
        let actual = match name {
            "seconds" => i64::from(civil.second),
            "minutes" => i64::from(civil.minute),
            "hours" => i64::from(civil.hour),
            "monthdays" => i64::from(civil.day),
            "weekdays" => i64::from(week.day),
            "yeardays" | "yearsdays" => i64::from(now.year_day()),
            "months" => i64::from(civil.month),
            "weeks" => i64::from(week.week),
            "years" => civil.year,
            "weekyears" => week.year,
            "moon" => moon_phase(now),
            _ => return true,
        };
        in_span(wanted, actual)
    })
}

/// Whether a number is the one, or in the range `A-B`, `A-` or `-B`, that a text gives.
fn in_span(text: &str, actual: i64) -> bool {
    let number = |part: &str| part.trim().parse::<i64>().ok();
    match text.trim().split_once('-') {
        None => number(text) == Some(actual),
        Some(("", last)) => number(last).is_some_and(|last| actual <= last),
        Some((first, "")) => number(first).is_some_and(|first| actual >= first),
        Some((first, last)) => match (number(first), number(last)) {
            (Some(first), Some(last)) => (first..=last).contains(&actual),
            (_, _) => false,
        },
    }
}

/// The phase of the moon, 0 (new) … 4 (full) … 7, by the golden number and the epact of the year.
fn moon_phase(now: DateTime) -> i64 {
    let golden = now.civil().year.rem_euclid(19) + 1;
    let mut epact = (11 * golden + 18) % 30;
    if (epact == 25 && golden > 11) || epact == 24 {
        epact += 1;
    }
    let day = i64::from(now.year_day());
    ((((day + epact) * 6 + 11) % 177) / 22) & 7
}
