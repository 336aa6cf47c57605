//! Chapter 2, "Cluster-Wide Configuration", and the appendix of configurations.

use crate::world::{decide, findings};

fn empty(dialect: &str) -> String {
    format!(
        "<cib admin_epoch='0' epoch='0' num_updates='0' validate-with='pacemaker-{dialect}'>\
         <configuration><crm_config/><nodes/><resources/><constraints/></configuration>\
         <status/></cib>"
    )
}

const DIALECTS: [&str; 7] = ["1.2", "2.0", "2.10", "3.0", "3.8", "3.10", "4.0"];

/// *Pacemaker Explained* 2.1, "Configuration Layout".
#[test]
fn ex_2_1_an_empty_configuration_is_valid_in_each_dialect_and_asks_for_nothing() {
    for dialect in DIALECTS {
        assert_eq!(findings(&empty(dialect)), [""; 0], "{dialect}");
        let decision = decide(&empty(dialect), "2023-11-14 22:13:20Z");
        assert_eq!(decision.steps(), [""; 0], "{dialect}");
    }
}
