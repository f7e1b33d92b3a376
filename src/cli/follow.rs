use std::io::{self, IsTerminal};
use std::time::Duration;

use reqwest::Response;
use reqwest::header::ACCEPT;
use serde_json::value::RawValue;

use super::client::{Client, why};
use super::events::{EventsArguments, parsed};
use super::failure::Failure;
use super::screen::Screen;
use super::sse::Blocks;

/// Before the first attempt to come back, unless the daemon has named another pause; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Never longer than this: a daemon that restarts is back within seconds.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// `events --follow`: what happens, for as long as somebody looks. Ends with an error only where coming back would not help.
pub(super) async fn follow(
    arguments: &EventsArguments,
    daemon: &Client,
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let mut blocks = Blocks::default();
    let mut connection = connect(arguments, daemon, &blocks).await?;
    if io::stderr().is_terminal() {
        eprintln!("conductor-e follows {}: events show here as they happen, until Ctrl-C", daemon.base());
    }
    loop {
        let lost = read(arguments, daemon, &mut connection, &mut blocks, screen).await?;
        eprintln!("conductor-e lost {}: {lost}; trying again until Ctrl-C", daemon.base());
        blocks.restart();
        connection = come_back(arguments, daemon, &blocks).await?;
        eprintln!("conductor-e reads on from position {}", blocks.last_id.as_deref().unwrap_or("0"));
    }
}

async fn connect(arguments: &EventsArguments, daemon: &Client, blocks: &Blocks) -> Result<Response, Failure> {
    let (types, after) = (arguments.types.join(","), arguments.after.map(|after| after.to_string()));
    let query = [("type", (!types.is_empty()).then_some(types.as_str())), ("after", after.as_deref())];
    let query: Vec<(&str, &str)> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let mut request = daemon.request(&["api", "events", "live"], &query).header(ACCEPT, "text/event-stream");
    if let Some(last_id) = &blocks.last_id {
        request = request.header("Last-Event-ID", last_id);
    }
    daemon.send(request).await
}

/// Tries until there is a connection, or an answer that will not change.
async fn come_back(arguments: &EventsArguments, daemon: &Client, blocks: &Blocks) -> Result<Response, Failure> {
    let mut pause = blocks.come_back_after.unwrap_or(FIRST_PAUSE).min(LONGEST_PAUSE);
    loop {
        tokio::time::sleep(pause).await;
        match connect(arguments, daemon, blocks).await {
            Ok(connection) => return Ok(connection),
            Err(failure) if failure.may_pass() => pause = (pause * 2).min(LONGEST_PAUSE),
            Err(failure) => return Err(failure),
        }
    }
}

/// Shows what comes until the connection ends; gives the reason of that.
async fn read(
    arguments: &EventsArguments,
    daemon: &Client,
    connection: &mut Response,
    blocks: &mut Blocks,
    screen: &mut Screen<'_>,
) -> Result<String, Failure> {
    loop {
        let piece = match connection.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok("it ended the connection".to_owned()),
            Err(error) => return Ok(why(&error)),
        };
        for data in blocks.push(&piece) {
            show(arguments, daemon, &data, screen)?;
        }
        screen.flush()?;
    }
}

fn show(arguments: &EventsArguments, daemon: &Client, data: &str, screen: &mut Screen<'_>) -> Result<(), Failure> {
    let foreign =
        |error: serde_json::Error| Failure::Foreign { url: daemon.base().to_string(), why: error.to_string() };
    let raw: &RawValue = serde_json::from_str(data).map_err(foreign)?;
    let event = parsed(raw, daemon)?;
    // GitHub's names know no upper and lower case.
    let wanted = |stream: &String| event.stream_id.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(stream));
    if arguments.stream.as_ref().is_none_or(wanted) {
        arguments.show_parsed(raw, &event, screen)?;
    }
    Ok(())
}
