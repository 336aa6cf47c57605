//! The options that a CIB may set: name, former names, type, default and meaning.
//!
//! Three tables: [`CLUSTER`] (*Pacemaker Explained*, "Cluster Options"), [`RESOURCE_META`]
//! ("Resource Meta-Attributes") and [`OPERATION`] ("Operation Properties"). A table is the one
//! place that knows a default and what a value may be. Names are the current ones; those that a
//! later release replaced are kept beside them and mean the same.

mod cluster;
mod resource;

pub use cluster::CLUSTER;
pub use resource::{OPERATION, RESOURCE_META};

use crate::score::Score;
use crate::time;

/// What values an option takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// True or false, in any of their spellings.
    Boolean,
    /// A whole number between two bounds, both included.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// A score: an integer or an infinity.
    Score,
    /// A score that is not negative.
    Threshold,
    /// A time interval: `30s`, `5min`, `PT1H`; a number alone counts seconds.
    Duration,
    /// A time interval, or a negative number where the cluster is to work the time out.
    Timeout,
    /// A number that is not negative, with or without a percent sign.
    Percentage,
    /// One of a few words.
    Select(&'static [&'static str]),
}

impl Kind {
    /// Whether a value is one of this type.
    #[must_use]
    pub fn admits(self, text: &str) -> bool {
        match self {
            Self::Text => true,
            Self::Boolean => time::truth(text).is_some(),
            Self::Integer { min, max } => {
                text.parse().is_ok_and(|number: i64| (min..=max).contains(&number))
            }
            Self::Score => text.parse::<Score>().is_ok(),
            Self::Threshold => text.parse().is_ok_and(|score: Score| score >= Score::ZERO),
            Self::Duration => time::interval_ms(text).is_some(),
            Self::Timeout => {
                time::interval_ms(text).is_some() || text.parse().is_ok_and(|n: i64| n < 0)
            }
            Self::Percentage => {
                let number = text.strip_suffix('%').unwrap_or(text);
                number.parse().is_ok_and(|n: f64| n.is_finite() && n >= 0.0)
            }
            Self::Select(words) => words.contains(&text),
        }
    }

    /// The type's name in the tools' lists of options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::Integer { min: 0.., .. } => "nonnegative_integer",
            Self::Integer { .. } => "integer",
            Self::Score | Self::Threshold => "score",
            Self::Duration => "duration",
            Self::Timeout => "timeout",
            Self::Percentage => "percentage",
            Self::Select(_) => "select",
        }
    }
}

/// Whom an option is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Every administrator.
    Common,
    /// Those who know why they need it.
    Advanced,
    /// Nobody: the cluster writes it.
    Generated,
    /// Old configurations; still obeyed.
    Deprecated,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The current name.
    pub name: &'static str,
    /// Names that meant the same in earlier releases.
    pub former: &'static [&'static str],
    /// What values it takes.
    pub kind: Kind,
    /// The value that holds where none is set; absent where that depends on something else.
    pub default: Option<&'static str>,
    /// Whom it is for.
    pub standing: Standing,
    /// What it does, in one sentence.
    pub summary: &'static str,
}

/// What a configuration says about an option.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting<'d> {
    /// A valid value.
    Given(&'d str),
    /// Nothing: the default holds.
    Absent,
    /// This text, which is not of the option's type: the default holds, and it is worth a warning.
    Invalid(&'d str),
}

impl Definition {
    /// Whether this is the option's current or a former name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.former.contains(&name)
    }

    /// What pairs of name and value say about this option; the current name is asked before the
    /// former ones.
    #[must_use]
    pub fn setting<'d>(&self, pairs: &[(&str, &'d str)]) -> Setting<'d> {
        let mut names = core::iter::once(&self.name).chain(self.former);
        match names.find_map(|name| crate::nvpairs::value(pairs, name)) {
            None => Setting::Absent,
            Some(text) if self.kind.admits(text) => Setting::Given(text),
            Some(text) => Setting::Invalid(text),
        }
    }

    /// The value that holds: what is set, or the default where that is absent or invalid.
    #[must_use]
    pub fn value<'d>(&self, pairs: &[(&str, &'d str)]) -> Option<&'d str> {
        match self.setting(pairs) {
            Setting::Given(text) => Some(text),
            Setting::Absent | Setting::Invalid(_) => self.default,
        }
    }
}

/// The option of a table that has, or had, this name.
#[must_use]
pub fn find(table: &'static [Definition], name: &str) -> Option<&'static Definition> {
    table.iter().find(|definition| definition.is_called(name))
}

const fn option(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    summary: &'static str,
) -> Definition {
    let (former, standing) = (&[] as &[&str], Standing::Common);
    Definition { name, former, kind, default: Some(default), standing, summary }
}

impl Definition {
    const fn formerly(mut self, names: &'static [&'static str]) -> Self {
        self.former = names;
        self
    }

    const fn advanced(mut self) -> Self {
        self.standing = Standing::Advanced;
        self
    }

    const fn generated(mut self) -> Self {
        self.standing = Standing::Generated;
        self
    }

    const fn deprecated(mut self) -> Self {
        self.standing = Standing::Deprecated;
        self
    }

    const fn without_default(mut self) -> Self {
        self.default = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_of_its_type() {
        for table in [CLUSTER, RESOURCE_META, OPERATION] {
            for definition in table {
                if let Some(default) = definition.default {
                    assert!(definition.kind.admits(default), "{}={default}", definition.name);
                }
            }
        }
    }

    #[test]
    fn a_name_belongs_to_one_option_of_a_table() {
        for table in [CLUSTER, RESOURCE_META, OPERATION] {
            let names = |d: &Definition| [&[d.name], d.former].concat();
            let mut all: Vec<&str> = table.iter().flat_map(names).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }

    #[test]
    fn a_former_name_is_understood_and_the_current_one_wins() {
        let fencing = find(CLUSTER, "stonith-enabled").unwrap();
        assert_eq!(fencing.name, "fencing-enabled");
        assert_eq!(fencing.value(&[("stonith-enabled", "false")]), Some("false"));
        let both = [("stonith-enabled", "false"), ("fencing-enabled", "true")];
        assert_eq!(fencing.value(&both), Some("true"));
    }

    #[test]
    fn an_invalid_value_leaves_the_default() {
        for (name, text, default) in [
            ("no-quorum-policy", "maybe", "stop"),
            ("batch-limit", "-2", "0"),
            ("fencing-max-attempts", "0", "10"),
            ("load-threshold", "NaN", "80%"),
            ("dc-deadtime", "soon", "20s"),
            ("symmetric-cluster", "", "true"),
        ] {
            let definition = find(CLUSTER, name).unwrap();
            assert_eq!(definition.setting(&[(name, text)]), Setting::Invalid(text), "{name}");
            assert_eq!(definition.value(&[(name, text)]), Some(default), "{name}");
        }
    }

    #[test]
    fn unusual_values_are_valid_where_they_mean_something() {
        for (table, name, text) in [
            (CLUSTER, "stonith-watchdog-timeout", "-1"),
            (CLUSTER, "cluster-recheck-interval", "PT15M"),
            (CLUSTER, "load-threshold", "0.8"),
            (CLUSTER, "no-quorum-policy", "suicide"),
            (RESOURCE_META, "migration-threshold", "INFINITY"),
            (RESOURCE_META, "target-role", "Master"),
            (OPERATION, "on-fail", "restart-container"),
        ] {
            let definition = find(table, name).unwrap();
            assert_eq!(definition.setting(&[(name, text)]), Setting::Given(text), "{name}");
        }
        let threshold = find(RESOURCE_META, "migration-threshold").unwrap();
        assert!(!threshold.kind.admits("-1"));
    }
}
