//! The scheduler as the manager asks it.

use diarch_cib::Document;
use diarch_cluster::controller::policy::Planned;
use diarch_cluster::manager_io::WallClock;
use diarch_scheduler::Input;

/// What has to happen for this CIB at this time.
pub(super) fn schedule(cib: &Document, wall: WallClock) -> Planned {
    let (plan, diagnostics) = diarch_scheduler::schedule(cib, &Input { now: wall.0 });
    let recheck_by = plan.tables.recheck_by.get();
    let warnings = diagnostics.into_iter().map(|found| found.message).collect();
    Planned { graph: plan.graph, recheck_by, warnings }
}
