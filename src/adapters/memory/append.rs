use conductor_core::event::Recorded;
use conductor_core::identity::StreamId;
use conductor_core::port::{
    Answer, Append, AppendError, Body, Guard, KeyedAnswer, LeaseSigns, NewEffect, PendingEffect, Receipt, Snapshot,
    StoreFailure,
};
use conductor_core::time::Timestamp;

use super::tables::{KeptAnswer, Lease, OutboxRow, Progress, Stream, Tables};

impl Tables {
    /// Checks everything before it changes anything, so that a refusal needs no way back.
    pub(super) fn append(&mut self, append: Append) -> Result<Receipt, AppendError> {
        if append.events.is_empty() {
            return Err(StoreFailure::Corrupt("an append without events".to_owned()).into());
        }
        self.check_key(append.key.as_ref())?;
        let actual = self.version_of(&append.stream);
        if actual != append.expected {
            return Err(AppendError::Conflict { actual });
        }
        append.guards.iter().try_for_each(|guard| self.check_guard(guard))?;
        Ok(self.record(append))
    }

    fn check_key(&self, key: Option<&KeyedAnswer>) -> Result<(), AppendError> {
        let Some(key) = key else { return Ok(()) };
        let Some(kept) = self.answers.get(&(key.scope.clone(), key.key.clone())) else { return Ok(()) };
        match &kept.answer {
            Answer::Appended { receipt, .. } if kept.key.fingerprint == key.fingerprint => {
                Err(AppendError::Duplicate(receipt.clone()))
            }
            Answer::Appended { .. } | Answer::Literal { .. } => Err(AppendError::KeyReused),
        }
    }

    fn check_guard(&self, guard: &Guard) -> Result<(), AppendError> {
        let mut leases = self.leases.iter();
        let (holds, held) = match guard {
            Guard::StreamAt { stream, version } => (self.version_of(stream) == *version, None),
            Guard::LeasesBelow { agent, limit } => {
                let live = leases.filter(|(_, lease)| lease.claimant.agent == *agent).count();
                (live < usize::try_from(*limit).unwrap_or(usize::MAX), None)
            }
            Guard::NothingUnstarted { claimant } => {
                let held = leases.find(|(_, lease)| lease.unstarted && lease.claimant == *claimant);
                (held.is_none(), held.and_then(|(key, _)| self.streams.get(key)).map(|stream| stream.id.clone()))
            }
            Guard::LeaseSilentSince { issue, epoch, since } => {
                let signs = self.signs.get(issue).filter(|signs| signs.epoch == *epoch);
                (signs.and_then(LeaseSigns::last).is_none_or(|last| last <= *since), None)
            }
        };
        if holds { Ok(()) } else { Err(AppendError::Guarded { guard: guard.clone(), held }) }
    }

    fn record(&mut self, append: Append) -> Receipt {
        let Append { stream, expected, events, snapshot, effects, key, time, .. } = append;
        let first_position = self.head() + 1;
        let count = events.len() as u64;
        let receipt = Receipt {
            first_version: expected + 1,
            last_version: expected + count,
            first_position,
            last_position: first_position + count - 1,
            time,
        };
        let id = self.keep_row(&stream, snapshot, &receipt);
        events.iter().for_each(|new| self.costs.add(&id, &new.event, time));
        self.log.extend((0..).zip(events).map(|(at, new)| Recorded {
            id: new.id,
            stream: id.clone(),
            version: receipt.first_version + at,
            position: first_position + at,
            time,
            event: new.event,
            metadata: new.metadata,
        }));
        self.outbox.extend(effects.into_iter().map(|effect| outbox_row(effect, time)));
        if let Some(key) = key {
            let answer = Answer::Appended { stream: id, receipt: receipt.clone() };
            self.answers.insert((key.scope.clone(), key.key.clone()), KeptAnswer { key, answer, since: time });
        }
        receipt
    }

    /// Writes the stream with its row and lease, and gives its first spelling.
    fn keep_row(&mut self, stream: &StreamId, snapshot: Snapshot, receipt: &Receipt) -> StreamId {
        let (key, columns) = (stream.key(), snapshot.state.columns());
        match &columns.holder {
            Some(claimant) => {
                let lease = Lease { claimant: claimant.clone(), unstarted: columns.unstarted };
                self.leases.insert(key.clone(), lease);
            }
            None => drop(self.leases.remove(&key)),
        }
        let kept = self.streams.entry(key).or_insert_with(|| Stream {
            id: stream.clone(),
            positions: Vec::new(),
            state: snapshot.state.clone(),
            columns: columns.clone(),
            body: None,
        });
        kept.positions.extend(receipt.first_position..=receipt.last_position);
        (kept.state, kept.columns) = (snapshot.state, columns);
        match snapshot.body {
            Body::Keep => {}
            Body::Set(body) => kept.body = Some(body),
        }
        kept.id.clone()
    }
}

fn outbox_row(new: NewEffect, since: Timestamp) -> OutboxRow {
    let NewEffect { id, event_id, effect } = new;
    let key = effect.key();
    OutboxRow {
        pending: PendingEffect { id, event_id, effect, attempts: 0, since },
        key,
        progress: Progress::Waits(None),
        error: String::new(),
    }
}
