//! Bad deliveries at the webhook's door, and good ones that come twice.

use conductor_e::story::{IssueDelivery, sign};
use serde_json::{Value, json};

use crate::rig::{REPO, Rig, SECRET, SIGNATURE};

fn labelled(number: u64) -> Value {
    let issue = IssueDelivery { action: "labeled", number, title: "x", body: "", labels: &["agent-ready"], second: 1 };
    issue.deliver().body
}

fn headers<'a>(signature: &'a str, id: &'a str) -> [(&'a str, &'a str); 3] {
    [("X-GitHub-Event", "issues"), ("X-GitHub-Delivery", id), (SIGNATURE, signature)]
}

async fn what_is_not_signed_by_us_is_401_and_leaves_nothing(rig: &mut Rig) {
    let body = labelled(1).to_string();
    let signature = sign(SECRET, body.as_bytes());
    let upper = signature.to_uppercase();
    let cut = &signature[..signature.len() - 1];
    let bare = signature.strip_prefix("sha256=").unwrap();
    for wrong in [
        &*sign("another secret", body.as_bytes()),
        &*sign(SECRET, format!("{body} ").as_bytes()),
        &upper,
        cut,
        bare,
        "sha256=",
        "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "nonsense",
        "",
    ] {
        rig.deliver_raw(&headers(wrong, "d1"), body.clone()).await.refused(401, "unauthorized");
    }
    let unsigned = [("X-GitHub-Event", "issues"), ("X-GitHub-Delivery", "d1")];
    rig.deliver_raw(&unsigned, body.clone()).await.refused(401, "unauthorized");
    assert_eq!(rig.head().await, 0);
    // None of these used the delivery's id up.
    let taken = rig.deliver_raw(&headers(&signature, "d1"), body).await.expect(202);
    assert_eq!(
        (&taken["ok"], &taken["deliveryId"], &taken["status"]),
        (&json!(true), &json!("d1"), &json!("accepted"))
    );
    rig.reaches(1, "queued").await;
}

async fn what_is_no_delivery_is_400_and_leaves_nothing(rig: &mut Rig) {
    for body in ["", "nonsense", "[]", "5", "null", "{", "{\"a\":1}}", "payload=nonsense", "\u{feff}{}"] {
        let signature = sign(SECRET, body.as_bytes());
        rig.deliver_raw(&headers(&signature, "d1"), body.to_owned()).await.refused(400, "malformed");
    }
    let body = labelled(1).to_string();
    let signature = sign(SECRET, body.as_bytes());
    for incomplete in [
        vec![("X-GitHub-Event", "issues"), (SIGNATURE, &*signature)],
        vec![("X-GitHub-Delivery", "d1"), (SIGNATURE, &*signature)],
        vec![("X-GitHub-Event", ""), ("X-GitHub-Delivery", "d1"), (SIGNATURE, &*signature)],
    ] {
        rig.deliver_raw(&incomplete, body.clone()).await.refused(400, "malformed");
    }
    assert_eq!(rig.head().await, 0);
}

async fn slow_more_than_github_ever_sends_is_413(rig: &mut Rig) {
    let body = vec![b' '; (25 << 20) + 1];
    let signature = sign(SECRET, &body);
    rig.deliver_raw(&headers(&signature, "d1"), body).await.refused(413, "too_large");
    // The largest that GitHub sends is taken.
    let mut largest = labelled(1);
    largest["padding"] = json!("");
    let missing = (25 << 20) - largest.to_string().len();
    largest["padding"] = json!("x".repeat(missing));
    let body = largest.to_string();
    assert_eq!(body.len(), 25 << 20);
    let signature = sign(SECRET, body.as_bytes());
    rig.deliver_raw(&headers(&signature, "d2"), body).await.expect(202);
    rig.reaches(1, "queued").await;
}

async fn the_same_delivery_twice_has_one_effect(rig: &mut Rig) {
    let body = labelled(1);
    assert_eq!(rig.deliver("issues", "d1", &body).await.expect(202)["status"], "accepted");
    rig.reaches(1, "queued").await;
    for _ in 0..3 {
        assert_eq!(rig.deliver("issues", "d1", &body).await.expect(202)["status"], "duplicate");
    }
    // The same facts under another id, as GitHub's own redelivery button sends them, change nothing either.
    rig.deliver("issues", "d2", &body).await.expect(202);
    let other = labelled(2);
    rig.deliver("issues", "d3", &other).await.expect(202);
    rig.reaches(2, "queued").await;
    assert_eq!(rig.types(1).await, ["IssueApproved"]);
}

async fn what_github_may_add_is_recorded_and_ignored(rig: &mut Rig) {
    let repository = json!({"id": 1, "full_name": REPO});
    for (number, (event, body)) in [
        ("ping", json!({"zen": "Keep it logically awesome."})),
        ("hyperspace", json!({"action": "jumped", "repository": repository})),
        ("issues", json!({"action": "teleported", "issue": labelled(1)["issue"], "repository": repository})),
        ("check_run", json!({"action": "rerequested_by_the_moon", "repository": repository})),
        ("star", json!({"action": "created", "repository": repository})),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = rig.deliver(event, &format!("d{number}"), &body).await;
        assert_eq!(answer.status, 202, "{event}: {}", answer.text);
        assert_eq!(answer.json()["status"], "ignored", "{event}");
    }
    assert_eq!(rig.head().await, 0);
}

async fn without_a_secret_the_door_is_closed_and_says_how_to_open_it(rig: &mut Rig) {
    let body = labelled(1).to_string();
    for secret in [SECRET, ""] {
        let signature = sign(secret, body.as_bytes());
        let reply = rig.deliver_raw(&headers(&signature, "d1"), body.clone()).await;
        let sentence = reply.refused(503, "webhook_secret_missing");
        assert!(sentence.contains("GITHUB_WEBHOOK_SECRET"), "{sentence}");
    }
    assert_eq!(rig.head().await, 0);
}

on_both_stores! {
    with_github {
        what_is_not_signed_by_us_is_401_and_leaves_nothing,
        what_is_no_delivery_is_400_and_leaves_nothing,
        slow_more_than_github_ever_sends_is_413,
        the_same_delivery_twice_has_one_effect,
        what_github_may_add_is_recorded_and_ignored,
    }
    alone { without_a_secret_the_door_is_closed_and_says_how_to_open_it }
}
