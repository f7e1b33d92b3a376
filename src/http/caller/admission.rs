//! Lets a request in or not, before any endpoint sees it.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use conductor_core::authority::IdentityMode;
use conductor_core::port::{Clock, Entropy, Store};
use conductor_core::roster::Policy;
use conductor_core::token::Bearer;
use ipnet::IpNet;

use super::first_token;
use super::foreign_page;
use super::keyring::Keyring;
use super::network::{Nearness, peer};
use super::pass::Pass;
use super::rates::{Payer, RateSettings, Rates, Traffic};
use super::secret::digest_of_shown;
use super::visitor::{Standing, Visitor};
use crate::edge::Edge;
use crate::error::{ApiError, Code};
use crate::webhook;

/// The endpoint whose requests are counted by what they report, once that is known.
const REPORTS: &str = "/api/events";

/// How callers are told apart, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// The way.
    pub mode: IdentityMode,
    /// Peers that are believed under [`IdentityMode::TrustedNetwork`], and that see how the daemon is in every mode.
    pub trusted_networks: Vec<IpNet>,
    /// How much one caller may ask; `None`: not counted.
    pub rates: Option<RateSettings>,
}

impl Default for AdmissionSettings {
    /// The embedded daemon's: this machine alone, uncounted.
    fn default() -> Self {
        Self { mode: IdentityMode::Open, trusted_networks: Vec::new(), rates: None }
    }
}

/// All that is needed to let a request in.
pub struct Admission {
    mode: IdentityMode,
    trusted_networks: Vec<IpNet>,
    entropy: Arc<dyn Entropy>,
    /// Whether others than this daemon may open the store.
    shared_store: bool,
    /// The tokens in use.
    pub keyring: Arc<Keyring>,
    /// How much each caller has left.
    pub rates: Rates,
}

/// What a request needs to be let in, by its path. **What isn't named here needs an identity.**
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing, and it is never counted: a deployment must see that we live, and GitHub never repeats what it delivered.
    Nothing,
    /// Nothing.
    Courtesy,
    /// To be near; else an identity. Never counted.
    Nearness,
    /// To be somebody.
    Identity,
}

impl Needs {
    /// By the path as it was sent: one that is spelled like these leads there and nowhere else, since the router only undoes
    /// escapes, and these hold none.
    fn of(path: &str) -> Self {
        match path {
            "/health" | "/healthz/live" | "/healthz/ready" | webhook::PATH => Self::Nothing,
            "/" | "/openapi.json" | "/docs" => Self::Courtesy,
            "/healthz/deep" | "/healthz/actors" | "/metrics" => Self::Nearness,
            _ if path.starts_with("/public/") || path.starts_with("/docs/") => Self::Courtesy,
            _ => Self::Identity,
        }
    }
}

impl Admission {
    /// Over a store of tokens.
    #[must_use]
    pub fn new(
        settings: AdmissionSettings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let AdmissionSettings { mode, trusted_networks, rates } = settings;
        Self {
            mode,
            trusted_networks,
            entropy,
            shared_store: store.is_shared(),
            keyring: Arc::new(Keyring::new(store, clock)),
            rates: Rates::new(rates),
        }
    }

    /// How callers are told apart.
    #[must_use]
    pub fn mode(&self) -> IdentityMode {
        self.mode
    }

    /// What people must know about it, in words; nothing where all is as it should be.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        trust_warning(self.mode, &self.trusted_networks)
    }

    /// Where fresh secrets come from.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// What an answer without end is to hold on to: `None` for a visitor that needed no token.
    #[must_use]
    pub fn pass(&self, visitor: &Visitor) -> Option<Pass> {
        visitor.shown.map(|digest| Pass::new(Arc::clone(&self.keyring), digest))
    }

    /// Who is let in with this request, counted.
    async fn visitor(&self, request: &HttpRequest, policy: &Policy) -> Result<Visitor, ApiError> {
        let address = Payer::of_address(peer(request));
        let anybody = |payer| Visitor { standing: Standing::Anybody, payer, shown: None };
        let visitor = match Needs::of(request.path()) {
            Needs::Nothing => return Ok(anybody(address)),
            Needs::Courtesy => anybody(address),
            Needs::Nearness => {
                let near = Nearness::of(request, &self.trusted_networks);
                return if near.loopback || near.trusted {
                    Ok(anybody(address))
                } else {
                    self.somebody(request, policy).await
                };
            }
            Needs::Identity => self.somebody(request, policy).await?,
        };
        if !(request.path() == REPORTS && request.method() == Method::POST) {
            self.rates.take(&visitor.payer, Traffic::Request)?;
        }
        Ok(visitor)
    }

    async fn somebody(&self, request: &HttpRequest, policy: &Policy) -> Result<Visitor, ApiError> {
        match shown(request)? {
            Some(secret) => self.bearer(request, secret, policy).await,
            None => self.at_its_word(request),
        }
    }

    /// A token that is shown is checked in every mode, so that nobody believes to be somebody that he isn't.
    async fn bearer(&self, request: &HttpRequest, secret: &str, policy: &Policy) -> Result<Visitor, ApiError> {
        let unknown = || {
            ApiError::unauthorized(
                "this token opens nothing (mistyped, expired or taken back): ask an operator for a fresh one",
            )
        };
        let digest = digest_of_shown(secret).ok_or_else(unknown)?;
        if !self.keyring.knows(&digest) {
            // Until it is found it is a guess, and guesses are counted against who makes them.
            self.rates.take(&Payer::of_address(peer(request)), Traffic::Request)?;
        }
        let token = self.keyring.live(&digest).await?.ok_or_else(unknown)?;
        let bearer = token.owner.bearer(policy)?;
        if let Bearer::Viewer(name) = &bearer
            && !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        {
            return Err(ApiError::forbidden(format!("{name} is a viewer and may only read")));
        }
        let payer = Payer::Token(token.id.clone());
        Ok(Visitor { standing: Standing::Bearer(bearer), payer, shown: Some(digest) })
    }

    fn at_its_word(&self, request: &HttpRequest) -> Result<Visitor, ApiError> {
        let near = Nearness::of(request, &self.trusted_networks);
        let standing = match self.mode {
            IdentityMode::Open => near.loopback.then_some(Standing::OfThisMachine),
            IdentityMode::TrustedNetwork => near.trusted.then_some(Standing::OfTrustedNetwork),
            IdentityMode::Token => None,
        };
        let standing = standing.ok_or_else(|| ApiError::unauthorized(self.else_told()))?;
        foreign_page::refuse(request)?;
        Ok(Visitor { standing, payer: Payer::of_address(peer(request)), shown: None })
    }

    /// What somebody is told who is not taken at its word, and has shown nothing.
    fn else_told(&self) -> String {
        let first = first_token::how(self.shared_store);
        match self.mode {
            IdentityMode::Open => {
                "only programs of the daemon's own machine are believed, and this request was passed on or \
                                   addressed to another name: show a token (Authorization: Bearer …), which \
                                   `conductor-e token create` makes on that machine"
                    .to_owned()
            }
            IdentityMode::TrustedNetwork => format!(
                "only direct peers in trusted_networks are believed: show a token (Authorization: Bearer …), which an operator \
                 makes; where there is none yet, {first}"
            ),
            IdentityMode::Token => {
                format!(
                    "show a token (Authorization: Bearer …), which an operator makes; where there is none yet, {first}"
                )
            }
        }
    }
}

/// What people must know where whole networks are believed.
#[must_use]
pub fn trust_warning(mode: IdentityMode, trusted_networks: &[IpNet]) -> Option<String> {
    match mode {
        IdentityMode::Open | IdentityMode::Token => None,
        IdentityMode::TrustedNetwork => {
            let networks: Vec<String> = trusted_networks.iter().map(ToString::to_string).collect();
            Some(format!(
                "identity is trusted-network: whoever connects from {} is believed to be the agent that it names",
                networks.join(", ")
            ))
        }
    }
}

/// What stands behind `Authorization: Bearer`, if there is such a header.
fn shown(request: &HttpRequest) -> Result<Option<&str>, ApiError> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    let credentials = value.to_str().ok().filter(|_| values.next().is_none()).and_then(|text| text.split_once(' '));
    match credentials {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        Some(_) | None => Err(ApiError::unauthorized("send one header Authorization: Bearer <token>")),
    }
}

/// The door of the whole server: every request goes through here, those to unknown paths too.
///
/// # Errors
/// 401, 403, 429, or 503 where a token can't be looked up.
pub async fn admit<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let edge = request.app_data::<Data<Edge>>().cloned().ok_or_else(|| {
        // Closed when in doubt; the composition always sets it.
        ApiError::not_now(Code::Starting, "the daemon is not ready to tell callers apart: try again in a moment")
    })?;
    match edge.admission.visitor(request.request(), edge.policy()).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.call(request).await
        }
        Err(refused) => {
            tracing::debug!(path = request.path(), peer = ?request.peer_addr(), "let nobody in: {refused}");
            Err(refused.into())
        }
    }
}
