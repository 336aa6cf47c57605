//! One machine: its QEMU process, started, cut from power and started again.

use crate::console::{self, CommandPort};
use crate::journal::{Journal, Source};
use crate::qmp::Qmp;
use crate::trouble::Trouble;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Kernel and root file system.
#[derive(Clone, Debug)]
pub struct Image {
    /// The bare kernel.
    pub kernel: PathBuf,
    /// The first root file system, which is the only one.
    pub initrd: PathBuf,
}

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// 0 or 1.
    pub machine: usize,
    /// The node's name, for messages.
    pub name: String,
    /// What it boots from.
    pub image: Image,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Where its sockets are.
    pub folder: PathBuf,
    /// NBD sockets of its shared disks, in order: `/dev/vda`, `/dev/vdb`, …
    pub shared_disks: Vec<PathBuf>,
    /// The file that is its own disk, after the shared ones.
    pub own_disk: PathBuf,
    /// Network interfaces in order: identifier, own socket, the other end's socket.
    pub interfaces: Vec<(String, PathBuf, PathBuf)>,
}

/// A machine that may be switched on.
#[derive(Debug)]
pub struct Machine {
    hardware: Hardware,
    journal: Journal,
    running: Option<Running>,
    port: CommandPort,
}

#[derive(Debug)]
struct Running {
    process: Child,
    qmp: Qmp,
}

impl Machine {
    /// A machine that is off.
    #[must_use]
    pub fn new(hardware: Hardware, journal: &Journal) -> Self {
        let port = CommandPort::new(hardware.folder.join("command.sock"));
        Self { hardware, journal: journal.clone(), running: None, port }
    }

    /// Its node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.hardware.name
    }

    /// Where its sockets are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.hardware.folder
    }

    /// Its command port.
    pub const fn port(&mut self) -> &mut CommandPort {
        &mut self.port
    }

    /// Whether it has power.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.running.is_some()
    }

    /// Gives it power.
    ///
    /// # Errors
    /// If QEMU cannot be started.
    pub fn power_on(&mut self) -> Result<(), Trouble> {
        if self.is_on() {
            return Ok(());
        }
        let machine = self.hardware.machine;
        let socket = self.hardware.folder.join("qmp.sock");
        for name in ["qmp.sock", "qmp-by-hand.sock", "command.sock"] {
            let stale = self.hardware.folder.join(name);
            if stale.exists() {
                std::fs::remove_file(&stale).map_err(Trouble::rig("removing an old socket"))?;
            }
        }
        let mut process = self.command(&socket).spawn().map_err(Trouble::rig("starting QEMU"))?;
        if let Some(out) = process.stdout.take() {
            console::follow(out, machine, &self.journal);
        }
        if let Some(err) = process.stderr.take() {
            console::follow(err, machine, &self.journal);
        }
        self.journal.note(Source::Rig, format!("power on {}", self.hardware.name));
        let qmp = Qmp::connect(&socket, machine, &self.journal);
        match qmp {
            Ok(qmp) => {
                self.running = Some(Running { process, qmp });
                Ok(())
            }
            Err(trouble) => {
                end(&mut process);
                Err(trouble)
            }
        }
    }

    /// Takes its power away, at once.
    pub fn power_cut(&mut self) {
        if let Some(mut running) = self.running.take() {
            self.journal.note(Source::Rig, format!("power cut {}", self.hardware.name));
            end(&mut running.process);
        }
    }

    /// Its QMP connection.
    ///
    /// # Errors
    /// If it is off.
    pub fn qmp(&mut self) -> Result<&mut Qmp, Trouble> {
        let name = &self.hardware.name;
        self.running
            .as_mut()
            .map(|running| &mut running.qmp)
            .ok_or_else(|| Trouble::Wrong(format!("{name} is off")))
    }

    fn command(&self, qmp: &Path) -> Command {
        let hardware = &self.hardware;
        // The machine ends with whoever started it, whatever happens to that.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
        command.args(["-accel", "tcg", "-machine", "q35", "-cpu", "max"]);
        command.args(["-nodefaults", "-display", "none"]);
        command.args(["-m", &hardware.memory_mib.to_string()]);
        command.arg("-kernel").arg(&hardware.image.kernel);
        command.arg("-initrd").arg(&hardware.image.initrd);
        // No panic timeout: a machine that panicked is the watchdog's to reset.
        command.args(["-append", "console=ttyS0 quiet mitigations=off panic=0"]);
        command.args(["-chardev", "stdio,id=console,signal=off"]);
        command.args(["-serial", "chardev:console"]);
        command.arg("-chardev").arg(format!(
            "socket,id=port,path={},server=on,wait=off",
            hardware.folder.join("command.sock").display()
        ));
        command.args(["-serial", "chardev:port"]);
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", qmp.display()));
        // A second one, for whoever wants to reach in while the rig holds the first.
        command.arg("-qmp").arg(format!(
            "unix:{},server=on,wait=off",
            hardware.folder.join("qmp-by-hand.sock").display()
        ));
        command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
        for (number, socket) in hardware.shared_disks.iter().enumerate() {
            command.arg("-blockdev").arg(format!(
                "driver=nbd,node-name=shared{number},server.type=unix,server.path={},export=",
                socket.display()
            ));
            command
                .arg("-device")
                .arg(format!("virtio-blk-pci,drive=shared{number},share-rw=on,write-cache=on"));
        }
        command.arg("-blockdev").arg(format!(
            "driver=file,node-name=own,filename={},locking=off",
            hardware.own_disk.display()
        ));
        command.args(["-device", "virtio-blk-pci,drive=own"]);
        for (number, (id, own, other)) in hardware.interfaces.iter().enumerate() {
            command.arg("-netdev").arg(format!(
                "dgram,id={id},local.type=unix,local.path={},remote.type=unix,remote.path={}",
                own.display(),
                other.display()
            ));
            command.arg("-device").arg(format!(
                "virtio-net-pci,netdev={id},mac=52:54:00:77:{:02x}:{number:02x},romfile=",
                hardware.machine + 1
            ));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.power_cut();
    }
}

fn end(process: &mut Child) {
    // A process that has ended already needs no ending; either way it is waited for.
    process.kill().ok();
    process.wait().ok();
}
