//! Which repository a delivery is of: by its id, whatever it is called.

use conductor_actors::{Request, Setback};
use conductor_core::github::{Instruction, Webhook};
use conductor_core::rig::{RigCommand, Whose};

use super::instruction::{Carrier, decided};
use super::names::Here;

/// What a delivery's repository is.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    /// A known one, or one of which GitHub names no id.
    Here {
        /// Where its streams are.
        here: Option<Here>,
        /// What there is to do there.
        instructions: Vec<Instruction>,
    },
    /// Not the one whose streams are kept under that name: nothing is done.
    Stranger(String),
}

impl Carrier<'_> {
    /// Finds out which repository the delivery is of; the rig learns on record what of it is new: its id, and a rename, told or
    /// missed.
    ///
    /// Without a key: what the rig knows already changes nothing.
    pub(super) async fn meet(&self, webhook: &Webhook, mut instructions: Vec<Instruction>) -> Result<Met, Setback> {
        let (Some(id), Some(called)) = (webhook.repo_id, &webhook.repo) else {
            return Ok(Met::Here { here: None, instructions });
        };
        let mut before = None;
        instructions.retain(|instruction| match instruction {
            Instruction::Rig(RigCommand::Rename { from, .. }) => {
                before = Some(from.clone());
                false
            }
            Instruction::Rig(RigCommand::Meet { .. } | RigCommand::Record(_) | RigCommand::Pause { .. })
            | Instruction::Issue(..)
            | Instruction::PullRequest(..)
            | Instruction::Check { .. }
            | Instruction::MilestoneClosed { .. } => true,
        });
        let mut whose = self.names.whose(id, called);
        if whose == Whose::News {
            let meet = RigCommand::Meet { id, name: called.clone(), before };
            // The rig refuses nothing of it: a stranger is a fact like any other.
            let _learned = decided(self.streams.ask_rig(Request::new(meet, self.metadata())).await)?;
            whose = self.names.whose(id, called);
        }
        match whose {
            Whose::Kept(kept) => Ok(Met::Here { here: Some(Here { called: called.clone(), kept }), instructions }),
            Whose::Stranger => Ok(Met::Stranger(format!(
                "{called} is the name under which another repository is kept, and this one is number {id} at GitHub: \
                 rename it there, and it is taken up"
            ))),
            // Another replica has told the rig, and this one hears of it within a tick.
            Whose::News => Err(Setback::NotNow(format!("the rig knows more of {called} than this process"))),
        }
    }
}
