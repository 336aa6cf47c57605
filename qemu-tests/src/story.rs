//! What happens to a pair, in the words of the scenarios: form it, hurt it, see who serves.

use crate::client::Acknowledged;
use crate::journal::{Record, Source};
use crate::nbd::Kind;
use crate::pair::{LINKS, NAMES, Pair};
use crate::scenario::say;
use crate::timeline::Line;
use crate::trouble::Trouble;
use crate::wait;
use std::time::{Duration, Instant};

/// From two booted machines to a pair, under emulation.
pub const FORM_MAX: Duration = Duration::from_secs(60);
/// From the configuration to the first acknowledged write, under emulation.
pub const SERVE_MAX: Duration = Duration::from_secs(60);
/// From a fault to the next acknowledged write, under emulation.
pub const TAKEOVER_MAX: Duration = Duration::from_secs(60);
/// From a machine's power to its being a member again, resources placed.
pub const REJOIN_MAX: Duration = Duration::from_secs(120);
/// The longest time between two acknowledged writes of a service that goes on, under emulation.
pub const LONGEST_HICCUP: Duration = Duration::from_secs(5);
/// How long a pair that has just formed is left alone.
const SETTLE: Duration = Duration::from_secs(3);
/// How often a node is asked whom it sees.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// For a command that only looks.
const LOOK_MAX: Duration = Duration::from_secs(20);

/// What can be done to a node from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Its power is cut.
    Power,
    /// Its kernel panics.
    Panic,
    /// The whole machine stops, and goes on later.
    Hang,
    /// Both its links are cut.
    Links,
    /// Its manager is killed.
    Manager,
    /// Its guardian is killed.
    Guardian,
    /// Its file service is killed.
    Resource,
}

impl Fault {
    /// Every fault, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::Power,
        Self::Panic,
        Self::Hang,
        Self::Links,
        Self::Manager,
        Self::Guardian,
        Self::Resource,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Panic => "panic",
            Self::Hang => "hang",
            Self::Links => "links",
            Self::Manager => "manager",
            Self::Guardian => "guardian",
            Self::Resource => "resource",
        }
    }
}

/// A shell command that prints the process numbers of whatever runs with the argument `word`.
fn processes(word: &str) -> String {
    format!("ps -o pid,args | awk '$0 ~ / {word}( |$)/ && $0 !~ /awk/ {{ print $1 }}'")
}

/// Kills, without any warning, what runs with the argument `word`; fails if nothing does. A child
/// that ends by itself in the meantime is no failure.
fn kill(word: &str) -> String {
    format!("found=$({}); test -n \"$found\" && {{ kill -9 $found; true; }}", processes(word))
}

impl Pair {
    /// Boots both machines and waits until each sees the other as a member.
    ///
    /// # Errors
    /// If they do not.
    pub fn form(&mut self) -> Result<(), Trouble> {
        self.boot_both()?;
        self.prepare_arbiter()?;
        for machine in 0..2 {
            self.wait_online(machine, &[0, 1], FORM_MAX)?;
        }
        Ok(())
    }

    /// Writes SBD's header and both nodes' slots to the disk that the guardians arbitrate on, as an
    /// administrator does once.
    fn prepare_arbiter(&mut self) -> Result<(), Trouble> {
        let sbd = "sbd -d /dev/vdb";
        if self.run(0, &format!("{sbd} list"))?.status == 0 {
            return Ok(());
        }
        self.must(0, &format!("{sbd} -1 4 -4 8 create"))?;
        for name in NAMES {
            self.must(0, &format!("{sbd} allocate {name}"))?;
        }
        Ok(())
    }

    /// Waits until `machine` says that exactly the nodes `who` are online.
    ///
    /// # Errors
    /// If it does not say so within `limit`.
    pub fn wait_online(
        &mut self,
        machine: usize,
        who: &[usize],
        limit: Duration,
    ) -> Result<(), Trouble> {
        let names: Vec<&str> = who.iter().map(|number| NAMES[*number]).collect();
        let what = format!("the members {} as {} sees them", names.join(" "), NAMES[machine]);
        wait::until(&what, limit, || {
            std::thread::sleep(LOOK_AGAIN);
            (self.members(machine)? == names).then_some(())
        })
    }

    /// The members that `machine` names, where it answers.
    fn members(&mut self, machine: usize) -> Option<Vec<String>> {
        let seen = self.machines[machine].port().run("crm_node -p", LOOK_MAX).ok()?;
        let names = seen.output.split_whitespace().map(str::to_owned).collect();
        (seen.status == 0).then_some(names)
    }

    /// Loads the storage service's configuration and waits until the client is served by a node,
    /// whose number it returns.
    ///
    /// # Errors
    /// If the configuration is refused or nobody serves.
    pub fn serve(&mut self) -> Result<usize, Trouble> {
        let file = "/usr/share/diarch/examples/storage-head.xml";
        self.must(0, &format!("cibadmin --replace --xml-file {file}"))?;
        self.client.set_writing(true);
        let write = self.client.wait_acknowledged(Instant::now(), SERVE_MAX)?;
        node_number(&write)
    }

    /// Forms the pair, starts the storage service and lets it settle; which machine serves.
    ///
    /// # Errors
    /// As [`Pair::form`] and [`Pair::serve`].
    pub fn settle(&mut self) -> Result<usize, Trouble> {
        let at = Instant::now();
        self.form()?;
        let formed = at.elapsed().as_secs_f64();
        let active = self.serve()?;
        say(&format!("number: power to a pair: {formed:.3} s, kernels included"));
        self.must(active, "crm_resource --wait")?;
        std::thread::sleep(SETTLE);
        Ok(active)
    }

    /// Does `fault` to `active` and waits until the other machine serves.
    ///
    /// # Errors
    /// If the fault cannot be done or the other machine does not serve in time.
    pub fn take_over(&mut self, fault: Fault, active: usize) -> Result<(), Trouble> {
        let at = self.inject(fault, active)?;
        let took = self.wait_served_by(1 - active, at, TAKEOVER_MAX)?;
        let name = fault.name();
        say(&format!("number: {name}, fault to service: {:.3} s", took.as_secs_f64()));
        Ok(())
    }

    /// Checks that `dead`, reset at `reset`, was gone before the other machine wrote to the data
    /// disk for the first time since `since`.
    ///
    /// # Errors
    /// If the other machine wrote before.
    pub fn check_gone_before_takeover(
        &self,
        dead: usize,
        reset: Instant,
        since: Instant,
    ) -> Result<(), Trouble> {
        let survivor = 1 - dead;
        let accesses = self.data.accesses();
        let first = accesses.iter().find(|access| {
            access.machine == survivor && access.kind == Kind::Write && access.at > since
        });
        match first {
            Some(first) if first.at < reset => Err(Trouble::Wrong(format!(
                "{} wrote {:.3} s before {} was reset",
                NAMES[survivor],
                reset.duration_since(first.at).as_secs_f64(),
                NAMES[dead]
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Waits until both nodes are members again and checks the data.
    ///
    /// # Errors
    /// If they are not in time, or something is wrong with the data.
    pub fn rejoin(&mut self) -> Result<(), Trouble> {
        self.wait_rejoined()?;
        say(&self.check_data()?);
        Ok(())
    }

    /// Waits until both nodes are members again. A machine that was reset is switched off and on:
    /// the emulator keeps translated code across a reset, and boots for minutes now and then.
    ///
    /// # Errors
    /// If they are not in time, or a machine cannot be switched on.
    pub fn wait_rejoined(&mut self) -> Result<(), Trouble> {
        for (machine, name) in NAMES.iter().enumerate() {
            let what = format!("both members as {name} sees them");
            wait::until(&what, REJOIN_MAX, || {
                std::thread::sleep(LOOK_AGAIN);
                if let Err(trouble) = self.boot_what_was_reset() {
                    return Some(Err(trouble));
                }
                (self.members(machine)? == NAMES).then_some(Ok(()))
            })??;
        }
        Ok(())
    }

    fn boot_what_was_reset(&mut self) -> Result<(), Trouble> {
        for machine in 0..2 {
            if self.boots_after_reset(machine) {
                self.machines[machine].power_cut();
                self.machines[machine].power_on()?;
            }
        }
        Ok(())
    }

    /// Whether `machine` was reset and neither had its power cut nor finished its boot since.
    fn boots_after_reset(&self, machine: usize) -> bool {
        let cut = format!("power cut {}", NAMES[machine]);
        let ready = format!("boot: node {} ready", NAMES[machine]);
        let records = self.journal.since(0);
        let last = records.iter().rev().find_map(|record| match record.source {
            Source::Qmp(number) if number == machine && record.text.starts_with("RESET") => {
                Some(true)
            }
            Source::Console(number) if number == machine && record.text.contains(&ready) => {
                Some(false)
            }
            Source::Rig if record.text == cut => Some(false),
            Source::Qmp(_) | Source::Console(_) | Source::Rig | Source::Client => None,
        });
        last == Some(true)
    }

    /// How often `machine` was reset since record `from`.
    #[must_use]
    pub fn resets(&self, machine: usize, from: usize) -> usize {
        let records = self.journal.since(from);
        let reset = |record: &&Record| {
            record.source == Source::Qmp(machine) && record.text.starts_with("RESET")
        };
        records.iter().filter(reset).count()
    }

    /// Waits for either machine to be reset; which.
    ///
    /// # Errors
    /// If neither is within `limit`.
    pub fn wait_any_reset(&self, from: usize, limit: Duration) -> Result<usize, Trouble> {
        wait::until("one node to be reset", limit, || {
            (0..2).find(|machine| self.resets(*machine, from) > 0)
        })
    }

    /// Waits for the line `event` of a node's timeline.
    ///
    /// # Errors
    /// If there is none within `limit`.
    pub fn wait_timeline(
        &self,
        machine: usize,
        from: usize,
        event: &str,
        limit: Duration,
    ) -> Result<Record, Trouble> {
        let what = format!("event={event} of {}", NAMES[machine]);
        wait::until(&what, limit, || {
            self.journal.since(from).into_iter().find(|record| {
                record.source == Source::Console(machine)
                    && Line::parse(&record.text).is_some_and(|line| line.event == event)
            })
        })
    }

    /// The longest time between two acknowledged writes since `at`, up to now.
    #[must_use]
    pub fn longest_hiccup(&self, at: Instant) -> Duration {
        let writes = self.client.acknowledged();
        let mut before = at;
        let mut longest = Duration::ZERO;
        let after = writes.iter().map(|write| write.at).filter(|time| *time > at);
        for time in after.chain([Instant::now()]) {
            longest = longest.max(time.saturating_duration_since(before));
            before = time;
        }
        longest
    }

    /// Which machine serves now.
    ///
    /// # Errors
    /// If nobody does.
    pub fn server(&self) -> Result<usize, Trouble> {
        node_number(&self.client.wait_acknowledged(Instant::now(), SERVE_MAX)?)
    }

    /// The process number of the file service on `machine`.
    ///
    /// # Errors
    /// If it does not run there.
    pub fn service_process(&mut self, machine: usize) -> Result<String, Trouble> {
        // The server forks for each client that it is answering: the first is the server itself.
        let found = self.processes(machine, "httpd")?;
        Ok(found.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// The numbers of the processes on `machine` that run with the argument `word`.
    ///
    /// # Errors
    /// If there are none.
    pub fn processes(&mut self, machine: usize, word: &str) -> Result<String, Trouble> {
        let found = self.must(machine, &processes(word))?;
        expect(!found.trim().is_empty(), &format!("`{word}` runs on {}", NAMES[machine]))?;
        Ok(found)
    }

    /// Does `fault` to `machine` and returns when: where a command does it, when it was done.
    ///
    /// # Errors
    /// If the machine cannot be reached.
    pub fn inject(&mut self, fault: Fault, machine: usize) -> Result<Instant, Trouble> {
        let name = NAMES[machine];
        self.journal.note(Source::Rig, format!("fault: {} of {name}", fault.name()));
        let at = Instant::now();
        match fault {
            Fault::Power => self.machines[machine].power_cut(),
            Fault::Panic => {
                self.machines[machine].port().begin("echo c > /proc/sysrq-trigger", LOOK_MAX)?;
            }
            Fault::Hang => self.machines[machine].qmp()?.execute("\"stop\"").map(drop)?,
            Fault::Links => self.set_links(machine, &LINKS, false)?,
            Fault::Manager => {
                self.must(machine, &kill("manager"))?;
                return Ok(Instant::now());
            }
            Fault::Guardian => {
                self.machines[machine].port().begin(&kill("run"), LOOK_MAX)?;
            }
            Fault::Resource => {
                self.must(machine, &kill("httpd"))?;
                return Ok(Instant::now());
            }
        }
        Ok(at)
    }

    /// Stops `machine`'s guardian while everything else there goes on, writes to the data disk
    /// included, until the watchdog ends it; when that was.
    ///
    /// # Errors
    /// If the machine cannot be reached.
    pub fn stop_guardian(&mut self, machine: usize) -> Result<Instant, Trouble> {
        let write = "date > /srv/data/busy; sync -d /srv/data/busy";
        let busy = format!("(while sleep 0.1; do {write}; done) >/dev/null 2>&1 &");
        self.must(machine, &busy)?;
        let name = NAMES[machine];
        self.journal.note(Source::Rig, format!("fault: the guardian of {name} is stopped"));
        let at = Instant::now();
        let stop = format!("kill -STOP $({})", processes("run"));
        self.machines[machine].port().begin(&stop, LOOK_MAX)?;
        Ok(at)
    }

    /// Waits for the first write acknowledged by `machine` after `since`; how long after.
    ///
    /// # Errors
    /// If there is none within `limit`.
    pub fn wait_served_by(
        &self,
        machine: usize,
        since: Instant,
        limit: Duration,
    ) -> Result<Duration, Trouble> {
        let what = format!("a write acknowledged by {}", NAMES[machine]);
        wait::until(&what, limit, || {
            let writes = self.client.acknowledged();
            writes
                .iter()
                .rev()
                .take_while(|write| write.at > since)
                .filter(|write| write.node == NAMES[machine])
                .map(|write| write.at.duration_since(since))
                .last()
        })
    }

    /// Checks what has to hold at the end of every story: the disk was never written by both, and
    /// every acknowledged write is there.
    ///
    /// # Errors
    /// If it does not hold, with where and when.
    pub fn check_data(&self) -> Result<String, Trouble> {
        let judgement = self.judge();
        if let Some(first) = judgement.violations.first() {
            return Err(Trouble::Wrong(format!(
                "the data disk was written by both: {} writes, the first by {} at {:.3} s, byte {}",
                judgement.violations.len(),
                NAMES[first.machine],
                self.journal.seconds(first.at),
                first.offset
            )));
        }
        self.client.set_writing(false);
        let stored = self.client.fetch("/journal", SERVE_MAX)?;
        let stored: std::collections::BTreeSet<&str> = stored.lines().collect();
        let acknowledged = self.client.acknowledged();
        let lost =
            acknowledged.iter().find(|write| !stored.contains(write.number.to_string().as_str()));
        if let Some(lost) = lost {
            return Err(Trouble::Wrong(format!(
                "write {} was acknowledged by {} and is not on the disk",
                lost.number, lost.node
            )));
        }
        Ok(format!(
            "referee: {} writes by {}, {} by {}, {} handovers, never both; all {} acknowledged \
             writes are there",
            judgement.writes[0],
            NAMES[0],
            judgement.writes[1],
            NAMES[1],
            judgement.handovers,
            acknowledged.len()
        ))
    }
}

/// Which machine acknowledged a write.
///
/// # Errors
/// If it is none of the two.
pub fn node_number(write: &Acknowledged) -> Result<usize, Trouble> {
    NAMES
        .iter()
        .position(|name| *name == write.node)
        .ok_or_else(|| Trouble::Wrong(format!("a write was acknowledged by `{}`", write.node)))
}

/// Says that `condition` has to hold, as in: `what`.
///
/// # Errors
/// If it does not hold.
pub fn expect(condition: bool, what: &str) -> Result<(), Trouble> {
    if condition { Ok(()) } else { Err(Trouble::Wrong(format!("not so: {what}"))) }
}
