//! Two machines, their two links, the service network, the shared disks, the client outside.

use crate::client::{CLIENT_ADDRESS, Client};
use crate::console::Outcome;
use crate::journal::{Journal, Record, Source};
use crate::nbd::Disk;
use crate::network::{self, Wire};
use crate::qemu::{Hardware, Image, Machine};
use crate::referee::{self, Judgement};
use crate::trouble::Trouble;
use crate::wait;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The nodes' names, by machine.
pub const NAMES: [&str; 2] = ["node-a", "node-b"];
/// The links between the machines, by the identifiers that QEMU knows them by.
pub const LINKS: [&str; 2] = ["link0", "link1"];
/// From power to a node that is ready to start its cluster.
pub const BOOT_MAX: Duration = Duration::from_secs(60);
/// For a command in a machine that only looks at something.
pub const COMMAND_MAX: Duration = Duration::from_secs(20);
/// For a command port that is open.
const PORT_MAX: Duration = Duration::from_secs(1);
const MEMORY_MIB: u32 = 256;

/// Both nodes' `diarch.toml`.
const SETTINGS: &str = include_str!("diarch.toml");
/// Both nodes' key: no secret, every rig has it.
const KEY: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed\n";

/// What the machines run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Load {
    /// The cluster, from boot on.
    Cluster,
    /// Nothing: the rig itself is tried out.
    Nothing,
}

/// What a rig is made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Setup {
    /// What the machines run.
    pub load: Load,
    /// The failover budget, in seconds.
    pub budget_s: u32,
    /// Whether a guardian takes over on proof only, as it has to. Without it the rig is there to
    /// show that the referee catches what comes of it.
    pub proof: bool,
}

impl Default for Setup {
    /// A cluster as it should be, with thrice the default budget: an emulated processor on a loaded
    /// host waits longer for its turn than a real one.
    fn default() -> Self {
        Self { load: Load::Cluster, budget_s: 9, proof: true }
    }
}

/// The rig.
#[derive(Debug)]
pub struct Pair {
    /// Both machines.
    pub machines: [Machine; 2],
    /// Everything that was seen.
    pub journal: Journal,
    /// The shared disk with the file system: `/dev/vda`.
    pub data: Disk,
    /// The shared disk that the guardians arbitrate on: `/dev/vdb`.
    pub arbiter: Disk,
    /// The wires between the machines, in the order of [`LINKS`].
    pub wires: [Wire; 2],
    /// The client outside.
    pub client: Client,
    folder: PathBuf,
}

/// Where the image builder put the image: `DIARCH_IMAGE`, or the workspace's own.
fn image_folder() -> PathBuf {
    std::env::var_os("DIARCH_IMAGE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image"),
        PathBuf::from,
    )
}

/// The image, where this machine can run it; the one without proof lies beside the real one.
fn image(proof: bool) -> Result<Image, Trouble> {
    let mut folder = image_folder().into_os_string();
    if !proof {
        folder.push("-without-proof");
    }
    let folder = PathBuf::from(folder);
    let image = Image { kernel: folder.join("vmlinux"), initrd: folder.join("initrd") };
    if !image.kernel.is_file() || !image.initrd.is_file() {
        return Err(Trouble::Skipped(format!(
            "no image in {}; build it with: cargo verify (or, the real one: cargo image)",
            folder.display()
        )));
    }
    for program in ["qemu-system-x86_64", "mke2fs", "setpriv"] {
        let asked = Command::new(program).arg("--version").output();
        if asked.is_err() {
            return Err(Trouble::Skipped(format!("{program} is not installed")));
        }
    }
    Ok(image)
}

impl Pair {
    /// Builds the rig called `title`; both machines are off.
    ///
    /// # Errors
    /// If this machine cannot run it, or a part cannot be made.
    pub fn build(title: &str, setup: Setup) -> Result<Self, Trouble> {
        let image = image(setup.proof)?;
        let folder = std::env::temp_dir().join(format!("diarch-{title}-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(Trouble::rig("making the rig's folder"))?;
        let journal = Journal::new(&folder.join("journal.log"));
        let sockets = |disk: &str| NAMES.map(|name| folder.join(format!("{disk}-{name}.sock")));
        let data_sockets = sockets("data");
        let arbiter_sockets = sockets("arbiter");
        make_data_disk(&folder)?;
        make_blank_disk(&folder.join("arbiter.img"), 8 << 20)?;
        let data = serve(&folder.join("data.img"), &data_sockets)?;
        let arbiter = serve(&folder.join("arbiter.img"), &arbiter_sockets)?;
        let socket = |end: &str, network: &str| folder.join(format!("{network}-{end}.net"));
        let port = network::open(
            NAMES.map(|name| (socket(&format!("hub-{name}"), "service"), socket(name, "service"))),
            CLIENT_ADDRESS,
        )?;
        let lay = |link| {
            Wire::lay(NAMES.map(|name| (socket(&format!("wire-{name}"), link), socket(name, link))))
        };
        let wires = [lay(LINKS[0])?, lay(LINKS[1])?];
        let mut machines = Vec::new();
        for (machine, name) in NAMES.into_iter().enumerate() {
            let own = folder.join(name);
            fs::create_dir_all(&own).map_err(Trouble::rig("making a machine's folder"))?;
            let mut interfaces = vec![(
                "service".to_owned(),
                socket(name, "service"),
                socket(&format!("hub-{name}"), "service"),
            )];
            for link in LINKS {
                let wire = socket(&format!("wire-{name}"), link);
                interfaces.push((link.to_owned(), socket(name, link), wire));
            }
            let hardware = Hardware {
                machine,
                name: name.to_owned(),
                image: image.clone(),
                memory_mib: MEMORY_MIB,
                own_disk: own.join("own.img"),
                shared_disks: vec![data_sockets[machine].clone(), arbiter_sockets[machine].clone()],
                interfaces,
                folder: own,
            };
            make_own_disk(&hardware, setup)?;
            machines.push(Machine::new(hardware, &journal));
        }
        let machines = <[Machine; 2]>::try_from(machines)
            .map_err(|_| Trouble::Wrong("the rig has two machines".to_owned()))?;
        let client = Client::new(port, &journal);
        Ok(Self { machines, wires, client, journal, data, arbiter, folder })
    }

    /// Where the rig's files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives both machines power and waits until both have booted.
    ///
    /// # Errors
    /// If one of them does not.
    pub fn boot_both(&mut self) -> Result<(), Trouble> {
        let from = self.journal.len();
        for machine in &mut self.machines {
            machine.power_on()?;
        }
        for machine in 0..2 {
            self.wait_booted(machine, from)?;
        }
        Ok(())
    }

    /// Waits until `machine` has booted, as seen from record `from` on.
    ///
    /// # Errors
    /// If it has not in time.
    pub fn wait_booted(&mut self, machine: usize, from: usize) -> Result<Record, Trouble> {
        let name = NAMES[machine];
        let line = format!("boot: node {name} ready");
        let booted = self.wait_console(machine, from, &line, BOOT_MAX)?;
        // What is sent before the port is open is lost.
        wait::until(&format!("the command port of {name}"), BOOT_MAX, || {
            let answer = self.machines[machine].port().run("true", PORT_MAX).ok()?;
            (answer.status == 0).then_some(())
        })?;
        Ok(booted)
    }

    /// Waits for a line on a machine's console that contains `text`.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn wait_console(
        &self,
        machine: usize,
        from: usize,
        text: &str,
        limit: Duration,
    ) -> Result<Record, Trouble> {
        self.wait(from, &format!("`{text}` on {}'s console", NAMES[machine]), limit, |record| {
            record.source == Source::Console(machine) && record.text.contains(text)
        })
    }

    /// Waits for an event of a machine's QEMU.
    ///
    /// # Errors
    /// If it does not come in time.
    pub fn wait_event(
        &self,
        machine: usize,
        from: usize,
        event: &str,
        limit: Duration,
    ) -> Result<Record, Trouble> {
        self.wait(from, &format!("{event} of {}", NAMES[machine]), limit, |record| {
            record.source == Source::Qmp(machine) && record.text.starts_with(event)
        })
    }

    fn wait(
        &self,
        from: usize,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Record) -> bool,
    ) -> Result<Record, Trouble> {
        let found = self.journal.wait(from, Instant::now() + limit, wanted);
        found.ok_or_else(|| Trouble::Overdue {
            what: what.to_owned(),
            waited_s: limit.as_secs_f64(),
        })
    }

    /// Carries out a command in a machine and returns what it printed and its status.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn run(&mut self, machine: usize, command: &str) -> Result<Outcome, Trouble> {
        self.machines[machine].port().run(command, COMMAND_MAX)
    }

    /// Carries out a command in a machine that has to succeed.
    ///
    /// # Errors
    /// If it does not end in time or ends with another status than 0.
    pub fn must(&mut self, machine: usize, command: &str) -> Result<String, Trouble> {
        let outcome = self.run(machine, command)?;
        if outcome.status == 0 {
            return Ok(outcome.output);
        }
        Err(Trouble::Wrong(format!(
            "{}: `{command}` ended with {}: {}",
            NAMES[machine], outcome.status, outcome.output
        )))
    }

    /// Plugs the cables of `links` in or out at `machine`'s end.
    ///
    /// # Errors
    /// If the machine is off.
    pub fn set_links(&mut self, machine: usize, links: &[&str], up: bool) -> Result<(), Trouble> {
        let how = if up { "in" } else { "out" };
        self.journal.note(
            Source::Rig,
            format!("{} plugged {how} at {}", links.join(" and "), NAMES[machine]),
        );
        for link in links {
            self.machines[machine].qmp()?.set_link(link, up)?;
        }
        Ok(())
    }

    /// What the accesses to the data disk show so far.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        referee::judge(&self.data.accesses())
    }

    /// Removes the rig's files; for the end of a scenario that found nothing wrong.
    pub fn remove(mut self) {
        for machine in &mut self.machines {
            machine.power_cut();
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn serve(image: &Path, sockets: &[PathBuf; 2]) -> Result<Disk, Trouble> {
    Disk::serve(image, [&sockets[0], &sockets[1]])
}

fn make_blank_disk(path: &Path, bytes: u64) -> Result<(), Trouble> {
    let doing = format!("making {}", path.display());
    let file = fs::File::create(path).map_err(Trouble::rig(&doing))?;
    file.set_len(bytes).map_err(Trouble::rig(&doing))
}

/// The file system that is served: it holds the program that appends to its journal.
fn make_data_disk(folder: &Path) -> Result<(), Trouble> {
    let tree = folder.join("data.tree");
    let programs = tree.join("cgi-bin");
    fs::create_dir_all(&programs).map_err(Trouble::rig("making the data disk"))?;
    std::os::unix::fs::symlink("/usr/share/diarch/append.cgi", programs.join("append"))
        .map_err(Trouble::rig("making the data disk"))?;
    make_file_system("data", &tree, &folder.join("data.img"), "64M")
}

/// The machine's own disk: its name, its address, its settings, and room for its state.
fn make_own_disk(hardware: &Hardware, setup: Setup) -> Result<(), Trouble> {
    let doing = "making a machine's own disk";
    let tree = hardware.folder.join("own.tree");
    let settings = tree.join("diarch");
    fs::create_dir_all(&settings).map_err(Trouble::rig(doing))?;
    if setup.load == Load::Cluster {
        let text = SETTINGS.replace("@BUDGET@", &setup.budget_s.to_string());
        fs::write(settings.join("diarch.toml"), text).map_err(Trouble::rig(doing))?;
        let key = settings.join("diarch.key");
        fs::write(&key, KEY).map_err(Trouble::rig(doing))?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&key, private).map_err(Trouble::rig(doing))?;
    }
    fs::write(
        tree.join("node"),
        format!(
            "NODE_NAME={}\nNODE_ADDRESS=192.168.77.{}/24\n",
            hardware.name,
            hardware.machine + 1
        ),
    )
    .map_err(Trouble::rig(doing))?;
    make_file_system("diarch-state", &tree, &hardware.own_disk, "32M")
}

fn make_file_system(label: &str, tree: &Path, image: &Path, size: &str) -> Result<(), Trouble> {
    let doing = format!("making {}", image.display());
    let made = Command::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-L", label])
        .args(["-E", "lazy_itable_init=0,lazy_journal_init=0", "-d"])
        .arg(tree)
        .arg(image)
        .arg(size)
        .output()
        .map_err(Trouble::rig(&doing))?;
    if made.status.success() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        Err(Trouble::Wrong(format!("{doing}: {said}")))
    }
}
