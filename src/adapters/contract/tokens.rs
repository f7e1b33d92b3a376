//! Tokens: kept once, found by digest, taken back for good.

use conductor_core::time::Timestamp;
use conductor_core::token::{Token, TokenDigest, TokenId, TokenOwner};

use super::Subject;
use super::story::at;

fn token(number: u8, kind: &str, name: &str, created_at: Timestamp) -> Token {
    Token {
        id: TokenId::of_random(number.into()),
        digest: TokenDigest([number; 32]),
        owner: TokenOwner::of(kind, name).unwrap(),
        created_at,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

async fn kept(subject: &Subject, token: Token) -> Token {
    assert!(subject.store.create_token(&token).await.unwrap());
    token
}

/// Every field of every kind of owner; no other digest opens anything.
pub async fn a_token_is_found_by_its_digest_as_it_was_kept(subject: Subject) {
    let agent = kept(&subject, token(1, "agent", "dev-e-node", at(0))).await;
    let mut operator = token(2, "operator", "Ada Lovelace", at(1));
    (operator.expires_at, operator.last_used_at) = (Some(at(90)), Some(at(5)));
    let operator = kept(&subject, operator).await;
    let viewer = kept(&subject, token(3, "viewer", "eve", at(2))).await;
    for token in [agent, operator, viewer] {
        assert_eq!(subject.store.token_of(&token.digest).await.unwrap(), Some(token));
    }
    assert_eq!(subject.store.token_of(&TokenDigest([9; 32])).await.unwrap(), None);
}

/// Neither an id nor a digest is ever given a second owner.
pub async fn an_id_and_a_digest_are_of_one_token(subject: Subject) {
    let first = kept(&subject, token(1, "operator", "ada", at(0))).await;
    let same_id = Token { digest: TokenDigest([2; 32]), ..token(1, "operator", "eve", at(1)) };
    let same_digest = Token { digest: first.digest, ..token(3, "operator", "eve", at(1)) };
    for other in [same_id, same_digest] {
        assert!(!subject.store.create_token(&other).await.unwrap());
    }
    assert_eq!(subject.store.tokens().await.unwrap(), [first]);
}

/// Also those that open nothing any more.
pub async fn tokens_are_listed_in_order_of_making(subject: Subject) {
    assert_eq!(subject.store.tokens().await.unwrap(), []);
    let late = kept(&subject, token(1, "agent", "dev-e-node", at(9))).await;
    let tied = kept(&subject, token(3, "viewer", "eve", at(5))).await;
    let early = kept(&subject, token(2, "operator", "ada", at(5))).await;
    let early = subject.store.revoke_token(&early.id, at(6)).await.unwrap().unwrap();
    assert_eq!(subject.store.tokens().await.unwrap(), [early, tied, late]);
}

/// The first time stays, and nobody else's token is touched.
pub async fn a_token_is_taken_back_once(subject: Subject) {
    let (mine, other) = (
        kept(&subject, token(1, "agent", "dev-e-node", at(0))).await,
        kept(&subject, token(2, "agent", "dev-e-node", at(0))).await,
    );
    for now in [at(7), at(8)] {
        let revoked = subject.store.revoke_token(&mine.id, now).await.unwrap();
        assert_eq!(revoked, Some(Token { revoked_at: Some(at(7)), ..mine.clone() }));
    }
    assert!(!subject.store.token_of(&mine.digest).await.unwrap().unwrap().is_live(at(8)));
    assert_eq!(subject.store.token_of(&other.digest).await.unwrap(), Some(other));
    assert_eq!(subject.store.revoke_token(&TokenId::of_random(77), at(9)).await.unwrap(), None);
}

/// Also within one call, and when they come out of order.
pub async fn the_later_use_stays(subject: Subject) {
    let one = kept(&subject, token(1, "agent", "dev-e-node", at(0))).await;
    let two = kept(&subject, token(2, "agent", "dev-e-node", at(1))).await;
    subject.store.tokens_used(&[]).await.unwrap();
    let uses = [(one.id.clone(), at(10)), (two.id.clone(), at(5)), (one.id.clone(), at(8))];
    subject.store.tokens_used(&uses).await.unwrap();
    let uses = [(one.id, at(3)), (two.id, at(20)), (TokenId::of_random(77), at(4))];
    subject.store.tokens_used(&uses).await.unwrap();
    let used: Vec<_> = subject.store.tokens().await.unwrap().into_iter().map(|token| token.last_used_at).collect();
    assert_eq!(used, [Some(at(10)), Some(at(20))]);
}
