//! The whole edge over real actors and the in-memory store, for tests of endpoints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::web::Data;
use actix_web::{App, web};
use conductor_actors::{Arbiters, Coordinator, Ports, Rejected, Request, Settings, StateListener};
use conductor_adapters::memory::MemoryStore;
use conductor_adapters::system_entropy::SystemEntropy;
use conductor_core::decider::StreamState;
use conductor_core::event::{Actor, Metadata};
use conductor_core::identity::{AgentId, Claimant, IssueRef, Login, Sha, StreamId, StreamKind};
use conductor_core::issue::{IssueCommand, IssueDecider, Lease};
use conductor_core::port::{Clock, LogFilter, PortFuture, RowFilter, Store, StoreFailure};
use conductor_core::pull_request::{PrObservation, PullRequest, PullRequestCommand, PullRequestDecider};
use conductor_core::reaction::{Destination, Effect, Told};
use conductor_core::review::{Crew, Step, Wait};
use conductor_core::roster::{GitHubMode, Policy};
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenOwner};
use futures_util::FutureExt;
use serde_json::Value;

use crate::caller::issue::issue;
use crate::caller::{Admission, AdmissionSettings, admit};
use crate::edge::{Claims, Edge, HandOut, QueueView, Reviews, Stage, Waiting};
use crate::leases::{LeaseKeeper, LeaseTerms, LiveLeases};
use crate::live::{DEFAULT_READERS, LiveFeed};
use crate::numbers::Numbers;
use crate::wire::{AssignmentView, ReviewView};

/// Noon of a day in 2026, until a test moves it.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn advance(&self, span: std::time::Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(span);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Hands out what a test put in.
#[derive(Default)]
pub(crate) struct FakeClaims(pub(crate) Mutex<BTreeMap<Claimant, AssignmentView>>);

impl Claims for FakeClaims {
    fn next(&self, claimant: Claimant) -> PortFuture<'_, Result<Option<AssignmentView>, Rejected>> {
        let found = self.0.lock().unwrap().get(&claimant).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// Asks reviewers what a test put in.
#[derive(Default)]
pub(crate) struct FakeReviews(pub(crate) Mutex<BTreeMap<AgentId, ReviewView>>);

impl Reviews for FakeReviews {
    fn next(&self, reviewer: AgentId) -> PortFuture<'_, Result<Option<ReviewView>, Rejected>> {
        let found = self.0.lock().unwrap().get(&reviewer).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn outlook(&self, _pull: PullRequest) -> PortFuture<'_, Result<Step, StoreFailure>> {
        let asked = Wait::Asked { reviewer: AgentId::parse("review-e").unwrap(), deadline: Timestamp::from_millis(0) };
        Box::pin(std::future::ready(Ok(Step::Nothing(asked))))
    }
}

#[derive(Default)]
pub(crate) struct FakeQueue(pub(crate) Mutex<Vec<Waiting>>);

impl QueueView for FakeQueue {
    fn waiting(&self) -> PortFuture<'_, Result<Vec<Waiting>, Rejected>> {
        let found = self.0.lock().unwrap().clone();
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// Every live lease of that store.
struct HeldInStore(Arc<dyn Store>);

impl LiveLeases for HeldInStore {
    fn held_by(&self, agent: &AgentId) -> Vec<(IssueRef, Lease)> {
        let filter = RowFilter { agent: Some(agent.clone()), ..RowFilter::default() };
        let rows = self.0.rows(StreamKind::Issue, &filter, None, 1_000).now_or_never().expect("memory answers at once");
        let leases = rows.unwrap().into_iter().filter_map(|row| match row.state {
            StreamState::Issue(issue) => issue.lease.clone().map(|lease| (issue.reference.clone(), lease)),
            StreamState::PullRequest(_) | StreamState::Agent(_) | StreamState::Rig(_) => None,
        });
        leases.collect()
    }
}

fn keeper(store: &Arc<dyn Store>) -> LeaseKeeper {
    let terms = LeaseTerms { length: std::time::Duration::from_secs(1800), streamed: false };
    LeaseKeeper::start(Arc::clone(store), Arc::new(HeldInStore(Arc::clone(store))), terms)
}

/// An edge with everything behind it.
pub(crate) struct Daemon {
    pub(crate) edge: Arc<Edge>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) claims: Arc<FakeClaims>,
    pub(crate) reviews: Arc<FakeReviews>,
    pub(crate) queue: Arc<FakeQueue>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Reply {
    /// The body, which must be JSON and say so.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers.get("content-type").map(String::as_str), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body, if the status is this.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// A refusal with this status and code, and a sentence.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> String {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        body["error"].as_str().expect("every refusal has a sentence").to_owned()
    }
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        Self::with(Policy::built_in(GitHubMode::None)).await
    }

    pub(crate) async fn with(policy: Policy) -> Self {
        Self::admitting(AdmissionSettings::default(), policy).await
    }

    pub(crate) async fn admitting(admission: AdmissionSettings, policy: Policy) -> Self {
        let noon = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        let clock = Arc::new(TestClock(Mutex::new(noon)));
        let (store, entropy) = (MemoryStore::new() as Arc<dyn Store>, Arc::new(SystemEntropy::new()));
        let admission =
            Admission::new(admission, Arc::clone(&store), Arc::clone(&clock) as _, Arc::clone(&entropy) as _);
        let numbers = Arc::<Numbers>::default();
        let ports = Ports {
            store,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy,
            policy: Arc::new(policy),
            destinations: Ports::inside(),
            listeners: vec![Arc::clone(&numbers) as Arc<dyn StateListener>],
        };
        let coordinator = Coordinator::start(ports, Settings::default(), Arbiters::here(2)).await;
        let (claims, queue) = (Arc::<FakeClaims>::default(), Arc::<FakeQueue>::default());
        let reviews = Arc::<FakeReviews>::default();
        let hand_out = HandOut {
            claims: Arc::clone(&claims) as _,
            reviews: Arc::clone(&reviews) as _,
            queue: Arc::clone(&queue) as _,
        };
        let live = LiveFeed::start(Arc::clone(coordinator.store()), DEFAULT_READERS);
        let leases = keeper(coordinator.store());
        let edge = Arc::new(Edge::new(coordinator, hand_out, numbers, admission, live, leases));
        edge.readiness.enter(Stage::Ready);
        Self { edge, clock, claims, reviews, queue }
    }

    /// Another edge over the same log, as another process would be.
    pub(crate) fn replica(&self) -> Arc<Edge> {
        let (coordinator, clock) = (self.edge.coordinator.clone(), Arc::clone(&self.clock) as _);
        let entropy = Arc::new(SystemEntropy::new());
        let admission = Admission::new(AdmissionSettings::default(), Arc::clone(self.store()), clock, entropy);
        let live = LiveFeed::start(Arc::clone(self.store()), DEFAULT_READERS);
        let hand_out = HandOut {
            claims: Arc::clone(&self.claims) as _,
            reviews: Arc::clone(&self.reviews) as _,
            queue: Arc::clone(&self.queue) as _,
        };
        let (numbers, leases) = (Arc::clone(&self.edge.numbers), self.edge.leases.clone());
        Arc::new(Edge::new(coordinator, hand_out, numbers, admission, live, leases))
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.edge.store()
    }

    /// A token of that owner, and its secret.
    pub(crate) async fn token(&self, kind: &str, name: &str) -> (String, Token) {
        let owner = TokenOwner::of(kind, name).unwrap();
        let (admission, now) = (&self.edge.admission, self.edge.now());
        let (secret, token) =
            issue(&**self.store(), self.edge.policy(), admission.entropy(), owner, None, now).await.unwrap();
        (secret.expose().to_owned(), token)
    }

    /// Events in the log.
    pub(crate) async fn stored(&self) -> Vec<&'static str> {
        let events = self.store().read_log(0, 1_000, &LogFilter::default()).await.unwrap();
        events.iter().map(|recorded| recorded.event.type_name()).collect()
    }

    pub(crate) async fn get(&self, uri: &str) -> Reply {
        self.send(TestRequest::get().uri(uri)).await
    }

    pub(crate) async fn post(&self, body: impl Into<web::Bytes>) -> Reply {
        self.send(TestRequest::post().uri("/api/events").set_payload(body)).await
    }

    /// A pull request as GitHub would have told it.
    pub(crate) async fn pull_request(&self, reference: &str, closes: &[&str]) {
        self.observed(reference, closes, None).await;
    }

    /// That login has pushed to it.
    pub(crate) async fn pushed(&self, reference: &str, by: &str) {
        self.clock.advance(std::time::Duration::from_secs(1));
        self.observed(reference, &["acme/web#4"], Login::parse(by)).await;
    }

    /// Delivers what pull requests have told their issues.
    async fn tell_issues(&self) {
        let due = self.store().due(Destination::Internal, self.edge.now(), 1_000).await.unwrap();
        let due: Vec<_> = due.into_iter().map(Result::unwrap).collect();
        for pending in &due {
            let Effect::Tell(tell) = &pending.effect else { continue };
            let Told::PullRequest { issue, event, standing } = tell.read().unwrap() else { continue };
            let follow = IssueCommand::FollowPullRequest { event, standing };
            let request = Request::new(follow, Metadata::by(Actor::Daemon("test".to_owned())));
            self.edge.coordinator.execute::<IssueDecider>(issue, request).await.unwrap();
        }
        let told: Vec<_> = due.iter().map(|pending| pending.id).collect();
        self.store().delivered(&told).await.unwrap();
    }

    /// The rule of dispatch is asked about a pull request whose head has settled; nobody is heard from.
    pub(crate) async fn dispatched(&self, reference: &str) {
        self.tell_issues().await;
        self.clock.advance(self.edge.policy().timers.review_after);
        let crew = Crew::of(self.edge.policy(), &BTreeMap::new(), &BTreeMap::new(), &BTreeMap::new());
        let command = PullRequestCommand::SeeToReview { crew };
        let request = Request::new(command, Metadata::by(Actor::Daemon("test".to_owned())));
        let stream = StreamId::PullRequest(IssueRef::parse(reference).unwrap());
        let answer = self.edge.coordinator.execute::<PullRequestDecider>(stream, request).await.unwrap();
        assert!(answer.state.dispatch.is_some(), "nobody is asked about {reference}");
    }

    async fn observed(&self, reference: &str, closes: &[&str], pushed_by: Option<Login>) {
        let read = |text: &str| IssueRef::parse(text).unwrap();
        let observation = PrObservation {
            title: "Mend it".to_owned(),
            url: None,
            branch: Some("agent/issue-4-1".to_owned()),
            author: Login::parse("dev-e-bot[bot]"),
            author_association: Some("COLLABORATOR".to_owned()),
            head_sha: Sha::parse("c0ffee"),
            draft: false,
            labels: Some(Vec::new()),
            linked_issues: Some(closes.iter().copied().map(read).collect()),
            open: true,
            merged: false,
            merge_sha: None,
            mergeable: None,
            files: None,
            additions: None,
            deletions: None,
            updated_at: self.edge.now(),
            pushed_by,
            sender: None,
        };
        let command = PullRequestCommand::Observe(Box::new(observation));
        let request = Request::new(command, Metadata::by(Actor::Daemon("test".to_owned())));
        let stream = StreamId::PullRequest(read(reference));
        self.edge.coordinator.execute::<PullRequestDecider>(stream, request).await.unwrap();
    }

    /// A report; the answer must be 200.
    #[track_caller]
    pub(crate) fn report(&self, body: &Value) -> impl Future<Output = Value> {
        let (body, at) = (body.to_string(), std::panic::Location::caller());
        async move {
            let reply = self.post(body.clone()).await;
            assert_eq!(reply.status, 200, "{at}: {body} -> {reply:?}");
            reply.json()
        }
    }

    /// By a program of this machine.
    pub(crate) async fn send(&self, request: TestRequest) -> Reply {
        self.send_from("127.0.0.1", request).await
    }

    pub(crate) async fn send_from(&self, peer: &str, request: TestRequest) -> Reply {
        let request = request.peer_addr(std::net::SocketAddr::new(peer.parse().unwrap(), 40_000));
        let app = App::new()
            .app_data(Data::from(Arc::clone(&self.edge)))
            .wrap(from_fn(admit))
            .configure(crate::routes::configure)
            .default_service(web::route().to(crate::endpoint::not_found));
        let service = init_service(app).await;
        match service.call(request.to_request()).await {
            Ok(response) => read(response).await,
            Err(error) => {
                let response = error.error_response();
                read(ServiceResponse::new(TestRequest::default().to_http_request(), response)).await
            }
        }
    }
}

async fn read<B: MessageBody>(response: ServiceResponse<B>) -> Reply {
    let status: StatusCode = response.status();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let body = read_body(response).await;
    Reply { status: status.as_u16(), headers, text: String::from_utf8(body.to_vec()).unwrap() }
}
