//! What tools ask of the CIB, carried out all or nothing.

use super::change::Stamp;
use crate::controller::status;
use crate::request::{CibOperation, CibRequest};
use diarch_cib::operations::{self, Applied, Kind, Operation, Refusal};
use diarch_cib::patch::{self, PatchError};
use diarch_cib::{Document, validate};

/// Exit status: the result would not be a valid configuration.
const EXIT_CONFIG: i32 = 78;
/// Exit status: the patch cannot be applied.
const EXIT_PROTOCOL: i32 = 76;
/// Exit status: the patch is older than the CIB.
const EXIT_OLD: i32 = 103;

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

/// Carries all requests out, or none.
pub(super) fn apply(
    document: &mut Document,
    requests: &[CibRequest],
    stamp: &Stamp,
) -> Result<Applied, Refusal> {
    let mut work = document.clone();
    let mut all = Applied::default();
    for request in requests {
        let applied = apply_one(&mut work, request)?;
        all.changed |= applied.changed;
        all.configuration |= applied.configuration;
    }
    if requests.iter().any(takes_status) {
        status::restore(&mut work, document);
    }
    status::ensure_sections(&mut work);
    if all.configuration {
        refuse_invalid(document, &work)?;
        let root = work.root().id();
        work.set_attribute(root, "cib-last-written", &stamp.written);
        work.set_attribute(root, "update-origin", &stamp.origin);
        work.set_attribute(root, "update-client", &stamp.client);
        work.set_attribute(root, "update-user", &stamp.user);
    }
    *document = work;
    Ok(all)
}

fn apply_one(document: &mut Document, request: &CibRequest) -> Result<Applied, Refusal> {
    match request.operation {
        CibOperation::Patch => apply_patch(document, request),
        CibOperation::Query
        | CibOperation::Create
        | CibOperation::Modify
        | CibOperation::Replace
        | CibOperation::Delete
        | CibOperation::DeleteAll
        | CibOperation::Erase
        | CibOperation::Bump
        | CibOperation::Upgrade => operations::apply(document, &operation(request)),
    }
}

/// Applies a patch; one without versions counts as a change like any other.
fn apply_patch(document: &mut Document, request: &CibRequest) -> Result<Applied, Refusal> {
    let text = request.input.as_deref().unwrap_or_default();
    let patch = Document::parse(text).map_err(|error| refusal(EXIT_CONFIG, error.to_string()))?;
    let mut changed = document.clone();
    patch::apply(&mut changed, patch.root(), true).map_err(|error| match error {
        PatchError::TooOld => refusal(EXIT_OLD, "Update was older than existing configuration"),
        PatchError::TooNew | PatchError::NoSuchPath(_) => {
            refusal(EXIT_PROTOCOL, "Application of update diff failed")
        }
        PatchError::Format => refusal(EXIT_PROTOCOL, error.to_string()),
    })?;
    let applied = operations::stamp(document, &mut changed, Kind::Patch);
    *document = changed;
    Ok(applied)
}

/// Refuses a change that makes a CIB less valid than it was.
fn refuse_invalid(before: &Document, after: &Document) -> Result<(), Refusal> {
    let found = validate::check(after);
    if found.is_empty() || found.len() <= validate::check(before).len() {
        return Ok(());
    }
    let mut message = "Update does not conform to the configured schema".to_owned();
    for finding in found {
        message.push('\n');
        message.push_str(&finding.to_string());
    }
    Err(refusal(EXIT_CONFIG, message))
}

fn refusal(rc: i32, message: impl Into<String>) -> Refusal {
    Refusal { rc, message: message.into(), details: String::new() }
}

/// Whether a request puts something in the place of the whole CIB: the status stays the cluster's.
const fn takes_status(request: &CibRequest) -> bool {
    request.section.is_none()
        && request.xpath.is_none()
        && matches!(request.operation, CibOperation::Replace | CibOperation::Erase)
}
