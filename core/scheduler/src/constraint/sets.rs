//! Ordering of sets, and the patterns in constraints (*Pacemaker Explained*, "Resource Sets").

use super::ordering::{self, by_action, by_task};
use crate::action::create;
use crate::model::{Ordering, Relation, RscIdx, Tables};
use crate::unpack::duration::is_true;
use diarch_cib::xml::Element;

fn flag(set: Element<'_>, name: &str) -> bool {
    set.attribute(name).is_none_or(|text| is_true(Some(text)))
}

fn members<'c>(t: &mut Tables<'c>, element: Element<'c>, set: Element<'c>) -> Vec<RscIdx> {
    let mut all = Vec::new();
    for member in set.children_named("resource_ref") {
        all.extend(super::resolve(t, element, member.attribute("id").unwrap_or("")));
    }
    all
}

/// Orders the members of each set, and each set after the one before.
pub(super) fn order<'c>(t: &mut Tables<'c>, element: Element<'c>, sets: &[Element<'c>]) {
    let mut last: Option<Element<'c>> = None;
    for &set in sets {
        let all = members(t, element, set);
        let task = ordering::set_task(set);
        let undo = ordering::invert(task);
        let symmetric = ordering::is_symmetric(element, set);
        if flag(set, "sequential") {
            for pair in all.windows(2) {
                ordering::in_sets(t, element, set, (pair[0], task), (pair[1], task), false);
            }
            for pair in all.windows(2).rev().filter(|_| symmetric) {
                ordering::in_sets(t, element, set, (pair[1], undo), (pair[0], undo), true);
            }
        }
        if let Some(before) = last {
            between(t, element, before, set);
            if symmetric {
                between_inverse(t, element, before, set);
            }
        }
        last = Some(set);
    }
}

fn between<'c>(t: &mut Tables<'c>, element: Element<'c>, first: Element<'c>, then: Element<'c>) {
    let (firsts, thens) = (members(t, element, first), members(t, element, then));
    let (first_task, then_task) = (ordering::set_task(first), ordering::set_task(then));
    if !flag(first, "require-all") {
        let id = first.attribute("id").unwrap_or("");
        let key = format!("one-or-more:{id}");
        let gate = create::singleton(t, "one-or-more", key, None, true);
        t.actions[gate].pseudo = true;
        t.actions[gate].min_runnable = true;
        t.actions[gate].required_runnable = 1;
        for &rsc in &firsts {
            t.orderings.push(Ordering {
                first: by_task(rsc, first_task),
                then: by_action(gate),
                relation: Relation::MIN_RUNNABLE.with(Relation::FIRST_IMPLIES_THEN_GRAPHED),
            });
        }
        for &rsc in &thens {
            t.orderings.push(Ordering {
                first: by_action(gate),
                then: by_task(rsc, then_task),
                relation: Relation::UNRUNNABLE_FIRST_BLOCKS.with(Relation::ORDERED),
            });
        }
        return;
    }
    let firsts = ends(firsts, flag(first, "sequential"), true);
    let thens = ends(thens, flag(then, "sequential"), false);
    for &a in &firsts {
        for &b in &thens {
            ordering::in_sets(t, element, then, (a, first_task), (b, then_task), false);
        }
    }
}

fn between_inverse<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    first: Element<'c>,
    then: Element<'c>,
) {
    if !flag(first, "require-all") {
        return;
    }
    let (firsts, thens) = (members(t, element, first), members(t, element, then));
    let first_undo = ordering::invert(ordering::set_task(first));
    let then_undo = ordering::invert(ordering::set_task(then));
    let firsts = ends(firsts, flag(first, "sequential"), true);
    let thens = ends(thens, flag(then, "sequential"), false);
    for &b in &thens {
        for &a in &firsts {
            ordering::in_sets(t, element, then, (b, then_undo), (a, first_undo), true);
        }
    }
}

/// Of a sequential set only the end next to the other set counts.
fn ends(all: Vec<RscIdx>, sequential: bool, last: bool) -> Vec<RscIdx> {
    if !sequential {
        return all;
    }
    let end = if last { all.last() } else { all.first() };
    end.copied().into_iter().collect()
}

/// Matches a resource id against an extended regular expression, with the means that constraints
/// use: anchors, `.`, `*`, `+`, `?`, classes and alternatives without groups.
pub(crate) fn pattern_matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    pattern.split('|').any(|pattern| {
        let pattern: Vec<char> = pattern.chars().collect();
        if pattern.first() == Some(&'^') {
            return here(&pattern[1..], &text);
        }
        (0..=text.len()).any(|at| here(&pattern, &text[at..]))
    })
}

fn here(pattern: &[char], text: &[char]) -> bool {
    let Some(&first) = pattern.first() else { return true };
    if first == '$' && pattern.len() == 1 {
        return text.is_empty();
    }
    let size = atom_size(pattern);
    let (atom, rest) = pattern.split_at(size);
    match rest.first() {
        Some('*' | '+' | '?') => {
            let kind = rest[0];
            let least = usize::from(kind == '+');
            let most = if kind == '?' { 1 } else { text.len() };
            let mut run = 0;
            while run < most && text.get(run).is_some_and(|&c| atom_matches(atom, c)) {
                run += 1;
            }
            (least..=run).rev().any(|run| here(&rest[1..], &text[run..]))
        }
        _ => text.first().is_some_and(|&c| atom_matches(atom, c)) && here(rest, &text[1..]),
    }
}

fn atom_size(pattern: &[char]) -> usize {
    match pattern[0] {
        '\\' if pattern.len() > 1 => 2,
        '[' => pattern.iter().skip(2).position(|&c| c == ']').map_or(1, |at| at + 3),
        _ => 1,
    }
}

fn atom_matches(atom: &[char], c: char) -> bool {
    match atom[0] {
        '.' if atom.len() == 1 => true,
        '\\' if atom.len() == 2 => atom[1] == c,
        '[' if atom.len() > 2 => {
            let body = &atom[1..atom.len() - 1];
            let (negate, body) =
                if body.first() == Some(&'^') { (true, &body[1..]) } else { (false, body) };
            let mut found = false;
            let mut at = 0;
            while at < body.len() {
                if at + 2 < body.len() && body[at + 1] == '-' {
                    found |= body[at] <= c && c <= body[at + 2];
                    at += 3;
                } else {
                    found |= body[at] == c;
                    at += 1;
                }
            }
            found != negate
        }
        other => other == c,
    }
}

#[cfg(test)]
mod tests {
    use super::pattern_matches;

    #[test]
    fn patterns_match_anywhere_unless_anchored() {
        assert!(pattern_matches("sc1", "rsc1"));
        assert!(!pattern_matches("^sc1", "rsc1"));
        assert!(pattern_matches("^vm[0-9]+$", "vm12"));
        assert!(pattern_matches(".*", "x"));
        assert!(!pattern_matches("^a$|^b$", "ab"));
    }
}
