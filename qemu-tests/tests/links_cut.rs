//! Both links are cut while both nodes live: exactly one survives, and the other one is gone before
//! the survivor writes.

use diarch_qemu_tests::pair::{LINKS, NAMES};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX, expect};
use std::time::{Duration, Instant};

/// Long enough for a second reset to show.
const AFTERMATH: Duration = Duration::from_secs(5);

#[test]
fn exactly_one_node_survives_when_all_links_are_cut() {
    scenario::run("links-cut", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = pair.inject(Fault::Links, active)?;
        let reset = pair.wait_any_reset(from, TAKEOVER_MAX)?;
        let gone = Instant::now();
        let event = pair.wait_event(reset, from, "RESET", TAKEOVER_MAX)?;
        let survivor = 1 - reset;
        let since = if survivor == active { gone } else { at };
        let took = pair.wait_served_by(survivor, since, TAKEOVER_MAX)?;
        say(&format!(
            "number: links cut at {}, {} survived, fault to service: {:.3} s",
            NAMES[active],
            NAMES[survivor],
            took.as_secs_f64()
        ));
        if survivor != active {
            pair.check_gone_before_takeover(active, event.at, at)?;
        }
        std::thread::sleep(AFTERMATH);
        expect(pair.resets(survivor, from) == 0, "the survivor is not reset")?;
        pair.set_links(active, &LINKS, true)?;
        pair.rejoin()
    });
}
