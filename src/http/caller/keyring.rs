//! The tokens that are in use, remembered for a few seconds, so that a check costs a digest and a look into a map.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use conductor_core::port::{Clock, Store, StoreFailure};
use conductor_core::time::{Timestamp, minutes};
use conductor_core::token::{Token, TokenDigest, TokenId};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// A token is read anew after this long: so late does a replica learn that another has taken it back.
const REMEMBERED: Duration = Duration::from_secs(3);
/// Last use is noted once per token in this time: it tells people what is still needed, not what happened when.
const USES: Duration = minutes(1);
/// Tokens that are remembered at most; twice the agents that are foreseen.
const MOST: usize = 20_000;

/// Looks tokens up. **Closed when in doubt**: where the store doesn't answer, an old answer is none.
pub struct Keyring {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    memory: RwLock<Memory>,
    uses: Mutex<HashMap<TokenId, Timestamp>>,
}

#[derive(Default)]
struct Memory {
    known: HashMap<TokenDigest, Remembered>,
    /// Tokens taken back here so far: what was read before the last of them may have become wrong on its way.
    taken_back: u64,
}

#[derive(Clone)]
struct Remembered {
    token: Arc<Token>,
    /// By the monotonic clock: a wall clock that steps back must not keep a revoked token alive.
    read_at: Instant,
}

impl Keyring {
    /// An empty one over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, memory: RwLock::default(), uses: Mutex::default() }
    }

    /// Whether a token of that digest was ever found here: what was not is a guess until it is.
    #[must_use]
    pub fn knows(&self, digest: &TokenDigest) -> bool {
        self.recall(digest).is_some()
    }

    /// The live token of that digest.
    ///
    /// # Errors
    /// When the store has to be asked and can't answer.
    pub async fn live(&self, digest: &TokenDigest) -> Result<Option<Arc<Token>>, StoreFailure> {
        let recalled = self.recall(digest).filter(|known| known.read_at.elapsed() < REMEMBERED);
        let token = match recalled {
            Some(known) => known.token,
            None => match self.read(digest).await? {
                Some(token) => token,
                None => return Ok(None),
            },
        };
        Ok(Some(token).filter(|token| token.is_live(self.clock.now())))
    }

    /// Forgets a token that was taken back here: this process refuses it from now on.
    pub fn forget(&self, id: &TokenId) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.taken_back += 1;
        memory.known.retain(|_, known| known.token.id != *id);
    }

    /// Writes last uses that wait, and tells how many; those that couldn't be written wait on.
    ///
    /// # Errors
    /// When the store can't take them.
    pub async fn write_uses(&self) -> Result<usize, StoreFailure> {
        let uses: Vec<(TokenId, Timestamp)> = self.uses().iter().map(|(id, at)| (id.clone(), *at)).collect();
        if uses.is_empty() {
            return Ok(0);
        }
        self.store.tokens_used(&uses).await?;
        let mut waiting = self.uses();
        for (id, written) in &uses {
            if waiting.get(id).is_some_and(|at| at <= written) {
                waiting.remove(id);
            }
        }
        Ok(uses.len())
    }

    fn recall(&self, digest: &TokenDigest) -> Option<Remembered> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner).known.get(digest).cloned()
    }

    async fn read(&self, digest: &TokenDigest) -> Result<Option<Arc<Token>>, StoreFailure> {
        // Both before the question: an answer that comes late is old already.
        let read_at = Instant::now();
        let taken_back = self.memory.read().unwrap_or_else(PoisonError::into_inner).taken_back;
        let found = self.store.token_of(digest).await?;
        // A lookup by digest tells no more than whether 256 bits were guessed; compared all the same, in constant time.
        let found = found.filter(|token| bool::from(token.digest.0.ct_eq(&digest.0))).map(Arc::new);
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            None => drop(memory.known.remove(digest)),
            Some(token) if memory.taken_back == taken_back => {
                memory.make_room();
                memory.known.insert(*digest, Remembered { token: Arc::clone(token), read_at });
            }
            Some(_) => {}
        }
        drop(memory);
        if let Some(token) = &found {
            self.note_use(token);
        }
        Ok(found)
    }

    fn note_use(&self, token: &Token) {
        let now = self.clock.now();
        if token.is_live(now) && token.last_used_at.is_none_or(|last| now.since(last) >= USES) {
            self.uses().insert(token.id.clone(), now);
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<TokenId, Timestamp>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn make_room(&mut self) {
        if self.known.len() >= MOST {
            self.known.retain(|_, known| known.read_at.elapsed() < REMEMBERED);
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conductor_adapters::memory::MemoryStore;
    use conductor_adapters::system_clock::SystemClock;
    use conductor_core::port::Tokens;
    use conductor_core::token::TokenOwner;

    struct Set {
        store: Arc<MemoryStore>,
        keyring: Keyring,
        token: Token,
    }

    async fn set() -> Set {
        let store = MemoryStore::new();
        let keyring = Keyring::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(SystemClock));
        let token = Token {
            id: TokenId::of_random(1),
            digest: TokenDigest([1; 32]),
            owner: TokenOwner::of("agent", "dev-e-node").unwrap(),
            created_at: Timestamp::from_millis(0),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        assert!(store.create_token(&token).await.unwrap());
        Set { store, keyring, token }
    }

    impl Set {
        async fn opens(&self) -> bool {
            self.keyring.live(&self.token.digest).await.unwrap().is_some()
        }

        async fn last_use(&self) -> Option<Timestamp> {
            self.store.tokens().await.unwrap()[0].last_used_at
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_another_replica_takes_back_opens_nothing_after_seconds() {
        let set = set().await;
        assert!(!set.keyring.knows(&set.token.digest) && set.opens().await && set.keyring.knows(&set.token.digest));
        set.store.revoke_token(&set.token.id, Timestamp::from_millis(5)).await.unwrap();
        assert!(set.opens().await, "still remembered");
        tokio::time::advance(REMEMBERED).await;
        assert!(!set.opens().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_taken_back_here_opens_nothing_at_once() {
        let set = set().await;
        assert!(set.opens().await);
        set.store.revoke_token(&set.token.id, Timestamp::from_millis(5)).await.unwrap();
        set.keyring.forget(&set.token.id);
        assert!(!set.opens().await);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_opened_on_an_old_answer_while_the_store_is_away() {
        let set = set().await;
        assert!(set.opens().await);
        set.store.close().await;
        assert!(set.opens().await, "remembered");
        tokio::time::advance(REMEMBERED).await;
        assert!(set.keyring.live(&set.token.digest).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn last_use_is_noted_and_written_once_for_many_uses() {
        let set = set().await;
        for _ in 0..3 {
            assert!(set.opens().await);
            tokio::time::advance(REMEMBERED).await;
        }
        assert_eq!(set.last_use().await, None, "gathered, not written yet");
        assert_eq!(set.keyring.write_uses().await, Ok(1));
        assert!(set.last_use().await.is_some());
        assert!(set.opens().await);
        assert_eq!(set.keyring.write_uses().await, Ok(0), "within the same minute");
    }
}
