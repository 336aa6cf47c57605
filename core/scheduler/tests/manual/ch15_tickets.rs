//! Chapter 15, "Multi-Site Clusters and Tickets".

use crate::world::{Cib, dummy, pair};

const REVOKED: &str = "<ticket_state id='siteA' granted='false' last-granted='1699990000'/>";
const GRANTED: &str = "<ticket_state id='siteA' granted='true' last-granted='1699990000'/>";

/// *Pacemaker Explained* 15.3, "Configuring Ticket Dependencies".
#[test]
fn ex_15_1_the_loss_of_a_ticket_may_fence_the_node_that_runs_what_depends_on_it() {
    let device = "<primitive id='bmc' class='stonith' type='fence_ipmilan'/>";
    let cib = pair()
        .option("stonith-enabled", "true")
        .resources(&(dummy("rsc1") + device))
        .constraints("<rsc_ticket id='t' rsc='rsc1' ticket='siteA' loss-policy='fence'/>")
        .active("rsc1", "amber")
        .probed("rsc1");
    let granted = cib.clone().ticket(GRANTED).decide();
    assert!(!granted.steps().iter().any(|step| step.starts_with("stonith-")));
    let lost = cib.ticket(REVOKED).decide();
    assert!(lost.does("stonith-amber-reboot amber"));
    assert!(!lost.does("stonith-birch-reboot birch"));
    assert!(!lost.does("rsc1_start_0 birch"));
}

fn replicated() -> Cib {
    let clone = "<clone id='ms1'><meta_attributes id='m'><nvpair id='m1' name='promotable' \
                 value='true'/></meta_attributes><primitive id='db' class='ocf' \
                 provider='pacemaker' type='Stateful'/></clone>";
    let agent = "ocf:pacemaker:Stateful";
    pair()
        .resources(clone)
        .transient("amber", "master-db", "10")
        .transient("birch", "master-db", "5")
        .ran("amber", "db", agent, "promote", 0)
        .ran("birch", "db", agent, "start", 0)
}

/// *Pacemaker Explained* 15.3, "Configuring Ticket Dependencies".
#[test]
fn ex_15_2_the_loss_of_a_ticket_may_demote_what_needs_it_in_the_promoted_role_only() {
    let text = "<rsc_ticket id='t' rsc='ms1' rsc-role='Promoted' ticket='siteA' \
                loss-policy='demote'/>";
    let cib = replicated().constraints(text);
    assert_eq!(cib.clone().ticket(GRANTED).decide().place("db"), "amber promoted, birch");
    let lost = cib.ticket(REVOKED).decide();
    assert_eq!(lost.work(), ["db_demote_0 amber"]);
    assert_eq!(lost.place("db"), "amber, birch");
}

/// *Pacemaker Explained* 15.3, "Configuring Ticket Dependencies".
#[test]
fn ex_15_3_sets_of_one_ticket_may_depend_on_it_in_different_roles() {
    let text = "<rsc_ticket id='t' ticket='siteA' loss-policy='demote'><resource_set id='s1' \
                role='Started'><resource_ref id='web'/></resource_set><resource_set id='s2' \
                role='Promoted'><resource_ref id='ms1'/></resource_set></rsc_ticket>";
    let cib = replicated().resources(&dummy("web")).constraints(text);
    let granted = cib.clone().ticket(GRANTED).decide();
    assert_ne!(granted.place("web"), "");
    assert_eq!(granted.place("db"), "amber promoted, birch");
    let lost = cib.ticket(REVOKED).decide();
    assert_eq!(lost.place("web"), "");
    assert_eq!(lost.place("db"), "amber, birch");
}
