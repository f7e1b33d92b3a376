//! The settings as a whole, and what the tests of each concern read them with.

use conductor_core::identity::RepoName;
use conductor_core::roster::Role;

use super::*;

/// Loads that text as a file called `rig.toml`, under that environment.
pub(super) fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rig.toml");
    std::fs::write(&path, file).unwrap();
    Settings::load_with(Some(&path), &Environment::of(variables.iter().copied()))
}

/// The settings of that file alone, which must be sound.
pub(super) fn sound(file: &str) -> Settings {
    load(file, &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Every mistake of it, with the file's folder left out.
pub(super) fn mistakes(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let found = load(file, variables).expect_err("these settings are wrong").0;
    let folderless = |mistake: &Mistake| match mistake.to_string() {
        text if matches!(mistake.place, Place::Line { .. }) => {
            text.split_once("/rig.toml").map(|(_, rest)| format!("rig.toml{rest}")).unwrap()
        }
        text => text,
    };
    found.iter().map(folderless).collect()
}

/// Exactly one mistake, which begins with `place` and holds `problem`.
#[track_caller]
pub(super) fn refused(file: &str, variables: &[(&str, &str)], place: &str, problem: &str) {
    let found = mistakes(file, variables);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(&format!("{place}: ")) && found[0].contains(problem), "{}", found[0]);
}

#[test]
fn without_a_file_it_is_the_built_in_rig_on_loopback() {
    let settings = Settings::load(&Environment::default()).unwrap();
    assert_eq!(settings.policy, Policy::built_in(GitHubMode::None));
    assert_eq!((settings.bind.to_string().as_str(), settings.identity), ("127.0.0.1:8080", IdentityMode::Open));
    assert_eq!(settings.store, Store::Embedded { folder: "conductor-data".into() });
    assert_eq!((settings.file, settings.notices), (None, Vec::new()));
}

#[test]
fn an_empty_file_changes_nothing() {
    assert_eq!(sound("").policy, Policy::built_in(GitHubMode::None));
}

#[test]
fn a_whole_file_becomes_policy_and_settings() {
    let settings = sound(
        r#"
        bind = "127.0.0.1:0"
        data_dir = "/var/lib/conductor"
        identity = "open"
        unknown_agents = "refuse"
        [[agents]]
        id = "anna-e"
        role = "developer"
        stacks = ["node", "deno"]
        tags = ["requires-macos"]
        logins = ["anna-bot[bot]"]
        capacity = 3
        [[agents]]
        id = "vera-e"
        role = "reviewer"
        [[people]]
        name = "Ines"
        logins = ["ines"]
        rights = ["approve"]
        [defaults]
        required_checks = ["build"]
        [repos."Acme/Web"]
        deploys = true
        stack = "deno"
        [repos."acme/docs"]
        required_checks = ["links", "spelling"]
        [timers]
        lease = "45m"
        [log]
        filter = "warn,conductor_actors=debug"
        format = "json"
        [store]
        pool_size = 4
        [actors]
        idle = "5m"
        "#,
    );
    let roster = &settings.policy.roster;
    assert_eq!(roster.agents.iter().map(|agent| agent.id.as_str()).collect::<Vec<_>>(), ["anna-e", "vera-e"]);
    assert_eq!((roster.agents[0].capacity, roster.agents[0].stacks.len(), roster.agents[1].capacity), (3, 2, 1));
    assert_eq!(roster.agents[1].role, Role::Reviewer);
    assert!(roster.people[0].approve && !roster.people[0].operate);
    assert_eq!(settings.policy.unknown_agents, UnknownAgents::Refuse);
    let repo = |name| settings.policy.repo(&RepoName::parse(name).unwrap()).clone();
    assert_eq!((repo("acme/web").required_checks, repo("acme/web").deploys), (vec!["build".to_owned()], true));
    assert_eq!(repo("acme/docs").required_checks.len(), 2);
    assert_eq!(repo("acme/other").required_checks, ["build"]);
    assert_eq!(settings.policy.timers.lease, std::time::Duration::from_secs(45 * 60));
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!((settings.tuning.pool_size, settings.tuning.requests), (Some(4), None));
    assert_eq!(settings.store, Store::Embedded { folder: "/var/lib/conductor".into() });
}

#[test]
fn all_mistakes_are_found_at_once_each_with_its_place() {
    let file = r#"
        identity = "open"
        unknown_agents = 7
        colour = "red"
        [[agents]]
        id = "dev/e"
        role = "devloper"
        capacity = 0
        [[agents]]
        id = "review-e"
        role = "reviewer"
        capactiy = 2
        [timers]
        lease = "soon"
        "#;
    let found = mistakes(file, &[("CONDUCTOR_BIND", "0.0.0.0:8080")]);
    let expected = [
        "rig.toml:2: identity \"open\" believes everybody, and 0.0.0.0:8080 is beyond loopback",
        "rig.toml:3: unknown_agents must be text, not a number",
        "rig.toml:4: colour is no setting here; there are ",
        "rig.toml:6: id must be an agent id",
        "rig.toml:7: role must be one of developer, reviewer",
        "rig.toml:8: capacity must be from 1 to 100, not 0",
        "rig.toml:12: capactiy is no setting here; did you mean capacity?",
        "rig.toml:14: lease must be a period",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_stranger_is_what_identity_makes_of_it_unless_the_file_says_otherwise() {
    let stranger = |file: &str| sound(file).policy.unknown_agents;
    assert_eq!(stranger("identity = \"open\""), UnknownAgents::Allow);
    let trusted = "identity = \"trusted-network\"\ntrusted_networks = [\"10.0.0.0/8\"]\n";
    assert_eq!(stranger(trusted), UnknownAgents::Hook);
    assert_eq!(stranger("identity = \"token\""), UnknownAgents::Refuse);
    assert_eq!(stranger("identity = \"token\"\nunknown_agents = \"allow\""), UnknownAgents::Allow);
}

#[test]
fn the_environment_beats_the_file() {
    let file = "bind = \"127.0.0.1:1\"\ndata_dir = \"a\"\n[log]\nfilter = \"debug\"\n";
    let variables = [("CONDUCTOR_BIND", "[::1]:2"), ("CONDUCTOR_DATA_DIR", "b"), ("CONDUCTOR_LOG", "warn")];
    let settings = load(file, &variables).unwrap();
    assert_eq!((settings.bind.to_string().as_str(), settings.log.filter.as_str()), ("[::1]:2", "warn"));
    assert_eq!(settings.store, Store::Embedded { folder: "b".into() });
}

#[test]
fn a_file_that_is_not_toml_shows_its_own_mistakes_alone() {
    refused("unknown_agents = 7\nidentity = \n", &[], "rig.toml:2", "");
}

#[test]
fn a_file_that_is_missing_is_named_with_what_named_it() {
    let found = Settings::load(&Environment::of([("CONDUCTOR_CONFIG", "/nowhere/rig.toml")])).unwrap_err().to_string();
    assert!(found.starts_with("CONDUCTOR_CONFIG: failed to read /nowhere/rig.toml: "), "{found}");
    let found =
        Settings::load_with(Some(Path::new("/nowhere/b.toml")), &Environment::default()).unwrap_err().to_string();
    assert!(found.starts_with("/nowhere/b.toml:1: failed to read"), "{found}");
}
