//! The tools on a file: what is typed, what comes back, and how the file is afterwards.
//!
//! A session is a file: `$ ` and a command line, then its output, then its exit status in brackets.

use super::exit::Exit;
use super::run::{Tool, World, perform};
use super::*;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// Two nodes; a primitive that runs on the first, a group, a clone and a promotable clone.
const CIB: &str = r#"<cib crm_feature_set="3.20.5" validate-with="pacemaker-4.0" epoch="2"
  num_updates="0" admin_epoch="0"><configuration><crm_config/><nodes><node id="1" uname="node1"/>
  <node id="2" uname="node2"/></nodes><resources>
  <primitive id="d1" class="ocf" provider="pacemaker" type="Dummy">
  <meta_attributes id="d1-m"><nvpair id="d1-m-p" name="priority" value="5"/></meta_attributes>
  </primitive><group id="g"><primitive id="g1" class="ocf" provider="pacemaker" type="Dummy"/>
  <primitive id="g2" class="ocf" provider="pacemaker" type="Dummy"/></group>
  <clone id="c"><primitive id="cp" class="ocf" provider="pacemaker" type="Dummy"/></clone>
  <clone id="p"><meta_attributes id="p-m"><nvpair id="p-m-p" name="promotable" value="true"/>
  </meta_attributes><primitive id="pp" class="ocf" provider="pacemaker" type="Stateful"/></clone>
  </resources><constraints/></configuration><status>
  <node_state id="1" uname="node1" in_ccm="true" crmd="online" join="member" expected="member">
  <lrm id="1"><lrm_resources>
  <lrm_resource id="d1" type="Dummy" class="ocf" provider="pacemaker">
  <lrm_rsc_op id="d1_last_0" operation_key="d1_start_0" operation="start" call-id="5" rc-code="0"
  op-status="0" interval="0" last-rc-change="1700000000" exec-time="10"/></lrm_resource>
  <lrm_resource id="pp" type="Stateful" class="ocf" provider="pacemaker">
  <lrm_rsc_op id="pp_last_0" operation_key="pp_promote_0" operation="promote" call-id="7"
  rc-code="0" op-status="0" interval="0"/></lrm_resource>
  </lrm_resources></lrm><transient_attributes id="1"><instance_attributes id="status-1">
  <nvpair id="status-1-foo" name="foo" value="7"/>
  <nvpair id="status-1-fail-count-d1.monitor_10000" name="fail-count-d1#monitor_10000" value="2"/>
  </instance_attributes></transient_attributes></node_state></status></cib>"#;

/// A folder of its own for a test, removed when the test is over.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("diarch-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

const TOOLS: &[&Tool] = &[
    &attrd_updater::TOOL,
    &cibadmin::TOOL,
    &crm_attribute::TOOL,
    &crm_diff::TOOL,
    &crm_error::TOOL,
    &shortcuts::FAILCOUNT,
    &shortcuts::MASTER,
    &crm_mon::TOOL,
    &crm_node::TOOL,
    &crm_resource::TOOL,
    &crm_rule::TOOL,
    &crm_shadow::TOOL,
    &iso8601::TOOL,
    &shortcuts::STANDBY,
    &crm_simulate::TOOL,
    &crm_ticket::TOOL,
    &crm_verify::TOOL,
    &corosync::CMAPCTL,
    &corosync::QUORUMTOOL,
    &crmadmin::TOOL,
    &options::BASED,
    &options::CONTROLD,
    &options::SCHEDULERD,
    &pacemakerd::TOOL,
    &stonith_admin::TOOL,
];

/// The words of a command line; single quotes keep blanks.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// Runs one command line on a file; variables stand in front of it.
fn call(line: &str, folder: &Folder) -> String {
    let mut words = split(line);
    let mut world = World { now: 1_700_000_000, ..World::default() };
    let file = folder.0.join("cib.xml").display().to_string();
    world.variables.insert("CIB_file".to_owned(), file);
    world.variables.insert("CIB_shadow_dir".to_owned(), folder.0.display().to_string());
    while let Some((name, value)) = words[0].split_once('=') {
        world.variables.insert(name.to_owned(), value.to_owned());
        words.remove(0);
    }
    let name = words.remove(0);
    let tool = TOOLS.iter().find(|tool| tool.name == name).unwrap();
    let (exit, printed, _) = perform(tool, &words, world);
    format!("{}{}[{}]\n", printed.stdout, printed.stderr, Exit::code(exit))
}

/// Replays a session and compares everything that it says. With `DIARCH_UPDATE_GOLDEN` set, the
/// session is written as it went instead.
fn check(name: &str, session: &str) {
    let folder = Folder::new();
    std::fs::write(folder.0.join("cib.xml"), CIB).unwrap();
    let mut got = String::new();
    for line in session.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            got.push_str(line);
            got.push('\n');
            got.push_str(&call(command, &folder));
        }
    }
    if std::env::var_os("DIARCH_UPDATE_GOLDEN").is_some() {
        let file = format!("{}/src/cli/sessions/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(file, &got).unwrap();
        return;
    }
    assert_eq!(got, session, "\n--- got\n{got}");
}

#[test]
fn every_option_table_is_consistent() {
    for tool in TOOLS {
        (tool.command)().debug_assert();
    }
}

#[test]
fn a_section_and_what_an_xpath_selects_are_shown_as_xml() {
    check(
        "a_section_and_what_an_xpath_selects_are_shown_as_xml",
        include_str!("sessions/a_section_and_what_an_xpath_selects_are_shown_as_xml.txt"),
    );
}

#[test]
fn a_change_raises_the_epoch_and_a_refused_one_changes_nothing() {
    check(
        "a_change_raises_the_epoch_and_a_refused_one_changes_nothing",
        include_str!("sessions/a_change_raises_the_epoch_and_a_refused_one_changes_nothing.txt"),
    );
}

#[test]
fn an_attribute_is_set_read_and_deleted_where_its_options_say() {
    check(
        "an_attribute_is_set_read_and_deleted_where_its_options_say",
        include_str!("sessions/an_attribute_is_set_read_and_deleted_where_its_options_say.txt"),
    );
}

/// *Pacemaker Explained* 3.3.1, "Where Pacemaker Stores Node Attributes".
#[test]
fn ex_3_2_a_permanent_attribute_is_under_its_node() {
    check(
        "ex_3_2_a_permanent_attribute_is_under_its_node",
        include_str!("sessions/ex_3_2_a_permanent_attribute_is_under_its_node.txt"),
    );
}

/// *Pacemaker Explained* 4.2.1, "Open Cluster Framework": an agent says what it is.
#[test]
fn ex_4_5_an_agents_metadata_is_shown_as_it_prints_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    std::fs::write(folder.0.join("cib.xml"), CIB).unwrap();
    let provider = folder.0.join("resource.d/pacemaker");
    std::fs::create_dir_all(&provider).unwrap();
    let metadata = "<?xml version=\"1.0\"?>\n<resource-agent name=\"Dummy\" version=\"2.0\">\n\
                    <parameters><parameter name=\"state\" unique=\"1\"/></parameters>\n\
                    </resource-agent>\n";
    let agent = provider.join("Dummy");
    let script = format!("#!/bin/sh\n[ \"$1\" = meta-data ] && cat <<'E'\n{metadata}E\n");
    std::fs::write(&agent, script).unwrap();
    std::fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).unwrap();
    let root = format!("OCF_ROOT={}", folder.0.display());
    let show = |name: &str| call(&format!("{root} crm_resource --show-metadata {name}"), &folder);
    assert_eq!(show("ocf:pacemaker:Dummy"), format!("{metadata}[0]\n"));
    let absent = show("ocf:pacemaker:Nothing");
    assert!(absent.contains("Metadata query for ocf:pacemaker:Nothing failed"), "{absent}");
    assert!(absent.ends_with("[105]\n"), "{absent}");
}

#[test]
fn an_agent_sets_its_promotion_score_on_its_own_node() {
    check(
        "an_agent_sets_its_promotion_score_on_its_own_node",
        include_str!("sessions/an_agent_sets_its_promotion_score_on_its_own_node.txt"),
    );
}

#[test]
fn standby_and_fail_counts_have_their_own_names() {
    check(
        "standby_and_fail_counts_have_their_own_names",
        include_str!("sessions/standby_and_fail_counts_have_their_own_names.txt"),
    );
}

#[test]
fn a_move_and_a_ban_leave_constraints_that_clear_removes() {
    check(
        "a_move_and_a_ban_leave_constraints_that_clear_removes",
        include_str!("sessions/a_move_and_a_ban_leave_constraints_that_clear_removes.txt"),
    );
}

#[test]
fn resources_are_listed_and_found_where_their_history_says() {
    check(
        "resources_are_listed_and_found_where_their_history_says",
        include_str!("sessions/resources_are_listed_and_found_where_their_history_says.txt"),
    );
}

#[test]
fn a_parameter_of_a_clone_is_set_on_the_clone() {
    check(
        "a_parameter_of_a_clone_is_set_on_the_clone",
        include_str!("sessions/a_parameter_of_a_clone_is_set_on_the_clone.txt"),
    );
}

#[test]
fn a_ticket_takes_several_attributes_in_one_call() {
    check(
        "a_ticket_takes_several_attributes_in_one_call",
        include_str!("sessions/a_ticket_takes_several_attributes_in_one_call.txt"),
    );
}

#[test]
fn the_state_is_shown_as_text_and_as_xml() {
    check(
        "the_state_is_shown_as_text_and_as_xml",
        include_str!("sessions/the_state_is_shown_as_text_and_as_xml.txt"),
    );
}

#[test]
fn what_is_supposed_is_said_and_what_cannot_be_is_refused() {
    check(
        "what_is_supposed_is_said_and_what_cannot_be_is_refused",
        include_str!("sessions/what_is_supposed_is_said_and_what_cannot_be_is_refused.txt"),
    );
}

#[test]
fn what_needs_a_manager_says_so_on_a_file() {
    check(
        "what_needs_a_manager_says_so_on_a_file",
        include_str!("sessions/what_needs_a_manager_says_so_on_a_file.txt"),
    );
}

#[test]
fn a_difference_is_a_patch_with_an_exit_status() {
    check(
        "a_difference_is_a_patch_with_an_exit_status",
        include_str!("sessions/a_difference_is_a_patch_with_an_exit_status.txt"),
    );
}

#[test]
fn a_shadow_copy_is_changed_apart_and_committed() {
    check(
        "a_shadow_copy_is_changed_apart_and_committed",
        include_str!("sessions/a_shadow_copy_is_changed_apart_and_committed.txt"),
    );
}

#[test]
fn a_date_is_shown_as_it_is_understood() {
    check(
        "a_date_is_shown_as_it_is_understood",
        include_str!("sessions/a_date_is_shown_as_it_is_understood.txt"),
    );
}

#[test]
fn a_rule_is_in_effect_or_over_or_still_to_come() {
    check(
        "a_rule_is_in_effect_or_over_or_still_to_come",
        include_str!("sessions/a_rule_is_in_effect_or_over_or_still_to_come.txt"),
    );
}

#[test]
fn a_wrong_configuration_is_named_with_its_place() {
    check(
        "a_wrong_configuration_is_named_with_its_place",
        include_str!("sessions/a_wrong_configuration_is_named_with_its_place.txt"),
    );
}

#[test]
fn every_option_is_listed_with_its_values_and_its_former_names() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("cib.xml"), CIB).unwrap();
    let said = call("crm_attribute --list-options=cluster --all --output-as=xml", &folder);
    for wanted in [
        "<resource-agent name=\"cluster-options\" version=\"3.0.2\">",
        "<parameter name=\"no-quorum-policy\" advanced=\"0\" generated=\"0\">",
        "<content type=\"select\" default=\"stop\">",
        "<parameter name=\"stonith-enabled\"",
        "<replaced-with name=\"fencing-enabled\"/>",
    ] {
        assert!(said.contains(wanted), "{wanted} is missing in {said}");
    }
    let said = call("crm_resource --list-options=primitive --output-as=xml", &folder);
    assert!(said.contains("<parameter name=\"target-role\""), "{said}");
    let both = call("pacemaker-controld metadata", &folder)
        + &call("pacemaker-schedulerd metadata", &folder)
        + &call("pacemaker-based metadata", &folder);
    for option in diarch_cib::options::CLUSTER {
        let parameter = format!("<parameter name=\"{}\"", option.name);
        assert_eq!(both.matches(&parameter).count(), 1, "{parameter}");
    }
}

#[test]
fn the_first_line_of_a_version_is_pacemakers() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("cib.xml"), CIB).unwrap();
    for tool in TOOLS {
        let said = call(&format!("{} -$", tool.name), &folder);
        assert!(said.starts_with("Pacemaker 3.0.2\n"), "{}: {said}", tool.name);
        assert!(said.ends_with("[0]\n"));
    }
}
