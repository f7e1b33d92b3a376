//! What is known of GitHub: the webhook's secret, and credentials for its API.

use super::environment::Environment;
use super::findings::{Findings, Place};
use super::secret::Secret;
use super::section::Section;

/// The webhook's secret. Credentials are checked and noticed, not used: until they are, the mode is never `connected`,
/// since rules that wait for a read of GitHub would wait for ever.
pub(super) fn read(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Option<Secret> {
    let in_file = root.section("github").and_then(|section| {
        let url = section.parsed("api_url", url);
        section.close();
        url
    });
    let api_url = environment.parsed("GITHUB_API_URL", findings, url).or(in_file);
    let token = environment.secret("GITHUB_TOKEN", "GITHUB_TOKEN_FILE", findings);
    let app = environment.text("GITHUB_APP_ID", findings);
    let key = environment.secret("GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_PRIVATE_KEY_FILE", findings);
    if let (Some(token), Some(app)) = (&token, &app) {
        findings.mistake(&app.place, format!("{} is set too: an App or a token, which of them holds?", token.place));
    }
    match (&app, &key) {
        (Some(app), None) => findings.mistake(&app.place, "is set, but GITHUB_APP_PRIVATE_KEY is not"),
        (None, Some(key)) => findings.mistake(&key.place, "is set, but GITHUB_APP_ID is not"),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let credentials = [token.map(|found| found.place), app.map(|found| found.place), key.map(|found| found.place)];
    for place in credentials.into_iter().chain([api_url.map(|found| found.place)]).flatten() {
        notice(&place, findings);
    }
    environment.secret("GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_FILE", findings).map(|found| found.value)
}

fn notice(place: &Place, findings: &Findings) {
    findings
        .notice(format!("{place} is set, but this version does not call GitHub's API yet: it believes webhooks alone"));
}

fn url(text: &str) -> Result<String, String> {
    let sane = text.starts_with("https://") || text.starts_with("http://");
    if sane { Ok(text.to_owned()) } else { Err("must be a URL such as https://api.github.com".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};
    use conductor_core::roster::GitHubMode;

    #[test]
    fn a_webhook_secret_makes_github_the_one_to_believe() {
        let settings = load("", &[("GITHUB_WEBHOOK_SECRET", "s3cret")]).unwrap();
        assert_eq!(settings.policy.github, GitHubMode::Webhook);
        assert_eq!(settings.webhook_secret.unwrap().expose(), "s3cret");
        assert_eq!(load("", &[]).unwrap().policy.github, GitHubMode::None);
    }

    #[test]
    fn credentials_are_noticed_and_do_not_make_it_connected() {
        let variables = [("GITHUB_TOKEN", "t"), ("GITHUB_WEBHOOK_SECRET", "s")];
        let settings = load("[github]\napi_url = \"https://github.example\"\n", &variables).unwrap();
        assert_eq!(settings.policy.github, GitHubMode::Webhook);
        assert_eq!(settings.notices.len(), 2, "{:?}", settings.notices);
        assert!(settings.notices[0].starts_with("GITHUB_TOKEN is set, but this version does not call"));
    }

    #[test]
    fn half_an_app_and_two_credentials_are_refused() {
        refused("", &[("GITHUB_APP_ID", "7")], "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY is not");
        refused("", &[("GITHUB_APP_PRIVATE_KEY", "k")], "GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_ID is not");
        let both = [("GITHUB_APP_ID", "7"), ("GITHUB_APP_PRIVATE_KEY", "k"), ("GITHUB_TOKEN", "t")];
        refused("", &both, "GITHUB_APP_ID", "which of them holds?");
        refused("", &[("GITHUB_API_URL", "github")], "GITHUB_API_URL", "must be a URL");
    }
}
