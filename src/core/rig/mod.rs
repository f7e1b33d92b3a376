//! The rig: what concerns no single issue, change or agent. Pause, renames, proposals, milestones.

mod command;
mod decide;
mod repository;
mod state;

pub use command::RigCommand;
pub use decide::RigDecider;
pub use repository::Whose;
pub use state::{Rig, Said};
