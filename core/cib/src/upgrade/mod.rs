//! A configuration in an older dialect, rewritten in a newer one.
//!
//! The way from `pacemaker-1.0` to `pacemaker-4.0` is walked one step after another; a dialect that
//! only adds to the one before it needs no step. Nothing is written anywhere: whoever calls
//! decides what becomes of the result. What an administrator has to know, because the new dialect
//! cannot say what the old one said, comes back as [`Hint`]s.

mod to_2_0;
mod to_3_0;
mod to_4_0;
mod work;

pub use crate::validate::Dialect;

use crate::xml::Document;
use core::fmt;
use std::collections::BTreeSet;
use work::Work;

/// What a step has done to the meaning of something.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Effect {
    /// It is gone.
    Dropped,
    /// It holds in more cases than before.
    Widened,
    /// It is said in another way, which deserves a look.
    Changed,
}

/// Something that an administrator has to know about an upgrade.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Hint {
    /// What has happened to it.
    pub effect: Effect,
    /// The id of the element, or of the nearest one above it that has an id.
    pub id: String,
    /// What, and why: a clause.
    pub what: String,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Dropped => "dropped",
            Effect::Widened => "widened",
            Effect::Changed => "changed",
        };
        write!(f, "{}: {effect}: {}", self.id, self.what)
    }
}

/// What an upgrade came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upgraded {
    /// The dialect that it was in.
    pub from: Dialect,
    /// The dialect that it is in now.
    pub to: Dialect,
    /// What an administrator has to know, in the order of the steps.
    pub hints: Vec<Hint>,
}

/// Why a configuration was not upgraded; it is then as it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpgradeError {
    /// `validate-with` is missing.
    NoDialect,
    /// `validate-with` names a dialect that is not known.
    UnknownDialect(String),
    /// It is in the wanted dialect already, or in a newer one, or in none.
    Unchanged,
    /// What its references stand for is more than a configuration may hold.
    TooLarge,
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDialect => f.write_str("the attribute validate-with is missing"),
            Self::UnknownDialect(name) => write!(f, "validate-with=\"{name}\" is not known"),
            Self::Unchanged => f.write_str("Schema is already the latest available"),
            Self::TooLarge => f.write_str("the references stand for too much"),
        }
    }
}

impl core::error::Error for UpgradeError {}

/// A step: the first dialect that needs it, and what it does.
type Step = (Dialect, fn(&mut Work) -> Result<(), UpgradeError>);

const STEPS: &[Step] =
    &[(Dialect(2, 0), to_2_0::step), (Dialect(3, 0), to_3_0::step), (Dialect(4, 0), to_4_0::step)];

/// Rewrites a configuration in `target`, or in the newest dialect. The version attributes stay.
///
/// # Errors
///
/// There is nothing to do, or it cannot be done; the document is then as it was.
pub fn upgrade(document: &mut Document, target: Option<Dialect>) -> Result<Upgraded, UpgradeError> {
    let from = dialect(document)?;
    let to = target.unwrap_or(Dialect::NEWEST);
    if to <= from {
        return Err(UpgradeError::Unchanged);
    }
    let mut work = Work::new(document);
    for (first, step) in STEPS {
        if from < *first && *first <= to {
            step(&mut work)?;
        }
    }
    let root = work.document.root().id();
    work.document.set_attribute(root, "validate-with", &to.text());
    *document = work.document;
    // What stands in several places is said once.
    let mut said = BTreeSet::new();
    let hints = work.hints.into_iter().filter(|hint| said.insert(hint.clone())).collect();
    Ok(Upgraded { from, to, hints })
}

/// The dialect that a configuration is in.
fn dialect(document: &Document) -> Result<Dialect, UpgradeError> {
    match document.root().attribute("validate-with") {
        None => Err(UpgradeError::NoDialect),
        Some("none") => Err(UpgradeError::Unchanged),
        Some(name) => {
            let known = Dialect::parse(name).filter(|dialect| *dialect != Dialect(1, 1));
            known.ok_or_else(|| UpgradeError::UnknownDialect(name.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
