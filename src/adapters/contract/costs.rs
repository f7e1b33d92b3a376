//! Costs: written with the append, summed up at one moment, made anew from the log.

use conductor_core::cost::{CostBy, CostFilter, CostSum, Day, MOST_OF_ONE_REPORT, MOST_OF_ONE_ROW, Spent};
use conductor_core::event::{AgentEvent, Event, TokenUsage, UsageCategory};
use conductor_core::identity::{IssueRef, RepoName};
use conductor_core::port::{AppendError, NewEffect};

use super::Subject;
use super::story::{Pen, at, days, fresh_id, keyed, online, told};

/// TOKEN_USAGE of so many micro-dollars.
fn usage(about: &str, model: &str, micros: u64) -> Event {
    let (repo, number) = about.split_once('#').unwrap_or((about, "0"));
    Event::Agent(AgentEvent::TokenUsage(TokenUsage {
        repo: RepoName::parse(repo),
        issue_number: number.parse().ok(),
        model: model.to_owned(),
        input_tokens: 2 * micros,
        output_tokens: 3,
        cache_read_tokens: Some(5),
        cache_creation_tokens: None,
        cost_usd: micros as f64 / 1e6,
        category: UsageCategory::Work,
    }))
}

async fn sums(subject: &Subject, filter: &CostFilter, by: &[CostBy]) -> Vec<CostSum> {
    subject.store.costs(filter, by).await.unwrap()
}

/// Name and micro-dollars.
fn brief(sums: &[CostSum]) -> Vec<(String, u64)> {
    let name = |sum: &CostSum| {
        let day = sum.day.map(|day| day.to_string());
        let agent = sum.agent.as_ref().map(ToString::to_string);
        let repo = sum.repo.as_ref().map(ToString::to_string);
        let parts = [day, agent, repo, sum.number.map(|number| number.to_string()), sum.model.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    sums.iter().map(|sum| (name(sum), sum.spent.micros)).collect()
}

fn named(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(name, micros)| ((*name).to_owned(), *micros)).collect()
}

/// Two agents, three issues in two spellings of a repository, two models, two days.
async fn spent(subject: &Subject) {
    let mut node = Pen::agent(&subject.store, "dev-e-node");
    node.write(vec![online(), usage("Acme/Web#4", "large", 10)]).await;
    node.write(vec![usage("acme/web#4", "large", 20), usage("acme/web#5", "small", 1)]).await;
    let mut review = Pen::agent(&subject.store, "review-e");
    review.write(vec![usage("", "small", 100)]).await;
    let mut tomorrow = review.draft(vec![usage("acme/api", "large", 1_000)]);
    tomorrow.time = days(1);
    review.send(tomorrow).await.unwrap();
}

/// Each way, in order, from one table; what belongs to nothing is there under no name.
pub async fn sums_of_one_moment_agree_whatever_they_are_summed_by(subject: Subject) {
    let any = CostFilter::default();
    let nothing = sums(&subject, &any, CostBy::ALL).await;
    assert_eq!(nothing.iter().map(|sum| (sum.by, sum.spent)).collect::<Vec<_>>(), [(CostBy::All, Spent::default())]);
    spent(&subject).await;
    for (by, expected) in [
        (CostBy::All, named(&[("", 1_131)])),
        (CostBy::Model, named(&[("large", 1_030), ("small", 101)])),
        (CostBy::Agent, named(&[("dev-e-node", 31), ("review-e", 1_100)])),
        (CostBy::Repo, named(&[("", 100), ("acme/api", 1_000), ("Acme/Web", 31)])),
        (CostBy::Issue, named(&[("", 100), ("acme/api", 1_000), ("Acme/Web 4", 30), ("acme/web 5", 1)])),
        (CostBy::Day, named(&[("2026-11-21", 131), ("2026-11-22", 1_000)])),
    ] {
        assert_eq!(brief(&sums(&subject, &any, &[by]).await), expected, "{by}");
    }
    let all = sums(&subject, &any, CostBy::ALL).await;
    let total = all[0].spent;
    assert_eq!(
        total,
        Spent {
            input_tokens: 2_262,
            output_tokens: 15,
            cache_read_tokens: 25,
            cache_creation_tokens: 0,
            micros: 1_131,
            reports: 5
        }
    );
    for by in CostBy::ALL {
        let parts = all.iter().filter(|sum| sum.by == *by);
        assert_eq!(parts.fold(Spent::default(), |all, part| all.plus(part.spent, u64::MAX)), total, "{by}");
    }
}

/// Both filters, alone and together.
pub async fn costs_filter_by_first_day_and_by_issue(subject: Subject) {
    spent(&subject).await;
    let total = async |filter: CostFilter| sums(&subject, &filter, &[CostBy::All]).await[0].spent.micros;
    let (tomorrow, about) = (Some(Day::of(days(1))), IssueRef::parse("ACME/web#4"));
    assert_eq!(total(CostFilter { since: tomorrow, about: None }).await, 1_000);
    assert_eq!(total(CostFilter { since: Some(Day::of(at(0))), about: None }).await, 1_131);
    assert_eq!(total(CostFilter { since: None, about: about.clone() }).await, 30);
    assert_eq!(total(CostFilter { since: tomorrow, about }).await, 0);
}

/// Each by each, after appends of every fate, repeats included.
pub async fn rebuilt_costs_equal_those_of_the_appends(subject: Subject) {
    spent(&subject).await;
    let mut pen = Pen::agent(&subject.store, "dev-e-python");
    let mut first = pen.draft(vec![usage("acme/web#4", "large", 7)]);
    first.key = Some(keyed("scope", "key", "print"));
    let repeated = first.clone();
    pen.send(first).await.unwrap();
    assert!(matches!(subject.store.append(repeated).await, Err(AppendError::Duplicate(_))));
    let stale = Pen::agent(&subject.store, "dev-e-python").draft(vec![usage("acme/web#4", "large", 9)]);
    assert!(matches!(subject.store.append(stale).await, Err(AppendError::Conflict { .. })));
    // With an effect beside, in a stream that stands.
    let mut issue = Pen::approved_issue(&subject.store, "acme/web#4").await;
    let mut telling = pen.draft(vec![usage("acme/web#4", "large", 11)]);
    let effect = told("acme/web#80", &issue.stream, &super::story::prioritised(conductor_core::event::Priority::High));
    telling.effects = vec![NewEffect { id: fresh_id(), event_id: telling.events[0].id, effect }];
    pen.send(telling).await.unwrap();
    issue.write(vec![super::story::prioritised(conductor_core::event::Priority::High)]).await;

    let before = sums(&subject, &CostFilter::default(), CostBy::ALL).await;
    assert_eq!(before[0].spent.micros, 1_131 + 7 + 11);
    let rows = before.iter().filter(|sum| sum.by == CostBy::Row).count();
    assert_eq!(subject.store.rebuild_costs().await.unwrap(), rows as u64);
    assert_eq!(sums(&subject, &CostFilter::default(), CostBy::ALL).await, before);
}

/// Neither one report nor many make a sum overflow.
pub async fn a_row_of_costs_stops_counting(subject: Subject) {
    let mut pen = Pen::agent(&subject.store, "dev-e-node");
    let huge = vec![usage("acme/web#4", "large", u64::MAX / 4); 10];
    for _ in 0..MOST_OF_ONE_ROW / MOST_OF_ONE_REPORT / 10 + 1 {
        pen.write(huge.clone()).await;
    }
    let sum = sums(&subject, &CostFilter::default(), &[CostBy::All]).await[0].spent;
    assert_eq!((sum.micros, sum.input_tokens, sum.reports), (MOST_OF_ONE_ROW, MOST_OF_ONE_ROW, 1_010));
    assert_eq!(subject.store.rebuild_costs().await.unwrap(), 1);
    assert_eq!(sums(&subject, &CostFilter::default(), &[CostBy::All]).await[0].spent, sum);
}

/// Nobody's report is lost or counted twice, however the appends share transactions.
pub async fn costs_of_racing_agents_add_up(subject: Subject) {
    let agents = (0..8).map(|agent| {
        let store = std::sync::Arc::clone(&subject.store);
        tokio::spawn(async move {
            let mut pen = Pen::agent(&store, &format!("dev-{agent}"));
            for _ in 0..20 {
                pen.write(vec![usage("acme/web#4", "large", 3)]).await;
            }
        })
    });
    for agent in agents.collect::<Vec<_>>() {
        agent.await.unwrap();
    }
    let before = sums(&subject, &CostFilter::default(), CostBy::ALL).await;
    assert_eq!((before[0].spent.micros, before[0].spent.reports), (8 * 20 * 3, 160));
    subject.store.rebuild_costs().await.unwrap();
    assert_eq!(sums(&subject, &CostFilter::default(), CostBy::ALL).await, before);
}
