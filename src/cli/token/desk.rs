use std::sync::Arc;

use anyhow::{Context, bail};
use conductor_adapters::sqlite;
use conductor_adapters::system_clock::SystemClock;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::port::{Clock, Store};
use conductor_core::roster::Policy;
use conductor_core::time::Timestamp;
use conductor_core::token::{TokenId, TokenOwner};
use conductor_http::caller::issue::issue;
use conductor_http::wire::{FreshToken, TokenRow};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::super::client::{Client, DaemonArguments, decoded, url_of};
use super::super::failure::Failure;
use crate::config::Settings;
use crate::daemon::open_store::{OpenError, open_store};

/// Where the API has them.
const PATH: &[&str] = &["api", "admin", "tokens"];

/// Where tokens are made and taken back. Both answer with the API's shapes.
pub(super) enum Desk {
    /// In the store itself.
    Store { store: Arc<dyn Store>, policy: Box<Policy> },
    /// At a running daemon.
    Daemon(Client),
}

impl Desk {
    /// At the daemon of that address, else in the store of the settings, else – where its folder is held – at the daemon that
    /// these settings would start.
    pub(super) async fn open(settings: &Settings, daemon: &DaemonArguments) -> anyhow::Result<Self> {
        if daemon.name_one() {
            return Ok(Self::Daemon(Client::new(daemon)?));
        }
        match open_store(settings).await {
            Ok(store) => Ok(Self::Store { store, policy: Box::new(settings.policy.clone()) }),
            Err(OpenError::Embedded(held @ sqlite::OpenError::Locked { .. })) => {
                let Some(url) = url_of(settings.bind) else {
                    bail!("{held}. Ask that daemon: --url <its address> --token <an operator's token>");
                };
                eprintln!("(asking the daemon at {url}, which holds the store; --url names another one)");
                Ok(Self::Daemon(Client::new(&daemon.at(url))?))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn create(&self, owner: TokenOwner, expires_at: Option<Timestamp>) -> anyhow::Result<Value> {
        match self {
            Self::Store { store, policy } => {
                let (entropy, now) = (SystemEntropy::new(), SystemClock.now());
                let (secret, token) = issue(&**store, policy, &entropy, owner, expires_at, now).await?;
                let made = FreshToken { token: secret.expose().to_owned(), row: TokenRow::of(&token, now) };
                Ok(serde_json::to_value(made)?)
            }
            Self::Daemon(client) => {
                let mut body = match &owner {
                    TokenOwner::Agent(agent) => json!({ "agentId": agent.as_str() }),
                    TokenOwner::Person { name, role } => json!({ "person": name, "role": role.as_str() }),
                };
                body["expiresAt"] = json!(expires_at.map(|at| at.to_string()));
                let request = client.request_to(Method::POST, PATH, &[]).json(&body);
                Ok(answer(client, request).await.map_err(|refused| refused.of_doing("make a token"))?)
            }
        }
    }

    pub(super) async fn list(&self) -> anyhow::Result<Value> {
        match self {
            Self::Store { store, .. } => {
                let (tokens, now) = (store.tokens().await?, SystemClock.now());
                let rows: Vec<TokenRow> = tokens.iter().map(|token| TokenRow::of(token, now)).collect();
                Ok(serde_json::to_value(rows)?)
            }
            Self::Daemon(client) => Ok(answer(client, client.request(PATH, &[])).await?),
        }
    }

    pub(super) async fn revoke(&self, id: &str) -> anyhow::Result<Value> {
        let Some(id) = TokenId::parse(id) else { bail!("revoke \"{}\": that is no token's id", id.escape_debug()) };
        match self {
            Self::Store { store, .. } => {
                let now = SystemClock.now();
                let revoked = store.revoke_token(&id, now).await?;
                let token = revoked.with_context(|| format!("revoke {id}: there is no such token"))?;
                Ok(serde_json::to_value(TokenRow::of(&token, now))?)
            }
            Self::Daemon(client) => {
                let path: Vec<&str> = PATH.iter().copied().chain([id.as_str()]).collect();
                let request = client.request_to(Method::DELETE, &path, &[]);
                Ok(answer(client, request).await.map_err(|refused| refused.of_doing(&format!("revoke {id}")))?)
            }
        }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Store { store, .. } => store.close().await,
            Self::Daemon(_) => {}
        }
    }
}

async fn answer(client: &Client, request: RequestBuilder) -> Result<Value, Failure> {
    decoded(client.send(request).await?).await
}
