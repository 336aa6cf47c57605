//! Ordering of sets (*Pacemaker Explained*, "Resource Sets").

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
