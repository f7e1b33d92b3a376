//! The broker that wakes agents.

use conductor_adapters::valkey::ValkeyOptions;

use super::environment::Environment;
use super::findings::Findings;
use super::secret::Secret;

/// `VALKEY_URL`; `None`: agents pull their work. Whether anything answers there is asked later, by the daemon that needs it.
pub(super) fn read(environment: &Environment, findings: &Findings) -> Option<Secret> {
    let url = environment.secret("VALKEY_URL", "VALKEY_URL_FILE", findings)?;
    // Its text is never shown: it may hold a password.
    if let Err(problem) = ValkeyOptions::new(url.value.expose()).check() {
        findings.mistake(&url.place, problem.to_string());
    }
    Some(url.value)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};

    #[test]
    fn a_url_of_one_server_is_taken_and_shown_nowhere() {
        let settings = load("", &[("VALKEY_URL", "rediss://me:hunter2@v:6380/1")]).unwrap();
        assert_eq!(settings.valkey.as_ref().unwrap().expose(), "rediss://me:hunter2@v:6380/1");
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(load("", &[]).unwrap().valkey, None);
    }

    #[test]
    fn what_is_no_such_url_is_refused_without_being_shown() {
        refused("", &[("VALKEY_URL", "http://:hunter2@v")], "VALKEY_URL", "must begin with redis://");
        refused("", &[("VALKEY_URL", "redis-cluster://v")], "VALKEY_URL", "must begin with redis://");
        refused("", &[("VALKEY_URL_FILE", "/nowhere/url")], "VALKEY_URL_FILE", "failed to read /nowhere/url");
        assert!(!load("", &[("VALKEY_URL", "http://:hunter2@v")]).unwrap_err().to_string().contains("hunter2"));
    }
}
