//! A CIB in a file: read once, changed in memory, written back whole.

use super::exit::Exit;
use super::run::{FEATURE_SET, Failure, World};
use diarch_cib::operations::{self, Refusal};
use diarch_cib::xml::Document;
use diarch_cluster::replication::requests::operation;
use diarch_cluster::request::{CibOperation, CibRequest, Reply};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where shadow copies are kept unless `CIB_shadow_dir` says otherwise.
const SHADOW_FOLDER: &str = "/var/lib/pacemaker/cib";
/// The schema of a new CIB.
const SCHEMA: &str = "pacemaker-4.0";

/// The file that holds a shadow copy.
pub(super) fn shadow_file(world: &World, name: &str) -> PathBuf {
    let folder = world.variable("CIB_shadow_dir").unwrap_or(SHADOW_FOLDER);
    Path::new(folder).join(format!("shadow.{name}"))
}

/// Reads a CIB.
///
/// # Errors
/// There is no such file, or it holds no CIB.
pub(super) fn read(path: &Path) -> Result<Document, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            if error.kind() == std::io::ErrorKind::NotFound { Exit::NoSuch } else { Exit::OsFile },
            format!("Could not read {}: {error}", path.display()),
        )
    })?;
    Document::parse(&text).map_err(|error| {
        Failure::new(Exit::Config, format!("Could not parse {}: {error}", path.display()))
    })
}

/// Writes a CIB in the place of the one that is there: all of it or nothing.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(path: &Path, document: &Document) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(Exit::CantCreate, format!("Could not write {}: {error}", path.display()))
    };
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = std::fs::File::create(&new).map_err(failed)?;
    file.write_all(document.write().as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}

/// A CIB without anything in it, as `cibadmin --empty` shows it.
pub(super) fn empty(schema: Option<&str>) -> Document {
    let mut document = Document::new("cib");
    let root = document.root().id();
    for (name, value) in [
        ("crm_feature_set", FEATURE_SET),
        ("validate-with", schema.unwrap_or(SCHEMA)),
        ("epoch", "1"),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
    ] {
        document.set_attribute(root, name, value);
    }
    let configuration = document.append_new(root, "configuration");
    for section in ["crm_config", "nodes", "resources", "constraints"] {
        document.append_new(configuration, section);
    }
    document.append_new(root, "status");
    document
}

/// Carries out one request on a file.
///
/// # Errors
/// The file cannot be written.
pub(super) fn on_file(
    path: &Path,
    document: &mut Document,
    request: &CibRequest,
) -> Result<Reply, Failure> {
    if request.operation == CibOperation::Query {
        return Ok(match operations::query(document, &operation(request)) {
            Ok(found) => Reply { payload: found.write(), ..Reply::default() },
            Err(refusal) => refused(refusal),
        });
    }
    all_on_file(path, document, core::slice::from_ref(request))
}

/// Carries out several requests on a file, all or nothing.
///
/// # Errors
/// The file cannot be written.
pub(super) fn all_on_file(
    path: &Path,
    document: &mut Document,
    requests: &[CibRequest],
) -> Result<Reply, Failure> {
    let mut changed = document.clone();
    for request in requests {
        if let Err(refusal) = operations::apply(&mut changed, &operation(request)) {
            return Ok(refused(refusal));
        }
    }
    if let Err(refusal) = operations::not_less_valid(document, &changed) {
        return Ok(refused(refusal));
    }
    write(path, &changed)?;
    *document = changed;
    Ok(Reply::default())
}

fn refused(refusal: Refusal) -> Reply {
    Reply { rc: refusal.rc, message: refusal.message, payload: refusal.details }
}
