//! The rig itself: two machines without a cluster on them. What the scenarios rely on is shown
//! here, above all that the referee catches two writers.

use diarch_qemu_tests::nbd::Fault;
use diarch_qemu_tests::pair::{COMMAND_MAX, LINKS, Pair};
use diarch_qemu_tests::scenario;
use diarch_qemu_tests::story::expect;
use diarch_qemu_tests::trouble::Trouble;
use std::time::{Duration, Instant};

#[test]
fn two_machines_share_links_disks_and_a_referee() {
    scenario::run_bare("rig", |pair| {
        pair.boot_both()?;
        links_carry_frames(pair)?;
        a_client_writes_through_the_service(pair)?;
        two_writers_are_caught(pair)?;
        disks_fail(pair)?;
        a_watchdog_resets(pair)?;
        a_machine_comes_back_from_a_power_cut(pair)
    });
}

fn links_carry_frames(pair: &mut Pair) -> Result<(), Trouble> {
    pair.must(0, "ip addr add 10.1.1.1/24 dev eth1")?;
    pair.must(1, "ip addr add 10.1.1.2/24 dev eth1")?;
    pair.must(0, "ping -c 1 -W 5 10.1.1.2")?;
    pair.set_links(1, &LINKS, false)?;
    let cut = pair.run(0, "ping -c 1 -W 2 10.1.1.2")?;
    expect(cut.status == 1, "a cut link carries nothing")?;
    pair.set_links(1, &LINKS, true)?;
    pair.must(0, "ping -c 3 -W 5 10.1.1.2")?;
    Ok(())
}

fn a_machine_comes_back_from_a_power_cut(pair: &mut Pair) -> Result<(), Trouble> {
    let from = pair.journal.len();
    pair.machines[0].power_cut();
    pair.machines[0].power_on()?;
    pair.wait_booted(0, from)?;
    pair.must(0, "ip addr add 10.1.1.1/24 dev eth1")?;
    pair.must(1, "ip addr add 10.1.1.2/24 dev eth1")?;
    pair.must(1, "ping -c 3 -W 5 10.1.1.1")?;
    pair.machines[0].qmp()?.execute("\"stop\"")?;
    let stopped = pair.run(1, "ping -c 2 -W 1 10.1.1.1")?;
    expect(stopped.status == 1, "a stopped machine answers nothing")?;
    pair.machines[0].qmp()?.execute("\"cont\"")?;
    pair.must(1, "ping -c 3 -W 5 10.1.1.1")?;
    Ok(())
}

fn a_client_writes_through_the_service(pair: &mut Pair) -> Result<(), Trouble> {
    pair.must(0, "mount -t ext4 /dev/vda /srv/data")?;
    pair.must(0, "ip addr add 192.168.77.10/24 dev eth0")?;
    pair.must(0, "busybox httpd -p 80 -h /srv/data")?;
    pair.client.set_writing(true);
    let start = Instant::now();
    let write = pair.client.wait_acknowledged(start, Duration::from_secs(20))?;
    expect(write.node == "node-a", "the service says who it is")?;
    pair.client.set_writing(false);
    let journal = pair.client.fetch("/journal", Duration::from_secs(20))?;
    expect(journal.starts_with("1\n"), "what was acknowledged is there")?;
    expect(pair.judge().violations.is_empty(), "one writer is no violation")
}

fn two_writers_are_caught(pair: &mut Pair) -> Result<(), Trouble> {
    pair.must(1, "mount -t ext4 /dev/vda /srv/data")?;
    pair.must(1, "echo here > /srv/data/here && sync")?;
    expect(pair.judge().violations.is_empty(), "the first write after a mount")?;
    pair.must(0, "echo here, too > /srv/data/too && sync")?;
    let violations = pair.judge().violations;
    let caught = violations.first().is_some_and(|first| first.machine == 0);
    expect(caught, "the write of the machine that should have stopped")
}

fn disks_fail(pair: &mut Pair) -> Result<(), Trouble> {
    let read = "dd if=/dev/vdb of=/dev/null bs=4096 count=1 iflag=direct";
    pair.arbiter.set_fault(0, Fault::Errors);
    let outcome = pair.run(0, read)?;
    expect(outcome.status != 0, "a broken disk does not answer")?;
    pair.must(1, read)?;
    pair.arbiter.set_fault(0, Fault::None);
    pair.must(0, read)?;
    Ok(())
}

fn a_watchdog_resets(pair: &mut Pair) -> Result<(), Trouble> {
    let from = pair.journal.len();
    pair.must(1, "watchdog -T 2 -t 1 /dev/watchdog0")?;
    pair.machines[1].port().begin("echo c > /proc/sysrq-trigger", COMMAND_MAX)?;
    pair.wait_event(1, from, "WATCHDOG", Duration::from_secs(10))?;
    pair.wait_booted(1, from)?;
    Ok(())
}
