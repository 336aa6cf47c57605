//! Chapter 6, "Fencing".

use crate::world::{Cib, findings, pair};

fn device(id: &str, agent: &str, hosts: &str) -> String {
    format!(
        "<primitive id='{id}' class='stonith' type='{agent}'><instance_attributes id='{id}-p'>\
         <nvpair id='{id}-h' name='pcmk_host_list' value='{hosts}'/></instance_attributes>\
         <operations><op id='{id}-m' name='monitor' interval='10m' timeout='300s'/></operations>\
         </primitive>"
    )
}

fn fenced(cib: Cib) -> Cib {
    cib.option("stonith-enabled", "true")
}

/// *Pacemaker Explained* 6.10, "Configuring Fencing".
#[test]
fn ex_6_2_a_power_device_is_started_with_its_hosts_and_watched_every_ten_minutes() {
    let cib = fenced(pair()).resources(&device("bmc", "fence_ipmilan", "amber birch"));
    let decision = cib.decide();
    assert_eq!(decision.place("bmc"), "amber");
    let hosts = decision.attribute("bmc_start_0 amber", "pcmk_host_list");
    assert_eq!(hosts, Some("amber birch"));
    decision.assert_order(&["bmc_start_0 amber", "bmc_monitor_600000 amber"]);
    let timeout = decision.attribute("bmc_monitor_600000 amber", "CRM_meta_timeout");
    assert_eq!(timeout, Some("300000"));
    let lost = cib.lost("birch").decide();
    assert_eq!(
        lost.attribute("stonith-birch-reboot birch", "CRM_meta_stonith_action"),
        Some("reboot")
    );
}

fn level(id: &str, target: &str, index: u32, devices: &str) -> String {
    format!("<fencing-level id='{id}' target='{target}' index='{index}' devices='{devices}'/>")
}

/// *Pacemaker Explained* 6.11, "Fencing Topologies".
#[test]
fn ex_6_3_levels_are_valid_for_each_node_and_change_nothing_of_what_is_decided() {
    let all = ["disk", "lan", "bmc", "power"].map(|id| device(id, "fence_xvm", "amber birch"));
    let levels = [
        level("a1", "amber", 1, "bmc"),
        level("a2", "amber", 2, "power"),
        level("b1", "birch", 1, "disk,lan"),
        level("b2", "birch", 2, "power"),
    ];
    let cib = fenced(pair()).resources(&all.concat()).lost("birch");
    let topology = format!("<fencing-topology>{}</fencing-topology>", levels.concat());
    let with = cib.clone().section(&topology).decide();
    assert!(with.does("stonith-birch-reboot birch"));
    assert_eq!(with.graph, cib.decide().graph);
    // A level has to say which nodes it is for, and its number.
    for missing in ["index='1'", "devices='bmc'"] {
        let wrong = cib.clone().section(&topology.replacen(missing, "", 1));
        assert!(!wrong.findings().is_empty(), "{missing}");
    }
}

/// *Pacemaker Explained* 6.11.1, "Example Dual-Layer, Dual-Device Fencing Topologies".
#[test]
fn ex_6_x_two_layers_of_two_devices_each_with_two_power_supplies() {
    let both = "amber birch";
    let ids = ["bmc-a", "bmc-b", "pdu-a1", "pdu-a2", "pdu-b1", "pdu-b2"];
    let devices = ids.map(|id| device(id, "fence_apc_snmp", both)).concat();
    let levels = [
        level("a1", "amber", 1, "bmc-a"),
        level("a2", "amber", 2, "pdu-a1,pdu-a2"),
        level("b1", "birch", 1, "bmc-b"),
        level("b2", "birch", 2, "pdu-b1,pdu-b2"),
    ];
    let bans = [("bmc-a", "amber"), ("bmc-b", "birch")].map(|(device, node)| {
        format!("<rsc_location id='l-{device}' rsc='{device}' node='{node}' score='-INFINITY'/>")
    });
    let topology = format!("<fencing-topology>{}</fencing-topology>", levels.concat());
    let cib = fenced(pair())
        .dialect("2.10")
        .option("default-action-timeout", "60s")
        .resources(&devices)
        .constraints(&bans.concat())
        .section(&topology);
    let decision = cib.decide();
    assert_eq!(decision.place("bmc-a"), "birch");
    assert_eq!(decision.place("bmc-b"), "amber");
    assert_eq!(findings(&cib.dialect("3.0").text()), [""; 0]);
}
