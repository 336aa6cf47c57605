//! Two nodes on one machine without emulation: each in its own network, process, mount and host
//! name namespaces, joined by two direct links and one service network, with a shared SBD disk and
//! a shared data disk on loop devices.
//!
//! The software watchdog ends a node's whole process namespace. That is no protection against a
//! stuck kernel: the rig is for measuring and testing, never for data.

use super::shell::{Failure, quietly, run, slurp};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Both nodes' names, first and second.
pub(crate) const NODES: [&str; 2] = ["node-a", "node-b"];
/// Both links' names inside a node.
pub(crate) const LINKS: [&str; 2] = ["ha0", "ha1"];
/// The network namespace where the client lives.
pub(crate) const CLIENT: &str = "diarch-client";
/// The service network's device inside a node.
const SERVICE: &str = "svc0";
/// What the SBD disk's loop device is made of.
const SBD_IMAGE: &str = "sbd.img";
/// What a node's first process carries out.
const SCRIPT: &str = "node-init.sh";
/// Size of the SBD disk and of the data disk, in mebibytes.
const DISK_MIB: [u64; 2] = [4, 48];

/// The whole rig.
#[derive(Debug)]
pub(crate) struct Rig {
    /// The executable under test.
    executable: PathBuf,
    /// Everything that the rig keeps.
    dir: PathBuf,
    /// The loop devices: SBD, data.
    disks: [String; 2],
    /// The running nodes.
    nodes: [Option<Node>; 2],
    /// Whether networks and loop devices have been given back.
    released: bool,
}

/// A node that is switched on.
#[derive(Debug)]
struct Node {
    wrapper: Child,
    init: Pid,
}

impl Rig {
    /// Builds the networks and the disks in `dir`, with both nodes switched off.
    pub(crate) fn build(dir: &Path, executable: &Path) -> Result<Self, Failure> {
        tear_down_networks();
        quietly("rm", &["-rf", &dir.display().to_string()]);
        fs::create_dir_all(dir).map_err(|e| format!("cannot create {}: {e}", dir.display()))?;
        build_networks()?;
        let disks = [
            make_disk(&dir.join(SBD_IMAGE), DISK_MIB[0])?,
            make_disk(&dir.join("data.img"), DISK_MIB[1])?,
        ];
        run("mkfs.ext4", &["-q", "-F", &disks[1]])?;
        let rig = Self {
            executable: executable.to_owned(),
            dir: dir.to_owned(),
            disks,
            nodes: [None, None],
            released: false,
        };
        // Once: a shell reads its script as it goes, and would miss what is written anew.
        let script = dir.join(SCRIPT);
        fs::write(&script, include_str!("node-init.sh"))
            .map_err(|e| format!("cannot write {}: {e}", script.display()))?;
        for node in NODES {
            rig.furnish(node)?;
        }
        Ok(rig)
    }

    /// The SBD disk's device.
    pub(crate) fn sbd(&self) -> &str {
        &self.disks[0]
    }

    /// The data disk's device.
    pub(crate) fn data(&self) -> &str {
        &self.disks[1]
    }

    /// Where the rig keeps its state.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where `node` sees `path`, seen from outside while it is off.
    pub(crate) fn inside(&self, node: &str, path: &str) -> PathBuf {
        self.dir.join(node).join("upper").join(path.trim_start_matches('/'))
    }

    /// Puts the executable's names into the node's `/usr/sbin`.
    fn furnish(&self, node: &str) -> Result<(), Failure> {
        let sbin = self.inside(node, "/usr/sbin");
        fs::create_dir_all(&sbin).map_err(|e| format!("cannot create {}: {e}", sbin.display()))?;
        let executable = self.executable.display().to_string();
        let names = run(&executable, &["--applets"])?;
        for name in names.split_whitespace().chain(["diarch"]) {
            symlink(&self.executable, sbin.join(name))
                .map_err(|e| format!("cannot link {name}: {e}"))?;
        }
        Ok(())
    }

    /// Switches a node on.
    pub(crate) fn power_on(&mut self, index: usize) -> Result<(), Failure> {
        let name = NODES[index];
        for device in LINKS.iter().chain([&SERVICE]) {
            in_network(name, &["ip", "link", "set", device, "up"])?;
        }
        let own = format!("10.77.0.{}/24", 11 + index);
        in_network(name, &["ip", "addr", "replace", &own, "dev", SERVICE])?;
        let console = fs::File::options()
            .create(true)
            .append(true)
            .open(self.console(index))
            .map_err(|e| format!("cannot write {name}'s console: {e}"))?;
        let errors = console.try_clone().map_err(|e| format!("cannot share a console: {e}"))?;
        let wrapper = Command::new("ip")
            .args(["netns", "exec", name, "unshare", "--fork", "--pid", "--mount-proc", "--mount"])
            .args(["--uts", "--ipc", "--propagation", "private", "--kill-child=SIGKILL", "bash"])
            .arg(self.dir.join(SCRIPT))
            .args([self.dir.join(name).as_os_str(), name.as_ref()])
            .stdin(Stdio::null())
            .stdout(console)
            .stderr(errors)
            .spawn()
            .map_err(|e| format!("cannot start {name}: {e}"))?;
        let init = child_of(wrapper.id(), Duration::from_secs(2)).ok_or_else(|| {
            format!("{name} did not start: see {}", self.console(index).display())
        })?;
        let file = self.power_file(index);
        fs::write(&file, init.to_string())
            .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
        self.nodes[index] = Some(Node { wrapper, init });
        Ok(())
    }

    /// Where a node's first process is named, for whoever can switch the node off.
    pub(crate) fn power_file(&self, index: usize) -> PathBuf {
        self.dir.join(format!("{}.power", NODES[index]))
    }

    /// Where a node's console is kept.
    pub(crate) fn console(&self, index: usize) -> PathBuf {
        self.dir.join(format!("{}.console", NODES[index]))
    }

    /// Cuts a node's power: nothing in it gets another instruction, its links lose their carrier.
    pub(crate) fn power_cut(&mut self, index: usize) -> Result<(), Failure> {
        let Some(node) = &self.nodes[index] else {
            return Err(format!("{} is already off", NODES[index]));
        };
        kill(node.init, Signal::SIGKILL)
            .map_err(|e| format!("cannot kill {}: {e}", NODES[index]))?;
        self.collect(index);
        Ok(())
    }

    /// Whether a node is running; one that ended itself is noticed here; its network goes with it.
    pub(crate) fn is_on(&mut self, index: usize) -> bool {
        let ended = match &mut self.nodes[index] {
            Some(node) => !matches!(node.wrapper.try_wait(), Ok(None)),
            None => return false,
        };
        if ended {
            self.collect(index);
        }
        !ended
    }

    fn collect(&mut self, index: usize) {
        if let Some(mut node) = self.nodes[index].take()
            && let Err(error) = node.wrapper.wait()
        {
            crate::say::line(format!("{}: {error}", NODES[index]));
        }
        let name = NODES[index];
        quietly("ip", &["-n", name, "addr", "flush", "dev", SERVICE]);
        for device in LINKS.iter().chain([&SERVICE]) {
            quietly("ip", &["-n", name, "link", "set", device, "down"]);
        }
    }

    /// Cuts (or mends) one link between the nodes, at the first node's end.
    pub(crate) fn set_link(&self, link: usize, up: bool) -> Result<(), Failure> {
        in_network(NODES[0], &["ip", "link", "set", LINKS[link], if up { "up" } else { "down" }])
    }

    /// Takes the SBD disk away from both nodes, as far as a loop device can go: it has no sectors
    /// left. What it held is returned.
    pub(crate) fn take_sbd_away(&self) -> Result<Vec<u8>, Failure> {
        let image = self.dir.join(SBD_IMAGE);
        let failed = |error| format!("cannot take {} away: {error}", image.display());
        let held = fs::read(&image).map_err(failed)?;
        let file = fs::File::options().write(true).open(&image).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        run("losetup", &["--set-capacity", self.sbd()])?;
        Ok(held)
    }

    /// Undoes [`Self::take_sbd_away`].
    pub(crate) fn bring_sbd_back(&self, held: &[u8]) -> Result<(), Failure> {
        let image = self.dir.join(SBD_IMAGE);
        fs::write(&image, held).map_err(|e| format!("cannot write {}: {e}", image.display()))?;
        run("losetup", &["--set-capacity", self.sbd()]).map(drop)
    }

    /// A command that opens a shell inside a node.
    pub(crate) fn shell_hint(&self, index: usize) -> String {
        match &self.nodes[index] {
            Some(node) => format!("nsenter -t {} -m -p -n -u -i", node.init),
            None => "none, it is off".into(),
        }
    }

    /// Gives the networks and the loop devices back, so that another rig can be built.
    pub(crate) fn release(&mut self) {
        if self.released {
            return;
        }
        self.released = true;
        tear_down_networks();
        for disk in &self.disks {
            quietly("losetup", &["-d", disk]);
        }
    }

    /// Runs a command inside a node; its standard output, or what went wrong.
    pub(crate) fn exec(&self, index: usize, command: &[&str]) -> Result<String, Failure> {
        let Some(node) = &self.nodes[index] else {
            return Err(format!("{} is off", NODES[index]));
        };
        let target = node.init.to_string();
        let mut arguments = vec!["-t", &target, "-m", "-p", "-n", "-u", "-i", "--"];
        arguments.extend(command);
        run("nsenter", &arguments)
    }

    /// Every process of a node, its first one included, as the host numbers them.
    pub(crate) fn processes(&self, index: usize) -> Vec<Pid> {
        let Some(node) = &self.nodes[index] else {
            return Vec::new();
        };
        let of = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let Some(namespace) = of(node.init.as_raw()) else {
            return Vec::new();
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| of(*pid).is_some_and(|n| n == namespace)).map(Pid::from_raw).collect()
    }

    /// The node's process whose command line has `words` in this order after the executable's name.
    pub(crate) fn process(&self, index: usize, words: &str) -> Option<Pid> {
        self.processes(index).into_iter().find(|pid| {
            let line = slurp(format!("/proc/{pid}/cmdline"));
            let mut parts = line.split('\0');
            let program = parts.next().unwrap_or_default();
            program.contains("diarch") && parts.next().is_some_and(|word| word == words)
                || program == "/proc/self/exe" && line.split('\0').nth(1) == Some(words)
        })
    }

    /// Sends a signal to every process of a node.
    pub(crate) fn signal_all(&self, index: usize, signal: Signal) {
        for pid in self.processes(index) {
            if let Err(error) = kill(pid, signal)
                && error != nix::errno::Errno::ESRCH
            {
                crate::say::line(format!("cannot signal {pid}: {error}"));
            }
        }
    }

    /// Whether a node has the data disk mounted.
    pub(crate) fn has_data_mounted(&self, index: usize) -> bool {
        let Some(node) = &self.nodes[index] else {
            return false;
        };
        let mounts = slurp(format!("/proc/{}/mounts", node.init));
        mounts.lines().any(|line| line.split(' ').next() == Some(self.data()))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for index in 0..NODES.len() {
            if self.nodes[index].is_some()
                && let Err(failure) = self.power_cut(index)
            {
                crate::say::line(&failure);
            }
        }
        self.release();
    }
}

fn in_network(name: &str, command: &[&str]) -> Result<(), Failure> {
    let mut arguments = vec!["netns", "exec", name];
    arguments.extend(command);
    run("ip", &arguments).map(drop)
}

fn build_networks() -> Result<(), Failure> {
    for name in NODES.iter().chain([&CLIENT]) {
        run("ip", &["netns", "add", name])?;
        in_network(name, &["ip", "link", "set", "lo", "up"])?;
    }
    for link in LINKS {
        let [a, b] = NODES;
        let ends = ["link", "add", link, "netns", a, "type", "veth", "peer", "name", link];
        run("ip", &[&ends[..], &["netns", b]].concat())?;
    }
    in_network(CLIENT, &["ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0"])?;
    for (port, node) in ["port0", "port1"].iter().zip(NODES) {
        let ends = ["link", "add", port, "netns", CLIENT, "type", "veth", "peer", "name", SERVICE];
        run("ip", &[&ends[..], &["netns", node]].concat())?;
        in_network(CLIENT, &["ip", "link", "set", port, "master", "br0", "up"])?;
    }
    in_network(CLIENT, &["ip", "addr", "add", "10.77.0.1/24", "dev", "br0"])?;
    in_network(CLIENT, &["ip", "link", "set", "br0", "up"])
}

fn tear_down_networks() {
    for name in NODES.iter().chain([&CLIENT]) {
        if Path::new("/run/netns").join(name).exists() {
            quietly("ip", &["netns", "del", name]);
        }
    }
}

fn make_disk(path: &Path, mib: u64) -> Result<String, Failure> {
    let shown = path.display().to_string();
    let file = fs::File::create(path).map_err(|e| format!("cannot create {shown}: {e}"))?;
    file.set_len(mib << 20).map_err(|e| format!("cannot size {shown}: {e}"))?;
    Ok(run("losetup", &["-f", "--show", &shown])?.trim().to_owned())
}

fn child_of(parent: u32, patience: Duration) -> Option<Pid> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        let children = slurp(format!("/proc/{parent}/task/{parent}/children"));
        if let Some(pid) = children.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
            return Some(Pid::from_raw(pid));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}
