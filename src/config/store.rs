//! Where the log is kept.

use std::path::PathBuf;

use super::environment::Environment;
use super::findings::{At, Findings};
use super::secret::Secret;
use super::section::Section;

/// The store, as chosen by `DATABASE_URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// One file in a folder of this machine.
    Embedded {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
    /// PostgreSQL.
    Postgres {
        /// Of the role that serves.
        url: Secret,
        /// Of the role that owns the tables; `None`: the same.
        migrate_url: Option<Secret>,
    },
}

/// `DATABASE_URL` and `CONDUCTOR_MIGRATE_DATABASE_URL`, else `CONDUCTOR_DATA_DIR` or `data_dir` in the file.
pub(super) fn read(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Store {
    let in_file = root.parsed("data_dir", folder);
    let folder = environment.parsed("CONDUCTOR_DATA_DIR", findings, folder).or(in_file);
    let url = environment.secret("DATABASE_URL", "DATABASE_URL_FILE", findings);
    let migrate = environment.secret("CONDUCTOR_MIGRATE_DATABASE_URL", "CONDUCTOR_MIGRATE_DATABASE_URL_FILE", findings);
    for found in [&url, &migrate].into_iter().flatten() {
        check_scheme(found, findings);
    }
    match (url, migrate) {
        (Some(url), migrate) => {
            if let Some(folder) = folder {
                findings
                    .notice(format!("{} names a data folder, which is not used: DATABASE_URL is set", folder.place));
            }
            Store::Postgres { url: url.value, migrate_url: migrate.map(|found| found.value) }
        }
        (None, migrate) => {
            if let Some(migrate) = migrate {
                findings.mistake(&migrate.place, "is set, but DATABASE_URL is not: the embedded store has no roles");
            }
            Store::Embedded { folder: folder.map_or_else(|| "conductor-data".into(), |found| found.value) }
        }
    }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must be a folder".to_owned()) } else { Ok(text.into()) }
}

/// The rest of the URL is the driver's to judge. Its text is never shown: it holds a password.
fn check_scheme(url: &At<Secret>, findings: &Findings) {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.value.expose().starts_with(scheme)) {
        findings.mistake(&url.place, "must begin with postgres:// (the embedded store is chosen by leaving it out)");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};
    use super::*;

    #[test]
    fn a_database_url_chooses_postgres() {
        let variables =
            [("DATABASE_URL", "postgres://me:hunter2@db/c"), ("CONDUCTOR_MIGRATE_DATABASE_URL", "postgresql://o@db/c")];
        let settings = load("", &variables).unwrap();
        let Store::Postgres { url, migrate_url: Some(owner) } = &settings.store else { panic!("{settings:?}") };
        assert_eq!((url.expose(), owner.expose()), (variables[0].1, variables[1].1));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_data_folder_beside_a_database_is_noticed() {
        let settings = load("", &[("DATABASE_URL", "postgres://db/c"), ("CONDUCTOR_DATA_DIR", "d")]).unwrap();
        assert!(settings.notices[0].starts_with("CONDUCTOR_DATA_DIR names a data folder, which is not used"));
    }

    #[test]
    fn an_owner_without_a_database_and_other_databases_are_refused() {
        let owner = [("CONDUCTOR_MIGRATE_DATABASE_URL", "postgres://db/c")];
        refused("", &owner, "CONDUCTOR_MIGRATE_DATABASE_URL", "DATABASE_URL is not");
        refused("", &[("DATABASE_URL", "mysql://me:hunter2@db/c")], "DATABASE_URL", "must begin with postgres://");
        assert!(!load("", &[("DATABASE_URL", "mysql://me:hunter2@db")]).unwrap_err().to_string().contains("hunter2"));
        refused("data_dir = \"\"", &[], "rig.toml:1", "must be a folder");
    }
}
