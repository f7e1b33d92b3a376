use conductor_core::port::{DeadLetter, DeadLetterId, DeadLetters, PortFuture, StoreFailure};

use super::MemoryStore;
use super::tables::{InboxRow, OutboxRow, Progress};

fn effect(row: &OutboxRow) -> DeadLetter {
    DeadLetter {
        id: DeadLetterId::Effect(row.pending.id),
        destination: Some(row.pending.effect.destination()),
        key: row.key.clone(),
        what: row.pending.effect.summary(),
        error: row.error.clone(),
        attempts: row.pending.attempts,
        since: row.pending.since,
    }
}

fn delivery(row: &InboxRow) -> DeadLetter {
    DeadLetter {
        id: DeadLetterId::Delivery(row.delivery.id.clone()),
        destination: None,
        key: row.delivery.ordering_key.clone(),
        what: row.delivery.event.clone(),
        error: row.error.clone(),
        attempts: row.attempts,
        since: row.delivery.received_at,
    }
}

impl DeadLetters for MemoryStore {
    fn dead_letters(&self, limit: usize) -> PortFuture<'_, Result<Vec<DeadLetter>, StoreFailure>> {
        self.with(move |tables| {
            let effects = tables.outbox.iter().filter(|row| row.progress == Progress::Dead).map(effect);
            let deliveries = tables.inbox.iter().filter(|row| row.progress == Progress::Dead).map(delivery);
            let mut letters: Vec<DeadLetter> = effects.chain(deliveries).collect();
            letters.sort_by_key(|letter| letter.since);
            letters.truncate(limit);
            Ok(letters)
        })
    }

    fn retry_dead_letter<'a>(&'a self, id: &'a DeadLetterId) -> PortFuture<'a, Result<bool, StoreFailure>> {
        self.with(move |tables| {
            let (progress, attempts) = match id {
                DeadLetterId::Effect(id) => match tables.effect(*id) {
                    Some(row) => (&mut row.progress, &mut row.pending.attempts),
                    None => return Ok(false),
                },
                DeadLetterId::Delivery(id) => match tables.delivery(id) {
                    Some(row) => (&mut row.progress, &mut row.attempts),
                    None => return Ok(false),
                },
            };
            let dead = *progress == Progress::Dead;
            if dead {
                (*progress, *attempts) = (Progress::Waits(None), 0);
            }
            Ok(dead)
        })
    }
}
