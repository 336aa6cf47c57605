//! The faults, one function each: inject, wait until the client's writes are acknowledged again,
//! and say how long that took.

use super::World;
use super::alerts::alerts;
use super::fencing::{bmc_hang, bmc_links_cut, bmc_power_cut};
use super::rig::{LINKS, NODES, Rig};
use super::shell::{Failure, run};
use nix::sys::signal::{Signal, kill};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the client finds the service.
pub(crate) const SERVICE_ADDRESS: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 77, 0, 100)), 80);
/// Longest acceptable time from any fault to service in the rig.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest pause between two acknowledged writes where nothing shall happen: shorter than any
/// takeover, longer than a busy machine holds a client up.
const PAUSE_MAX: Duration = Duration::from_millis(2500);

/// How long a node that slept through its own death may take to be gone, on a loaded host.
const REVIVED_MAX: Duration = Duration::from_millis(500);

/// A named fault.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// A claim, as a file name would be.
    pub(crate) name: &'static str,
    /// The most runs that make sense.
    pub(crate) runs_max: usize,
    /// Plays it once on a healthy pair; the time from fault to service where that is defined.
    pub(crate) play: fn(&mut World) -> Result<Option<Duration>, Failure>,
}

/// Every scenario, in the order in which they are played.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "cold-start", runs_max: 100, play: cold_start },
    Scenario { name: "power-cut", runs_max: 100, play: power_cut },
    Scenario { name: "hang-and-wake", runs_max: 100, play: hang_and_wake },
    Scenario { name: "all-links-cut", runs_max: 100, play: all_links_cut },
    Scenario { name: "one-link-cut", runs_max: 1, play: one_link_cut },
    Scenario { name: "disk-gone", runs_max: 1, play: disk_gone },
    Scenario { name: "other-key", runs_max: 1, play: other_key },
    Scenario { name: "manager-killed", runs_max: 1, play: manager_killed },
    Scenario { name: "guardian-killed", runs_max: 100, play: guardian_killed },
    Scenario { name: "guardian-stuck", runs_max: 100, play: guardian_stuck },
    Scenario { name: "resource-failed", runs_max: 100, play: resource_failed },
    Scenario { name: "planned-move", runs_max: 100, play: planned_move },
    Scenario { name: "standby", runs_max: 100, play: standby },
    Scenario { name: "clean-stop", runs_max: 100, play: clean_stop },
    Scenario { name: "blackout-last-owner-first", runs_max: 1, play: blackout_owner_first },
    Scenario { name: "blackout-other-first", runs_max: 1, play: blackout_other_first },
    Scenario { name: "twenty-link-cuts", runs_max: 1, play: twenty_link_cuts },
    Scenario { name: "alerts", runs_max: 1, play: alerts },
    Scenario { name: "bmc-power-cut", runs_max: 100, play: bmc_power_cut },
    Scenario { name: "bmc-hang", runs_max: 100, play: bmc_hang },
    Scenario { name: "bmc-links-cut", runs_max: 100, play: bmc_links_cut },
];

/// Sees both nodes from outside, at every look: the data disk belongs to one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Referee {
    violation: Option<String>,
}

impl Referee {
    /// Looks once.
    pub(crate) fn look(&mut self, rig: &Rig, during: &str) {
        if rig.has_data_mounted(0) && rig.has_data_mounted(1) {
            self.violation.get_or_insert_with(|| format!("both nodes had it mounted ({during})"));
        }
    }

    /// What went wrong, if anything did.
    pub(crate) fn verdict(&self) -> Option<&str> {
        self.violation.as_deref()
    }
}

/// Writes the pair's settings, its key, its SBD disk and its CIB.
pub(crate) fn configure(rig: &Rig, executable: &Path) -> Result<(), Failure> {
    let program = executable.display().to_string();
    let made = rig.dir().join("etc");
    let folder = made.display().to_string();
    let [a, b] = NODES;
    let mut setup = vec!["setup", "--output", &folder, "--cluster", "pair"];
    setup.extend(["--node", a, "--node", b, "--watchdog", "software", "--disk", rig.sbd()]);
    for link in LINKS {
        setup.extend(["--link", link]);
    }
    run(&program, &setup)?;
    run(&program, &["sbd", "-d", rig.sbd(), "create"])?;
    let cib = storage_cib(rig.data());
    for node in NODES {
        let etc = rig.inside(node, "/etc/diarch").display().to_string();
        run("mkdir", &["-p", &etc])?;
        run("cp", &["-r", &format!("{folder}/."), &etc])?;
        let store = rig.inside(node, "/var/lib/pacemaker/cib");
        run("mkdir", &["-p", &store.display().to_string()])?;
        std::fs::write(store.join("cib.xml"), &cib)
            .map_err(|error| format!("cannot write {}: {error}", store.display()))?;
    }
    publish(rig)
}

/// Puts the two small programs that the client calls onto the data disk.
fn publish(rig: &Rig) -> Result<(), Failure> {
    let mount = rig.dir().join("mount");
    let place = mount.display().to_string();
    run("mkdir", &["-p", &place])?;
    run("mount", &[rig.data(), &place])?;
    let scripts = [
        (
            "append",
            "echo \"$QUERY_STRING\" >>/srv/data/log && sync -d /srv/data/log && \
                    echo \"stored $(hostname)\"",
        ),
        ("all", "cat /srv/data/log"),
    ];
    let cgi = mount.join("www/cgi-bin");
    let mut wrote = std::fs::create_dir_all(&cgi);
    for (name, body) in scripts {
        let text = format!("#!/bin/sh\necho 'Content-Type: text/plain'\necho\n{body}\n");
        wrote = wrote.and_then(|()| std::fs::write(cgi.join(name), text));
    }
    let programs = cgi.display().to_string();
    let made = run("chmod", &["755", &format!("{programs}/append"), &format!("{programs}/all")]);
    run("umount", &[&place])?;
    wrote.map_err(|error| format!("cannot write the client's programs: {error}"))?;
    made.map(drop)
}

/// The storage service of the examples with this rig's disk, device and address.
fn storage_cib(data: &str) -> String {
    include_str!("storage-pair.xml").replace("@DATA@", data)
}

/// Why the pair is not (yet) healthy, in the words of its own status.
pub(crate) fn trouble(world: &mut World) -> Option<String> {
    for (index, name) in NODES.iter().enumerate() {
        if !world.rig.is_on(index) {
            return Some(format!("{name} switched itself off"));
        }
        let status = match world.rig.exec(index, &["diarch", "status"]) {
            Ok(status) => status,
            Err(failure) => return Some(failure),
        };
        if !status.starts_with("HA complete") {
            let reasons = status.lines().filter(|line| line.starts_with("because"));
            return Some(format!("{name}: {}", reasons.collect::<Vec<_>>().join(", ")));
        }
    }
    None
}

/// Which node the client is served by now, and which is the other.
pub(crate) fn active(world: &World) -> Result<(usize, usize), Failure> {
    let ack = world.client.wait_ack(Instant::now(), None, PATIENCE)?;
    match NODES.iter().position(|name| *name == ack.node) {
        Some(0) => Ok((0, 1)),
        Some(_) => Ok((1, 0)),
        None => Err(format!("the service calls itself {}", ack.node)),
    }
}

/// Waits until the client is served by `node`, the referee looking on.
pub(crate) fn served_by(
    world: &mut World,
    since: Instant,
    node: usize,
    what: &str,
) -> Result<Duration, Failure> {
    let step = Duration::from_millis(4);
    loop {
        world.referee.look(&world.rig, what);
        match world.client.wait_ack(since, Some(NODES[node]), step) {
            Ok(ack) => return Ok(ack.answered.duration_since(since)),
            Err(failure) if since.elapsed() > PATIENCE => return Err(failure),
            Err(_) => {}
        }
    }
}

fn off_within(world: &mut World, index: usize, patience: Duration) -> Result<Duration, Failure> {
    let start = Instant::now();
    while world.rig.is_on(index) {
        if start.elapsed() > patience {
            return Err(format!("{} was not reset within {patience:?}", NODES[index]));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(start.elapsed())
}

/// Both nodes get power at the same moment, after both had lost it.
fn cold_start(world: &mut World) -> Result<Option<Duration>, Failure> {
    for index in 0..NODES.len() {
        world.rig.power_cut(index)?;
    }
    let start = Instant::now();
    for index in 0..NODES.len() {
        world.rig.power_on(index)?;
    }
    let ack = world.client.wait_ack(start, None, PATIENCE)?;
    Ok(Some(ack.answered.duration_since(start)))
}

fn power_cut(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    world.rig.power_cut(owner)?;
    served_by(world, fault, other, "power cut").map(Some)
}

fn hang_and_wake(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    world.rig.signal_all(owner, Signal::SIGSTOP);
    // A frozen node has the disk mounted until it has been woken and has ended itself. This referee
    // sees mounts and no writes, so it cannot judge that moment; the one of the emulated machines
    // can, and here the moment is bounded.
    let ack = world.client.wait_ack(fault, Some(NODES[other]), PATIENCE)?;
    world.rig.signal_all(owner, Signal::SIGCONT);
    let lived = off_within(world, owner, REVIVED_MAX)?;
    crate::say::line(format!("pair: the woken node was gone after {:.3} s", lived.as_secs_f64()));
    Ok(Some(ack.answered.duration_since(fault)))
}

/// Cuts every link and waits until it is decided: one node may act because its peer is proved to be
/// down; the other was reset, or, if it ran nothing to protect, says that it may not act.
pub(crate) fn cut_all_links(world: &mut World) -> Result<(Instant, usize), Failure> {
    let fault = Instant::now();
    for link in 0..LINKS.len() {
        world.rig.set_link(link, false)?;
    }
    while fault.elapsed() < PATIENCE {
        world.referee.look(&world.rig, "links cut");
        for index in 0..NODES.len() {
            let survives = standing(world, index).is_some_and(|text| acts_alone(&text));
            if survives && !standing(world, 1 - index).is_some_and(|text| may_act(&text)) {
                return Ok((fault, index));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("both nodes went on with all links cut, or neither did".into())
}

/// What a node that is on says of itself.
fn standing(world: &mut World, index: usize) -> Option<String> {
    let on = world.rig.is_on(index);
    on.then(|| world.rig.exec(index, &["diarch", "status"]).ok()).flatten()
}

/// Whether this is the status of a node that may run services.
fn may_act(status: &str) -> bool {
    status.lines().any(|line| line.starts_with("node ") && line.contains(": may run services"))
}

/// Whether this is the status of a node that may run services without its peer.
fn acts_alone(status: &str) -> bool {
    let down = |line: &str| line.starts_with("peer ") && line.contains(": down");
    may_act(status) && status.lines().any(down)
}

fn all_links_cut(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (fault, survivor) = cut_all_links(world)?;
    let time = served_by(world, fault, survivor, "links cut")?;
    if world.rig.is_on(survivor) {
        return Ok(Some(time));
    }
    Err("both nodes were reset".into())
}

fn twenty_link_cuts(world: &mut World) -> Result<Option<Duration>, Failure> {
    for round in 1..=20 {
        all_links_cut(world).map_err(|failure| format!("cut {round}: {failure}"))?;
        world.make_healthy()?;
    }
    Ok(None)
}

fn nothing_happens(world: &mut World, owner: usize, span: Duration) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < span {
        world.client.wait_ack(Instant::now(), Some(NODES[owner]), PAUSE_MAX)?;
        for (index, name) in NODES.iter().enumerate() {
            if !world.rig.is_on(index) {
                return Err(format!("{name} was reset"));
            }
        }
    }
    Ok(())
}

fn one_link_cut(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, _) = active(world)?;
    world.rig.set_link(0, false)?;
    nothing_happens(world, owner, Duration::from_secs(4))?;
    world.rig.set_link(0, true)?;
    nothing_happens(world, owner, Duration::from_secs(1))?;
    Ok(None)
}

fn disk_gone(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, _) = active(world)?;
    let kept = world.rig.take_sbd_away()?;
    let noticed = (0..NODES.len()).try_for_each(|index| {
        status_shows(world, index, "disks: 0 of 1 up")?;
        nothing_happens(world, owner, Duration::from_secs(4))
    });
    world.rig.bring_sbd_back(&kept)?;
    noticed?;
    (0..NODES.len()).try_for_each(|index| status_shows(world, index, "disks: 1 of 1 up"))?;
    nothing_happens(world, owner, Duration::from_secs(1))?;
    Ok(None)
}

fn status_shows(world: &mut World, index: usize, words: &str) -> Result<(), Failure> {
    let start = Instant::now();
    loop {
        let status = standing(world, index).unwrap_or_default();
        if status.lines().any(|line| line == words) {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("{} does not say `{words}`: {status}", NODES[index]));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A node comes back with a key of its own: both say so, and the service goes on where it is.
fn other_key(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let place = world.rig.inside(NODES[other], "/etc/diarch/diarch.key");
    let failed = |error| format!("cannot change {}: {error}", place.display());
    let key = std::fs::read(&place).map_err(failed)?;
    world.rig.power_cut(other)?;
    std::fs::write(&place, format!("{}\n", "0123456789abcdef".repeat(4))).map_err(failed)?;
    world.rig.power_on(other)?;
    let words = "because frames arrive that are sealed with another key: copy diarch.key from one \
                 node to the other";
    let noticed = [owner, other].iter().try_for_each(|index| status_shows(world, *index, words));
    let gone_on = nothing_happens(world, owner, Duration::from_secs(6));
    if world.rig.is_on(other) {
        world.rig.power_cut(other)?;
    }
    std::fs::write(&place, key).map_err(failed)?;
    noticed.and(gone_on).map(|()| None)
}

fn kill_process(world: &World, index: usize, words: &str) -> Result<(), Failure> {
    let name = NODES[index];
    let pid = world
        .rig
        .process(index, words)
        .ok_or_else(|| format!("{name} has no process `diarch {words}`"))?;
    kill(pid, Signal::SIGKILL).map_err(|error| format!("cannot kill {pid}: {error}"))
}

fn manager_killed(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, _) = active(world)?;
    let server = |world: &World| world.rig.exec(owner, &["pgrep", "-o", "-f", "busybox httpd"]);
    let before = server(world)?;
    kill_process(world, owner, "manager")?;
    nothing_happens(world, owner, Duration::from_secs(6))?;
    if server(world)? != before {
        return Err("the service was restarted".into());
    }
    Ok(None)
}

fn guardian_killed(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    kill_process(world, owner, "run")?;
    served_by(world, fault, other, "guardian killed").map(Some)
}

/// The guardian stops and everything else on its node goes on: until the watchdog fires, that node
/// writes, and nothing but proof keeps the other one from doing so, too.
pub(crate) fn guardian_stuck(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let name = NODES[owner];
    let guardian = world.rig.process(owner, "run");
    let guardian = guardian.ok_or_else(|| format!("{name} has no process `diarch run`"))?;
    let fault = Instant::now();
    kill(guardian, Signal::SIGSTOP).map_err(|error| format!("cannot stop {guardian}: {error}"))?;
    served_by(world, fault, other, "guardian stuck").map(Some)
}

fn resource_failed(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, _) = active(world)?;
    world.rig.exec(owner, &["pkill", "-9", "-f", "busybox httpd"])?;
    // Only what is asked for from here on finds the server gone.
    let fault = Instant::now();
    let time = served_by(world, fault, owner, "resource failed")?;
    world.rig.exec(owner, &["crm_resource", "--cleanup"])?;
    Ok(Some(time))
}

/// There and back again; the time is that of the slower way.
fn planned_move(world: &mut World) -> Result<Option<Duration>, Failure> {
    let there = move_once(world)?;
    world.make_healthy()?;
    let back = move_once(world)?;
    Ok(there.max(back))
}

fn move_once(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    world.rig.exec(owner, &["crm_resource", "--move", "-r", "storage", "-N", NODES[other]])?;
    let time = served_by(world, fault, other, "planned move")?;
    world.rig.exec(owner, &["crm_resource", "--clear", "-r", "storage"])?;
    Ok(Some(time))
}

fn standby(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    world.rig.exec(other, &["crm_standby", "-N", NODES[owner], "-v", "on"])?;
    let time = served_by(world, fault, other, "standby")?;
    world.rig.exec(other, &["crm_standby", "-N", NODES[owner], "-D"])?;
    Ok(Some(time))
}

/// The owner leaves by request: its services move, it is gone, and nothing is waited for.
fn clean_stop(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = active(world)?;
    let fault = Instant::now();
    // When the node leaves, its namespace ends, and the command with it.
    let asked = world.rig.exec(owner, &["diarch", "stop"]);
    let time = served_by(world, fault, other, "clean stop")?;
    off_within(world, owner, PATIENCE).map_err(|failure| asked.err().unwrap_or(failure))?;
    status_shows(world, other, &format!("peer {}: down: it left cleanly", NODES[owner]))?;
    Ok(Some(time))
}

fn blackout(world: &mut World) -> Result<(usize, usize), Failure> {
    let (owner, other) = active(world)?;
    // The other node dies first, so that the owner is the last one to have owned the data alone.
    world.rig.power_cut(other)?;
    std::thread::sleep(Duration::from_secs(6));
    world.client.wait_ack(Instant::now(), Some(NODES[owner]), PATIENCE)?;
    world.rig.power_cut(owner)?;
    Ok((owner, other))
}

fn blackout_owner_first(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, _) = blackout(world)?;
    let fault = Instant::now();
    world.rig.power_on(owner)?;
    served_by(world, fault, owner, "start alone").map(Some)
}

fn blackout_other_first(world: &mut World) -> Result<Option<Duration>, Failure> {
    let (owner, other) = blackout(world)?;
    world.rig.power_on(other)?;
    let start = Instant::now();
    if world.client.wait_ack(start, None, Duration::from_secs(8)).is_ok() {
        return Err(format!("{} served data that may be stale", NODES[other]));
    }
    let reason = world.rig.exec(other, &["diarch", "status"]);
    if !reason.as_ref().is_ok_and(|text| text.contains("last owner")) {
        return Err(format!("status does not say why it does not start: {reason:?}"));
    }
    world.rig.power_on(owner)?;
    world.client.wait_ack(start, None, PATIENCE).map(|_| None)
}
