//! Text of any kind read as a CIB: what is read is written and read again as the same, judged by
//! its schema, and moved to the newest one.
#![no_main]

use diarch_cib::xml::Document;
use diarch_cib::{digest, patch, upgrade, validate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else { return };
    let written = document.write();
    let again = Document::parse(&written).expect("what was written can be read");
    assert_eq!(again.write(), written);
    let _findings = validate::check(&document);
    let mut newest = document.clone();
    if upgrade::upgrade(&mut newest, None).is_ok() {
        let _digest = digest::of_element(newest.root());
    }
    if let Some(change) = patch::make(&document, &newest) {
        let mut changed = document.clone();
        if patch::apply(&mut changed, change.root(), true).is_ok() {
            assert_eq!(changed.write(), newest.write());
        }
    }
});
