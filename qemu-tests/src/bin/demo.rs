//! `cargo demo`: boots a pair, hurts it, and tells what happens as it happens.
//!
//! Times are the host's, from the fault on. Exit status 0 only if the service came back as it
//! should, the node that was hurt rejoined, and the referee found nothing.

use diarch_qemu_tests::journal::Journal;
use diarch_qemu_tests::pair::{LINKS, NAMES, Pair, Setup};
use diarch_qemu_tests::story::{Fault, TAKEOVER_MAX, expect, node_number};
use diarch_qemu_tests::timeline;
use diarch_qemu_tests::trouble::Trouble;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const HELP: &str = "\
Boots two machines in QEMU, forms the pair, starts the storage service, and hurts the active node.

  cargo demo                    cut the active node's power
  cargo demo -- --fault FAULT   power, panic, hang, links, manager, guardian or resource
  cargo demo -- --stay          leave the pair running and say how to reach every part of it
";

/// The demo's failover budget, in seconds: twice the default, because processors are emulated.
const BUDGET_S: u32 = 6;
/// An answer that was under way when the service died may still arrive for this long.
const UNDER_WAY: Duration = Duration::from_millis(500);
/// The longest silence on the terminal.
const SILENCE_MAX: Duration = Duration::from_millis(1800);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (fault, stay) = match options(&args) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            say(&format!("error: {why}\n\n{HELP}"));
            return ExitCode::FAILURE;
        }
    };
    match Pair::build("demo", Setup { budget_s: BUDGET_S, ..Setup::default() })
        .and_then(|pair| Demo::new(pair).play(fault, stay))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&format!("demo: FAILED: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

fn options(args: &[String]) -> Result<Option<(Fault, bool)>, String> {
    let mut fault = Fault::Power;
    let mut stay = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--stay" => stay = true,
            "--fault" => {
                let name = words.next().ok_or("--fault needs a name")?;
                fault = Fault::ALL
                    .into_iter()
                    .find(|fault| fault.name() == name)
                    .ok_or_else(|| format!("there is no fault `{name}`"))?;
            }
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    Ok(Some((fault, stay)))
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed terminal does not stop the demo.
    writeln!(out, "{text}").ok();
}

/// Tells the journal on the terminal, in a thread, until it is dropped.
struct Teller {
    doing: Arc<Mutex<String>>,
    zero: Arc<Mutex<Instant>>,
    ends: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Teller {
    fn new(journal: &Journal) -> Self {
        let doing = Arc::new(Mutex::new(String::new()));
        let zero = Arc::new(Mutex::new(Instant::now()));
        let ends = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (doing, zero, ends) = (Arc::clone(&doing), Arc::clone(&zero), Arc::clone(&ends));
            let journal = journal.clone();
            move || tell(&journal, &doing, &zero, &ends)
        });
        Self { doing, zero, ends, thread: Some(thread) }
    }

    fn heading(&self, text: &str) {
        say(&format!("== {text}"));
        text.clone_into(&mut self.doing.lock().unwrap_or_else(PoisonError::into_inner));
        *self.zero.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has told what it could.
            thread.join().ok();
        }
    }
}

fn tell(journal: &Journal, doing: &Mutex<String>, zero: &Mutex<Instant>, ends: &AtomicBool) {
    let mut next = 0;
    let mut said = Instant::now();
    loop {
        let last_round = ends.load(Ordering::Relaxed);
        let records = journal.since(next);
        next += records.len();
        let zero = *zero.lock().unwrap_or_else(PoisonError::into_inner);
        for record in &records {
            if let Some(text) = timeline::told(record) {
                let sign = if record.at < zero { '-' } else { '+' };
                let apart = record.at.saturating_duration_since(zero)
                    + zero.saturating_duration_since(record.at);
                say(&format!("{sign}{:8.3} s  {text}", apart.as_secs_f64()));
                said = Instant::now();
            }
        }
        if last_round {
            return;
        }
        if said.elapsed() > SILENCE_MAX {
            let doing = doing.lock().unwrap_or_else(PoisonError::into_inner);
            say(&format!("+{:8.3} s  … {doing}", zero.elapsed().as_secs_f64()));
            said = Instant::now();
        }
        thread::sleep(Duration::from_millis(50));
    }
}

struct Demo {
    pair: Pair,
    teller: Teller,
}

impl Demo {
    fn new(pair: Pair) -> Self {
        let teller = Teller::new(&pair.journal);
        Self { pair, teller }
    }

    fn play(mut self, fault: Fault, stay: bool) -> Result<(), Trouble> {
        let begun = Instant::now();
        self.teller.heading("booting two machines");
        self.pair.form()?;
        let formed = begun.elapsed();
        self.teller.heading("starting the storage service");
        let starting = Instant::now();
        let active = self.pair.serve()?;
        let served = starting.elapsed();
        if stay {
            return self.stay();
        }
        // A node that has just started would be judged differently from one that has settled.
        thread::sleep(Duration::from_secs(3));
        self.teller.heading(&format!("fault: {} of {}", fault.name(), NAMES[active]));
        let outcome = self.hurt(fault, active)?;
        self.teller.heading("checking the data");
        let data = self.pair.check_data()?;
        drop(self.teller);
        say("");
        say(&format!(
            "from power to a pair        {:8.3} s (kernels included)",
            formed.as_secs_f64()
        ));
        say(&format!("configuration to service    {:8.3} s", served.as_secs_f64()));
        say(&outcome);
        say(&data);
        say("times are those of emulated processors; cargo pair shows real ones");
        self.pair.remove();
        Ok(())
    }

    /// Does the fault, waits for what has to come of it, and says how long it took.
    fn hurt(&mut self, fault: Fault, active: usize) -> Result<String, Trouble> {
        let other = 1 - active;
        let from = self.pair.journal.len();
        let at = self.pair.inject(fault, active)?;
        let (server, took) = match fault {
            Fault::Power | Fault::Panic | Fault::Hang | Fault::Guardian => {
                (other, self.pair.wait_served_by(other, at, TAKEOVER_MAX)?)
            }
            Fault::Links => self.after_cut(active, from, at)?,
            Fault::Manager => (active, self.pair.wait_served_by(active, at, TAKEOVER_MAX)?),
            Fault::Resource => {
                let took = self.pair.wait_served_by(active, at + UNDER_WAY, TAKEOVER_MAX)?;
                (active, took + UNDER_WAY)
            }
        };
        let summary = format!(
            "fault to service            {:8.3} s, now on {}",
            took.as_secs_f64(),
            NAMES[server]
        );
        self.teller.heading("the node that was hurt rejoins");
        match fault {
            Fault::Power => self.pair.machines[active].power_on()?,
            Fault::Hang => {
                let waking = self.pair.journal.len();
                let woken = Instant::now();
                self.pair.machines[active].qmp()?.execute("\"cont\"")?;
                let reset = self.pair.wait_event(active, waking, "RESET", TAKEOVER_MAX)?;
                let after = reset.at.saturating_duration_since(woken).as_secs_f64();
                say(&format!("           the revived node was reset {after:.3} s after waking"));
            }
            Fault::Links => {
                self.pair.wait_event(1 - server, from, "RESET", TAKEOVER_MAX)?;
                self.pair.set_links(active, &LINKS, true)?;
            }
            Fault::Panic | Fault::Guardian => {
                self.pair.wait_event(active, from, "RESET", TAKEOVER_MAX)?;
            }
            Fault::Manager | Fault::Resource => {}
        }
        self.pair.wait_rejoined()?;
        Ok(summary)
    }

    /// After all links were cut: exactly one node is reset, the other serves.
    fn after_cut(
        &self,
        hurt: usize,
        from: usize,
        at: Instant,
    ) -> Result<(usize, Duration), Trouble> {
        let reset = self.pair.wait_any_reset(from, TAKEOVER_MAX)?;
        let survivor = 1 - reset;
        let since = if survivor == hurt { Instant::now() } else { at };
        let took = self.pair.wait_served_by(survivor, since, TAKEOVER_MAX)?;
        expect(self.pair.resets(survivor, from) == 0, "exactly one node was reset")?;
        Ok((survivor, took))
    }

    fn stay(self) -> Result<(), Trouble> {
        let folder = self.pair.folder().display().to_string();
        say("");
        say("the pair stays; Ctrl-C ends it");
        for machine in &self.pair.machines {
            let own = machine.folder().display().to_string();
            say(&format!("{}:", machine.name()));
            say(&format!(
                "  root's shell   socat - UNIX-CONNECT:{own}/command.sock   (TOKEN COMMAND)"
            ));
            say(&format!("  QMP            socat - UNIX-CONNECT:{own}/qmp-by-hand.sock"));
            say(&format!("  own disk       {own}/own.img"));
        }
        say(&format!("consoles         tail -f {folder}/journal.log"));
        say(&format!("link sockets     {folder}/link0-*.net {folder}/link1-*.net"));
        say(&format!("shared disks     {folder}/data.img {folder}/arbiter.img"));
        say("faults by hand:");
        say("  power     kill -9 the machine's qemu-system-x86_64");
        say("  panic     x echo c > /proc/sysrq-trigger        (in its shell)");
        say("  hang      {\"execute\":\"stop\"}, later {\"execute\":\"cont\"}   (QMP)");
        say("  links     {\"execute\":\"set_link\",   (QMP)");
        say("             \"arguments\":{\"name\":\"link0\",\"up\":false}}");
        say("  manager   x kill -9 $(pidof of `diarch manager`)");
        say("  guardian  x kill -9 $(pidof of `diarch run`)");
        say("  resource  x kill -9 $(pidof busybox)");
        loop {
            let write = self.pair.client.wait_acknowledged(Instant::now(), Duration::from_secs(5));
            match write {
                Ok(write) => self.teller.heading(&format!(
                    "write {} acknowledged by {}",
                    write.number,
                    NAMES[node_number(&write)?]
                )),
                Err(trouble) => say(&format!("the service does not answer: {trouble}")),
            }
            thread::sleep(Duration::from_secs(1));
        }
    }
}
