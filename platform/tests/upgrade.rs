//! Upgrades from 1.x and 2.x beside those of a Pacemaker that is installed here.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]
#![expect(clippy::print_stdout, reason = "what was skipped is said")]

use core::fmt::Write as _;
use diarch_cib::upgrade::{Dialect, upgrade};
use diarch_cib::xml::{Document, Element};
use std::process::Command;

/// Configurations in old dialects: the dialect and the sections.
const OLD: &[(&str, &str)] = &[
    (
        "1.2",
        r#"<crm_config><cluster_property_set id="cib-bootstrap-options">
        <nvpair id="o1" name="cluster_recheck_interval" value="5min"/>
        <nvpair id="o2" name="no_quorum_policy" value="ignore"/>
        <nvpair id="o3" name="transition_idle_timeout" value="60s"/>
        <nvpair id="o4" name="default-resource-stickiness" value="100"/>
        <nvpair id="o5" name="is-managed-default" value="true"/>
        <nvpair id="o6" name="default-action-timeout" value="20s"/>
        <nvpair id="o7" name="default-resource-failure-stickiness" value="-INFINITY"/>
        <nvpair id="o8" name="cluster-infrastructure" value="openais"/>
        <nvpair id="o9" name="expected-quorum-votes" value="2"/>
        <nvpair id="o10" name="notification-agent" value="/bin/true"/>
        <nvpair id="o11" name="notification-recipient" value="x"/>
        <nvpair id="o12" name="default-migration-threshold" value="3"/>
        <nvpair id="o13" name="stonith-enabled" value="true"/>
        </cluster_property_set></crm_config>
        <nodes><node id="n1" uname="n1" type="normal"/><node id="n2" uname="n2" type="normal"/>
        </nodes><resources><primitive id="f" class="stonith" type="fence_x">
        <instance_attributes id="f-i"><nvpair id="f1" name="pcmk_reboot_cmd" value="off"/>
        <nvpair id="f2" name="pcmk_arg_map" value="port:plug"/></instance_attributes></primitive>
        <primitive id="p" class="ocf" provider="heartbeat" type="Dummy"><meta_attributes id="p-m">
        <nvpair id="p-m1" name="resource-failure-stickiness" value="-INFINITY"/>
        <nvpair id="p-m3" name="isolation" value="true"/></meta_attributes>
        <operations><op id="p-start" name="start" interval="0" requires="nothing"/>
        <op id="p-mon" name="monitor" interval="10" requires="quorum">
        <instance_attributes id="p-mon-i"><nvpair id="p-mon-i1" name="timeout" value="20s"/>
        <nvpair id="p-mon-i2" name="foo" value="bar"/></instance_attributes></op></operations>
        </primitive></resources>
        <constraints><rsc_colocation id="c" rsc="p" with-rsc="f" score-attribute="x"/>
        </constraints><acls><acl_role id="r1"><read id="r1a" xpath="/cib" attribute="epoch"/>
        <write id="r1b" ref="p"/><deny id="r1c" tag="nvpair" attribute="x"/></acl_role>
        <acl_user id="alice"><role_ref id="r1"/></acl_user>
        <acl_user id="bob"><read id="bob1" xpath="//x"/></acl_user></acls>"#,
    ),
    (
        "2.10",
        r#"<crm_config><cluster_property_set id="s1">
        <nvpair id="x1" name="default_resource_stickiness" value="1"/>
        <nvpair id="x2" name="default_resource_failure_stickiness" value="-100"/>
        <nvpair id="x3" name="is_managed_default" value="false"/>
        <nvpair id="x4" name="default_action_timeout" value="3s"/>
        <nvpair id="x5" name="cluster-infrastructure" value="corosync"/></cluster_property_set>
        <cluster_property_set id="s2"><nvpair id="y5" name="cluster-infrastructure" value="cman"/>
        <nvpair id="y6" name="x_y" value="1"/></cluster_property_set>
        <cluster_property_set id="e"><nvpair id="e1" name="expected-quorum-votes" value="2"/>
        </cluster_property_set></crm_config>
        <nodes><node id="1" uname="n1" type="ping"/></nodes>
        <resources><primitive id="a" class="ocf" provider="heartbeat" type="Dummy">
        <meta_attributes id="am"><nvpair id="am1" name="isolation" value="false"/>
        <nvpair id="am2" name="isolation-host" value="x"/>
        <nvpair id="am4" name="target-role" value="Started"/></meta_attributes></primitive>
        <clone id="c"><meta_attributes id="cm">
        <nvpair id="cm2" name="isolation-instance" value="1"/></meta_attributes>
        <primitive id="d" class="ocf" provider="heartbeat" type="Dummy"><operations>
        <op id="dp" name="promote" requires="nothing" interval="0"/>
        <op id="ds" name="start" requires="quorum" interval="0"/></operations></primitive></clone>
        <primitive id="q" class="ocf" provider="heartbeat" type="Dummy"><operations>
        <op id="q-start" name="start" interval="0"><instance_attributes id="qi">
        <nvpair id="qi1" name="requires" value="nothing"/>
        <nvpair id="qi2" name="start-delay" value="3"/>
        <nvpair id="qi3" name="on-fail" value="block"/></instance_attributes></op>
        <op id="q-mon" name="monitor" interval="5"><meta_attributes id="qmm">
        <nvpair id="qmm1" name="timeout" value="5"/></meta_attributes>
        <instance_attributes id="qmi"><nvpair id="qmi1" name="interval-origin" value="5"/>
        </instance_attributes></op></operations></primitive>
        <primitive id="s" class="stonith" type="fence_y"><instance_attributes id="si">
        <nvpair id="si1" name="pcmk_arg_map" value="port:plug,foo:bar"/>
        <nvpair id="si2" name="pcmk_list_cmd" value="x"/></instance_attributes></primitive>
        <primitive id="s3" class="stonith" type="fence_y"><instance_attributes id="s3i">
        <nvpair id="s3i1" name="pcmk_arg_map" value="foo:bar"/></instance_attributes></primitive>
        <template id="t" class="ocf" provider="heartbeat" type="Dummy"><operations>
        <op id="ts" name="start" interval="0" requires="nothing"/>
        <op id="tm" name="monitor" interval="3"><instance_attributes id="tmi">
        <nvpair id="tmi1" name="enabled" value="false"/>
        <nvpair id="tmi3" name="role" value="Slave"/></instance_attributes></op></operations>
        </template></resources><constraints/>
        <rsc_defaults><meta_attributes id="rd">
        <nvpair id="rd2" name="migration-threshold" value="4"/></meta_attributes></rsc_defaults>"#,
    ),
];

/// What is left of a configuration when what means nothing is put in one order: attributes and
/// sections by name, sets behind operations.
fn canonical(element: Element<'_>, text: &mut String) {
    let mut attributes: Vec<_> = element.attributes().collect();
    attributes.sort_unstable();
    write!(text, "<{} {attributes:?}", element.name()).unwrap();
    let mut children: Vec<Element<'_>> = element.children().collect();
    match element.name() {
        "configuration" => children.sort_by_key(|child| child.name()),
        "primitive" | "template" | "op" => {
            children.sort_by_key(|child| child.name() == "operations");
        }
        _ => {}
    }
    for child in children {
        canonical(child, text);
    }
    text.push_str(">\n");
}

fn configuration(document: &Document) -> String {
    let mut text = String::new();
    canonical(document.root().child("configuration").unwrap(), &mut text);
    text
}

/// What an installed `cibadmin` of Pacemaker makes of a CIB.
fn by_peer(text: &str, name: &str) -> Option<Document> {
    let version = Command::new("cibadmin").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).starts_with("Pacemaker 2.1") {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("diarch-upgrade-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("cib.xml");
    std::fs::write(&file, text).unwrap();
    let done = Command::new("cibadmin")
        .args(["--upgrade", "--force"])
        .env("CIB_file", &file)
        .output()
        .unwrap();
    let result = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(Document::parse(&result).unwrap())
}

#[test]
fn old_dialects_become_what_pacemaker_makes_of_them() {
    for (dialect, sections) in OLD {
        let text = format!(
            "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\" \
             validate-with=\"pacemaker-{dialect}\"><configuration>{sections}</configuration>\
             <status/></cib>"
        );
        let Some(theirs) = by_peer(&text, dialect) else {
            println!("skipped: no cibadmin");
            return;
        };
        let to = theirs.root().attribute("validate-with").and_then(Dialect::parse);
        let mut ours = Document::parse(&text).unwrap();
        upgrade(&mut ours, to).unwrap();
        assert_eq!(
            ours.root().attribute("validate-with"),
            theirs.root().attribute("validate-with")
        );
        assert_eq!(configuration(&ours), configuration(&theirs));
    }
}
