//! All shards of one kind of stream: the way from a caller to the actor of a stream and back.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use conductor_core::decider::{Decider, Refusal};
use conductor_core::identity::StreamId;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::arbiters::Place;
use crate::board::{Board, ShardBoard};
use crate::gate::Gate;
use crate::leader::Leadership;
use crate::periodic::Passes;
use crate::ports::{Ports, StateListener};
use crate::request::{Answer, Rejected, Request};
use crate::settings::Settings;
use crate::shard::{Drain, Execute, Shard};
use crate::stream::{Neighbourhood, Office, Task};
use crate::supervise::{Slot, supervise};

/// What all rings of a coordinator share.
pub(crate) struct Circumstances {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) passes: Arc<Passes>,
    pub(crate) board: Arc<Board>,
    pub(crate) leadership: Arc<Leadership>,
    pub(crate) neighbourhood: Arc<Neighbourhood>,
    /// Admission to all streams but those of agents.
    pub(crate) gate: Gate,
    /// Admission to agents' own streams, where heartbeats end up: however much work is under way, they find room.
    pub(crate) agents_gate: Gate,
}

impl Circumstances {
    /// Around these, with nothing under way.
    pub(crate) fn new(mut ports: Ports, settings: Settings) -> Self {
        let gate = || Gate::new(settings.requests, settings.retry_after);
        let (gate, agents_gate) = (gate(), gate());
        let neighbourhood = Arc::<Neighbourhood>::default();
        ports.listeners.push(Arc::clone(&neighbourhood) as Arc<dyn StateListener>);
        let leadership = Leadership::new(ports.clone(), &settings.name, settings.leader);
        Self {
            ports,
            settings,
            passes: Arc::default(),
            board: Arc::default(),
            leadership,
            neighbourhood,
            gate,
            agents_gate,
        }
    }

    /// Admitted requests that are not answered yet.
    pub(crate) fn under_way(&self) -> usize {
        self.gate.under_way() + self.agents_gate.under_way()
    }
}

/// The shards of one kind.
pub(crate) struct Ring<D: Decider> {
    shards: Vec<Seat<D>>,
    gate: Gate,
    settings: Settings,
}

/// Where one shard is found.
struct Seat<D: Decider> {
    slot: Arc<Slot<Shard<D>>>,
    board: Arc<ShardBoard>,
}

impl<D: Decider> Ring<D> {
    /// Starts one shard per place, behind that gate.
    pub(crate) async fn start(places: &[Place], gate: &Gate, with: &Circumstances) -> Self {
        let seats = places.iter().enumerate().map(|(number, place)| async move {
            let board = with.board.add_shard(ShardBoard::new(D::KIND, number, with.settings.frozen_after));
            let office = Arc::new(Office {
                ports: with.ports.clone(),
                settings: with.settings.clone(),
                passes: Arc::clone(&with.passes),
                board: Arc::clone(&board),
                neighbourhood: Arc::clone(&with.neighbourhood),
            });
            let slot = Arc::new(Slot::default());
            let crashing = Arc::clone(&board);
            supervise(
                place,
                Arc::clone(&slot),
                with.settings.restart,
                move |own| Shard::<D>::new(Arc::clone(&office), own),
                move |panic| crashing.crashed(&panic),
            )
            .await;
            Seat { slot, board }
        });
        Self { shards: join_all(seats).await, gate: gate.clone(), settings: with.settings.clone() }
    }

    /// Performs a command on a stream of this ring's kind. Every path answers, within the deadline for requests.
    pub(crate) async fn execute(
        &self,
        stream: StreamId,
        request: Request<D::Command>,
    ) -> Result<Answer<D::State>, Rejected> {
        if stream.kind() != D::KIND {
            let why = format!("{stream} is the name of a stream of kind {}, not {}", stream.kind(), D::KIND);
            return Err(Rejected::Refused(Refusal::Malformed { why }));
        }
        let place = self.gate.enter()?;
        let key: Arc<str> = stream.key().into();
        let seat = self.seat(&key);
        let until = Instant::now() + self.settings.request_deadline;
        let (reply, answer) = oneshot::channel();
        let task = Task { stream, key, request, until, reply, place, admitted: seat.board.admit() };
        if !seat.slot.send(Execute(task)) {
            return Err(Rejected::Busy { retry_after: self.settings.retry_after });
        }
        match tokio::time::timeout_at(until, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Rejected::Unknown("the stream's actor was lost before it answered".to_owned())),
            Err(_) => {
                Err(Rejected::Unknown(format!("no answer within {} ms", self.settings.request_deadline.as_millis())))
            }
        }
    }

    /// Lets the shards finish all that is queued and take nothing new.
    pub(crate) async fn drain(&self) {
        join_all(self.shards.iter().map(|seat| async {
            let (done, is_done) = oneshot::channel();
            if seat.slot.send(Drain(done)) {
                // An error means that the shard is gone, and with it whatever there was to finish.
                let _ = is_done.await;
            }
        }))
        .await;
    }

    /// The shard of a stream, for tests that hurt it.
    #[cfg(test)]
    pub(crate) fn slot(&self, stream: &StreamId) -> &Slot<Shard<D>> {
        &self.seat(&stream.key().into()).slot
    }

    fn seat(&self, key: &Arc<str>) -> &Seat<D> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        // The remainder is below the number of shards, which fits a usize.
        let number = hasher.finish() % self.shards.len() as u64;
        &self.shards[usize::try_from(number).unwrap_or(0)]
    }
}
