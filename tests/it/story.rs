//! The stories of the demo, told to a daemon of each store.

use conductor_e::story::{Narrator, play_all};

use crate::rig::{Rig, SECRET};

async fn from_label_to_done_two_strikes_and_a_dependency(rig: &mut Rig) {
    let outside = conductor_e::story::Rig::connect(&rig.daemon.url(), SECRET, Narrator::silent());
    play_all(&outside).await.unwrap();
}

on_both_stores! { reviewing_with_github { from_label_to_done_two_strikes_and_a_dependency } }
