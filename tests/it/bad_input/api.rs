//! Bad reports, queries, paths and methods.

use reqwest::Method;
use serde_json::json;

use super::Before;
use crate::rig::{Rig, about};

/// An approval with one property more, as text: what JSON libraries wouldn't write.
fn approval(more: &str) -> String {
    format!(r#"{{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"x",{more}}}"#)
}

async fn reports_that_make_no_sense_are_400_and_leave_nothing(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "[{}]",
        "null",
        "true",
        "5",
        "\"text\"",
        "{}",
        "{\"type\"",
        "{\"type\":}",
        "nonsense",
        r#"{"type":"HEARTBEAT","agentId":"a"} {"type":"HEARTBEAT","agentId":"b"}"#,
        r#"{"type":null}"#,
        r#"{"type":5}"#,
        r#"{"type":["HEARTBEAT"]}"#,
        r#"{"type":{"a":1}}"#,
        r#"{"repo":"acme/web","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":0,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":-2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2.5,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":"2","title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":null,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":1e400,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":99999999999999999999999,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":9223372036854775808,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":NaN,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web/more","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"../web","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web#1","issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":["acme/web"],"issueNumber":2,"title":"x"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":null}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"  "}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":{}}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"\ud800"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"\udc00 alone"}"#,
        r#"{"type":"ISSUE_APPROVED","repo":"acme/web","issueNumber":2,"title":"a\u0000b"}"#,
        r#"{"type":"HEARTBEAT"}"#,
        r#"{"type":"HEARTBEAT","agentId":""}"#,
        r#"{"type":"HEARTBEAT","agentId":"a b"}"#,
        r#"{"type":"HEARTBEAT","agentId":"acme/web#1"}"#,
        r#"{"type":"HEARTBEAT","agentId":"a/b/c"}"#,
        r#"{"type":"HEARTBEAT","agentId":"a","providers":"codex"}"#,
        r#"{"type":"HEARTBEAT","agentId":"a","providers":[{"status":"ok"}]}"#,
        r#"{"type":"HEARTBEAT","agentId":"a","uptimeSeconds":"long"}"#,
        r#"{"type":"TOKEN_USAGE","agentId":"a","model":"m","inputTokens":-1,"outputTokens":0,"costUsd":0}"#,
        r#"{"type":"TOKEN_USAGE","agentId":"a","model":"m","inputTokens":1,"outputTokens":0,"costUsd":"free"}"#,
        r#"{"type":"AGENT_QUOTA_REPORTED","agentId":"a","quotaFiveHourPct":"much"}"#,
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    for more in [
        r#""Title":"again""#,
        r#""TITLE":"again""#,
        r#""x":1,"X":2"#,
        r#""labels":"one""#,
        r#""labels":[1]"#,
        r#""labels":[null]"#,
        r#""priority":"urgent""#,
        r#""priority":1"#,
        r#""dependsOn":{}"#,
        r#""dependsOn":["nonsense"]"#,
        r#""dependsOn":[0]"#,
        r#""stack":5"#,
        r#""tools":{"a":1}"#,
        r#""a\u0000b":1"#,
        r#""x":{"y":1,"Y":2}"#,
    ] {
        bodies.push(approval(more).into_bytes());
    }
    bodies.push(b"{\"type\":\"\xff\xfe\"}".to_vec());
    bodies.push(b"\xef\xbb\xbf".to_vec());
    bodies.push(vec![0; 100]);
    for body in bodies {
        let reply = rig.send(body.clone()).await;
        assert_eq!(reply.status, 400, "{} -> {reply:?}", String::from_utf8_lossy(&body));
        reply.refused(400, "malformed");
    }
    before.still_holds(rig).await;
}

async fn what_is_too_much_is_refused_and_leaves_nothing(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let nested = |depth: usize| format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep_objects = format!("\"x\":{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
    let list = format!("\"labels\":[{}]", vec!["\"a\""; 1_001].join(","));
    let properties: Vec<String> = (0..1_001).map(|number| format!("\"p{number}\":1")).collect();
    for (more, why) in [
        (nested(40), "depth"),
        (nested(200_000), "depth that would overflow a stack"),
        (deep_objects, "depth of objects"),
        (format!("\"body\":\"{}\"", "x".repeat(300 << 10)), "length of a body"),
        (format!("\"url\":\"{}\"", "x".repeat(70_000)), "length of a text"),
        (format!("\"{}\":1", "x".repeat(300)), "length of a name"),
        (list, "items of a list"),
        (properties.join(","), "properties"),
    ] {
        let reply = rig.send(approval(&more)).await;
        assert_eq!(reply.status, 400, "{why}: {}", reply.text);
        reply.refused(400, "malformed");
    }
    for size in [(1 << 20) + 1, 3 << 20] {
        rig.send(vec![b' '; size]).await.refused(413, "too_large");
    }
    before.still_holds(rig).await;
}

async fn types_are_matched_exactly(rig: &mut Rig) {
    let before = Before::of(rig).await;
    for kind in
        ["", "IssueApproved", "issue_approved", "Issue_Approved", " ISSUE_APPROVED", "NO_SUCH", "DROP TABLE events"]
    {
        let sentence = rig.post(&about(kind, 2, json!({"title": "x"}))).await.refused(400, "unknown_event_type");
        assert_eq!(sentence, format!("Unknown event type: {kind}"));
    }
    before.still_holds(rig).await;
}

async fn what_is_text_to_a_database_or_a_page_is_text_here(rig: &mut Rig) {
    let title = "'; DROP TABLE events; -- <script>alert(1)</script> @everyone \u{202e} \u{1F600} \u{7f} \\u0000";
    rig.approve(1, json!({"title": title, "body": "line\nline\ttab \\ \" '", "labels": ["a'b", "ü"]})).await;
    let row = rig.row(1).await;
    assert_eq!(row["title"], title);
    assert_eq!((&row["body"], &row["labels"]), (&json!("line\nline\ttab \\ \" '"), &json!(["a'b", "ü"])));
    let largest = json!({"body": "ü".repeat((256 << 10) / 2)});
    rig.approve(2, largest.clone()).await;
    assert_eq!(rig.row(2).await["body"], largest["body"], "a body of the largest size comes back whole");
}

async fn unknown_paths_and_methods_are_json_too(rig: &mut Rig) {
    let before = Before::of(rig).await;
    for path in [
        "/nothing",
        "/api",
        "/api/",
        "/api/events/",
        "/api/event",
        "/api/issues/acme/web",
        "/api/issues/acme/web/1/2",
        "/healthz",
        "/%00",
        "/..%2f..%2fetc%2fpasswd",
        "/api/agents/",
        "/API/EVENTS",
        "/api/issues/acme/web/99",
        "/api/agents/nobody",
    ] {
        rig.get(path).await.refused(404, "unknown");
    }
    for path in
        ["/api/issues/acme/web/x", "/api/issues/acme/web/-1", "/api/issues/acme/web/0", "/api/issues/acme/w%20b/1"]
    {
        rig.get(path).await.refused(400, "malformed");
    }
    for (method, path) in [
        (Method::PUT, "/api/events"),
        (Method::DELETE, "/api/events"),
        (Method::PATCH, "/api/events"),
        (Method::POST, "/api/issues"),
        (Method::DELETE, "/api/issues/acme/web/1"),
        (Method::POST, "/api/assignments/next"),
        (Method::GET, "/api/webhook/github"),
        (Method::POST, "/healthz/live"),
        (Method::from_bytes(b"BREW").unwrap(), "/api/events"),
    ] {
        let reply = rig.request(method.clone(), path).await;
        reply.refused(405, "method_not_allowed");
        assert!(!reply.header("allow").is_empty(), "{method} {path}");
    }
    before.still_holds(rig).await;
}

async fn bad_queries_are_400(rig: &mut Rig) {
    let before = Before::of(rig).await;
    for path in [
        "/api/events/stream",
        "/api/events/stream?id=%00",
        "/api/events/stream?id=a&ID=b",
        "/api/events?after=-1",
        "/api/events?after=x",
        "/api/events?after=99999999999999999999",
        "/api/events?limit=0",
        "/api/events?limit=1001",
        "/api/issues?state=odd",
        "/api/issues?repo=acme",
        "/api/issues?priority=urgent",
        "/api/issues?limit=-1",
        "/api/issues?limit=1&cursor=zz",
        "/api/issues?limit=1&limit=2",
        "/api/assignments/next",
        "/api/assignments/next?agentId=",
        "/api/assignments/next?agentId=a%20b",
        "/api/assignments/next?agentId=a%2Fb%2Fc",
    ] {
        rig.get(path).await.refused(400, "malformed");
    }
    rig.get(&format!("/api/issues?repo={}", "x".repeat(2_000))).await.refused(400, "malformed");
    rig.get("/api/events?type=NoSuch").await.refused(400, "unknown_event_type");
    before.still_holds(rig).await;
}

async fn a_bad_idempotency_key_is_400(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let report = about("ISSUE_APPROVED", 2, json!({"title": "x"}));
    for key in ["", "   ", &"k".repeat(300)] {
        rig.post_keyed(&report, key).await.refused(400, "malformed");
    }
    before.still_holds(rig).await;
}

async fn a_page_of_another_site_may_not_report(rig: &mut Rig) {
    let before = Before::of(rig).await;
    let report = about("ISSUE_APPROVED", 2, json!({"title": "x"}));
    for (name, value) in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")] {
        let request = rig.http.post(rig.url("/api/events")).header(name, value).body(report.to_string());
        crate::rig::Reply::of(request).await.refused(403, "forbidden");
    }
    before.still_holds(rig).await;
}

on_both_stores! {
    alone {
        reports_that_make_no_sense_are_400_and_leave_nothing,
        what_is_too_much_is_refused_and_leaves_nothing,
        types_are_matched_exactly,
        what_is_text_to_a_database_or_a_page_is_text_here,
        unknown_paths_and_methods_are_json_too,
        bad_queries_are_400,
        a_bad_idempotency_key_is_400,
        a_page_of_another_site_may_not_report,
    }
}
