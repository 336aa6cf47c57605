//! Chapter 12, "Utilization and Placement Strategy".

use crate::world::{Cib, pair, primitive};

fn utilization(id: &str, cpu: u32, memory: u32) -> String {
    format!(
        "<utilization id='{id}'><nvpair id='{id}-c' name='cpu' value='{cpu}'/>\
         <nvpair id='{id}-m' name='memory' value='{memory}'/></utilization>"
    )
}

fn capacities() -> Cib {
    pair()
        .option("placement-strategy", "utilization")
        .in_node("amber", &utilization("n1", 2, 2048))
        .in_node("birch", &utilization("n2", 4, 4096))
}

fn consumer(id: &str, cpu: u32, memory: u32) -> String {
    primitive(id, &utilization(&format!("{id}-u"), cpu, memory))
}

/// *Pacemaker Explained* 12.1, "Utilization attributes".
#[test]
fn ex_12_1_a_resource_goes_only_where_its_node_has_the_capacity() {
    let place =
        |cpu, memory| capacities().resources(&consumer("r", cpu, memory)).decide().place("r");
    assert_eq!(place(3, 1024), "birch");
    assert_eq!(place(1, 3072), "birch");
    assert_eq!(place(5, 1024), "");
    assert_eq!(place(1, 4097), "");
    // The type of a node that old dialects wrote.
    let old =
        capacities().dialect("3.0").text().replace("<node id='1'", "<node type='normal' id='1'");
    assert!(crate::world::findings(&old)[0].contains("type=\"normal\""));
}

/// *Pacemaker Explained* 12.1, "Utilization attributes".
#[test]
fn ex_12_2_what_runs_on_a_node_together_needs_no_more_than_it_has() {
    let needs = [("small", 1, 1024), ("medium", 2, 2048), ("large", 3, 3072)];
    let mut cib = capacities();
    for (id, cpu, memory) in needs {
        cib = cib.resources(&consumer(id, cpu, memory));
    }
    let decision = cib.decide();
    for (node, capacity) in [("amber", 2048), ("birch", 4096)] {
        let here = needs.iter().filter(|(id, _, _)| decision.place(id) == node);
        let used: u32 = here.map(|(_, _, memory)| memory).sum();
        assert!(used <= capacity, "{node}: {used}");
    }
    let placed = needs.iter().filter(|(id, _, _)| !decision.place(id).is_empty());
    assert!(placed.count() >= 2);
}
