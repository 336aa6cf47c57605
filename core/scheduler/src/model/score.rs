//! Scores: integers from minus infinity to infinity, where infinity is a million.

/// The largest score.
pub const INFINITY: i32 = 1_000_000;

/// Adds two scores; minus infinity beats infinity, and infinity beats any number.
#[must_use]
pub const fn add(a: i32, b: i32) -> i32 {
    if a <= -INFINITY || b <= -INFINITY {
        return -INFINITY;
    }
    if a >= INFINITY || b >= INFINITY {
        return INFINITY;
    }
    clamp(a as i64 + b as i64)
}

/// Brings a number into the range of scores.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the value is within a million here")]
pub const fn clamp(value: i64) -> i32 {
    if value > INFINITY as i64 {
        INFINITY
    } else if value < -(INFINITY as i64) {
        -INFINITY
    } else {
        value as i32
    }
}

/// Reads a score as the configuration writes it, without the node health colours.
#[must_use]
pub fn parse(text: &str) -> Option<i32> {
    let text = text.trim();
    match text.to_ascii_uppercase().as_str() {
        "INFINITY" | "+INFINITY" => return Some(INFINITY),
        "-INFINITY" => return Some(-INFINITY),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return None;
    }
    let value = digits[..end].parse::<i64>().unwrap_or(INFINITY as i64);
    Some(clamp(if text.starts_with('-') { -value } else { value }))
}

/// Writes a score.
#[must_use]
pub fn text(score: i32) -> String {
    if score >= INFINITY {
        "INFINITY".to_owned()
    } else if score <= -INFINITY {
        "-INFINITY".to_owned()
    } else {
        score.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{INFINITY, add, parse};

    #[test]
    fn minus_infinity_beats_infinity() {
        assert_eq!(add(INFINITY, -INFINITY), -INFINITY);
        assert_eq!(add(INFINITY, -5), INFINITY);
        assert_eq!(add(999_999, 5), INFINITY);
        assert_eq!(parse("-infinity"), Some(-INFINITY));
        assert_eq!(parse("+12"), Some(12));
        assert_eq!(parse("-99999999999"), Some(-INFINITY));
        assert_eq!(parse("x"), None);
    }
}
