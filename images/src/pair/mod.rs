//! `cargo pair`: the pair as plain daemons in namespaces on one machine, every scenario that needs
//! no kernel of its own, and the figures.

mod alerts;
mod bmc;
mod client;
mod fencing;
mod rig;
mod scenarios;
mod shell;
mod stats;

use crate::{packages, workspace};
use rig::{NODES, Rig};
use scenarios::{SCENARIOS, Scenario};
use shell::Failure;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the rig needs from Debian: the tools that build it, the agents that run in it.
const PACKAGES: &[&str] = &[
    "busybox-static",
    "e2fsprogs",
    "iproute2",
    "ipmitool",
    "iputils-ping",
    "openipmi",
    "pacemaker-common",
    "pacemaker-resource-agents",
    "procps",
    "psmisc",
    "resource-agents",
    "util-linux",
];

/// What `cargo pair` was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Runs of each measured scenario.
    runs: usize,
    /// Only scenarios whose name contains one of these, between commas.
    only: Option<String>,
    /// Leave the rig running until Enter is pressed.
    stay: bool,
}

impl Options {
    /// Whether the scenario `name` was asked for.
    fn wants(&self, name: &str) -> bool {
        let named = |words: &String| words.split(',').any(|word| name.contains(word));
        self.only.as_ref().is_none_or(named)
    }
}

const HELP: &str = "\
usage: cargo pair [-- [--runs N] [--only WORD] [--stay] [--list]]

Runs two nodes in namespaces on this machine (root needed), injects each fault, and prints the
time from fault to service. The consoles of what failed are kept in target/pair.failed.

  --runs N     repeat each measured scenario N times (default 5)
  --only WORD  only the scenarios whose name contains WORD (or one of WORD,WORD)
  --stay       build the pair, print how to reach it, and wait for Enter
  --list       name the scenarios
";

/// What the scenarios came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Scenarios that held.
    pub(crate) passed: usize,
    /// Scenarios that did not.
    pub(crate) failed: usize,
    /// Scenarios that could not be tried.
    pub(crate) skipped: usize,
}

impl Tally {
    /// Says and counts what `name` came to; whether it held.
    fn count(&mut self, name: &str, verdict: Result<String, Failure>) -> bool {
        match &verdict {
            Ok(held) => {
                self.passed += 1;
                crate::say::line(format!("pair: ok      {name:<28} {held}"));
            }
            Err(failure) => {
                self.failed += 1;
                crate::say::line(format!("pair: FAILED  {name:<28} {failure}"));
            }
        }
        verdict.is_ok()
    }
}

/// The test of the referee itself.
const REFEREE_TESTED: &str = "referee-tested";

/// Plays a fault on a build that takes over without proof: the referee has to object.
fn referee_tested(dir: &Path) -> Result<String, Failure> {
    let executable = workspace::build_executable_without_proof();
    let executable = executable.map_err(|failure| failure.to_string())?;
    let mut world = World::build(dir, &executable)?;
    world.make_healthy()?;
    scenarios::guardian_stuck(&mut world)?;
    match world.referee.verdict() {
        Some(violation) => Ok(format!("a takeover without proof was caught: {violation}")),
        None => Err("a takeover without proof was not caught".to_owned()),
    }
}

/// Builds the executable and plays the scenarios that `arguments` ask for.
///
/// # Errors
///
/// If the arguments are wrong, the rig cannot be built, or a scenario fails.
pub(crate) fn task(arguments: &[String]) -> Result<(), crate::failure::Failure> {
    let missing = crate::failure::Failure::Missing;
    let executable = workspace::build_executable()?;
    packages::install(PACKAGES)?;
    let tally = play(arguments, &executable, &workspace::target().join("pair")).map_err(missing)?;
    if tally.failed == 0 {
        return Ok(());
    }
    Err(missing(format!("{} scenarios that hold", tally.failed)))
}

fn play(arguments: &[String], executable: &Path, dir: &Path) -> Result<Tally, Failure> {
    let Some(options) = parse(arguments)? else {
        return Ok(Tally::default());
    };
    let mut world = World::build(dir, executable)?;
    if options.stay {
        return stay(&mut world);
    }
    let mut tally = Tally::default();
    for scenario in SCENARIOS {
        if !options.wants(scenario.name) {
            continue;
        }
        if !tally.count(scenario.name, attempt(&mut world, scenario, options.runs)) {
            world.rebuild(dir, executable, scenario.name)?;
        }
    }
    crate::say::line(&world.costs()?);
    for (name, verdict) in world.judge() {
        tally.count(name, verdict);
    }
    drop(world);
    if options.wants(REFEREE_TESTED) {
        tally.count(REFEREE_TESTED, referee_tested(&dir.with_extension("without-proof")));
    }
    crate::say::line(format!(
        "{} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    ));
    Ok(tally)
}

fn parse(arguments: &[String]) -> Result<Option<Options>, Failure> {
    let mut options = Options { runs: 5, only: None, stay: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--runs" => {
                let text = value()?;
                options.runs = text.parse().map_err(|_| format!("--runs {text}: not a number"))?;
            }
            "--only" => options.only = Some(value()?),
            "--stay" => options.stay = true,
            "--list" => {
                SCENARIOS.iter().for_each(|scenario| crate::say::line(scenario.name));
                return Ok(None);
            }
            "--help" | "-h" => {
                crate::say::line(HELP);
                return Ok(None);
            }
            other => return Err(format!("unknown option {other}\n{HELP}")),
        }
    }
    Ok(Some(options))
}

fn attempt(world: &mut World, scenario: &Scenario, runs: usize) -> Result<String, Failure> {
    let mut times = Vec::new();
    for run in 1..=runs.min(scenario.runs_max).max(1) {
        world.make_healthy()?;
        crate::say::line(format!("pair: … {} (run {run})", scenario.name));
        if let Some(time) = (scenario.play)(world)? {
            times.push(time);
        }
    }
    Ok(if times.is_empty() { String::new() } else { stats::spread(&times) })
}

fn stay(world: &mut World) -> Result<Tally, Failure> {
    world.make_healthy()?;
    for (index, name) in NODES.iter().enumerate() {
        crate::say::line(format!(
            "{name}: console {}; a shell: {}",
            world.rig.console(index).display(),
            world.rig.shell_hint(index)
        ));
    }
    crate::say::line("press Enter to end");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| format!("cannot wait: {error}"))?;
    Ok(Tally::default())
}

/// The rig with its client and its referee.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) client: client::Client,
    pub(crate) referee: scenarios::Referee,
}

impl World {
    fn build(dir: &Path, executable: &Path) -> Result<Self, Failure> {
        let rig = Rig::build(dir, executable)?;
        scenarios::configure(&rig, executable)?;
        let address = scenarios::SERVICE_ADDRESS;
        let client = client::Client::start(rig::CLIENT, address)?;
        Ok(Self { rig, client, referee: scenarios::Referee::default() })
    }

    /// Keeps what is left of a failed scenario and begins with a new rig.
    fn rebuild(&mut self, dir: &Path, executable: &Path, name: &str) -> Result<(), Failure> {
        let failed = dir.with_extension("failed");
        std::fs::create_dir_all(&failed)
            .map_err(|error| format!("cannot create {}: {error}", failed.display()))?;
        for (index, node) in NODES.iter().enumerate() {
            if self.rig.is_on(index) {
                self.rig.power_cut(index)?;
            }
            let kept = failed.join(format!("{name}.{node}.console"));
            std::fs::copy(self.rig.console(index), kept)
                .map_err(|error| format!("cannot keep a console: {error}"))?;
        }
        self.rig.release();
        *self = Self::build(dir, executable)?;
        Ok(())
    }

    /// Switches on what is off and waits until both nodes are members and the service answers.
    pub(crate) fn make_healthy(&mut self) -> Result<(), Failure> {
        for link in 0..rig::LINKS.len() {
            self.rig.set_link(link, true)?;
        }
        for index in 0..NODES.len() {
            if !self.rig.is_on(index) {
                self.rig.power_on(index)?;
            }
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let Some(trouble) = scenarios::trouble(self) else {
                return self.client_sees_service();
            };
            if Instant::now() > deadline {
                return Err(format!("the pair did not become healthy: {trouble}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn client_sees_service(&self) -> Result<(), Failure> {
        // Nothing is left to do: whatever can run runs, on both nodes.
        self.rig.exec(0, &["crm_resource", "--wait", "--timeout=20s"])?;
        self.client.wait_ack(Instant::now(), None, Duration::from_secs(20)).map(drop)
    }

    /// What the client and the referee, who stand outside both nodes, have seen.
    fn judge(&mut self) -> [(&'static str, Result<String, Failure>); 2] {
        let stored = self.client.check();
        let stored = stored.map(|count| format!("all {count} acknowledged writes are there"));
        let mounted = match self.referee.verdict() {
            Some(violation) => Err(violation.to_owned()),
            None => Ok("the data disk was never mounted by both nodes".to_owned()),
        };
        [("client", stored), ("referee", mounted)]
    }

    /// Resident memory, threads and wakeups of each daemon, measured over three seconds of idling.
    fn costs(&mut self) -> Result<String, Failure> {
        self.make_healthy()?;
        let window = Duration::from_secs(3);
        let mut lines = Vec::new();
        for (index, name) in NODES.iter().enumerate() {
            for words in ["run", "manager"] {
                let Some(pid) = self.rig.process(index, words) else {
                    lines.push(format!("pair: {name} {words}: no such process"));
                    continue;
                };
                let before = stats::cost(pid);
                std::thread::sleep(window);
                let after = stats::cost(pid);
                let wakeups = after.switches.saturating_sub(before.switches);
                lines.push(format!(
                    "pair: {name} diarch {words}: {} KiB resident ({} KiB proportional), \
                     {} threads, {:.1} wakeups/s",
                    after.resident_kib,
                    after.proportional_kib,
                    after.threads,
                    wakeups as f64 / window.as_secs_f64()
                ));
            }
        }
        Ok(lines.join("\n"))
    }
}
