use crate::contract::Subject;

use super::database::TestDatabase;

async fn fresh() -> Subject {
    let database = TestDatabase::create().await;
    Subject::new(database.store().await, database)
}

async fn two_handles() -> Subject {
    let database = TestDatabase::create().await;
    let (store, sibling) = (database.store().await, database.store().await);
    Subject::new(store, database).with_sibling(sibling)
}

crate::store_contract!(fresh);
crate::shared_store_contract!(two_handles);
