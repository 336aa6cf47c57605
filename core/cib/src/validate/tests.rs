//! Findings of small CIBs, and none in the corpus that upstream's schemas accept.

use super::*;

fn findings(resources: &str) -> Vec<String> {
    let text = format!(
        "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\" validate-with=\"pacemaker-3.0\">\n\
         <configuration><crm_config/><nodes/>\n<resources>\n{resources}\n</resources>\n\
         <constraints/></configuration><status/></cib>"
    );
    check(&Document::parse(&text).unwrap()).iter().map(ToString::to_string).collect()
}

#[test]
fn a_plain_resource_is_valid() {
    assert_eq!(findings("<primitive id=\"x\" class=\"ocf\" provider=\"p\" type=\"T\"/>"), [""; 0]);
}

#[test]
fn findings_name_line_place_and_expectation() {
    for (text, expected) in [
        (
            "<primitve id=\"x\"/>",
            "line 4: /cib/configuration/resources/primitve[@id='x']: <primitve>",
        ),
        ("<primitive id=\"x\" clas=\"ocf\"/>", "<primitive> has no attribute clas"),
        ("<primitive class=\"ocf\"/>", "<primitive> needs the attribute id"),
        ("<primitive id=\"1x\"/>", "id=\"1x\": a name that begins with a letter"),
        ("<primitive id=\"x\"/><primitive id=\"x\"/>", "the id \"x\" is already that of"),
        ("<primitive id=\"x\" template=\"t\"/>", "template=\"t\" names nothing"),
        ("<group id=\"g\"><group id=\"h\"/></group>", "<group> may not stand in <group>"),
    ] {
        let found = findings(text).join("\n");
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn an_element_that_a_dialect_dropped_is_refused_there_only() {
    let text = |dialect: &str| {
        format!(
            "<cib admin_epoch='0' epoch='1' num_updates='0' validate-with='pacemaker-{dialect}'>\
             <configuration><resources><master id='m'><primitive id='x'/></master></resources>\
             </configuration></cib>"
        )
    };
    assert!(check(&Document::parse(&text("3.10")).unwrap()).is_empty());
    let found = check(&Document::parse(&text("4.0")).unwrap());
    assert!(found[0].to_string().contains("does not exist in pacemaker-4.0"), "{found:?}");
}

#[test]
fn a_document_that_is_no_cib_is_refused_at_once() {
    for text in ["<x/>", "<cib/>", "<cib validate-with='pacemaker-9.9'/>"] {
        assert!(!check(&Document::parse(text).unwrap()).is_empty(), "{text}");
    }
}
