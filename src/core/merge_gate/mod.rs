//! The merge gate: what stands before the merge of a change, as one list.
//!
//! Pure, over what is known. **Whoever wants to know whether something may be merged asks here**: `POST /api/merge`, the row of a
//! pull request (`waitingFor`), and the explanation. What is *not known* – GitHub hasn't said whether it can be merged – is on no
//! list: right before a merge everything is read again, and what can't be read counts as not met there.
//!
//! | File | What |
//! |---|---|
//! | `condition` | each thing that a merge may wait for, with its name |
//! | `change` | what the change itself still needs |
//! | `whole` | the same with what its issues and pauses say |
//! | `patience` | for how long it may wait for the same before somebody is told |

mod change;
mod condition;
mod patience;
#[cfg(test)]
mod patience_tests;
#[cfg(test)]
mod tests;
mod whole;

pub use change::change;
pub use condition::Condition;
pub use patience::{Overdue, look_again, overdue};
pub use whole::{Neighbours, looks_at, names, waits_for};
