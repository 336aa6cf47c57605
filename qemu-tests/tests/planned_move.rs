//! The operator moves the service, and puts nodes on standby and back.

use diarch_qemu_tests::pair::NAMES;
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{TAKEOVER_MAX, expect};
use std::time::Instant;

#[test]
fn the_service_follows_a_move_and_a_standby_and_comes_back() {
    scenario::run("planned-move", |pair| {
        let first = pair.settle()?;
        let from = pair.journal.len();
        let second = 1 - first;
        let steps = [
            (second, format!("crm_resource --move --resource storage --node {}", NAMES[second])),
            (first, format!("crm_resource --move --resource storage --node {}", NAMES[first])),
            (second, format!("crm_standby --node {} --update on", NAMES[first])),
        ];
        for (place, command) in steps {
            let at = Instant::now();
            pair.must(first, &command)?;
            let took = pair.wait_served_by(place, at, TAKEOVER_MAX)?;
            say(&format!("number: `{command}` to service: {:.3} s", took.as_secs_f64()));
            pair.must(first, "crm_resource --wait")?;
            pair.must(first, "crm_resource --clear --resource storage")?;
            pair.must(first, "crm_resource --wait")?;
        }
        pair.must(second, &format!("crm_standby --node {} --delete", NAMES[first]))?;
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")?;
        pair.rejoin()
    });
}
