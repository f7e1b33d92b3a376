//! Tokens: shown once, stored hashed, taken back.

use super::*;

#[actix_web::test]
async fn a_token_opens_until_it_is_taken_back_or_ends() {
    let daemon = daemon(IdentityMode::Token).await;
    let (operator, token) = daemon.token("operator", "ada").await;
    for spelling in [format!("Bearer {operator}"), format!("bearer  {operator}")] {
        let request = get("/api/issues").insert_header(("Authorization", spelling));
        daemon.send_from(STRANGER, request).await.expect(200);
    }
    for wrong in ["Bearer", "Basic YTpi", "cet_", &operator, &format!("Bearer {}", operator.to_uppercase())] {
        let request = get("/api/issues").insert_header(("Authorization", wrong.to_owned()));
        daemon.send_from("127.0.0.1", request).await.refused(401, "unauthorized");
    }
    let guessed = format!("cet_{}", "0".repeat(64));
    for path in ["/api/issues", "/api/events/live"] {
        daemon.send(with(&guessed, get(path))).await.refused(401, "unauthorized");
    }
    let twice = with(&operator, get("/api/issues")).append_header(("Authorization", "Bearer x"));
    daemon.send(twice).await.refused(401, "unauthorized");

    let path = format!("/api/admin/tokens/{}", token.id);
    let revoked = daemon.send(with(&operator, TestRequest::delete().uri(&path))).await.expect(200);
    assert_eq!((&revoked["state"], &revoked["person"]), (&json!("revoked"), &json!("ada")));
    daemon.send(with(&operator, get("/api/issues"))).await.refused(401, "unauthorized");
}

#[actix_web::test]
async fn a_token_ends_at_its_time() {
    let daemon = daemon(IdentityMode::Token).await;
    let (operator, _) = daemon.token("operator", "ada").await;
    let body = json!({ "agentId": "dev-e-node", "expiresAt": "2026-11-21T13:00:00Z" });
    let request = TestRequest::post().uri("/api/admin/tokens").set_payload(body.to_string());
    let made = daemon.send(with(&operator, request)).await.expect(201);
    let agent = made["token"].as_str().unwrap();
    daemon.send(with(agent, get("/api/issues"))).await.expect(200);
    daemon.clock.advance(std::time::Duration::from_secs(3600));
    daemon.send(with(agent, get("/api/issues"))).await.refused(401, "unauthorized");
    daemon.send(with(&operator, get("/api/issues"))).await.expect(200);
}

#[actix_web::test]
async fn who_lists_tokens_sees_every_use_until_now() {
    let daemon = daemon(IdentityMode::Token).await;
    let (operator, own) = daemon.token("operator", "ada").await;
    let (agent, used) = daemon.token("agent", "dev-e-node").await;
    let (_, unused) = daemon.token("viewer", "eve").await;
    daemon.send(with(&agent, get("/api/issues"))).await.expect(200);
    let listed = daemon.send(with(&operator, get("/api/admin/tokens"))).await.expect(200);
    let was_used = |id: &conductor_core::token::TokenId| {
        let rows = listed.as_array().unwrap();
        rows.iter().find(|row| row["id"] == id.as_str()).unwrap()["lastUsedAt"].is_string()
    };
    assert_eq!([&own.id, &used.id, &unused.id].map(was_used), [true, true, false], "{listed}");
}

#[actix_web::test]
async fn a_token_is_shown_once_and_stored_hashed() {
    let daemon = daemon(IdentityMode::Token).await;
    let (operator, _) = daemon.token("operator", "ada").await;
    let create = |body: Value| {
        let request = TestRequest::post().uri("/api/admin/tokens").set_payload(body.to_string());
        daemon.send(with(&operator, request))
    };
    let reply = create(json!({ "person": "eve", "role": "viewer" })).await;
    let made = reply.expect(201);
    assert_eq!((&made["person"], &made["role"], &made["state"]), (&json!("eve"), &json!("viewer"), &json!("live")));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let secret = made["token"].as_str().unwrap();
    assert!(secret.starts_with("cet_") && secret.len() == 68);
    let listed = daemon.send(with(&operator, get("/api/admin/tokens"))).await;
    assert_eq!(listed.expect(200).as_array().unwrap().len(), 2);
    let kept = format!("{:?}{}", daemon.store().tokens().await.unwrap(), listed.text);
    for shown in [secret, &operator] {
        assert!(!kept.contains(shown) && !kept.contains(&shown[4..]), "{kept}");
    }
    create(json!({ "agentId": "stranger" })).await.refused(403, "forbidden");
    create(json!({ "person": "dev-e-node", "role": "operator" })).await.refused(422, "rule");
    for body in [json!({}), json!({ "person": "x" }), json!({ "agentId": "dev-e-node", "role": "operator" })] {
        create(body).await.refused(400, "malformed");
    }
    create(json!({ "person": "x", "role": "root" })).await.refused(400, "malformed");
    create(json!({ "agentId": "dev-e-node", "expiresAt": "2026-11-21T11:59:59Z" })).await.refused(422, "rule");
    let unknown = TestRequest::delete().uri("/api/admin/tokens/t123");
    daemon.send(with(&operator, unknown)).await.refused(404, "unknown");
}

#[actix_web::test]
async fn only_operators_make_see_and_take_back_tokens() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let (viewer, _) = daemon.token("viewer", "eve").await;
        let (agent, _) = daemon.token("agent", "review-e").await;
        let body = json!({ "person": "mallory", "role": "operator" }).to_string();
        for token in [viewer, agent] {
            let make = TestRequest::post().uri("/api/admin/tokens").set_payload(body.clone());
            for request in [get("/api/admin/tokens"), make, TestRequest::delete().uri("/api/admin/tokens/t1")] {
                daemon.send_from(PEER, with(&token, request)).await.refused(403, "forbidden");
            }
        }
        let make = TestRequest::post().uri("/api/admin/tokens").set_payload(body);
        daemon.send_from(PEER, make).await.refused(401, "unauthorized");
        assert_eq!(daemon.store().tokens().await.unwrap().len(), 2);
    }
}

#[actix_web::test]
async fn an_agent_struck_from_the_roster_has_a_token_that_opens_nothing() {
    let daemon = daemon(IdentityMode::Token).await;
    let mut token = daemon.token("agent", "dev-e-node").await.1;
    let secret = crate::caller::secret::TokenSecret::generate(daemon.edge.admission.entropy());
    token.id = conductor_core::token::TokenId::of_random(99);
    token.digest = secret.digest();
    token.owner = conductor_core::token::TokenOwner::of("agent", "struck-off").unwrap();
    assert!(daemon.store().create_token(&token).await.unwrap());
    daemon.send(with(secret.expose(), get("/api/issues"))).await.refused(403, "forbidden");
}
