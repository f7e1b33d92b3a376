//! The API's description, OpenAPI 3.1, made of what stands beside each endpoint.
//!
//! An [`Endpoint`] is a path with its handlers **and** their [`Operation`]s, and `routes` knows no other way to serve a path: what is
//! served is described, and what is described is served. Nothing of the document is written by hand twice:
//!
//! | Part | Comes from |
//! |---|---|
//! | paths, methods, `Allow` | the endpoints that are served |
//! | shapes of answers | the structs that are serialised, their `///` included |
//! | shapes of reports | [`report::shapes`](crate::report::shapes), which tests hold against the translation |
//! | refusals | the table of codes ([`Code`](crate::error::Code)) |
//! | words (states, priorities …) | the core's own lists |
//!
//! Examples of one name belong together: parameters, body and answer. Played by the order of their names against a fresh daemon
//! they all run; a test does that.

mod access;
mod answer;
mod body;
mod document;
mod endpoint;
mod operation;
mod page;
mod parameter;
mod schema;

pub use access::Role;
pub use answer::Answer;
pub use body::Body;
pub use document::document;
pub use endpoint::Endpoint;
pub use operation::{Operation, Tag};
pub use page::{ADDRESS, page};
pub use parameter::Parameter;
pub use schema::{Texts, one_of, words};
pub(crate) use schema::{
    claimant, count, flag, issue_number, not_blank, nullable, number, owner_or_name, repo, sha, text, texts,
};
