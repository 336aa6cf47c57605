//! The guardian's process: one loop that waits, tells the machine what happened, and does what the
//! machine asks. It decides nothing and, once it runs, allocates nothing but for a new manager
//! and for new keys.

mod disks;
mod ending;
mod keys;
mod manager_process;

use crate::cli::exit::Exit;
use crate::config::{PATH, Settings, WatchdogSettings};
use crate::timeline::{Line, fence_name};
use crate::transport::{Carrier, Half, Link};
use crate::{clock, realtime};
use core::time::Duration;
use diarch_cluster::Instant;
use diarch_cluster::config::{DISKS_MAX, LINKS_MAX};
use diarch_cluster::guardian::{Guardian, Mutation};
use diarch_cluster::guardian_io::{DiskFault, Input, Output, SelfFence};
use diarch_cluster::view::BootId;
use diarch_watchdog::device::Watchdog;
use diarch_watchdog::linux::LinuxWatchdog;
use diarch_watchdog::software::SoftwareWatchdog;
use disks::{Ended, SharedDisk};
use ending::Ending;
use keys::KeyReader;
use manager_process::ManagerProcess;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;

/// Frames taken from one link before the others have their turn.
const FRAMES_PER_TURN: usize = 64;
/// Room for a frame and more, so that one that is too long is seen as such.
const FRAME_ROOM: usize = 2048;
/// How often a link that is not there is looked for: the kernel does not tell of all that comes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Everything that can be waited on: news, signals, links, disks, the manager's socket and end.
const WAITED_MAX: usize = 4 + LINKS_MAX + DISKS_MAX;

/// Runs the guardian until the node has left, or does not return because the node is reset.
///
/// # Errors
/// The process cannot be set up; nothing has been changed then.
pub(crate) fn run(settings: Settings) -> io::Result<Exit> {
    let seed = random()?;
    let boot = BootId(random()?);
    let mut world = World::new(settings, boot)?;
    let (pair, mutation) = (world.settings.pair.clone(), mutation());
    let mut guardian = Guardian::with_mutation(pair, boot, seed, clock::now(), mutation);
    realtime::lock_pages();
    realtime::run_first();
    log::info!(
        "event=guardian-started node={} boot={:016x} t={:.3}",
        world.settings.pair.nodes[world.settings.pair.local.index()],
        boot.0,
        clock::now().since(Instant::default()).as_secs_f64()
    );
    world.refresh_links(&mut guardian, true);
    loop {
        while let Some(output) = guardian.poll_output() {
            if let Some(exit) = world.perform(output, &mut guardian) {
                return Ok(exit);
            }
        }
        let ready = world.wait(guardian.poll_timeout())?;
        world.gather(ready, &mut guardian);
        guardian.handle_timeout(clock::now());
    }
}

/// What this build leaves out on purpose: nothing, unless the referees are to be tested with it.
fn mutation() -> Mutation {
    if cfg!(feature = "without-proof") {
        log::warn!("UNSAFE: this build takes over without proof that the peer is down");
        return Mutation::ProofSkipped;
    }
    Mutation::None
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Everything outside the machine.
struct World {
    settings: Settings,
    boot: BootId,
    carrier: Carrier,
    signals: SignalFd,
    links: heapless::Vec<Link, LINKS_MAX>,
    disks: heapless::Vec<SharedDisk, DISKS_MAX>,
    watchdog: Box<dyn Watchdog>,
    manager: Option<ManagerProcess>,
    ending: Ending,
    keys: KeyReader,
    frame: [u8; FRAME_ROOM],
    /// When links that are not there are looked for again.
    look_again: Instant,
}

/// What has something to take: a bit for each place in the order of [`World::wait`].
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a descriptor each")]
struct Ready {
    news: bool,
    signals: bool,
    socket: bool,
    end: bool,
    links: u8,
    disks: u8,
}

impl World {
    fn new(settings: Settings, boot: BootId) -> io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGPIPE] {
            mask.add(signal);
        }
        // Before any thread starts, so that all of them leave these signals alone.
        mask.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals = SignalFd::with_flags(&mask, flags)?;
        let mut links = heapless::Vec::new();
        for link in &settings.links {
            if links.push(Link::new(link, Half::Guardian)?).is_err() {
                break;
            }
        }
        let mut disks = heapless::Vec::new();
        for disk in &settings.disks {
            if disks.push(SharedDisk::new(disk)).is_err() {
                break;
            }
        }
        let ending = Ending::of(&settings.watchdog)?;
        let watchdog: Box<dyn Watchdog> = match &settings.watchdog {
            WatchdogSettings::Device(path) => Box::new(LinuxWatchdog::new(path)),
            WatchdogSettings::Software => Box::new(SoftwareWatchdog::new(ending::rig_namespace())),
        };
        let carrier = Carrier::new()?;
        let (manager, frame) = (None, [0; FRAME_ROOM]);
        Ok(Self {
            settings,
            boot,
            carrier,
            signals,
            links,
            disks,
            watchdog,
            manager,
            ending,
            keys: KeyReader::default(),
            frame,
            look_again: Instant::default(),
        })
    }

    /// Waits for anything, at most until `timeout` or a disk's deadline.
    fn wait(&self, timeout: Option<Instant>) -> io::Result<Ready> {
        let deadline = self.disks.iter().filter_map(SharedDisk::deadline).chain(timeout).min();
        let left = deadline.map(|at| TimeSpec::from(round_up(clock::until(at))));
        let mut fds: heapless::Vec<PollFd<'_>, WAITED_MAX> = heapless::Vec::new();
        let mut wait_on = |fd| {
            // The array has room for all of them.
            fds.push(PollFd::new(fd, PollFlags::POLLIN)).is_ok()
        };
        wait_on(self.carrier.as_fd());
        wait_on(self.signals.as_fd());
        if let Some(manager) = &self.manager {
            wait_on(manager.socket());
            wait_on(manager.end());
        }
        let mut links = 0_u8;
        for (index, link) in self.links.iter().enumerate() {
            if let Some(fd) = link.descriptor() {
                links |= 1 << index;
                wait_on(fd);
            }
        }
        let mut disks = 0_u8;
        for (index, disk) in self.disks.iter().enumerate() {
            if let Some(fd) = disk.descriptor() {
                disks |= 1 << index;
                wait_on(fd);
            }
        }
        match ppoll(&mut fds, left, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut states = fds.iter().map(|fd| fd.any().unwrap_or(true));
        let mut next = || states.next().unwrap_or(false);
        let mut ready = Ready { news: next(), signals: next(), ..Ready::default() };
        if self.manager.is_some() {
            (ready.socket, ready.end) = (next(), next());
        }
        for index in 0..LINKS_MAX {
            if links & 1 << index != 0 && next() {
                ready.links |= 1 << index;
            }
        }
        for index in 0..DISKS_MAX {
            if disks & 1 << index != 0 && next() {
                ready.disks |= 1 << index;
            }
        }
        Ok(ready)
    }

    /// Tells the machine everything that has happened.
    fn gather(&mut self, ready: Ready, guardian: &mut Guardian) {
        if ready.news {
            self.carrier.drain();
            self.refresh_links(guardian, true);
        } else if clock::now() >= self.look_again && !self.links.iter().all(Link::is_open) {
            self.refresh_links(guardian, false);
        }
        for (index, link) in (0_u8..).zip(&mut self.links) {
            if ready.links & 1 << index == 0 {
                continue;
            }
            for _ in 0..FRAMES_PER_TURN {
                match link.receive(&mut self.frame) {
                    Ok(Some(bytes)) => {
                        guardian.handle_input(clock::now(), Input::Frame { link: index, bytes });
                    }
                    // A link that went down says so once; its carrier is told by the news.
                    Ok(None) | Err(_) => break,
                }
            }
        }
        for (index, disk) in (0_u8..).zip(&mut self.disks) {
            disk.poll(clock::now(), |ended| answer(guardian, index, &ended));
        }
        if ready.socket {
            while let Some(report) = self.manager.as_ref().and_then(ManagerProcess::receive) {
                guardian.handle_input(clock::now(), Input::Manager(report));
            }
        }
        if ready.end
            && let Some(clean) = self.manager.as_mut().and_then(ManagerProcess::ended)
        {
            self.manager = None;
            guardian.handle_input(clock::now(), Input::ManagerExited { clean });
        }
        if ready.signals {
            while let Ok(Some(signal)) = self.signals.read_signal() {
                if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGHUP as i32) {
                    self.keys.begin(&self.settings.key_file);
                    continue;
                }
                log::info!("signal {}: this node will leave", signal.ssi_signo);
                guardian.handle_input(clock::now(), Input::ShutdownRequested);
            }
        }
        if let Some((key, next)) = self.keys.poll() {
            guardian.handle_input(clock::now(), Input::Keys { key, next });
        }
    }

    /// Follows what the links run on; what cannot be used is told `aloud` or not.
    fn refresh_links(&mut self, guardian: &mut Guardian, aloud: bool) {
        self.look_again = clock::now().after(LOOK_AGAIN);
        let all = &self.settings.links;
        for ((index, link), settings) in (0_u8..).zip(&mut self.links).zip(all) {
            if let Err(error) = link.refresh()
                && aloud
            {
                log::error!("link {settings} cannot be used: {error}");
            }
            let up = link.is_up(&self.carrier);
            guardian.handle_input(clock::now(), Input::LinkState { link: index, up });
        }
    }

    /// Does what the machine asks; a status ends the process.
    fn perform(&mut self, output: Output, guardian: &mut Guardian) -> Option<Exit> {
        match output {
            Output::SendFrame { link, frame } => {
                if let Some(socket) = self.links.get(usize::from(link)) {
                    // A frame that cannot be sent is a lost frame: the peer's silence counts.
                    socket.send(&frame).ok();
                }
            }
            Output::ReadSector { disk, sector } => self.begin(disk, sector, None, guardian),
            Output::WriteSector { disk, sector, data } => {
                self.begin(disk, sector, Some(&data), guardian);
            }
            Output::ArmWatchdog { timeout } => match self.watchdog.arm(timeout) {
                Ok(effective) => {
                    let armed = Input::WatchdogArmed { effective: Some(effective) };
                    guardian.handle_input(clock::now(), armed);
                }
                Err(error) => {
                    log::error!("{PATH}: [watchdog] device: {error}");
                    return Some(Exit::Config);
                }
            },
            Output::FeedWatchdog { until } => {
                if clock::now() > until {
                    log::warn!("held up for too long to feed the watchdog");
                } else if let Err(error) = self.watchdog.feed() {
                    log::error!("{error}");
                }
            }
            Output::DisarmWatchdog => match self.watchdog.disarm() {
                Ok(()) => log::info!("the watchdog is disarmed"),
                Err(error) => log::error!("{error}: this node will be reset"),
            },
            Output::StartManager => self.start_manager(guardian),
            Output::KillManager => {
                if let Some(manager) = &self.manager {
                    log::error!("the manager is killed");
                    manager.kill();
                }
            }
            Output::Manager(notice) => {
                if let Some(manager) = &self.manager {
                    manager.send(&notice);
                }
            }
            Output::Reset(reason) => self.end("reset", reason, Ending::reset),
            Output::PowerOff(reason) => self.end("power-off", reason, Ending::power_off),
            Output::Crash(reason) => self.end("crash", reason, Ending::crash),
            Output::Exit => return Some(Exit::Ok),
            Output::Event(event) => {
                let links = &self.settings.links;
                log::info!("{}", Line { event: &event, links, at: clock::now() });
            }
        }
        None
    }

    fn begin(&mut self, disk: u8, sector: u64, data: Option<&[u8]>, guardian: &mut Guardian) {
        let now = clock::now();
        let deadline = now.after(self.settings.pair.timing.disk_io);
        match self.disks.get_mut(usize::from(disk)) {
            Some(shared) => shared.begin(sector, data, deadline),
            None => {
                let result = Err(DiskFault::Missing);
                answer(guardian, disk, &Ended { sector, write: data.is_some(), result });
            }
        }
    }

    fn start_manager(&mut self, guardian: &mut Guardian) {
        match ManagerProcess::start(self.boot) {
            Ok(manager) => {
                self.manager = Some(manager);
                guardian.handle_input(clock::now(), Input::ManagerStarted);
            }
            Err(error) => {
                log::error!("the manager cannot be started: {error}");
                guardian.handle_input(clock::now(), Input::ManagerExited { clean: false });
            }
        }
    }

    fn end(&self, how: &str, reason: SelfFence, act: fn(&Ending)) {
        let at = clock::now().since(Instant::default()).as_secs_f64();
        log::error!("event=self-fence how={how} reason={} t={at:.3}", fence_name(reason));
        act(&self.ending);
    }
}

fn answer(guardian: &mut Guardian, disk: u8, ended: &Ended<'_>) {
    let Ended { sector, write, result } = *ended;
    let input = if write {
        Input::SectorWritten { disk, sector, result: result.map(drop) }
    } else {
        Input::SectorRead { disk, sector, result }
    };
    guardian.handle_input(clock::now(), input);
}

/// A wait that ends early only costs another turn: up to the next tenth of a millisecond.
fn round_up(time: Duration) -> Duration {
    time + Duration::from_micros(50)
}
