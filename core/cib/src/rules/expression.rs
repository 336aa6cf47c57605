//! Conditions on node attributes, resources and operations.

use super::Context;
use crate::time::interval_ms;
use crate::xml::Element;
use core::cmp::Ordering;

/// Whether an `<expression>` on a node attribute holds.
pub(super) fn attribute(expression: Element<'_>, context: &Context<'_>) -> bool {
    let (Some(node), Some(name), Some(operation)) =
        (context.node, expression.attribute("attribute"), expression.attribute("operation"))
    else {
        return false;
    };
    let actual = node(&expanded(name, context.submatches));
    match operation {
        "defined" => return actual.is_some(),
        "not_defined" => return actual.is_none(),
        _ => {}
    }
    let Some(value) = expression.attribute("value") else {
        return false;
    };
    let value = match expression.attribute("value-source").unwrap_or("literal") {
        "literal" => Some(value),
        "param" => context.parameters.and_then(|lookup| lookup(value)),
        "meta" => context.meta.and_then(|lookup| lookup(value)),
        _ => return false,
    };
    let kind = kind_of(expression.attribute("type"), operation, actual, value);
    match (operation, compare(kind, actual, value)) {
        ("eq", order) => order == Some(Ordering::Equal),
        ("ne", order) => order != Some(Ordering::Equal),
        ("lt", order) => order == Some(Ordering::Less),
        ("gt", order) => order == Some(Ordering::Greater),
        ("lte", order) => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ("gte", order) => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        (_, _) => false,
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    Integer,
    Number,
    Version,
}

/// The kind that is named; otherwise text for equality, and integer or (where either value has a
/// decimal point) number for order.
fn kind_of(named: Option<&str>, operation: &str, a: Option<&str>, b: Option<&str>) -> Kind {
    match named {
        Some("string") => Kind::Text,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("version") => Kind::Version,
        Some(_) | None => match operation {
            "lt" | "gt" | "lte" | "gte" => {
                let pointed = |text: Option<&str>| text.is_some_and(|text| text.contains('.'));
                if pointed(a) || pointed(b) { Kind::Number } else { Kind::Integer }
            }
            _ => Kind::Text,
        },
    }
}

/// The order of two values; nothing where one is missing. What is not of its kind is text.
fn compare(kind: Kind, a: Option<&str>, b: Option<&str>) -> Option<Ordering> {
    let (a, b) = match (a, b) {
        (None, None) => return Some(Ordering::Equal),
        (Some(a), Some(b)) => (a, b),
        (None, Some(_)) | (Some(_), None) => return None,
    };
    let text = || a.to_lowercase().cmp(&b.to_lowercase());
    Some(match kind {
        Kind::Text => text(),
        Kind::Integer => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (_, _) => text(),
        },
        Kind::Number => match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b)?,
            (_, _) => text(),
        },
        Kind::Version => compare_versions(a, b),
    })
}

/// An integer; the fraction of a decimal number does not count.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let whole = text.split('.').next().unwrap_or(text);
    match whole {
        "INFINITY" | "+INFINITY" => Some(1_000_000),
        "-INFINITY" => Some(-1_000_000),
        digits => digits.parse().ok(),
    }
}

/// The order of two dotted versions, number by number; what is missing counts as 0.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
    };
    let (a, b) = (numbers(a), numbers(b));
    let at = |list: &[u64], index: usize| list.get(index).copied().unwrap_or(0);
    (0..a.len().max(b.len()))
        .map(|index| at(&a, index).cmp(&at(&b, index)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// `%0` … `%9` in a name stand for submatches.
#[must_use]
pub fn expanded(name: &str, submatches: &[&str]) -> String {
    let mut result = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        result.push_str(before);
        match after.chars().next().and_then(|c| c.to_digit(10)) {
            Some(digit) if !submatches.is_empty() => {
                result.push_str(submatches.get(digit as usize).copied().unwrap_or_default());
                rest = &after[1..];
            }
            Some(_) | None => {
                result.push('%');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

/// Whether a `<rsc_expression>` holds.
pub(super) fn resource(expression: Element<'_>, context: &Context<'_>) -> bool {
    let Some(actual) = context.resource else {
        return false;
    };
    ["class", "provider", "type"]
        .iter()
        .zip(actual)
        .all(|(name, actual)| expression.attribute(name).is_none_or(|wanted| wanted == actual))
}

/// Whether an `<op_expression>` holds.
pub(super) fn operation(expression: Element<'_>, context: &Context<'_>) -> bool {
    let Some((name, interval)) = context.operation else {
        return false;
    };
    let same = expression.attribute("name").is_none_or(|wanted| wanted == name);
    let wanted = expression.attribute("interval");
    same && wanted.is_none_or(|wanted| interval_ms(wanted) == Some(interval))
}
