//! Ordering constraints (*Pacemaker Explained*, "Specifying the Order in which Resources Should
//! Start/Stop").

use crate::action::create;
use crate::model::{End, Ordering, Relation, RscIdx, Tables};
use crate::unpack::duration::{is_true, small};
use crate::unpack::nvpairs::resolve as follow;
use diarch_cib::xml::Element;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Optional,
    Mandatory,
    Serialize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Symmetry {
    Asymmetric,
    Symmetric,
    Inverse,
}

/// Reads a `rsc_order`.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, element: Element<'c>) {
    let kind = kind_of(element, None);
    let sets: Vec<_> = element.children_named("resource_set").map(|s| follow(t, s)).collect();
    if !sets.is_empty() {
        super::sets::order(t, element, &sets);
        return;
    }
    let (Some(first), Some(then)) = (element.attribute("first"), element.attribute("then")) else {
        return;
    };
    let first_task = task(element.attribute("first-action"), "start");
    let then_task = task(element.attribute("then-action"), first_task);
    let symmetry = symmetry_of(element, None, kind);
    let firsts = super::resolve(t, element, first);
    let thens = super::resolve(t, element, then);
    for &first in &firsts {
        for &then in &thens {
            let id = element.attribute("id").unwrap_or("");
            let least = least_instances(t, element, first, first_task);
            pair(t, id, (kind, symmetry, least), (first, first_task), (then, then_task));
        }
    }
}

fn task(text: Option<&str>, default: &'static str) -> &'static str {
    match text {
        Some("start") => "start",
        Some("stop") => "stop",
        Some("promote") => "promote",
        Some("demote") => "demote",
        _ => default,
    }
}

fn kind_of(element: Element<'_>, set: Option<Element<'_>>) -> Kind {
    let text = set.and_then(|set| set.attribute("kind")).or_else(|| element.attribute("kind"));
    match text {
        Some("Optional") => Kind::Optional,
        Some("Serialize") => Kind::Serialize,
        Some(_) => Kind::Mandatory,
        None => match element.attribute("score").and_then(crate::model::score::parse) {
            Some(score) if score <= 0 => Kind::Optional,
            _ => Kind::Mandatory,
        },
    }
}

fn symmetry_of(element: Element<'_>, set: Option<Element<'_>>, kind: Kind) -> Symmetry {
    if kind == Kind::Serialize {
        return Symmetry::Asymmetric;
    }
    let text = set
        .and_then(|set| set.attribute("symmetrical"))
        .or_else(|| element.attribute("symmetrical"));
    if text.is_none_or(|text| is_true(Some(text))) {
        Symmetry::Symmetric
    } else {
        Symmetry::Asymmetric
    }
}

fn relation(kind: Kind, first_task: &str, symmetry: Symmetry) -> Relation {
    match (kind, symmetry) {
        (Kind::Optional, _) => Relation::ORDERED,
        (Kind::Serialize, _) => Relation::ORDERED.with(Relation::SERIALIZE),
        (Kind::Mandatory, Symmetry::Asymmetric) => Relation::ORDERED.with(Relation::ASYMMETRIC),
        (Kind::Mandatory, Symmetry::Symmetric) => {
            let implied = Relation::ORDERED.with(Relation::FIRST_IMPLIES_THEN);
            if matches!(first_task, "start" | "promote") {
                implied.with(Relation::UNRUNNABLE_FIRST_BLOCKS)
            } else {
                implied
            }
        }
        (Kind::Mandatory, Symmetry::Inverse) => {
            Relation::ORDERED.with(Relation::THEN_IMPLIES_FIRST)
        }
    }
}

/// Gives the task that undoes one.
pub(crate) fn invert(task: &str) -> &'static str {
    match task {
        "start" => "stop",
        "stop" => "start",
        "promote" => "demote",
        "demote" => "promote",
        "promoted" => "demoted",
        "demoted" => "promoted",
        "running" => "stopped",
        "stopped" => "running",
        _ => "",
    }
}

/// Gives how many instances of a clone have to be up, where not all have to.
fn least_instances(
    t: &Tables<'_>,
    element: Element<'_>,
    first: RscIdx,
    first_task: &str,
) -> Option<i32> {
    let row = &t.resources[first];
    if !row.is_collective() || !matches!(first_task, "start" | "promote") {
        return None;
    }
    let least = row.meta("clone-min").and_then(|text| small(Some(text))).filter(|&n| n > 0);
    let all = element.attribute("require-all").is_none_or(|text| is_true(Some(text)));
    least.or_else(|| (!all).then_some(1))
}

fn pair(
    t: &mut Tables<'_>,
    id: &str,
    (kind, symmetry, least): (Kind, Symmetry, Option<i32>),
    first: (RscIdx, &'static str),
    then: (RscIdx, &'static str),
) {
    let flags = relation(kind, first.1, symmetry);
    match least {
        Some(least) => clone_min(t, id, first, then, flags, least),
        None => add(t, first.0, first.1, then.0, then.1, flags),
    }
    if symmetry == Symmetry::Symmetric {
        let (undo_then, undo_first) = (invert(then.1), invert(first.1));
        let flags = relation(kind, undo_then, Symmetry::Inverse);
        add(t, then.0, undo_then, first.0, undo_first, flags);
    }
}

/// Instances of a clone, as many as `clone-min` says, let a pseudo action through.
fn clone_min(
    t: &mut Tables<'_>,
    id: &str,
    first: (RscIdx, &'static str),
    then: (RscIdx, &'static str),
    flags: Relation,
    least: i32,
) {
    let gate =
        create::singleton(t, "clone-one-or-more", format!("clone-one-or-more:{id}"), None, true);
    // One gate for each constraint.
    let row = &mut t.actions[gate];
    row.pseudo = true;
    row.min_runnable = true;
    row.required_runnable = least;
    for instance in t.instances(first.0, first.1 == "promote") {
        t.orderings.push(Ordering {
            first: by_task(instance, first.1),
            then: by_action(gate),
            relation: Relation::MIN_RUNNABLE.with(Relation::FIRST_IMPLIES_THEN_GRAPHED),
        });
    }
    let gated = Relation::ORDERED.with(Relation::UNRUNNABLE_FIRST_BLOCKS).with(flags);
    t.orderings.push(Ordering {
        first: by_action(gate),
        then: by_task(then.0, then.1),
        relation: gated,
    });
}

/// An end named by task.
pub(crate) const fn by_task(rsc: RscIdx, task: &'static str) -> End<'static> {
    End { rsc: Some(rsc), task: Some(task), action: None }
}

/// An end that is an action.
pub(crate) const fn by_action(action: crate::model::ActionIdx) -> End<'static> {
    End { rsc: None, task: None, action: Some(action) }
}

/// Adds an ordering between two resources' tasks.
pub(crate) fn add(
    t: &mut Tables<'_>,
    first: RscIdx,
    first_task: &'static str,
    then: RscIdx,
    then_task: &'static str,
    relation: Relation,
) {
    t.orderings.push(Ordering {
        first: by_task(first, first_task),
        then: by_task(then, then_task),
        relation,
    });
}

/// Adds the ordering of two members of sets; for [`super::sets`].
pub(super) fn in_sets<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    set: Element<'c>,
    first: (RscIdx, &'static str),
    then: (RscIdx, &'static str),
    inverse: bool,
) {
    let kind = kind_of(element, Some(set));
    let symmetry = if inverse { Symmetry::Inverse } else { symmetry_of(element, Some(set), kind) };
    let flags = relation(kind, first.1, symmetry);
    add(t, first.0, first.1, then.0, then.1, flags);
}

/// Tells whether a set's order holds in reverse too; for [`super::sets`].
pub(super) fn is_symmetric(element: Element<'_>, set: Element<'_>) -> bool {
    let kind = kind_of(element, Some(set));
    symmetry_of(element, Some(set), kind) == Symmetry::Symmetric
}

/// Gives a set's action; for [`super::sets`].
pub(super) fn set_task(set: Element<'_>) -> &'static str {
    task(set.attribute("action"), "start")
}
