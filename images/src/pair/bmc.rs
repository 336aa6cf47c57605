//! A BMC for each node: OpenIPMI's simulator, outside both nodes, with the node's first process for
//! the machine. It has power of its own, as a BMC has: it answers when its node is off.

use super::rig::{CLIENT, NODES, Rig};
use super::shell::Failure;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the nodes reach both BMCs: the client's end of the service network.
const ADDRESS: &str = "10.77.0.1";
/// The first node's BMC listens here, the second one's behind it.
const PORT_FIRST: u16 = 6231;

/// What the simulator runs to look at the machine and to switch it. On is what the rig does.
const CHASSIS: &str = r#"#!/bin/sh
init=$(cat "@POWER@")
echo "$*" >>"@ORDERS@"
action=$1
shift
case $action in
  get) for name; do
         if [ "$name" = power ] && kill -0 "$init" 2>/dev/null; then echo power:1
         else echo "$name:0"; fi
       done ;;
  set) while [ $# -gt 1 ]; do
         [ "$1" = power ] && [ "$2" = 0 ] && kill -9 "$init" 2>/dev/null
         shift 2
       done ;;
esac
exit 0
"#;

const CONTROLLER: &str = "mc_setbmc 0x20\n\
    mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n\
    mc_enable 0x20\n";

/// Both BMCs, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Bmcs([Child; 2]);

impl Bmcs {
    /// Starts both.
    ///
    /// # Errors
    /// If the simulator cannot be started or does not answer.
    pub(crate) fn start(rig: &Rig) -> Result<Self, Failure> {
        let bmcs = Self([start(rig, 0)?, start(rig, 1)?]);
        for (index, name) in NODES.iter().enumerate() {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !answers(index) {
                if Instant::now() > deadline {
                    return Err(format!("the BMC of {name} does not answer"));
                }
            }
        }
        Ok(bmcs)
    }

    /// The configuration of both as fencing devices.
    pub(crate) fn resources() -> String {
        let primitive = |index: usize| {
            let (name, port) = (NODES[index], PORT_FIRST + port_offset(index));
            let values = [
                ("ip", ADDRESS.to_owned()),
                ("ipport", port.to_string()),
                ("username", "admin".to_owned()),
                ("password", "secret".to_owned()),
                ("lanplus", "1".to_owned()),
                ("pcmk_host_list", name.to_owned()),
            ];
            let pairs = values.map(|(option, value)| {
                format!(r#"<nvpair id="bmc-{name}-{option}" name="{option}" value="{value}"/>"#)
            });
            format!(
                r#"<primitive id="bmc-{name}" class="stonith" type="fence_ipmilan">
                <instance_attributes id="bmc-{name}-parameters">{}</instance_attributes>
                </primitive>"#,
                pairs.concat()
            )
        };
        format!("<resources>{}{}</resources>", primitive(0), primitive(1))
    }

    /// The power orders that a node's BMC got so far.
    pub(crate) fn orders(rig: &Rig, index: usize) -> Vec<String> {
        let text = fs::read_to_string(orders_file(rig, index)).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("set power")).map(str::to_owned).collect()
    }
}

impl Drop for Bmcs {
    fn drop(&mut self) {
        for bmc in &mut self.0 {
            // One that ended by itself has nothing left to end.
            bmc.kill().ok();
            bmc.wait().ok();
        }
    }
}

fn port_offset(index: usize) -> u16 {
    u16::from(index != 0)
}

fn orders_file(rig: &Rig, index: usize) -> std::path::PathBuf {
    rig.dir().join(format!("bmc-{}", NODES[index])).join("orders")
}

fn start(rig: &Rig, index: usize) -> Result<Child, Failure> {
    let folder = rig.dir().join(format!("bmc-{}", NODES[index]));
    let failed = |e: std::io::Error| format!("cannot set up a BMC in {}: {e}", folder.display());
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(folder.join("state")).map_err(failed)?;
    let chassis = folder.join("chassis");
    let script = CHASSIS
        .replace("@POWER@", &rig.power_file(index).display().to_string())
        .replace("@ORDERS@", &orders_file(rig, index).display().to_string());
    fs::write(&chassis, script).map_err(failed)?;
    fs::set_permissions(&chassis, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    fs::write(folder.join("bmc"), CONTROLLER).map_err(failed)?;
    let port = PORT_FIRST + port_offset(index);
    let auths = ["callback", "user", "operator", "admin"]
        .map(|level| format!("    allowed_auths_{level} md5\n"))
        .concat();
    let settings = format!(
        "name \"bmc\"\nset_working_mc 0x20\n  startlan 1\n    addr {ADDRESS} {port}\n    \
         priv_limit admin\n{auths}    guid a123456789abcdefa123456789abcde{index}\n  endlan\n  \
         chassis_control \"{}\"\n  user 1 false \"\" \"test\" user 10 none md2 md5 straight\n  \
         user 2 true \"admin\" \"secret\" admin 10 none md2 md5 straight\n",
        chassis.display()
    );
    fs::write(folder.join("lan"), settings).map_err(failed)?;
    Command::new("ip")
        .args(["netns", "exec", CLIENT])
        .args(["ipmi_sim", "-n", "-c", "lan", "-f", "bmc", "-s", "state"])
        .current_dir(&folder)
        // It ends when its standard input does, and spins where that is empty.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)
}

/// Whether `ipmitool` gets an answer out of a node's BMC.
fn answers(index: usize) -> bool {
    let port = (PORT_FIRST + port_offset(index)).to_string();
    let asked = Command::new("ip")
        .args(["netns", "exec", CLIENT, "ipmitool", "-I", "lanplus", "-C", "3", "-H", ADDRESS])
        .args(["-U", "admin", "-E", "-p", &port, "-N", "1", "-R", "2", "chassis", "power"])
        .arg("status")
        .env("IPMI_PASSWORD", "secret")
        .output();
    asked.is_ok_and(|output| output.status.success())
}
