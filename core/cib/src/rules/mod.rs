//! Rules: conditions on time, node, resource and operation
//! (*Pacemaker Explained*, chapter "Rules").
//!
//! A condition that cannot be understood does not hold. Times of the next possible change are
//! gathered on the way, so that whoever evaluates knows when to evaluate again.

mod date;
mod expression;

use crate::time::DateTime;
use crate::xml::Element;
use core::cell::Cell;

/// Looks a value up by name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// What a rule is evaluated for. What is `None` makes every condition on it fail.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The time.
    pub now: DateTime,
    /// The node's attributes (`#uname`, `#id`, `#kind`, `#role` included).
    pub node: Option<Lookup<'a>>,
    /// The resource's instance attributes, for `value-source="param"`.
    pub parameters: Option<Lookup<'a>>,
    /// The resource's meta attributes, for `value-source="meta"`.
    pub meta: Option<Lookup<'a>>,
    /// The resource's class, provider (may be empty) and type, for `rsc_expression`.
    pub resource: Option<[&'a str; 3]>,
    /// The operation's name and interval in milliseconds, for `op_expression`.
    pub operation: Option<(&'a str, u64)>,
    /// The submatches of a `rsc-pattern`, for `%0` … `%9` in attribute names.
    pub submatches: &'a [&'a str],
    /// The earliest time at which the result may change, kept up to date.
    pub next_change: Option<&'a Cell<Option<DateTime>>>,
}

impl<'a> Context<'a> {
    /// A context that knows the time only.
    #[must_use]
    pub const fn at(now: DateTime) -> Self {
        Self {
            now,
            node: None,
            parameters: None,
            meta: None,
            resource: None,
            operation: None,
            submatches: &[],
            next_change: None,
        }
    }

    fn changes_at(&self, when: DateTime) {
        if let Some(cell) = self.next_change
            && when > self.now
            && cell.get().is_none_or(|earlier| when < earlier)
        {
            cell.set(Some(when));
        }
    }
}

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}

/// How deep rules may be nested in each other.
const DEPTH_MAX: usize = 50;

/// Whether a `<rule>` holds. A rule without any condition holds for `and` and not for `or`.
#[must_use]
pub fn holds(rule: Element<'_>, context: &Context<'_>) -> bool {
    rule_holds(rule, context, 0)
}

fn rule_holds(rule: Element<'_>, context: &Context<'_>, depth: usize) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    let rule = resolved(rule);
    let any = rule.attribute("boolean-op").is_some_and(|word| word.eq_ignore_ascii_case("or"));
    let mut result = !any;
    // Every condition is evaluated, so that every time of change is noticed.
    for condition in rule.children() {
        let Some(held) = condition_holds(condition, context, depth) else {
            continue;
        };
        result = if any { result || held } else { result && held };
    }
    result
}

/// The rule that an `id-ref` stands for.
fn resolved(rule: Element<'_>) -> Element<'_> {
    let Some(id) = rule.attribute("id-ref") else {
        return rule;
    };
    let all = rule.document().root().descendants();
    let mut named = all.filter(|e| e.name() == "rule" && e.attribute("id") == Some(id));
    named.next().unwrap_or(rule)
}

/// Whether one condition holds; nothing for an element that is none.
#[must_use]
pub fn condition(condition: Element<'_>, context: &Context<'_>) -> Option<bool> {
    condition_holds(condition, context, 0)
}

fn condition_holds(condition: Element<'_>, context: &Context<'_>, depth: usize) -> Option<bool> {
    Some(match condition.name() {
        "rule" => rule_holds(condition, context, depth + 1),
        "expression" => expression::attribute(condition, context),
        "rsc_expression" => expression::resource(condition, context),
        "op_expression" => expression::operation(condition, context),
        "date_expression" => date::evaluate(condition, context) == Relation::Within,
        _ => return None,
    })
}

pub use date::{Relation, evaluate as date_relation};
pub use expression::{compare_versions, expanded};

#[cfg(test)]
mod tests;
