use clap::Args;
use conductor_core::event::EventType;
use serde_json::value::RawValue;

use super::client::Client;
use super::event::Event;
use super::failure::Failure;
use super::follow::follow;
use super::screen::Screen;

/// Events per read: the most that the daemon gives at once.
const PAGE: usize = 1_000;

/// Which events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  conductor-e events                                       the whole log, oldest first
  conductor-e events --type ESCALATED,AgentStuck           some types, in either spelling
  conductor-e events --stream acme/web#42                  those of one issue, pull request or agent
  conductor-e events --after 1200 --json                   one JSON object a line, from a position on
  conductor-e events --follow                              what happens from now on, until Ctrl-C
  conductor-e events --follow --after 0 --stream acme/web#42 --json   an issue's events, past and to come")]
pub(super) struct EventsArguments {
    /// Only of these types, such as ISSUE_APPROVED or IssueApproved.
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(super) types: Vec<String>,
    /// Only after this position of the log.
    #[arg(long, value_name = "POSITION")]
    pub(super) after: Option<u64>,
    /// Only of this stream: owner/repo#number, an agent's id, or rig.
    #[arg(long, value_name = "ID")]
    pub(super) stream: Option<String>,
    /// Go on with what happens: from now, or from --after. Comes back by itself after the daemon was away, without gap or repeat.
    #[arg(long, short)]
    follow: bool,
    /// Show one JSON object a line instead of columns.
    #[arg(long)]
    json: bool,
}

/// `events`: the log, or one stream of it.
pub(super) async fn events(
    arguments: &EventsArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    if arguments.follow {
        return follow(arguments, daemon, screen).await;
    }
    let shown = match &arguments.stream {
        Some(stream) => of_stream(arguments, stream, daemon, screen).await?,
        None => of_log(arguments, daemon, screen).await?,
    };
    if shown == 0 && !arguments.json {
        screen.line(if arguments.narrows() { "No event matches." } else { "No events yet: the log is empty." })?;
    }
    Ok(())
}

/// The whole log page by page, so that a long one is shown from its first page on.
async fn of_log(arguments: &EventsArguments, daemon: &Client, screen: &mut Screen<'_>) -> Result<usize, Failure> {
    let (types, limit) = (arguments.types.join(","), PAGE.to_string());
    let (mut after, mut shown) = (arguments.after.unwrap_or(0), 0);
    loop {
        let position = after.to_string();
        let mut query = vec![("after", position.as_str()), ("limit", limit.as_str())];
        query.extend((!types.is_empty()).then_some(("type", types.as_str())));
        let page: Vec<Box<RawValue>> = daemon.read(&["api", "events"], &query).await?;
        for event in &page {
            let read = arguments.show(event, screen, daemon)?;
            after = after.max(read.position);
        }
        shown += page.len();
        if page.len() < PAGE {
            return Ok(shown);
        }
    }
}

/// One stream, which the daemon gives whole; what is not wanted of it is left out here.
async fn of_stream(
    arguments: &EventsArguments,
    stream: &str,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<usize, Failure> {
    let types = arguments.pascal_case_types()?;
    let events: Vec<Box<RawValue>> = daemon.read(&["api", "events", "stream"], &[("id", stream)]).await?;
    let mut shown = 0;
    for raw in &events {
        let mut event = parsed(raw, daemon)?;
        let wanted = types.is_empty() || types.contains(&event.kind);
        if wanted && event.position > arguments.after.unwrap_or(0) {
            event.stream_id = Some(stream.to_owned());
            arguments.show_parsed(raw, &event, screen)?;
            shown += 1;
        }
    }
    Ok(shown)
}

impl EventsArguments {
    fn narrows(&self) -> bool {
        !self.types.is_empty() || self.after.is_some() || self.stream.is_some()
    }

    /// The names of the types as events carry them.
    fn pascal_case_types(&self) -> Result<Vec<String>, Failure> {
        let read = |name: &String| {
            let why = || "no event is called so: names are as in ISSUE_APPROVED or IssueApproved".to_owned();
            EventType::parse_either(name)
                .map(EventType::pascal_case)
                .ok_or_else(|| Failure::Usage { what: format!("--type {}", name.escape_debug()), why: why() })
        };
        self.types.iter().map(read).collect()
    }

    fn show(&self, raw: &RawValue, screen: &mut Screen<'_>, daemon: &Client) -> Result<Event, Failure> {
        let event = parsed(raw, daemon)?;
        self.show_parsed(raw, &event, screen)?;
        Ok(event)
    }

    pub(super) fn show_parsed(&self, raw: &RawValue, event: &Event, screen: &mut Screen<'_>) -> Result<(), Failure> {
        if self.json { screen.line(raw.get()) } else { screen.line(&event.line()) }.map_err(Into::into)
    }
}

pub(super) fn parsed(raw: &RawValue, daemon: &Client) -> Result<Event, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|error| Failure::Foreign { url: daemon.base().to_string(), why: format!("an event: {error}") })
}
