//! Asking the scheduler, and what the options of the cluster say about when to ask again.

use crate::manager_io::WallClock;
use core::time::Duration;
use diarch_cib::{Document, Element};
use diarch_scheduler::graph::Graph;
use diarch_scheduler::{Input, schedule};

/// What the scheduler decided.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Planned {
    /// What has to happen.
    pub graph: Graph,
    /// When it has to be asked again at the latest, seconds since 1970.
    pub recheck_by: Option<i64>,
    /// What an administrator should read.
    pub warnings: Vec<String>,
}

/// The scheduler: a pure function of the CIB and the wall clock.
pub type Scheduler = fn(&Document, WallClock) -> Planned;

/// What the scheduler of this build decides.
#[must_use]
pub fn plan(cib: &Document, wall: WallClock) -> Planned {
    let (plan, diagnostics) = schedule(cib, &Input { now: wall.0 });
    let warnings = diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
    Planned { recheck_by: plan.tables.recheck_by.get(), graph: plan.graph, warnings }
}

const RECHECK_DEFAULT: Duration = Duration::from_secs(15 * 60);

/// The value of a cluster option.
#[must_use]
pub fn option<'d>(document: &'d Document, name: &str) -> Option<&'d str> {
    let config = document.root().child("configuration")?.child("crm_config")?;
    config
        .children_named("cluster_property_set")
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.attribute("name") == Some(name))
        .and_then(|pair| pair.attribute("value"))
}

/// After how long without any event the scheduler is asked again; `None` for never.
#[must_use]
pub fn recheck_interval(document: &Document) -> Option<Duration> {
    let interval = option(document, "cluster-recheck-interval")
        .and_then(diarch_cib::time::interval_ms)
        .map_or(RECHECK_DEFAULT, Duration::from_millis);
    (!interval.is_zero()).then_some(interval)
}

/// The resource of this id, and what it is inside of, from the inside out.
fn lineage<'d>(document: &'d Document, id: &str) -> impl Iterator<Item = Element<'d>> + use<'d> {
    let id = id.split(':').next().unwrap_or(id);
    let resources =
        document.root().child("configuration").and_then(|inside| inside.child("resources"));
    let found = resources.and_then(|resources| {
        resources
            .descendants()
            .find(|one| one.name() == "primitive" && one.attribute("id") == Some(id))
    });
    core::iter::successors(found, |inner| {
        inner.parent().filter(|outer| matches!(outer.name(), "group" | "clone" | "master"))
    })
}

/// A meta attribute of a resource, inherited from what it is inside of; rules are not evaluated.
#[must_use]
pub fn meta<'d>(document: &'d Document, resource: &str, name: &str) -> Option<&'d str> {
    lineage(document, resource)
        .flat_map(|one| one.children_named("meta_attributes"))
        .flat_map(|set| set.children_named("nvpair"))
        .find(|pair| pair.attribute("name") == Some(name))
        .and_then(|pair| pair.attribute("value"))
}

/// What an active resource weighs when only one node can survive; `None` if it needs no protection
/// because it may run anywhere at any time (`requires` is `nothing` or `quorum`), or because
/// nothing runs of it (a fence device).
#[must_use]
pub fn weight(document: &Document, resource: &str) -> Option<u32> {
    let device = |element: Element<'_>| element.attribute("class") == Some("stonith");
    if lineage(document, resource).next().is_some_and(device) {
        return None;
    }
    if matches!(meta(document, resource, "requires"), Some("nothing" | "quorum")) {
        return None;
    }
    let priority = meta(document, resource, "priority").and_then(|text| text.parse().ok());
    Some(priority.unwrap_or(0_u32).saturating_add(1))
}

/// Whether a failure of this operation is not to be counted (`on-fail` is `ignore`).
#[must_use]
pub fn ignores_failure(document: &Document, resource: &str, name: &str, interval_ms: u64) -> bool {
    let same_interval = |operation: &Element<'_>| {
        let interval = operation.attribute("interval").unwrap_or("0");
        diarch_cib::time::interval_ms(interval) == Some(interval_ms)
    };
    lineage(document, resource)
        .next()
        .and_then(|primitive| primitive.child("operations"))
        .into_iter()
        .flat_map(|list| list.children_named("op"))
        .filter(|operation| operation.attribute("name") == Some(name))
        .filter(same_interval)
        .any(|operation| operation.attribute("on-fail") == Some("ignore"))
}
