//! The answer of `config show`: what holds, from file, environment and defaults together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use conductor_actors::Settings as ActorSettings;
use conductor_adapters::postgres::PostgresOptions;
use conductor_core::roster::{AgentProfile, Person, Policy, RepoPolicy, Timers};
use conductor_http::caller::RateSettings;
use serde::Serialize;

use super::people::Right;
use super::period;
use super::repos::CiRule;
use super::{Log, Retention, Settings, Store, Tuning};

/// Settings as they hold. Written as TOML they are a file that says the same; secrets are named, never shown.
#[derive(Debug, Serialize)]
pub struct Effective {
    /// The file that they come from, if any.
    pub file: Option<PathBuf>,
    /// All that a file may say.
    pub settings: Written,
    /// Whether each secret is set.
    pub secrets: BTreeMap<&'static str, &'static str>,
    /// What is set but not acted upon.
    pub notices: Vec<String>,
}

/// Settings in the shape of the file.
#[derive(Debug, Serialize)]
pub struct Written {
    bind: String,
    identity: &'static str,
    unknown_agents: &'static str,
    connections: usize,
    live_readers: usize,
    trusted_networks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    agents: Vec<Agent>,
    people: Vec<WrittenPerson>,
    timers: BTreeMap<&'static str, String>,
    retention: BTreeMap<&'static str, String>,
    log: WrittenLog,
    limits: CallerLimits,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<PostgresLimits>,
    actors: ActorLimits,
    defaults: Rules,
    repos: BTreeMap<String, Rules>,
}

#[derive(Debug, Serialize)]
struct Agent {
    id: String,
    role: &'static str,
    stacks: Vec<String>,
    tags: Vec<String>,
    logins: Vec<String>,
    capacity: u32,
}

#[derive(Debug, Serialize)]
struct WrittenPerson {
    name: String,
    logins: Vec<String>,
    rights: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct WrittenLog {
    filter: String,
    format: &'static str,
}

/// Rates that nobody is held to are left out.
#[derive(Debug, Serialize)]
struct CallerLimits {
    enabled: bool,
    #[serde(flatten)]
    rates: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Serialize)]
struct PostgresLimits {
    pool_size: usize,
    pool_wait: String,
    statement_timeout: String,
}

#[derive(Debug, Serialize)]
struct ActorLimits {
    requests: usize,
    requests_per_stream: usize,
    idle: String,
}

#[derive(Debug, Serialize)]
struct Rules {
    /// Left out where they are those of `[defaults]`: an empty list means these too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required_checks: Vec<String>,
    deploys: bool,
    ci: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
}

impl Effective {
    /// What these settings come to. Every field is taken by name: a new setting has to be shown here.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let Settings {
            file,
            bind,
            connections,
            live_readers,
            identity,
            trusted_networks,
            rates,
            store,
            valkey,
            webhook_secret,
            policy,
            log,
            retention,
            tuning,
            notices,
        } = settings;
        let Policy { roster, unknown_agents, github: _, repo_defaults, repos, timers } = policy;
        let (data_dir, database, owner) = match store {
            Store::Embedded { folder } => (Some(folder.clone()), false, false),
            Store::Postgres { url: _, migrate_url } => (None, true, migrate_url.is_some()),
        };
        let set = |is_set| if is_set { "set, hidden" } else { "not set" };
        let secrets = [
            ("CONDUCTOR_MIGRATE_DATABASE_URL", set(owner)),
            ("DATABASE_URL", set(database)),
            ("GITHUB_WEBHOOK_SECRET", set(webhook_secret.is_some())),
            ("VALKEY_URL", set(valkey.is_some())),
        ];
        let Log { filter, format } = log;
        let written = Written {
            bind: bind.to_string(),
            connections: *connections,
            live_readers: *live_readers,
            identity: identity.as_str(),
            unknown_agents: unknown_agents.as_str(),
            trusted_networks: trusted_networks.iter().map(ToString::to_string).collect(),
            data_dir,
            agents: roster.agents.iter().map(agent).collect(),
            people: roster.people.iter().map(person).collect(),
            timers: periods(*timers),
            retention: kept_for(*retention),
            log: WrittenLog { filter: filter.clone(), format: format.as_str() },
            limits: caller_limits(*rates),
            store: database.then(|| postgres_limits(*tuning)),
            actors: actor_limits(*tuning),
            defaults: rules(repo_defaults, &[]),
            repos: repos
                .iter()
                .map(|(name, own)| (name.to_string(), rules(own, &repo_defaults.required_checks)))
                .collect(),
        };
        Self { file: file.clone(), settings: written, secrets: secrets.into(), notices: notices.clone() }
    }

    /// As a file that would say the same, with what can't stand in a file as comments.
    ///
    /// # Errors
    /// When a path isn't UTF-8, which TOML must be.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let from = match &self.file {
            Some(file) => format!("{}, the environment and the defaults", file.display()),
            None => "the environment and the defaults; no file".to_owned(),
        };
        let mut text = format!("# What holds, from {from}.\n# Secrets come from the environment alone:\n");
        for (name, state) in &self.secrets {
            text.push_str(&format!("#   {name}: {state}\n"));
        }
        for notice in &self.notices {
            text.push_str(&format!("# Note: {notice}\n"));
        }
        text.push('\n');
        text.push_str(&toml::to_string(&self.settings)?);
        Ok(text)
    }
}

fn agent(profile: &AgentProfile) -> Agent {
    let AgentProfile { id, role, stacks, tags, logins, capacity } = profile;
    Agent {
        id: id.to_string(),
        role: role.as_str(),
        stacks: stacks.clone(),
        tags: tags.clone(),
        logins: logins.iter().map(ToString::to_string).collect(),
        capacity: *capacity,
    }
}

fn person(person: &Person) -> WrittenPerson {
    let Person { name, logins, approve, operate } = person;
    let rights = [(*approve, Right::Approve), (*operate, Right::Operate)];
    WrittenPerson {
        name: name.clone(),
        logins: logins.iter().map(ToString::to_string).collect(),
        rights: rights.into_iter().filter_map(|(has, right)| has.then_some(right.as_str())).collect(),
    }
}

fn periods(timers: Timers) -> BTreeMap<&'static str, String> {
    let Timers {
        lease,
        online_within,
        offline_after,
        ageing,
        hook_lease,
        review_after,
        review_deadline,
        review_apart,
        merge_reminder,
        merge_blocked,
        no_progress,
        entry_idle,
    } = timers;
    [
        ("lease", lease),
        ("online_within", online_within),
        ("offline_after", offline_after),
        ("ageing", ageing),
        ("hook_lease", hook_lease),
        ("review_after", review_after),
        ("review_deadline", review_deadline),
        ("review_apart", review_apart),
        ("merge_reminder", merge_reminder),
        ("merge_blocked", merge_blocked),
        ("no_progress", no_progress),
        ("entry_idle", entry_idle),
    ]
    .map(|(name, span)| (name, period::text(span)))
    .into()
}

fn kept_for(retention: Retention) -> BTreeMap<&'static str, String> {
    let Retention { agent_logs, execution_logs } = retention;
    [("agent_logs", agent_logs), ("execution_logs", execution_logs)]
        .map(|(name, span)| (name, period::text(span)))
        .into()
}

fn caller_limits(rates: Option<RateSettings>) -> CallerLimits {
    let written = |RateSettings { requests, heartbeats }: RateSettings| {
        [
            ("requests_per_second", requests.per_second),
            ("burst", requests.burst),
            ("heartbeats_per_second", heartbeats.per_second),
            ("heartbeat_burst", heartbeats.burst),
        ]
        .map(|(name, number)| (name, number.get()))
    };
    CallerLimits { enabled: rates.is_some(), rates: rates.map(written).into_iter().flatten().collect() }
}

fn postgres_limits(tuning: Tuning) -> PostgresLimits {
    let of_ring = PostgresOptions::new("");
    PostgresLimits {
        pool_size: tuning.pool_size.map_or(of_ring.pool_size, |size| size as usize),
        pool_wait: period::text(tuning.pool_wait.unwrap_or(of_ring.pool_wait)),
        statement_timeout: period::text(tuning.statement_timeout.unwrap_or(of_ring.statement_timeout)),
    }
}

fn actor_limits(tuning: Tuning) -> ActorLimits {
    let of_ring = ActorSettings::default();
    ActorLimits {
        requests: tuning.requests.map_or(of_ring.requests, |requests| requests as usize),
        requests_per_stream: tuning
            .requests_per_stream
            .map_or(of_ring.requests_per_stream, |requests| requests as usize),
        idle: period::text(tuning.idle.unwrap_or(of_ring.idle)),
    }
}

fn rules(policy: &RepoPolicy, inherited: &[String]) -> Rules {
    let RepoPolicy { required_checks, deploys, ci_optional, stack } = policy;
    let own = *required_checks != inherited;
    Rules {
        required_checks: if own { required_checks.clone() } else { Vec::new() },
        deploys: *deploys,
        ci: if *ci_optional { CiRule::Optional } else { CiRule::Required }.as_str(),
        stack: stack.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, sound};
    use super::*;

    /// The file that `config show` writes of these settings, read again.
    fn again(settings: &Settings) -> Settings {
        let text = Effective::of(settings).to_toml().unwrap();
        load(&text, &[]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
    }

    const WHOLE: &str = r#"
        bind = "127.0.0.1:1"
        connections = 77
        live_readers = 33
        data_dir = "/var/lib/\"odd\""
        unknown_agents = "refuse"
        agents = [
            { id = "anna-e", role = "developer", stacks = ["node"], tags = ["ios"], logins = ["a[bot]"], capacity = 3 },
            { id = "vera-e", role = "reviewer" },
        ]
        people = [{ name = "Ines", logins = ["ines"], rights = ["operate"] }, { name = "Bo" }]
        timers = { lease = "45m", ageing = "36h" }
        retention = { agent_logs = "36h", execution_logs = "3d" }
        log = { filter = "debug", format = "json" }
        actors = { idle = "90s", requests = 7, requests_per_stream = 7 }
        defaults = { required_checks = ["build"], deploys = true }
        [repos]
        "Acme/Web" = { ci = "optional", stack = "node" }
        "acme/docs" = { required_checks = ["links"] }
    "#;

    const CLOSED: &str = r#"
        bind = "0.0.0.0:80"
        identity = "trusted-network"
        trusted_networks = ["10.0.0.0/8", "192.168.1.7"]
        [limits]
        requests_per_second = 5
        burst = 9
    "#;

    #[test]
    fn what_is_shown_is_a_file_that_says_the_same() {
        for file in ["", "agents = []", WHOLE, CLOSED] {
            let settings = sound(file);
            let again = again(&settings);
            assert_eq!((&again.policy, &again.store, &again.log), (&settings.policy, &settings.store, &settings.log));
            assert_eq!(
                (again.bind, again.connections, again.live_readers, again.identity),
                (settings.bind, settings.connections, settings.live_readers, settings.identity)
            );
            assert_eq!((&again.trusted_networks, again.rates), (&settings.trusted_networks, settings.rates));
            assert_eq!(again.retention, settings.retention);
            let limits = |of: &Settings| serde_json::to_value(actor_limits(of.tuning)).unwrap();
            assert_eq!(limits(&again), limits(&settings));
        }
    }

    #[test]
    fn what_the_environment_says_is_shown_as_it_holds_and_no_secret_is() {
        let variables = [
            ("CONDUCTOR_BIND", "127.0.0.1:7"),
            ("DATABASE_URL", "postgres://me:hunter2@db/c"),
            ("GITHUB_WEBHOOK_SECRET", "hunter2"),
            ("VALKEY_URL", "redis://:hunter2@v"),
            ("DISCORD_BOT_TOKEN", "hunter2"),
        ];
        let settings = load("bind = \"127.0.0.1:1\"\n[store]\npool_wait = \"250ms\"\n", &variables).unwrap();
        let shown = Effective::of(&settings);
        let (text, json) = (shown.to_toml().unwrap(), serde_json::to_value(&shown).unwrap());
        for part in [
            "bind = \"127.0.0.1:7\"",
            "#   GITHUB_WEBHOOK_SECRET: set, hidden",
            "#   CONDUCTOR_MIGRATE_DATABASE_URL: not set",
            "#   VALKEY_URL: set, hidden",
            "# Note: DISCORD_BOT_TOKEN is set, but",
            "pool_size = 16",
            "pool_wait = \"250ms\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(
            (&json["settings"]["bind"], &json["secrets"]["DATABASE_URL"]),
            (&"127.0.0.1:7".into(), &"set, hidden".into())
        );
        assert!(!format!("{text}{json}").contains("hunter2"));
    }
}
