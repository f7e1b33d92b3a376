//! Bytes that are no HTTP, and HTTP that never ends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Before;
use crate::rig::{Rig, Setup};

/// The daemon hangs up on slow heads after 10 s, on slow bodies after 30 s; the rest is for a busy machine.
const HANGS_UP_WITHIN: Duration = Duration::from_secs(60);

async fn connect(rig: &Rig) -> TcpStream {
    TcpStream::connect(rig.daemon.url().strip_prefix("http://").unwrap()).await.unwrap()
}

/// All that is answered until the daemon hangs up.
async fn hung_up(mut connection: TcpStream) -> String {
    let mut answer = Vec::new();
    // Reset is an end too: the daemon may hang up before it has read everything.
    let reading = connection.read_to_end(&mut answer);
    let _ = tokio::time::timeout(HANGS_UP_WITHIN, reading).await.expect("the daemon hangs up");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn junk_on_the_socket_is_a_4xx_and_an_end(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let junk: Vec<u8> = (0..4_096_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let header = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    let headers = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(5_000));
    for bytes in [
        b"\0\x01\x02\x03\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n".to_vec(),
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n".to_vec(),
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            .to_vec(),
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n".to_vec(),
        b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n{}".to_vec(),
        junk,
        header.into_bytes(),
        headers.into_bytes(),
    ] {
        let mut connection = connect(rig).await;
        let _ = connection.write_all(&bytes).await;
        connection.shutdown().await.ok();
        let answer = hung_up(connection).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?} was answered {answer:?}");
    }
    before.still_holds(rig).await;
}

async fn a_body_that_breaks_off_is_not_taken(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let body = r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"x"}"#;
    let half = &body[..body.len() / 2];
    for head in [
        format!("Content-Length: {}\r\n\r\n{half}", body.len()),
        // A whole report, but less than was announced.
        format!("Content-Length: {}\r\n\r\n{body}", body.len() + 1),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()),
    ] {
        let mut connection = connect(rig).await;
        connection
            .write_all(format!("POST /api/events HTTP/1.1\r\nHost: localhost\r\n{head}").as_bytes())
            .await
            .unwrap();
        connection.shutdown().await.unwrap();
        let answer = hung_up(connection).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    before.still_holds(rig).await;
}

/// Twenty slow senders hold twenty connections for a while, and nobody else up. Which store is behind makes no difference, so
/// one waits for it.
#[tokio::test]
async fn slow_senders_are_hung_up_on_and_hold_nobody_up() {
    let rig = Setup::sqlite().with_github().start().await;
    let before = Before::of(&rig).await;
    let mut slow = Vec::new();
    for sender in 0..20 {
        let mut connection = connect(&rig).await;
        let begun = match sender % 3 {
            0 => "POST /api/events HTTP/1.1\r\nHost: localhost\r\nX-Half-A-Head",
            1 => "POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"type\":",
            _ => "POST /api/webhook/github HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"action\":",
        };
        connection.write_all(begun.as_bytes()).await.unwrap();
        slow.push(connection);
    }
    assert_eq!(rig.row(1).await["state"], "queued", "others are served meanwhile");
    for connection in slow {
        let answer = hung_up(connection).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    before.still_holds(&rig).await;
    rig.close().await;
}

on_both_stores! {
    alone {
        junk_on_the_socket_is_a_4xx_and_an_end,
        a_body_that_breaks_off_is_not_taken,
    }
}
