//! Scores: integers that stop at plus and minus one million, which are infinite
//! (*Pacemaker Explained*, "Scores").

use core::fmt;
use core::ops::{Add, AddAssign, Neg, Sub};
use core::str::FromStr;

/// How much something is wanted, or not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Score(i32);

/// A text that is no score.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotAScore;

impl fmt::Display for NotAScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a score: an integer, INFINITY or -INFINITY is expected")
    }
}

impl core::error::Error for NotAScore {}

impl Score {
    /// Wanted above all else.
    pub const INFINITY: Self = Self(1_000_000);
    /// Never.
    pub const MINUS_INFINITY: Self = Self(-1_000_000);
    /// Neither.
    pub const ZERO: Self = Self(0);

    /// The score as a number between minus and plus one million.
    #[must_use]
    pub const fn value(self) -> i32 {
        self.0
    }

    /// Whether it is one of the two infinities.
    #[must_use]
    pub const fn is_infinite(self) -> bool {
        self.0 == Self::INFINITY.0 || self.0 == Self::MINUS_INFINITY.0
    }

    /// Whether it forbids.
    #[must_use]
    pub const fn is_minus_infinite(self) -> bool {
        self.0 == Self::MINUS_INFINITY.0
    }
}

impl From<i32> for Score {
    fn from(value: i32) -> Self {
        Self(value.clamp(Self::MINUS_INFINITY.0, Self::INFINITY.0))
    }
}

/// Minus infinity wins over everything, plus infinity over everything else.
impl Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        if self.is_minus_infinite() || other.is_minus_infinite() {
            Self::MINUS_INFINITY
        } else if self.is_infinite() || other.is_infinite() {
            Self::INFINITY
        } else {
            Self::from(self.0 + other.0)
        }
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Score {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sub for Score {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.pad("INFINITY"),
            Self::MINUS_INFINITY => f.pad("-INFINITY"),
            Self(value) => fmt::Display::fmt(&value, f),
        }
    }
}

impl FromStr for Score {
    type Err = NotAScore;

    fn from_str(text: &str) -> Result<Self, NotAScore> {
        match text.trim() {
            "INFINITY" | "+INFINITY" | "infinity" | "+infinity" => Ok(Self::INFINITY),
            "-INFINITY" | "-infinity" => Ok(Self::MINUS_INFINITY),
            number => {
                let digits = number.strip_prefix(['+', '-']).unwrap_or(number);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(NotAScore);
                }
                let negative = number.starts_with('-');
                // What does not fit is beyond the infinities anyway.
                let size = digits.parse::<i32>().unwrap_or(i32::MAX);
                Ok(Self::from(if negative { -size } else { size }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_infinity_wins_every_sum() {
        assert_eq!(Score::INFINITY + Score::MINUS_INFINITY, Score::MINUS_INFINITY);
        assert_eq!(Score::INFINITY - Score::INFINITY, Score::MINUS_INFINITY);
        assert_eq!(Score::INFINITY + Score::from(-5), Score::INFINITY);
        assert_eq!(Score::from(999_999) + Score::from(5), Score::INFINITY);
    }

    #[test]
    fn a_score_is_read_as_it_is_printed() {
        for text in ["0", "-1", "100", "INFINITY", "-INFINITY"] {
            assert_eq!(text.parse::<Score>().unwrap().to_string(), text);
        }
        assert_eq!("+INFINITY".parse(), Ok(Score::INFINITY));
        assert_eq!("99999999999999".parse(), Ok(Score::INFINITY));
        for text in ["", "-", "1.5", "red", "1e3"] {
            assert_eq!(text.parse::<Score>(), Err(NotAScore), "{text}");
        }
    }
}
