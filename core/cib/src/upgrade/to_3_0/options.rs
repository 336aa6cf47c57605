//! Cluster options: old spellings, those that are defaults now, those that are gone.

use crate::score::Score;
use crate::upgrade::Effect;
use crate::upgrade::work::Work;
use crate::xml::NodeId;

/// Options that had a spelling with underscores.
const SPELLINGS: &[&str] = &[
    "cluster_recheck_interval",
    "dc_deadtime",
    "election_timeout",
    "no_quorum_policy",
    "remove_after_stop",
    "shutdown_escalation",
    "startup_fencing",
    "stonith_action",
    "stonith_enabled",
    "stop_orphan_actions",
    "stop_orphan_resources",
    "symmetric_cluster",
];

/// The stacks below Pacemaker that were known to the old dialect only.
const STACKS: &[&str] =
    &["heartbeat", "classic openais", "classic openais (with plugin)", "openais", "cman"];

/// What becomes of an option.
enum Fate {
    Stays,
    Renamed(String),
    /// It goes to a section's `<meta_attributes>` under this name.
    Moved(&'static str, &'static str),
    Dropped(&'static str),
}

/// Rewrites the pairs of every `<cluster_property_set>`.
pub(super) fn rewrite(work: &mut Work) {
    let Some(section) = work.section("crm_config") else {
        return;
    };
    for set in work.children(section, |element| element.name() == "cluster_property_set") {
        for pair in work.children(set, |element| element.name() == "nvpair") {
            rewrite_pair(work, pair);
        }
        let is_reference = work.element(set).attribute("id-ref").is_some();
        if !is_reference {
            work.drop_if_empty(set);
        }
    }
}

fn rewrite_pair(work: &mut Work, pair: NodeId) {
    let (name, value) = (work.text(pair, "name"), work.text(pair, "value"));
    match fate(&name, &value) {
        Fate::Stays => {}
        Fate::Renamed(new) if has_twin(work, pair, &new) => {
            work.drop_element(pair, format!("cluster option {name}: {new} stands beside it"));
        }
        Fate::Renamed(new) => work.document.set_attribute(pair, "name", &new),
        Fate::Moved(section, new) => move_pair(work, pair, section, new),
        Fate::Dropped(why) => work.drop_element(pair, format!("cluster option {name}: {why}")),
    }
}

/// Whether the set of a pair has another one with this name.
fn has_twin(work: &Work, pair: NodeId, name: &str) -> bool {
    let set = work.element(pair).parent();
    set.is_some_and(|set| set.children().any(|other| other.attribute("name") == Some(name)))
}

fn move_pair(work: &mut Work, pair: NodeId, section: &str, name: &str) {
    if work.element(pair).parent().is_some_and(|set| set.child("rule").is_some()) {
        work.hint(Effect::Widened, pair, "it held under a rule, and is a default always now");
    }
    let wanted = format!("_2TO3_-{}", section.replace('_', "-"));
    let Some(section) = work.section_or_new(section) else {
        return;
    };
    let set = unconditional_set(work, section, &wanted);
    work.document.move_into(pair, set);
    if name == "migration-threshold" {
        one_failure(work, pair);
    } else {
        work.document.set_attribute(pair, "name", name);
    }
}

/// The first set of a section that holds always.
fn unconditional_set(work: &mut Work, section: NodeId, wanted_id: &str) -> NodeId {
    let plain = work.children(section, |element| {
        element.name() == "meta_attributes"
            && element.child("rule").is_none()
            && element.attribute("id-ref").is_none()
    });
    match plain.first() {
        Some(set) => *set,
        None => work.new_set(section, "meta_attributes", wanted_id),
    }
}

fn fate(name: &str, value: &str) -> Fate {
    let dashed = name.replace('_', "-");
    match dashed.as_str() {
        "transition-idle-timeout" => Fate::Renamed("cluster-delay".to_owned()),
        "default-resource-stickiness" => Fate::Moved("rsc_defaults", "resource-stickiness"),
        "is-managed-default" => Fate::Moved("rsc_defaults", "is-managed"),
        "default-action-timeout" => Fate::Moved("op_defaults", "timeout"),
        "default-resource-failure-stickiness" if is_minus_infinity(value) => {
            Fate::Moved("rsc_defaults", "migration-threshold")
        }
        "default-resource-failure-stickiness" => {
            Fate::Dropped("only -INFINITY has a counterpart, migration-threshold=1")
        }
        "cluster-infrastructure" if STACKS.contains(&value) => {
            Fate::Dropped("the stack that it names is no longer supported")
        }
        "expected-quorum-votes" => Fate::Dropped("votes are the membership layer's"),
        "notification-agent" | "notification-recipient" => Fate::Dropped("alerts replace it"),
        "default-migration-threshold" => {
            Fate::Dropped("it had no effect; rsc_defaults has migration-threshold")
        }
        _ if SPELLINGS.contains(&name) => Fate::Renamed(dashed),
        _ => Fate::Stays,
    }
}

/// Whether a failure stickiness means: never again after one failure.
pub(super) fn is_minus_infinity(value: &str) -> bool {
    value.parse::<Score>().is_ok_and(|score| score == Score::MINUS_INFINITY)
}

/// A failure stickiness that became a threshold says 1.
pub(super) fn one_failure(work: &mut Work, pair: NodeId) {
    work.document.set_attribute(pair, "name", "migration-threshold");
    work.document.set_attribute(pair, "value", "1");
    work.hint(Effect::Changed, pair, "a failure stickiness is a migration threshold of 1 now");
}
