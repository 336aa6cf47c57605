//! What one link does to the two actions it joins, for each kind of effect.

use super::collective;
use crate::action::create;
use crate::model::{ActionIdx, NodeIdx, Relation, Role, Tables};

/// Whether an action is optional and can run, as another action sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    pub(super) optional: bool,
    pub(super) runnable: bool,
    pub(super) migratable: bool,
}

/// The effect is about being optional.
pub(super) const OPTIONAL: u8 = 1;
/// The effect is about being runnable.
pub(super) const RUNNABLE: u8 = 2;

/// Which of two actions an effect changed: the first one, or the other or one of its members.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changed {
    pub(super) first: bool,
    pub(super) then: bool,
}

impl std::ops::BitOrAssign for Changed {
    fn bitor_assign(&mut self, other: Self) {
        self.first |= other.first;
        self.then |= other.then;
    }
}

/// Applies one effect, to the members of a collection too.
pub(super) fn update(
    t: &mut Tables<'_>,
    first: ActionIdx,
    then: ActionIdx,
    node: Option<NodeIdx>,
    flags: Flags,
    filter: u8,
    kind: Relation,
) -> Changed {
    let Some(rsc) = t.actions[then].rsc else {
        return primitive(t, first, then, flags, filter, kind);
    };
    if t.resources[rsc].is_primitive() {
        primitive(t, first, then, flags, filter, kind)
    } else if t.resources[rsc].is_group() {
        let mut changed = primitive(t, first, then, flags, filter, kind);
        let task = t.actions[then].task;
        for child in t.resources[rsc].children.clone() {
            if let Some(inner) = create::find(t, child, task, node) {
                changed |= update(t, first, inner, node, flags, filter, kind);
            }
        }
        changed
    } else {
        collective::update(t, first, then, node, flags, filter, kind)
    }
}

/// Notes why an action changed: what another one is, if nothing was noted before.
pub(super) fn because(t: &mut Tables<'_>, action: ActionIdx, what: &str, other: ActionIdx) {
    if t.actions[action].reason.is_some() {
        return;
    }
    let row = &t.actions[other];
    let reason = match row.rsc {
        same if same.is_some() && same == t.actions[action].rsc => None,
        Some(rsc) => Some(format!("{what} {} {}", t.resources[rsc].id, row.task)),
        None => Some(format!("{what} {}", crate::graph::build::operation(row))),
    };
    t.actions[action].reason = reason;
}

/// Applies one effect to two single actions.
pub(super) fn primitive(
    t: &mut Tables<'_>,
    first: ActionIdx,
    then: ActionIdx,
    flags: Flags,
    filter: u8,
    kind: Relation,
) -> Changed {
    let first_before = flags_of(t, first);
    let then_before = flags_of(t, then);
    if kind.has(Relation::ASYMMETRIC) {
        asymmetric(t, first, then);
    }
    if kind.has(Relation::THEN_IMPLIES_FIRST) && !t.actions[then].optional {
        let stays = t.actions[then].migratable && !flags.migratable;
        if filter & OPTIONAL != 0 && !flags.optional && t.actions[first].optional && !stays {
            t.actions[first].optional = false;
            because(t, first, "required", then);
        }
        let ends = flags.migratable && !t.actions[then].migratable;
        if ends {
            t.actions[first].migratable = false;
            because(t, first, "unmigrateable", then);
        }
    }
    if kind.has(Relation::PROMOTED_THEN_IMPLIES_FIRST) && !t.actions[then].optional {
        let promoted = t.actions[then].rsc.is_some_and(|r| t.resources[r].role == Role::Promoted);
        if filter & OPTIONAL != 0 && promoted {
            if t.actions[first].optional {
                because(t, first, "required", then);
            }
            t.actions[first].optional = false;
            if t.actions[first].migratable && !t.actions[then].migratable {
                t.actions[first].migratable = false;
            }
        }
    }
    if kind.has(Relation::UNMIGRATABLE_THEN_BLOCKS) && filter & OPTIONAL != 0 {
        if !(t.actions[then].migratable && t.actions[then].runnable) {
            t.actions[first].runnable = false;
        }
        if !t.actions[then].optional {
            t.actions[first].optional = false;
        }
    }
    if kind.has(Relation::UNRUNNABLE_FIRST_BLOCKS)
        && filter & RUNNABLE != 0
        && t.actions[then].runnable
        && !flags.runnable
    {
        t.actions[then].runnable = false;
        t.actions[then].migratable = false;
        because(t, then, "unrunnable", first);
    }
    if kind.has(Relation::FIRST_IMPLIES_THEN)
        && filter & OPTIONAL != 0
        && t.actions[then].optional
        && !flags.optional
        && !t.actions[first].migratable
    {
        t.actions[then].optional = false;
        because(t, then, "required", first);
    }
    if kind.has(Relation::INTERMEDIATE_STOP) {
        restart(t, first, then, filter);
    }
    let changed = Changed {
        first: flags_of(t, first) != first_before,
        then: flags_of(t, then) != then_before,
    };
    if changed.then
        && let Some(rsc) = t.actions[then].rsc
        && t.resources[rsc].parent.is_some()
    {
        super::update(t, then);
    }
    changed
}

pub(super) fn flags_of(t: &Tables<'_>, action: ActionIdx) -> (bool, bool, bool) {
    let row = &t.actions[action];
    (row.optional, row.runnable, row.migratable)
}

/// Without first, then does not happen either, unless it is already so.
fn asymmetric(t: &mut Tables<'_>, first: ActionIdx, then: ActionIdx) {
    let Some(rsc) = t.actions[then].rsc else { return };
    if t.actions[first].runnable {
        return;
    }
    if t.actions[then].optional && t.resources[rsc].is_primitive() {
        let settled = matches!(
            (t.resources[rsc].role, t.actions[then].task),
            (Role::Stopped, "stop")
                | (Role::Started, "start")
                | (Role::Unpromoted, "start" | "demote")
                | (Role::Promoted, "start" | "promote")
        );
        if settled {
            return;
        }
    }
    if t.actions[then].runnable {
        because(t, then, "unrunnable", first);
    }
    t.actions[then].optional = false;
    t.actions[then].runnable = false;
}

/// A start that is needed, or impossible, means that what runs has to stop first.
fn restart(t: &mut Tables<'_>, first: ActionIdx, then: ActionIdx, filter: u8) {
    let then_rsc = t.actions[then].rsc;
    let managed = then_rsc.is_some_and(|rsc| t.resources[rsc].managed);
    let required = filter & OPTIONAL != 0 && !t.actions[then].optional;
    let impossible = filter & RUNNABLE != 0
        && !t.actions[then].runnable
        && managed
        && t.actions[then].rsc == t.actions[first].rsc;
    if !required && !impossible {
        return;
    }
    if !t.actions[first].runnable && required && t.actions[then].runnable {
        t.actions[then].runnable = false;
        because(t, then, "unrunnable", first);
    }
    if t.actions[first].optional {
        t.actions[first].optional = false;
        because(t, first, "required", then);
    }
    if impossible && !required {
        let stays = then_rsc.is_some_and(|rsc| t.resources[rsc].start_pending);
        if stays {
            return;
        }
    }
    if !t.actions[then].migratable {
        t.actions[first].migratable = false;
    }
}
