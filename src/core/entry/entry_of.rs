use crate::identity::AgentId;
use crate::record;

record! {
    /// Which entry: of a lease, or of a dispatch. The stream that it is about is known from elsewhere.
    pub struct EntryOf {
        /// In whose stream it is.
        "agent" => agent: AgentId,
        /// The version of the event that it was added for: ISSUE_ASSIGNED, or REVIEW_ASSIGNED.
        "version" => version: u64,
    }
}
