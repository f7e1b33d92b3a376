//! What the rings outside must provide, each port as small as its callers need.
//!
//! Every adapter of the store passes one contract suite (`src/adapters/contract`), so a fake can't promise less or more
//! than the real thing.

mod append;
mod broker;
mod clock;
mod costs;
mod dead_letters;
mod effects;
mod execution_logs;
mod failure;
mod inbox;
mod leader;
mod leases;
mod operational;
mod read_models;
mod runtime;
mod store;
mod tokens;

pub use append::{Append, AppendError, Body, Columns, Guard, KeyedAnswer, NewEffect, NewEvent, Receipt, Snapshot};
pub use broker::{
    Broker, BrokerFailure, EntryStreams, LogChannels, Offered, PendingEntries, PendingEntry, REMEMBERED, Withdrawn,
};
pub use clock::{Clock, Entropy, StoreClock};
pub use costs::Costs;
pub use dead_letters::{DeadLetter, DeadLetterId, DeadLetters};
pub use effects::{DueEffect, ObsoleteEffect, Outbox, OutboxDepth, PendingEffect, UnreadableEffect};
pub use execution_logs::{ExecutionFilter, ExecutionLogs};
pub use failure::{PortFuture, StoreFailure};
pub use inbox::{Delivery, Inbox, InboxDepth, PendingDelivery, Received};
pub use leader::{Candidacy, LeaderTerm};
pub use leases::{LeaseRenewals, LeaseSigns};
pub use operational::{Answer, Answers, EarlyCheck, EarlyChecks, Heartbeats, Housekeeping, LastHeartbeat, Pruned};
pub use read_models::{Cursor, ReadModels, RowFilter, StoredRow};
pub use runtime::{AgentLogs, Learnings, LineFilter};
pub use store::{EventStore, LogFilter, Store};
pub use tokens::Tokens;
