//! One of two links is cut: that is reported, and nothing else happens.

use diarch_qemu_tests::pair::LINKS;
use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::{LONGEST_HICCUP, expect};
use std::time::{Duration, Instant};

#[test]
fn one_link_of_two_is_only_reported() {
    scenario::run("one-link", |pair| {
        let active = pair.settle()?;
        let from = pair.journal.len();
        let at = Instant::now();
        for (number, link) in LINKS.into_iter().enumerate() {
            pair.set_links(active, &[link], false)?;
            for machine in 0..2 {
                pair.wait_timeline(machine, from, "link-down", Duration::from_secs(10))?;
            }
            std::thread::sleep(Duration::from_secs(3));
            pair.set_links(active, &[link], true)?;
            let seen = format!("link {number} is plugged in again");
            pair.wait_timeline(active, from, "link-up", Duration::from_secs(10)).map_err(
                |trouble| diarch_qemu_tests::trouble::Trouble::Wrong(format!("{seen}: {trouble}")),
            )?;
            std::thread::sleep(Duration::from_secs(2));
        }
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "nobody is reset")?;
        let hiccup = pair.longest_hiccup(at);
        expect(hiccup < LONGEST_HICCUP, "the service goes on")?;
        expect(pair.server()? == active, "the service stays where it is")?;
        pair.rejoin()
    });
}
