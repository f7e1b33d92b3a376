//! Last heartbeats: too many for the log.

use std::collections::BTreeMap;

use conductor_core::identity::{AgentId, Claimant};
use conductor_core::port::{LastHeartbeat, StoreFailure};
use conductor_core::time::Timestamp;

use super::connections::Connections;
use super::sql_types::At;

pub(super) async fn heard(connections: &Connections, heard: &[(Claimant, Timestamp)]) -> Result<(), StoreFailure> {
    // A statement can't touch a row twice. In order, so that two replicas never lock rows crosswise.
    let mut latest: BTreeMap<&Claimant, Timestamp> = BTreeMap::new();
    for (claimant, at) in heard {
        latest.entry(claimant).and_modify(|known| *known = (*known).max(*at)).or_insert(*at);
    }
    if latest.is_empty() {
        return Ok(());
    }
    let agents: Vec<&str> = latest.keys().map(|claimant| claimant.agent.as_str()).collect();
    let instances: Vec<&str> = latest.keys().map(|claimant| claimant.instance.as_deref().unwrap_or("")).collect();
    let times: Vec<At> = latest.values().map(|at| At(*at)).collect();
    let sql = "INSERT INTO heartbeats AS known (agent, instance, at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
        ON CONFLICT (agent, instance) DO UPDATE SET at = excluded.at WHERE known.at < excluded.at";
    connections.execute(sql, &[&agents, &instances, &times]).await.map(drop)
}

pub(super) async fn last_heartbeats(connections: &Connections) -> Result<Vec<LastHeartbeat>, StoreFailure> {
    connections
        .rows("SELECT agent, instance, at FROM heartbeats ORDER BY agent, instance", &[], |row| {
            let (agent, instance): (&str, &str) = (row.get(0), row.get(1));
            let known = AgentId::parse(agent);
            let agent = known.ok_or_else(|| StoreFailure::Corrupt(format!("no agent's id: {agent:?}")))?;
            let instance = (!instance.is_empty()).then(|| instance.into());
            Ok(LastHeartbeat { claimant: Claimant { agent, instance }, at: row.get::<_, At>(2).0 })
        })
        .await
}
