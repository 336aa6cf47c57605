//! The shared disk that the guardians arbitrate on fails for both: nobody dies while the nodes see
//! each other.

use diarch_qemu_tests::nbd::Fault;
use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::{LONGEST_HICCUP, expect};
use std::time::{Duration, Instant};

#[test]
fn nobody_dies_when_only_the_arbitration_disk_is_gone() {
    scenario::run("disk-gone", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = Instant::now();
        for fault in [Fault::Errors, Fault::Silent] {
            for machine in 0..2 {
                pair.arbiter.set_fault(machine, fault);
            }
            std::thread::sleep(Duration::from_secs(12));
            for machine in 0..2 {
                pair.arbiter.set_fault(machine, Fault::None);
            }
            std::thread::sleep(Duration::from_secs(3));
        }
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")?;
        expect(pair.server()? == active, "the service stays where it is")?;
        expect(pair.longest_hiccup(at) < LONGEST_HICCUP, "the service goes on")?;
        pair.rejoin()
    });
}
