//! The real `sbd` works on the disk that the guardians arbitrate on: it reads it, and they obey it.

use diarch_qemu_tests::pair::{NAMES, Pair};
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::{TAKEOVER_MAX, expect};
use diarch_qemu_tests::trouble::Trouble;
use diarch_qemu_tests::wait;
use std::process::Command;
use std::time::{Duration, Instant};

/// For a guardian to see a message and to take it away.
const SEEN_MAX: Duration = Duration::from_secs(20);

#[test]
fn guardians_obey_the_real_sbd() {
    scenario::run("real-sbd", |pair| {
        let active = pair.settle()?;
        let passive = 1 - active;
        let disk = Block::over(pair)?;
        for name in NAMES {
            let listed = disk.sbd(&["list"])?;
            expect(listed.contains(name), &format!("sbd lists {name}: {listed}"))?;
        }
        let dumped = disk.sbd(&["dump"])?;
        expect(dumped.contains("Timeout (watchdog) : 4"), &format!("sbd dumps: {dumped}"))?;

        let from = pair.journal.len();
        for message in ["test", "clear"] {
            disk.sbd(&["message", NAMES[passive], message])?;
            disk.wait_clear(passive)?;
        }
        expect(pair.resets(0, from) + pair.resets(1, from) == 0, "a test resets nobody")?;

        let at = Instant::now();
        disk.sbd(&["message", NAMES[passive], "reset"])?;
        let event = pair.wait_event(passive, from, "RESET", SEEN_MAX)?;
        let took = event.at.duration_since(at);
        say(&format!("number: reset by the real sbd: {:.3} s", took.as_secs_f64()));
        expect(pair.resets(active, from) == 0, "the other node is not reset")?;
        expect(pair.server()? == active, "the service stays where it is")?;
        pair.rejoin()?;

        pair.client.set_writing(true);
        let at = Instant::now();
        disk.sbd(&["message", NAMES[active], "reset"])?;
        let took = pair.wait_served_by(passive, at, TAKEOVER_MAX)?;
        say(&format!(
            "number: active node reset by the real sbd, fault to service: {:.3} s",
            took.as_secs_f64()
        ));
        pair.rejoin()
    });
}

/// A block device over the disk's file, since `sbd` takes nothing else. It writes past all caches.
struct Block(String);

impl Block {
    fn over(pair: &Pair) -> Result<Self, Trouble> {
        let disk = pair.folder().join("arbiter.img");
        let disk = disk.display().to_string();
        run("losetup", &["--find", "--show", &disk]).map(|said| Self(said.trim().to_owned()))
    }

    /// What Debian's `sbd` says of the disk, from outside the machines.
    fn sbd(&self, arguments: &[&str]) -> Result<String, Trouble> {
        run("sbd", &[&["-d", &self.0], arguments].concat())
    }

    /// Waits until the real `sbd` shows no message for `machine`.
    fn wait_clear(&self, machine: usize) -> Result<(), Trouble> {
        wait::until(&format!("an empty mailbox of {}", NAMES[machine]), SEEN_MAX, || {
            std::thread::sleep(Duration::from_millis(300));
            let listed = self.sbd(&["list"]).ok()?;
            let line = listed.lines().find(|line| line.contains(NAMES[machine]))?.to_owned();
            line.contains("clear").then_some(())
        })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // It goes with its file if this fails.
        run("losetup", &["--detach", &self.0]).ok();
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<String, Trouble> {
    let line = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .map_err(Trouble::rig(&line))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Trouble::Wrong(format!("{line}: {said}{complaint}")))
}
