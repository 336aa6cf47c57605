//! Each row of the transformation on a small configuration, before and after.

use super::*;

mod new;
mod old;

/// A CIB with these sections.
fn cib(dialect: &str, sections: &str) -> Document {
    let text = format!(
        "<cib admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\" \
         validate-with=\"pacemaker-{dialect}\"><configuration>{sections}</configuration>\
         <status/></cib>"
    );
    Document::parse(&text).unwrap()
}

/// The sections after an upgrade, and the hints.
#[track_caller]
fn upgraded(from: &str, to: &str, sections: &str) -> (String, Vec<String>) {
    let mut document = cib(from, sections);
    let to = Dialect::parse(&format!("pacemaker-{to}")).unwrap();
    let result = upgrade(&mut document, Some(to)).unwrap();
    assert_eq!(document.root().attribute("validate-with"), Some(to.text().as_str()));
    let configuration = document.root().child("configuration").unwrap();
    let text = Document::from_element(configuration).write_compact();
    let inside = text.strip_prefix("<configuration>").unwrap();
    let inside = inside.strip_suffix("</configuration>").unwrap();
    (inside.to_owned(), result.hints.iter().map(ToString::to_string).collect())
}

/// Checks what the sections have become, and that each expected hint begins a given one.
#[track_caller]
fn check(from: &str, to: &str, before: &str, after: &str, hints: &[&str]) {
    let (found, said) = upgraded(from, to, before);
    assert_eq!(found, after);
    assert_eq!(said.len(), hints.len(), "{said:?}");
    for (said, expected) in said.iter().zip(hints) {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_dialect_that_only_adds_changes_the_name_alone() {
    let plain = "<crm_config/><nodes/><resources/><constraints/>";
    for (from, to) in [("1.0", "1.3"), ("2.0", "2.10"), ("3.0", "3.10"), ("1.2", "4.0")] {
        check(from, to, plain, plain, &[]);
    }
}

#[test]
fn what_cannot_be_upgraded_stays_as_it_is() {
    for (name, error) in [
        ("validate-with=\"pacemaker-4.0\"", UpgradeError::Unchanged),
        ("validate-with=\"none\"", UpgradeError::Unchanged),
        ("", UpgradeError::NoDialect),
        (
            "validate-with=\"pacemaker-1.1\"",
            UpgradeError::UnknownDialect("pacemaker-1.1".to_owned()),
        ),
        (
            "validate-with=\"pacemaker-0.6\"",
            UpgradeError::UnknownDialect("pacemaker-0.6".to_owned()),
        ),
    ] {
        let text = format!("<cib {name}><configuration/></cib>");
        let mut document = Document::parse(&text).unwrap();
        let before = document.write_compact();
        assert_eq!(upgrade(&mut document, None), Err(error));
        assert_eq!(document.write_compact(), before);
    }
}
