use conductor_core::identity::{IssueRef, RepoName, Sha, StreamId, StreamKind};
use conductor_core::port::{Cursor, PortFuture, ReadModels, RowFilter, StoreFailure, StoredRow};

use super::MemoryStore;
use super::tables::Stream;

impl Stream {
    fn matches(&self, filter: &RowFilter) -> bool {
        let columns = &self.columns;
        filter.repo.as_ref().is_none_or(|repo| columns.repo.as_ref() == Some(repo))
            && (filter.states.is_empty() || columns.state.is_some_and(|state| filter.states.contains(&state)))
            && filter.priority.is_none_or(|priority| columns.priority == Some(priority))
            && filter
                .agent
                .as_ref()
                .is_none_or(|agent| columns.holder.as_ref().is_some_and(|held| held.agent == *agent))
    }

    fn row(&self) -> StoredRow {
        StoredRow {
            stream: self.id.clone(),
            version: self.version(),
            state: self.state.clone(),
            body: self.body.clone(),
        }
    }
}

impl ReadModels for MemoryStore {
    fn rows<'a>(
        &'a self,
        kind: StreamKind,
        filter: &'a RowFilter,
        after: Option<&'a Cursor>,
        limit: usize,
    ) -> PortFuture<'a, Result<Vec<StoredRow>, StoreFailure>> {
        self.with(move |tables| {
            let place = |stream: &Stream| {
                let Cursor { name, number } = Cursor::of(&stream.id);
                (name, number)
            };
            let after = after.map(|cursor| (cursor.name.clone(), cursor.number));
            let mut found: Vec<_> = tables
                .streams
                .values()
                .filter(|stream| stream.id.kind() == kind && stream.columns.shown && stream.matches(filter))
                .map(|stream| (place(stream), stream))
                .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
                .collect();
            found.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
            Ok(found.into_iter().take(limit).map(|(_, stream)| stream.row()).collect())
        })
    }

    fn row<'a>(&'a self, stream: &'a StreamId) -> PortFuture<'a, Result<Option<StoredRow>, StoreFailure>> {
        self.with(move |tables| Ok(tables.streams.get(&stream.key()).map(Stream::row)))
    }

    fn pulls_with_head<'a>(
        &'a self,
        repo: &'a RepoName,
        head: &'a Sha,
    ) -> PortFuture<'a, Result<Vec<IssueRef>, StoreFailure>> {
        self.with(move |tables| {
            let has_head = |stream: &&Stream| {
                stream.columns.repo.as_ref() == Some(repo) && stream.columns.head.as_ref() == Some(head)
            };
            let found = tables.streams.values().filter(has_head);
            let mut pulls: Vec<IssueRef> = found
                .filter_map(|stream| match &stream.id {
                    StreamId::PullRequest(reference) => Some(reference.clone()),
                    StreamId::Issue(_) | StreamId::Agent(_) | StreamId::Rig => None,
                })
                .collect();
            pulls.sort_unstable();
            Ok(pulls)
        })
    }

    fn kind_of<'a>(&'a self, reference: &'a IssueRef) -> PortFuture<'a, Result<Option<StreamKind>, StoreFailure>> {
        self.with(move |tables| {
            let meanings = [StreamId::PullRequest(reference.clone()), StreamId::Issue(reference.clone())];
            let known = meanings.iter().find(|stream| tables.streams.contains_key(&stream.key()));
            Ok(known.map(StreamId::kind))
        })
    }
}
