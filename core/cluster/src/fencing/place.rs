//! Where a fence device may be used: not on a node that location constraints keep it away from.
//!
//! *Pacemaker Explained*, "Fencing" and "Deciding Which Nodes a Resource Can Run On". In a cluster
//! of two nobody else could use the device then, so whoever configures that is told so.

use diarch_cib::rules::{self, Context};
use diarch_cib::score::Score;
use diarch_cib::time::DateTime;
use diarch_cib::{Document, Element};

/// Whether the scores of the location constraints of device `id` on `node` are below zero.
pub(super) fn is_barred(cib: &Document, id: &str, node: &str, now: DateTime) -> bool {
    let config = cib.root().child("configuration");
    let constraints = config.and_then(|config| config.child("constraints"));
    let all = constraints.into_iter().flat_map(|all| all.children_named("rsc_location"));
    let own = all.filter(|one| one.attribute("rsc") == Some(id));
    let scores = own.flat_map(|one| scores(one, node, now));
    scores.fold(Score::ZERO, |sum, score| sum + score) < Score::ZERO
}

/// The scores that one constraint gives to `node`.
fn scores(constraint: Element<'_>, node: &str, now: DateTime) -> Vec<Score> {
    let score = |of: Element<'_>| of.attribute("score").and_then(|text| text.parse().ok());
    if let Some(named) = constraint.attribute("node") {
        let own = named.eq_ignore_ascii_case(node);
        return own.then(|| score(constraint)).flatten().into_iter().collect();
    }
    let attribute = |name: &str| (name == "#uname").then_some(node);
    let context = Context { node: Some(&attribute), ..Context::at(now) };
    let rules = constraint.children_named("rule").filter(|rule| rules::holds(*rule, &context));
    rules.filter_map(score).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barred(constraints: &str, node: &str) -> bool {
        let text = format!(
            "<cib><configuration><constraints>{constraints}</constraints></configuration></cib>"
        );
        let cib = Document::parse(&text).unwrap();
        is_barred(&cib, "ipmi", node, DateTime::from_epoch(1_800_000_000))
    }

    fn location(id: &str, rsc: &str, node: &str, score: &str) -> String {
        format!("<rsc_location id='{id}' rsc='{rsc}' node='{node}' score='{score}'/>")
    }

    #[test]
    fn a_node_is_barred_by_what_its_scores_come_to() {
        assert!(!barred("", "a"));
        let away = location("1", "ipmi", "a", "-INFINITY");
        assert!(barred(&away, "a") && !barred(&away, "b"));
        assert!(!barred(&location("1", "pdu", "a", "-INFINITY"), "a"));
        let rather_not = location("1", "ipmi", "a", "-10");
        assert!(barred(&rather_not, "a"));
        assert!(!barred(&format!("{rather_not}{}", location("2", "ipmi", "a", "20")), "a"));
    }

    #[test]
    fn a_rule_bars_the_nodes_that_it_holds_for() {
        let rule = "<rsc_location id='1' rsc='ipmi'><rule id='r' score='-INFINITY'><expression \
                    id='e' attribute='#uname' operation='eq' value='a'/></rule></rsc_location>";
        assert!(barred(rule, "a") && !barred(rule, "b"));
    }
}
