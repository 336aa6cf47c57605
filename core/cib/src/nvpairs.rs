//! Sets of name and value: `instance_attributes`, `meta_attributes`, `utilization`,
//! `cluster_property_set` (*Pacemaker Explained*, "Options", "Rules for options").

use crate::rules::{self, Context};
use crate::score::Score;
use crate::xml::Element;

/// The pairs that hold in `owner`'s sets called `set_name`, in the order in which they are found:
/// sets by descending score (those with the id `first` before all others), the first value of a
/// name wins. A set whose rules do not hold is passed over; with several rules, one has to hold.
#[must_use]
pub fn collect<'d>(
    owner: Element<'d>,
    set_name: &str,
    context: &Context<'_>,
    first: Option<&str>,
) -> Vec<(&'d str, &'d str)> {
    let mut pairs = Vec::new();
    add(&mut pairs, owner, set_name, context, first);
    pairs
}

/// As [`collect`], adding to what earlier (and so stronger) owners have given.
pub fn add<'d>(
    pairs: &mut Vec<(&'d str, &'d str)>,
    owner: Element<'d>,
    set_name: &str,
    context: &Context<'_>,
    first: Option<&str>,
) {
    let mut sets: Vec<Element<'d>> = owner.children_named(set_name).map(resolved).collect();
    // The sort is stable: sets of equal score stay in the document's order.
    sets.sort_by_key(|set| {
        let is_first = first.is_some() && set.attribute("id") == first;
        let score = set.attribute("score").and_then(|text| text.parse().ok());
        (core::cmp::Reverse(is_first), core::cmp::Reverse(score.unwrap_or(Score::ZERO)))
    });
    for set in sets {
        if applies(set, context) {
            set_pairs(set, pairs);
        }
    }
}

/// Whether a set has no rule, or one that holds.
#[must_use]
pub fn applies(set: Element<'_>, context: &Context<'_>) -> bool {
    let mut rules = set.children_named("rule").peekable();
    let unconditional = rules.peek().is_none();
    // Every rule is evaluated, so that every time of change is noticed.
    rules.fold(unconditional, |held, rule| rules::holds(rule, context) || held)
}

fn set_pairs<'d>(set: Element<'d>, pairs: &mut Vec<(&'d str, &'d str)>) {
    // Configurations written for the oldest dialects keep the pairs one level deeper.
    let set = set.child("attributes").unwrap_or(set);
    for pair in set.children_named("nvpair") {
        let target = resolved(pair);
        let name = pair.attribute("name").or_else(|| target.attribute("name"));
        let (Some(name), Some(value)) = (name, target.attribute("value")) else {
            continue;
        };
        if pairs.iter().all(|(other, _)| *other != name) {
            pairs.push((name, value));
        }
    }
}

/// The element that an `id-ref` stands for: of the same name, anywhere in the document.
#[must_use]
pub fn resolved(element: Element<'_>) -> Element<'_> {
    let Some(id) = element.attribute("id-ref") else {
        return element;
    };
    let all = element.document().root().descendants();
    let mut named = all.filter(|e| e.name() == element.name() && e.attribute("id") == Some(id));
    named.next().unwrap_or(element)
}

/// The value of a name among pairs.
#[must_use]
pub fn value<'d>(pairs: &[(&str, &'d str)], name: &str) -> Option<&'d str> {
    pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Document;

    fn collected(xml: &str, first: Option<&str>) -> String {
        let document = Document::parse(xml).unwrap();
        let context = Context::at("2019-06-05".parse().unwrap());
        let pairs = collect(document.root(), "s", &context, first);
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn higher_scores_and_earlier_pairs_win() {
        let xml = "<o><s id='1'><nvpair name='a' value='1'/><nvpair name='a' value='2'/></s>\
                   <s id='2' score='5'><nvpair name='a' value='3'/>\
                   <nvpair name='b' value='4'/></s></o>";
        assert_eq!(collected(xml, None), "a=3 b=4");
        assert_eq!(collected(xml, Some("1")), "a=1 b=4");
    }

    #[test]
    fn a_set_counts_only_while_one_of_its_rules_holds() {
        let set = |rules: &str| format!("<o><s id='1'>{rules}<nvpair name='a' value='1'/></s></o>");
        let no = "<rule id='n'><date_expression end='2018-01-01'/></rule>";
        let yes = "<rule id='y'><date_expression start='2018-01-01'/></rule>";
        assert_eq!(collected(&set(no), None), "");
        assert_eq!(collected(&set(&format!("{no}{yes}")), None), "a=1");
    }

    #[test]
    fn references_are_followed() {
        let xml = "<o><s id-ref='x'/><other><s id='x'><nvpair id-ref='p' name='c'/></s>\
                   <nvpair id='p' name='a' value='1'/></other></o>";
        assert_eq!(collected(xml, None), "c=1");
    }
}
