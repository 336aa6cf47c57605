//! Digests: of an operation's parameters, and of a whole configuration.
//!
//! Both are MD5 in lower-case hexadecimal over one form of text: a blank, the element without
//! indentation, a newline. They detect changes; they are no protection against anybody.

use crate::xml::{Document, Element};
use md5::{Digest, Md5};

/// Parameters that say nothing about how an agent is configured.
const IGNORED: &[&str] =
    &["id", "crm_feature_set", "op-digest", "on_node", "on_node_uuid", "pcmk_external_ip"];

/// The digest of an operation's parameters: sorted by name, without meta attributes, the timeout
/// added back for a recurring operation.
#[must_use]
pub fn of_parameters<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    recurring: bool,
) -> String {
    let counts = |name: &str| {
        if name.starts_with("CRM_meta_") {
            recurring && name == "CRM_meta_timeout"
        } else {
            !IGNORED.contains(&name)
        }
    };
    let mut kept: Vec<(&str, &str)> =
        parameters.into_iter().filter(|(name, _)| counts(name)).collect();
    kept.sort_by_key(|(name, _)| *name);
    kept.dedup_by_key(|(name, _)| *name);
    let mut document = Document::new("parameters");
    let root = document.root().id();
    for (name, value) in kept {
        document.set_attribute(root, name, value);
    }
    of_element(document.root())
}

/// The digest of an element: of a `<cib>` as it stands in `cib.xml.sig`.
#[must_use]
pub fn of_element(element: Element<'_>) -> String {
    let document = Document::from_element(element);
    let mut hash = Md5::new();
    hash.update(" ");
    hash.update(document.write_compact());
    hash.update("\n");
    let mut text = String::with_capacity(32);
    for byte in hash.finalize() {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parameters_have_the_digest_that_the_field_knows() {
        assert_eq!(of_parameters([], false), "f2317cad3d54cec5d7d7aa7d0bf35cf8");
    }

    #[test]
    fn order_and_meta_attributes_do_not_matter_but_a_recurring_timeout_does() {
        let plain = [("b", "2"), ("a", "1")];
        let meta = [("a", "1"), ("CRM_meta_timeout", "20000"), ("b", "2")];
        assert_eq!(of_parameters(plain, false), of_parameters(meta, false));
        assert_ne!(of_parameters(plain, true), of_parameters(meta, true));
    }
}
