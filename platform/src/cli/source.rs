//! Where the CIB is: a live manager behind its socket, or a file.
//!
//! `CIB_file` names a file, `CIB_shadow` a shadow copy in `CIB_shadow_dir`; then no manager is
//! asked, and a change is written back to the file. The file is read once and in order, so that it
//! may be a pipe.

use super::cibfile;
use super::exit::Exit;
use super::run::{Failure, World};
use crate::ipc::client;
use core::cell::RefCell;
use diarch_cib::xml::Document;
use diarch_cluster::request::{CibOperation, CibRequest, Reply, Request};
use std::path::PathBuf;

/// Where the CIB is.
#[derive(Debug)]
pub(super) enum Source {
    /// Behind the manager's socket.
    Live,
    /// In a file.
    File {
        /// Its name.
        path: PathBuf,
        /// Its content.
        document: RefCell<Document>,
    },
}

impl Source {
    /// The source that the environment names.
    ///
    /// # Errors
    /// The file cannot be read or is no XML.
    pub(super) fn of(world: &World) -> Result<Self, Failure> {
        let file = match (world.variable("CIB_shadow"), world.variable("CIB_file")) {
            (Some(name), _) => Some(cibfile::shadow_file(world, name)),
            (None, Some(file)) => Some(PathBuf::from(file)),
            (None, None) => None,
        };
        match file {
            None => Ok(Self::Live),
            Some(path) => {
                let document = RefCell::new(cibfile::read(&path)?);
                Ok(Self::File { path, document })
            }
        }
    }

    /// Whether a manager answers.
    pub(super) const fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// The whole CIB, or a section of it.
    ///
    /// # Errors
    /// There is no answer, or no such section.
    pub(super) fn query(&self, section: Option<&str>) -> Result<Document, Failure> {
        let mut request = change(CibOperation::Query);
        request.section = section.map(str::to_owned);
        let reply = self.cib(&request)?;
        if reply.rc != 0 {
            return Err(Failure::new(Exit::of(reply.rc), reply.message));
        }
        document(&reply.payload)
    }

    /// The element that an `XPath` matches, or all of them in one `<xpath-query>`.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) fn select(&self, path: &str) -> Result<Option<Document>, Failure> {
        let mut request = change(CibOperation::Query);
        request.xpath = Some(path.to_owned());
        let reply = self.cib(&request)?;
        match reply.rc {
            0 => document(&reply.payload).map(Some),
            105 => Ok(None),
            _ => Err(Failure::new(Exit::of(reply.rc), reply.message)),
        }
    }

    /// Carries out one request; a refusal is in the answer.
    ///
    /// # Errors
    /// There is no answer, or the file cannot be written.
    pub(super) fn cib(&self, request: &CibRequest) -> Result<Reply, Failure> {
        match self {
            Self::Live => ask(&Request::Cib(request.clone())),
            Self::File { path, document } => {
                cibfile::on_file(path, &mut document.borrow_mut(), request)
            }
        }
    }

    /// Carries out several requests, all or nothing.
    ///
    /// # Errors
    /// There is no answer, or the file cannot be written.
    pub(super) fn transaction(&self, requests: Vec<CibRequest>) -> Result<Reply, Failure> {
        match self {
            Self::Live => ask(&Request::Transaction(requests)),
            Self::File { path, document } => {
                cibfile::all_on_file(path, &mut document.borrow_mut(), &requests)
            }
        }
    }

    /// Asks the manager something that is not in the CIB.
    ///
    /// # Errors
    /// There is no manager.
    pub(super) fn ask(&self, request: &Request) -> Result<Reply, Failure> {
        match self {
            Self::Live => ask(request),
            Self::File { .. } => Err(Failure::new(
                Exit::Disconnect,
                "Could not connect to the cluster: a file is used instead",
            )),
        }
    }
}

fn ask(request: &Request) -> Result<Reply, Failure> {
    client::ask(request).map_err(|error| {
        Failure::new(Exit::Disconnect, format!("Could not connect to the cluster: {error}"))
    })
}

/// A request of this kind without anything else.
pub(super) const fn change(operation: CibOperation) -> CibRequest {
    CibRequest {
        operation,
        section: None,
        xpath: None,
        input: None,
        allow_create: false,
        score: false,
        no_children: false,
        force: false,
    }
}

/// A document from the manager's answer.
///
/// # Errors
/// It is no XML.
pub(super) fn document(text: &str) -> Result<Document, Failure> {
    Document::parse(text).map_err(|error| {
        Failure::new(Exit::Protocol, format!("Could not parse the answer: {error}"))
    })
}
