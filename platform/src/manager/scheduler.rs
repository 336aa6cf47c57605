//! The scheduler as the manager asks it.

use diarch_cib::Document;
use diarch_cluster::controller::policy::Planned;
use diarch_cluster::manager_io::WallClock;

/// What has to happen for this CIB at this time.
pub(super) fn schedule(_cib: &Document, _wall: WallClock) -> Planned {
    Planned::default()
}
