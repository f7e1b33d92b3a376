//! Review dispatch: the pass pushes, a reviewer that asks pulls, and one rule in core decides for both.

mod desk;
mod index;
mod pass;

pub use desk::ReviewDesk;
pub use index::{ReviewIndex, Wake};
pub use pass::ReviewDispatch;
