//! What the contract knows and this version does not act upon. Passed over in silence, a rig would wait for notices and
//! dispatches that never come.

use super::environment::Environment;
use super::findings::Findings;

/// Says so for everything that is set; what can't be read is a mistake all the same.
pub(super) fn notice(environment: &Environment, findings: &Findings) {
    let secrets = [
        ("DISCORD_WEBHOOK_URL", "DISCORD_WEBHOOK_URL_FILE", "sends nothing to Discord yet: notices are kept and shown"),
        ("DISCORD_BOT_TOKEN", "DISCORD_BOT_TOKEN_FILE", "sends nothing to Discord yet: notices are kept and shown"),
    ];
    for (name, file, what) in secrets {
        if let Some(found) = environment.secret(name, file, findings) {
            findings.notice(format!("{} is set, but this version {what}", found.place));
        }
    }
    if let Some(found) = environment.text("DISCORD_API_URL", findings) {
        findings.notice(format!("{} is set, but this version sends nothing to Discord yet", found.place));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};

    #[test]
    fn what_is_set_and_not_acted_upon_is_said() {
        for name in ["DISCORD_WEBHOOK_URL", "DISCORD_BOT_TOKEN", "DISCORD_API_URL"] {
            let notices = load("", &[(name, "https://hunter2@d")]).unwrap().notices;
            assert_eq!(notices.len(), 1);
            assert!(
                notices[0].starts_with(&format!("{name} is set, but this version")) && !notices[0].contains("hunter2")
            );
        }
        refused(
            "",
            &[("DISCORD_BOT_TOKEN_FILE", "/nowhere/url")],
            "DISCORD_BOT_TOKEN_FILE",
            "failed to read /nowhere/url",
        );
    }
}
