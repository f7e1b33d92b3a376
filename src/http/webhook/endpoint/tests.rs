use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::App;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use conductor_core::port::{Delivery, InboxDepth, PendingDelivery, PortFuture, StoreFailure};
use conductor_core::time::Timestamp;
use serde_json::Value;

use super::*;

/// An inbox that keeps what it gets, once per id.
#[derive(Default)]
struct Kept {
    deliveries: Mutex<Vec<Delivery>>,
    away: bool,
}

impl Inbox for Kept {
    fn receive(&self, delivery: Delivery) -> PortFuture<'_, Result<Received, StoreFailure>> {
        let answer = if self.away {
            Err(StoreFailure::Unavailable("gone".to_owned()))
        } else {
            let mut kept = self.deliveries.lock().unwrap();
            if kept.iter().any(|known| known.id == delivery.id) {
                Ok(Received::Duplicate)
            } else {
                kept.push(delivery);
                Ok(Received::Accepted)
            }
        };
        Box::pin(std::future::ready(answer))
    }
    fn waiting(&self, _: Timestamp, _: usize) -> PortFuture<'_, Result<Vec<PendingDelivery>, StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn worked<'a>(&'a self, _: &'a str, _: &'a str) -> PortFuture<'a, Result<(), StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn stuck<'a>(&'a self, _: &'a str, _: &'a str, _: Option<Timestamp>) -> PortFuture<'a, Result<(), StoreFailure>> {
        unreachable!("the endpoint works nothing off")
    }
    fn inbox_depth(&self) -> PortFuture<'_, Result<InboxDepth, StoreFailure>> {
        unreachable!("the endpoint asks for no depth")
    }
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_253_400_000)
    }
}

/// An endpoint with its inbox, and what to send to it.
struct Given {
    secret: Option<WebhookSecret>,
    inbox: Arc<Kept>,
    nudges: Arc<AtomicUsize>,
}

impl Given {
    fn open() -> Self {
        Self { secret: WebhookSecret::new("s3cret"), inbox: Arc::default(), nudges: Arc::default() }
    }

    fn signed(event: &str, id: &str, body: &str) -> TestRequest {
        let signature = WebhookSecret::new("s3cret").unwrap().sign(body.as_bytes());
        Self::unsigned(event, id, body).insert_header((SIGNATURE, signature))
    }

    fn unsigned(event: &str, id: &str, body: &str) -> TestRequest {
        let request = TestRequest::post().uri(PATH).set_payload(body.to_owned());
        request.insert_header((EVENT, event)).insert_header((DELIVERY, id))
    }

    async fn send(&self, request: TestRequest) -> (u16, Value, bool) {
        let nudges = self.nudges.clone();
        let door = Data::new(WebhookDoor {
            secret: self.secret.clone(),
            inbox: self.inbox.clone(),
            reception: Reception::default(),
            clock: Arc::new(Noon),
            nudge: Box::new(move || {
                nudges.fetch_add(1, Ordering::SeqCst);
            }),
        });
        let app = init_service(App::new().app_data(door).configure(configure)).await;
        let response = call_service(&app, request.to_request()).await;
        let (status, retry) = (response.status().as_u16(), response.headers().contains_key("retry-after"));
        (status, read_body_json(response).await, retry)
    }

    fn stored(&self) -> usize {
        self.inbox.deliveries.lock().unwrap().len()
    }
}

const ISSUE: &str = r#"{"action":"opened","issue":{"number":7,"title":"t","state":"open","updated_at":"2026-05-15T15:20:18Z"},"repository":{"id":1,"full_name":"Acme/Web"}}"#;

#[actix_web::test]
async fn a_signed_delivery_is_stored_before_it_is_answered() {
    let given = Given::open();
    let (status, body, _) = given.send(Given::signed("issues", "d1", ISSUE)).await;
    assert_eq!((status, body), (202, json!({"ok": true, "deliveryId": "d1", "status": "accepted"})));
    let stored = given.inbox.deliveries.lock().unwrap()[0].clone();
    assert_eq!(
        (stored.id.as_str(), stored.event.as_str(), stored.ordering_key.as_str()),
        ("d1", "issues", "acme/web#7")
    );
    assert_eq!((stored.body.as_str(), stored.received_at), (ISSUE, Noon.now()));
    assert_eq!(given.nudges.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn the_same_delivery_twice_is_stored_once() {
    let given = Given::open();
    given.send(Given::signed("issues", "d1", ISSUE)).await;
    let (status, body, _) = given.send(Given::signed("issues", "d1", ISSUE)).await;
    assert_eq!((status, &body["status"], given.stored()), (202, &json!("duplicate"), 1));
}

#[actix_web::test]
async fn an_event_that_needs_no_work_is_recorded_and_wakes_nobody() {
    let given = Given::open();
    let (status, body, _) = given.send(Given::signed("star", "d1", r#"{"action":"created"}"#)).await;
    assert_eq!((status, &body["status"], given.stored()), (202, &json!("ignored"), 1));
    assert_eq!(given.nudges.load(Ordering::SeqCst), 0);
}

#[actix_web::test]
async fn without_secret_the_endpoint_is_closed_and_says_how_to_open_it() {
    let given = Given { secret: None, ..Given::open() };
    let (status, body, retry) = given.send(Given::signed("issues", "d1", ISSUE)).await;
    assert_eq!((status, retry, given.stored()), (503, true, 0));
    assert!(body["error"].as_str().unwrap().contains("GITHUB_WEBHOOK_SECRET"), "{body}");
}

#[actix_web::test]
async fn a_signature_that_is_missing_or_wrong_is_refused() {
    let given = Given::open();
    let other = Given::signed("issues", "d1", "{}").to_http_request();
    let other = other.headers().get(SIGNATURE).unwrap().clone();
    for request in [
        Given::unsigned("issues", "d1", ISSUE),
        Given::unsigned("issues", "d1", ISSUE).insert_header((SIGNATURE, other)),
        Given::unsigned("issues", "d1", ISSUE).insert_header((SIGNATURE, "sha256=")),
    ] {
        assert_eq!(given.send(request).await.0, 401);
    }
    assert_eq!(given.stored(), 0);
}

#[actix_web::test]
async fn headers_and_body_must_be_those_of_a_delivery() {
    let given = Given::open();
    for request in [
        Given::signed("", "d1", ISSUE),
        Given::signed("issues", "", ISSUE),
        Given::signed("issues", "d1", "nonsense"),
        Given::signed("issues", "d1", ""),
    ] {
        let (status, body, _) = given.send(request).await;
        assert_eq!((status, &body["code"]), (400, &json!("malformed")), "{body}");
    }
    assert_eq!(given.stored(), 0);
}

#[actix_web::test]
async fn more_than_githubs_own_limit_is_too_large() {
    let given = Given::open();
    let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_LIMIT - 8));
    assert_eq!(fits.len(), BODY_LIMIT);
    assert_eq!(given.send(Given::signed("push", "d1", &fits)).await.0, 202);
    assert_eq!(given.send(Given::signed("push", "d2", &(fits + " "))).await.0, 413);
    assert_eq!(given.stored(), 1);
}

#[actix_web::test]
async fn while_the_store_is_away_github_is_told_to_come_again() {
    let given = Given { inbox: Arc::new(Kept { away: true, ..Kept::default() }), ..Given::open() };
    let (status, body, retry) = given.send(Given::signed("issues", "d1", ISSUE)).await;
    assert_eq!((status, &body["code"], retry), (503, &json!("store_unavailable"), true));
}

#[actix_web::test]
async fn only_post_is_answered() {
    let given = Given::open();
    let (status, body, _) = given.send(TestRequest::get().uri(PATH)).await;
    assert_eq!((status, &body["code"]), (405, &json!("method_not_allowed")));
}
