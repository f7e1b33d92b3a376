use conductor_core::memory_use::MemoryUse;
use schemars::JsonSchema;
use serde::Serialize;

/// What agents did with their memory, as they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryView {
    /// Memories written.
    writes: u64,
    /// Tokens of them.
    tokens_written: u64,
    /// Questions asked of the memory.
    reads: u64,
    /// What they found.
    hits: u64,
    /// Tokens that were loaded for them.
    tokens_loaded: u64,
    /// How often what was found was used in what was written.
    hits_used: u64,
}

impl From<MemoryUse> for MemoryView {
    fn from(sum: MemoryUse) -> Self {
        let MemoryUse { writes, tokens_written, reads, hits, tokens_loaded, hits_used } = sum;
        Self { writes, tokens_written, reads, hits, tokens_loaded, hits_used }
    }
}
