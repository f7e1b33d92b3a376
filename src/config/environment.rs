//! The environment: plain variables, and secrets that may stand in a file of their own.

use std::collections::BTreeMap;
use std::ffi::OsString;

use conductor_core::data::Field;
use conductor_http::similar::similar;

use super::findings::{At, Findings, Place};
use super::secret::Secret;
use super::section;

/// Every variable with our prefix; those of GitHub, Discord and the databases have names that others use too.
const KNOWN: &[&str] = &[
    "CONDUCTOR_CONFIG",
    "CONDUCTOR_BIND",
    "CONDUCTOR_DATA_DIR",
    "CONDUCTOR_IDENTITY",
    "CONDUCTOR_LOG",
    "CONDUCTOR_LOG_FORMAT",
    "CONDUCTOR_MIGRATE_DATABASE_URL",
    "CONDUCTOR_MIGRATE_DATABASE_URL_FILE",
    "CONDUCTOR_TRUSTED_NETWORKS",
    // Of the commands that read from a running daemon.
    "CONDUCTOR_URL",
    "CONDUCTOR_TOKEN",
    "CONDUCTOR_TOKEN_FILE",
];

/// Variables by name, as a process was given them.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// Exactly these.
    pub fn of<N: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A variable's text. Empty is a mistake, not "unset": an emptied secret must never open what it closed.
    pub(super) fn text(&self, name: &'static str, findings: &Findings) -> Option<At<String>> {
        let place = Place::Variable(name);
        match self.0.get(name)?.to_str() {
            None => findings.mistake(&place, "must be UTF-8"),
            Some("") => findings.mistake(&place, "is set but empty: give it a value or unset it"),
            Some(text) => return Some(At { value: text.to_owned(), place }),
        }
        None
    }

    /// A variable as a `T`; `read` gives what is wrong as a fragment.
    pub(super) fn parsed<T>(
        &self,
        name: &'static str,
        findings: &Findings,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<At<T>> {
        let found = self.text(name, findings)?;
        match read(&found.value) {
            Ok(value) => Some(At { value, place: found.place }),
            Err(problem) => {
                findings.mistake(&found.place, format!("{problem}, not \"{}\"", found.value.escape_debug()));
                None
            }
        }
    }

    /// A variable as a word of the core.
    pub(super) fn field<T: Field>(&self, name: &'static str, findings: &Findings) -> Option<At<T>> {
        self.parsed(name, findings, section::field)
    }

    /// A secret: the variable `name`, or the content of the file that `file` names (its last line end apart).
    pub(super) fn secret(&self, name: &'static str, file: &'static str, findings: &Findings) -> Option<At<Secret>> {
        let place = Place::Variable(file);
        let direct = self.text(name, findings).map(|found| At { value: Secret::new(found.value), place: found.place });
        let Some(path) = self.text(file, findings) else { return direct };
        if self.has(name) {
            findings.mistake(&place, format!("{name} is set too: which of them holds?"));
            return None;
        }
        match std::fs::read_to_string(&path.value) {
            Err(error) => findings.mistake(&place, format!("failed to read {}: {error}", path.value)),
            Ok(text) => match text.trim_end_matches(['\r', '\n']) {
                "" => findings.mistake(&place, format!("{} is empty", path.value)),
                secret => return Some(At { value: Secret::new(secret), place }),
            },
        }
        None
    }

    /// `CONDUCTOR_BNID`: said, not refused, since platforms set variables with such prefixes by themselves.
    pub(super) fn notice_misspelt(&self, findings: &Findings) {
        let ours = |name: &&String| name.starts_with("CONDUCTOR_") && !KNOWN.contains(&name.as_str());
        for name in self.0.keys().filter(ours) {
            if let Some(meant) = similar(name.strip_prefix("CONDUCTOR_").unwrap_or(name), &suffixes()) {
                findings.notice(format!("{name} is no setting; did you mean CONDUCTOR_{meant}?"));
            }
        }
    }
}

/// Without the prefix, which would make all of them look alike.
fn suffixes() -> Vec<&'static str> {
    KNOWN.iter().filter_map(|name| name.strip_prefix("CONDUCTOR_")).collect()
}

impl std::fmt::Debug for Environment {
    /// Names alone: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::tests::{load, refused};
    use super::*;

    fn secret_file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn a_secret_may_stand_in_a_file_whose_last_line_end_is_not_part_of_it() {
        let file = secret_file(" s3cret \n");
        let settings = load("", &[("GITHUB_WEBHOOK_SECRET_FILE", file.path().to_str().unwrap())]).unwrap();
        assert_eq!(settings.webhook_secret.unwrap().expose(), " s3cret ");
    }

    #[test]
    fn an_empty_secret_is_refused_in_either_form() {
        refused("", &[("GITHUB_WEBHOOK_SECRET", "")], "GITHUB_WEBHOOK_SECRET", "set but empty");
        let file = secret_file("\n");
        refused(
            "",
            &[("GITHUB_WEBHOOK_SECRET_FILE", file.path().to_str().unwrap())],
            "GITHUB_WEBHOOK_SECRET_FILE",
            "is empty",
        );
    }

    #[test]
    fn both_forms_at_once_are_refused() {
        let both = [("DATABASE_URL", "postgres://db"), ("DATABASE_URL_FILE", "/run/secrets/url")];
        refused("", &both, "DATABASE_URL_FILE", "DATABASE_URL is set too");
    }

    #[test]
    fn a_misspelt_variable_is_noticed_and_a_platforms_own_is_not() {
        let notices = load("", &[("CONDUCTOR_BNID", "x"), ("CONDUCTOR_E_SERVICE_HOST", "10.0.0.1")]).unwrap().notices;
        assert_eq!(notices, ["CONDUCTOR_BNID is no setting; did you mean CONDUCTOR_BIND?"]);
    }

    #[test]
    fn debug_shows_names_alone() {
        assert_eq!(format!("{:?}", Environment::of([("GITHUB_TOKEN", "hunter2")])), "{\"GITHUB_TOKEN\"}");
    }
}
