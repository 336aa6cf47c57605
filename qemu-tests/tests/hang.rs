//! The active machine stops as a whole and goes on after the other one has taken over: it must not
//! live on, and must not write.

use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX, expect};
use std::time::{Duration, Instant};

/// How long a machine that slept through its own death may live on.
const REVIVED_MAX: Duration = Duration::from_millis(100);

#[test]
fn a_machine_that_slept_through_its_own_death_is_reset_on_waking() {
    scenario::run("hang", |pair| {
        let active = pair.settle()?;
        pair.take_over(Fault::Hang, active)?;
        let from = pair.journal.len();
        let woken = Instant::now();
        pair.machines[active].qmp()?.execute("\"cont\"")?;
        let ended = pair.wait_console(active, from, "event=self-fence", TAKEOVER_MAX)?;
        let lived = ended.at.saturating_duration_since(woken);
        say(&format!("number: hang, waking to the reset's order: {:.3} s", lived.as_secs_f64()));
        // From that line on the processor only resets. The event comes when the emulator has reset
        // every device, which takes it some tenths of a second.
        let reset = pair.wait_event(active, from, "RESET", TAKEOVER_MAX)?;
        let whole = reset.at.saturating_duration_since(woken).as_secs_f64();
        say(&format!("number: hang, waking to the emulator's reset: {whole:.3} s"));
        expect(lived <= REVIVED_MAX, "the revived node resets itself within 100 ms")?;
        pair.rejoin()
    });
}
