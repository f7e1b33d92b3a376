use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_core::decider::StreamState;
use conductor_core::event::Recorded;
use conductor_core::identity::{Claimant, EventId, IssueRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::{
    Answer, Answers, Append, AppendError, Candidacy, Cursor, DeadLetter, DeadLetterId, DeadLetters, Delivery,
    DueEffect, EarlyCheck, EarlyChecks, EventStore, Heartbeats, Housekeeping, Inbox, InboxDepth, KeyedAnswer,
    LastHeartbeat, LeaderTerm, LeaseRenewals, LeaseSigns, LogFilter, ObsoleteEffect, Outbox, OutboxDepth,
    PendingDelivery, PortFuture, Pruned, ReadModels, Receipt, Received, RowFilter, Store, StoreClock, StoreFailure,
    StoredRow, Tokens,
};
use conductor_core::reaction::Destination;
use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenDigest, TokenId};

use crate::guard::locked;

/// Which call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Append,
    Load,
    Due,
    Delivered,
    Term,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A panic before anything is done.
    PanicBefore,
    /// A panic when all is done.
    PanicAfter,
    /// A failure; nothing is done.
    DownBefore,
    /// A failure, though all is done.
    DownAfter,
    /// No answer for ever; nothing is done.
    HangBefore,
    /// No answer for ever, though all is done.
    HangAfter,
    /// A second passes first.
    Slow,
    /// For an append: a conflict that isn't one.
    Conflict,
}

type Script = Box<dyn FnMut(Call) -> Option<Fault> + Send>;

/// A store that fails as scripted and is otherwise the one inside.
pub(crate) struct FaultyStore {
    pub(super) inner: Arc<dyn Store>,
    script: Mutex<Script>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, script: Mutex::new(Box::new(|_| None)) })
    }

    pub(crate) fn inner(&self) -> &Arc<dyn Store> {
        &self.inner
    }

    /// The next calls of that kind end like this, one after another.
    pub(crate) fn fail(&self, on: Call, faults: impl IntoIterator<Item = Fault>) {
        let mut faults: VecDeque<Fault> = faults.into_iter().collect();
        self.script(move |call| if call == on { faults.pop_front() } else { None });
    }

    /// Every call is asked for its fault.
    pub(crate) fn script(&self, script: impl FnMut(Call) -> Option<Fault> + Send + 'static) {
        *locked(&self.script) = Box::new(script);
    }

    fn play<'a, T: Send + 'a, E: From<StoreFailure> + Send + 'a>(
        &self,
        call: Call,
        conflict: Option<E>,
        inner: PortFuture<'a, Result<T, E>>,
    ) -> PortFuture<'a, Result<T, E>> {
        let fault = (*locked(&self.script))(call);
        let down = || Err(E::from(StoreFailure::Unavailable("as scripted".to_owned())));
        Box::pin(async move {
            match fault {
                None => inner.await,
                Some(Fault::PanicBefore) => panic!("the store broke"),
                Some(Fault::PanicAfter) => {
                    let _ = inner.await;
                    panic!("the store broke, afterwards")
                }
                Some(Fault::DownBefore) => down(),
                Some(Fault::DownAfter) => inner.await.and_then(|_| down()),
                Some(Fault::HangBefore) => std::future::pending().await,
                Some(Fault::HangAfter) => {
                    let _ = inner.await;
                    std::future::pending().await
                }
                Some(Fault::Slow) => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    inner.await
                }
                Some(Fault::Conflict) => Err(conflict.expect("only appends conflict")),
            }
        })
    }
}

impl EventStore for FaultyStore {
    fn append(&self, append: Append) -> PortFuture<'_, Result<Receipt, AppendError>> {
        let conflict = AppendError::Conflict { actual: append.expected + 1 };
        self.play(Call::Append, Some(conflict), self.inner.append(append))
    }

    fn load<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<(u64, StreamState)>, StoreFailure>> {
        self.play(Call::Load, None, self.inner.load(stream))
    }

    fn read_stream<'a>(
        &'a self,
        stream: &'a StreamId,
        after: u64,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        self.inner.read_stream(stream, after, limit)
    }

    fn read_log<'a>(
        &'a self,
        after: u64,
        limit: usize,
        filter: &'a LogFilter,
    ) -> PortFuture<'a, Result<Vec<Recorded>, StoreFailure>> {
        self.inner.read_log(after, limit, filter)
    }

    fn head(&self) -> PortFuture<'_, Result<u64, StoreFailure>> {
        self.inner.head()
    }

    fn wait_past(&self, position: u64) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.inner.wait_past(position)
    }
}

impl Outbox for FaultyStore {
    fn due(
        &self,
        destination: Destination,
        now: Timestamp,
        limit: usize,
    ) -> PortFuture<'_, Result<Vec<DueEffect>, StoreFailure>> {
        self.play(Call::Due, None, self.inner.due(destination, now, limit))
    }

    fn delivered<'a>(&'a self, effects: &'a [EventId]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.play(Call::Delivered, None, self.inner.delivered(effects))
    }

    fn obsolete<'a>(&'a self, effects: &'a [ObsoleteEffect]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.play(Call::Delivered, None, self.inner.obsolete(effects))
    }

    fn failed<'a>(
        &'a self,
        effect: EventId,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.failed(effect, error, retry_at)
    }

    fn outbox_depth(&self) -> PortFuture<'_, Result<Vec<OutboxDepth>, StoreFailure>> {
        self.inner.outbox_depth()
    }
}

impl Inbox for FaultyStore {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        self.inner.receive(delivery)
    }

    fn waiting(&self, now: Timestamp, limit: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        self.play(Call::Due, None, self.inner.waiting(now, limit))
    }

    fn worked<'a>(&'a self, id: &'a str, outcome: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.play(Call::Delivered, None, self.inner.worked(id, outcome))
    }

    fn stuck<'a>(
        &'a self,
        id: &'a str,
        error: &'a str,
        retry_at: Option<Timestamp>,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.stuck(id, error, retry_at)
    }

    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        self.inner.inbox_depth()
    }
}

impl ReadModels for FaultyStore {
    fn rows<'a>(
        &'a self,
        kind: StreamKind,
        filter: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>> {
        self.inner.rows(kind, filter, after, limit)
    }

    fn row<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>> {
        self.inner.row(stream)
    }

    fn pulls_with_head<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>> {
        self.inner.pulls_with_head(repo, head)
    }

    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>> {
        self.inner.kind_of(reference)
    }
}

impl Answers for FaultyStore {
    fn answered<'a>(
        &'a self,
        scope: &'a str,
        key: &'a str,
    ) -> PortFuture<'a, Result<Option<(KeyedAnswer, Answer)>, StoreFailure>> {
        self.inner.answered(scope, key)
    }

    fn remember<'a>(
        &'a self,
        key: &'a KeyedAnswer,
        status: u16,
        body: &'a str,
        now: Timestamp,
    ) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.remember(key, status, body, now)
    }
}

impl Heartbeats for FaultyStore {
    fn heard<'a>(&'a self, heard: &'a [(Claimant, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.heard(heard)
    }

    fn last_heartbeats(&self) -> PortFuture<'_, Result<Vec<LastHeartbeat>, StoreFailure>> {
        self.inner.last_heartbeats()
    }
}

impl LeaseRenewals for FaultyStore {
    fn note_signs<'a>(&'a self, signs: &'a [LeaseSigns]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.note_signs(signs)
    }

    fn lease_signs(&self) -> PortFuture<'_, Result<Vec<LeaseSigns>, StoreFailure>> {
        self.inner.lease_signs()
    }

    fn signs_of<'a>(&'a self, issue: &'a IssueRef) -> PortFuture<'a, Result<Option<LeaseSigns>, StoreFailure>> {
        self.inner.signs_of(issue)
    }
}

impl StoreClock for FaultyStore {
    fn store_now(&self) -> PortFuture<'_, Result<Option<Timestamp>, StoreFailure>> {
        self.inner.store_now()
    }
}

impl EarlyChecks for FaultyStore {
    fn keep_check<'a>(&'a self, check: &'a EarlyCheck, now: Timestamp) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.keep_check(check, now)
    }

    fn checks_of<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<EarlyCheck>, StoreFailure>> {
        self.inner.checks_of(repo, head)
    }
}

impl Housekeeping for FaultyStore {
    fn prune(&self, now: Timestamp) -> PortFuture<'_, Result<Pruned, StoreFailure>> {
        self.inner.prune(now)
    }
}

impl Tokens for FaultyStore {
    fn create_token<'a>(&'a self, token: &'a Token) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.create_token(token)
    }

    fn token_of<'a>(&'a self, digest: &'a TokenDigest) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        self.inner.token_of(digest)
    }

    fn tokens(&self) -> PortFuture<'_, Result<Vec<Token>, StoreFailure>> {
        self.inner.tokens()
    }

    fn revoke_token<'a>(
        &'a self,
        id: &'a TokenId,
        now: Timestamp,
    ) -> PortFuture<'a, Result<Option<Token>, StoreFailure>> {
        self.inner.revoke_token(id, now)
    }

    fn tokens_used<'a>(&'a self, used: &'a [(TokenId, Timestamp)]) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.inner.tokens_used(used)
    }
}

impl DeadLetters for FaultyStore {
    fn dead_letters(&self, limit: usize) -> PortFuture<'_, Result<Vec<DeadLetter>, StoreFailure>> {
        self.inner.dead_letters(limit)
    }

    fn retry_dead_letter<'a>(&'a self, id: &'a DeadLetterId) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.inner.retry_dead_letter(id)
    }
}

impl LeaderTerm for FaultyStore {
    fn take_term<'a>(&'a self, holder: &'a str, length: Duration) -> PortFuture<'a, Result<Candidacy, StoreFailure>> {
        self.play(Call::Term, None, self.inner.take_term(holder, length))
    }

    fn renew_term<'a>(
        &'a self,
        holder: &'a str,
        term: u64,
        length: Duration,
    ) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.play(Call::Term, None, self.inner.renew_term(holder, term, length))
    }

    fn end_term<'a>(&'a self, holder: &'a str, term: u64) -> PortFuture<'a, Result<(), StoreFailure>> {
        self.play(Call::Term, None, self.inner.end_term(holder, term))
    }
}

impl Store for FaultyStore {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn ping(&self) -> PortFuture<'_, Result<(), StoreFailure>> {
        self.inner.ping()
    }

    fn close(&self) -> PortFuture<'_, ()> {
        self.inner.close()
    }
}
