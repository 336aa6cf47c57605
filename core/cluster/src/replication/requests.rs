//! What tools ask of the CIB, carried out all or nothing.

use super::change::Stamp;
use crate::controller::status;
use crate::request::{CibOperation, CibRequest};
use diarch_cib::Document;
use diarch_cib::operations::{self, Applied, Kind, Operation, Refusal};
use diarch_cib::upgrade::Dialect;

/// What the library calls a tool's request.
#[must_use]
pub fn operation(request: &CibRequest) -> Operation<'_> {
    let kind = match request.operation {
        CibOperation::Query => Kind::Query,
        CibOperation::Create => Kind::Create,
        CibOperation::Modify => Kind::Modify,
        CibOperation::Replace => Kind::Replace,
        CibOperation::Delete => Kind::Delete,
        CibOperation::DeleteAll => Kind::DeleteAll,
        CibOperation::Patch => Kind::Patch,
        CibOperation::Erase => Kind::Erase,
        CibOperation::Bump => Kind::Bump,
        CibOperation::Upgrade => Kind::Upgrade,
    };
    Operation {
        kind,
        section: request.section.as_deref(),
        xpath: request.xpath.as_deref(),
        input: request.input.as_deref(),
        allow_create: request.allow_create,
        score: request.score,
        no_children: request.no_children,
    }
}

/// Writes into upgrades without a target the newest dialect that this node validates, so that both
/// nodes go equally far.
#[must_use]
pub fn with_target(mut requests: Vec<CibRequest>) -> Vec<CibRequest> {
    for request in &mut requests {
        if request.operation == CibOperation::Upgrade && request.input.is_none() {
            let newest = Dialect::NEWEST.text();
            request.input = Some(format!("<cib validate-with=\"{newest}\"/>"));
        }
    }
    requests
}

/// Carries all requests out, or none.
pub(super) fn apply(
    document: &mut Document,
    requests: &[CibRequest],
    stamp: &Stamp,
) -> Result<Applied, Refusal> {
    let mut work = document.clone();
    let mut all = Applied::default();
    for request in requests {
        let applied = operations::apply(&mut work, &operation(request))?;
        all.changed |= applied.changed;
        all.configuration |= applied.configuration;
    }
    if requests.iter().any(takes_status) {
        status::restore(&mut work, document);
    }
    status::ensure_sections(&mut work);
    if all.configuration {
        operations::not_less_valid(document, &work)?;
        let root = work.root().id();
        work.set_attribute(root, "cib-last-written", &stamp.written);
        work.set_attribute(root, "update-origin", &stamp.origin);
        work.set_attribute(root, "update-client", &stamp.client);
        work.set_attribute(root, "update-user", &stamp.user);
    }
    *document = work;
    Ok(all)
}

/// Whether a request puts something in the place of the whole CIB: the status stays the cluster's.
const fn takes_status(request: &CibRequest) -> bool {
    request.section.is_none()
        && request.xpath.is_none()
        && matches!(request.operation, CibOperation::Replace | CibOperation::Erase)
}
