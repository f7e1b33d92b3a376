use conductor_adapters::codec::PreparedAppend;
use conductor_adapters::system_entropy::SystemEntropy;

use crate::story::Issue;

/// What a reference writes: texts as long as ours are on average over an issue's life.
#[derive(Debug)]
pub(crate) struct Texts {
    /// Of an event.
    pub(crate) data: String,
    /// Beside it.
    pub(crate) metadata: String,
    /// Of a row.
    pub(crate) document: String,
}

impl Texts {
    /// Measures ours.
    pub(crate) fn like_ours(entropy: &SystemEntropy) -> anyhow::Result<Self> {
        let prepared = PreparedAppend::new(Issue::new(1).next(entropy, 12))?;
        let sizes = prepared.events.iter().map(|event| event.encoded.data.len() + event.encoded.metadata.len());
        let average = sizes.sum::<usize>() / prepared.events.len();
        let metadata = prepared.events[0].encoded.metadata.clone();
        let data = format!("{{\"text\":\"{}\"}}", "x".repeat(average.saturating_sub(metadata.len() + 11)));
        Ok(Self { data, metadata, document: prepared.document })
    }
}
