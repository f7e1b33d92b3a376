//! stub, replaced soon
#![allow(missing_docs)]
mod command;
use crate::decider::*;
use crate::event::Event;
use crate::identity::*;
use crate::port::Columns;
use crate::reaction::Effect;
use crate::record;
pub use command::*;
record! {
    /// state
    pub struct Agent { "id" => id: String, "version" => version: u64, "count" => count: u64 }
}
pub struct AgentDecider;
impl Decider for AgentDecider {
    type State = Agent;
    type Command = AgentCommand;
    type Event = crate::event::AgentEvent;
    const KIND: StreamKind = StreamKind::Agent;
    fn initial(stream: &StreamId) -> Self::State {
        Agent { id: stream.to_string(), version: 0, count: 0 }
    }
    fn reads(_: &Self::State, _: &Self::Command) -> Vec<StreamId> {
        Vec::new()
    }
    fn decide(_: &Self::State, command: &Self::Command, _: &Given<'_>) -> Decision<Self::Event> {
        {
            let _ = command;
            Decision::accept(Vec::new())
        }
    }
    fn evolve(state: &mut Self::State, _: &Self::Event, at: Moment) {
        state.version = at.version;
        state.count += 1;
    }
    fn reactions(_: &Self::State, _: &Self::Event) -> Vec<Effect> {
        Vec::new()
    }
    fn columns(_: &Self::State) -> Columns {
        Columns::default()
    }
    fn body(_: &Self::Event) -> Option<&str> {
        None
    }
    fn wrap(event: Self::Event) -> Event {
        Event::Agent(event)
    }
    fn unwrap(event: Event) -> Option<Self::Event> {
        if let Event::Agent(event) = event { Some(event) } else { None }
    }
    fn wrap_state(state: Self::State) -> StreamState {
        StreamState::Agent(Box::new(state))
    }
    fn unwrap_state(state: StreamState) -> Option<Self::State> {
        if let StreamState::Agent(state) = state { Some(*state) } else { None }
    }
}
