//! The file service dies by itself: it is recovered in place, and after `migration-threshold` (3)
//! failures it moves.

use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX, expect};
use std::time::Duration;

#[test]
fn a_failed_service_is_recovered_in_place_and_moves_after_its_threshold() {
    scenario::run("monitor-fails", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        for failure in 1..=3 {
            let place = if failure < 3 { active } else { 1 - active };
            let at = pair.inject(Fault::Resource, active)?;
            // A write that was under way may still be acknowledged.
            let since = at + Duration::from_millis(500);
            let took = pair.wait_served_by(place, since, TAKEOVER_MAX)?;
            let how = if failure < 3 { "recovered in place" } else { "moved" };
            say(&format!(
                "number: service failure {failure}, {how} after {:.3} s",
                took.as_secs_f64()
            ));
            std::thread::sleep(Duration::from_secs(3));
        }
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")?;
        pair.must(1 - active, "crm_resource --cleanup --resource web")?;
        pair.rejoin()
    });
}
