//! The faults once more, with a BMC for each node: power that was read back as off is proof, so
//! that nothing has to wait for a watchdog.

use super::World;
use super::bmc::Bmcs;
use super::rig::{LINKS, NODES};
use super::scenarios::{active, cut_all_links, served_by};
use super::shell::Failure;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// What a node says that took over because its peer's power is off.
const PROOF: &str = "its power reads off";

/// Gives both nodes a BMC, plays `fault`, and takes the BMCs away again.
fn with_bmcs(
    world: &mut World,
    fault: fn(&mut World) -> Result<Option<Duration>, Failure>,
) -> Result<Option<Duration>, Failure> {
    let bmcs = Bmcs::start(&world.rig)?;
    let devices = Bmcs::resources();
    world
        .rig
        .exec(0, &["cibadmin", "--modify", "--allow-create", "-o", "resources", "-X", &devices])?;
    world.rig.exec(0, &["crm_resource", "--wait", "--timeout=20s"])?;
    let outcome = fault(world);
    let removed = remove_devices(world);
    drop(bmcs);
    let took = outcome?;
    removed.map(|()| took)
}

fn remove_devices(world: &mut World) -> Result<(), Failure> {
    let Some(alive) = (0..NODES.len()).find(|index| world.rig.is_on(*index)) else {
        return Ok(());
    };
    for name in NODES {
        let path = format!("//primitive[@id='bmc-{name}']");
        world.rig.exec(alive, &["cibadmin", "--delete", "--xpath", &path])?;
    }
    Ok(())
}

/// Which proof `index` goes by, in the words of its status.
fn proof(world: &World, index: usize) -> Result<(), Failure> {
    let status = world.rig.exec(index, &["diarch", "status"])?;
    if status.lines().any(|line| line.contains(PROOF)) {
        return Ok(());
    }
    Err(format!("{} did not take over because of its peer's power: {status}", NODES[index]))
}

/// The active node loses its power; its BMC does not.
pub(crate) fn bmc_power_cut(world: &mut World) -> Result<Option<Duration>, Failure> {
    with_bmcs(world, |world| {
        let (owner, other) = active(world)?;
        let fault = Instant::now();
        world.rig.power_cut(owner)?;
        let took = served_by(world, fault, other, "power cut, BMC")?;
        proof(world, other)?;
        Ok(Some(took))
    })
}

/// The active node hangs; its BMC switches it off.
pub(crate) fn bmc_hang(world: &mut World) -> Result<Option<Duration>, Failure> {
    with_bmcs(world, |world| {
        let (owner, other) = active(world)?;
        let fault = Instant::now();
        world.rig.signal_all(owner, Signal::SIGSTOP);
        let took = served_by(world, fault, other, "hang, BMC")?;
        proof(world, other)?;
        if world.rig.is_on(owner) {
            return Err(format!("{} is still on", NODES[owner]));
        }
        Ok(Some(took))
    })
}

/// All links are cut while both BMCs can be reached by both nodes: one node is left, always.
pub(crate) fn bmc_links_cut(world: &mut World) -> Result<Option<Duration>, Failure> {
    with_bmcs(world, |world| {
        let before = [Bmcs::orders(&world.rig, 0).len(), Bmcs::orders(&world.rig, 1).len()];
        let (fault, survivor) = cut_all_links(world)?;
        let took = served_by(world, fault, survivor, "links cut, BMC")?;
        std::thread::sleep(Duration::from_secs(2));
        if !world.rig.is_on(survivor) {
            return Err("no node is left".to_owned());
        }
        if Bmcs::orders(&world.rig, survivor).len() > before[survivor] {
            return Err(format!("the survivor {} was ordered off", NODES[survivor]));
        }
        for link in 0..LINKS.len() {
            world.rig.set_link(link, true)?;
        }
        Ok(Some(took))
    })
}
