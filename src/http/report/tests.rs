use conductor_core::agent::AgentCommand;
use conductor_core::authority::{Caller, Voice, may_report};
use conductor_core::data::Value;
use conductor_core::event::{AgentEvent, EventType, Priority, PullRequestEvent, RigEvent, SmokeCause, UsageCategory};
use conductor_core::identity::{Claimant, IssueRef};
use conductor_core::issue::{ClaimVia, Hand, IssueCommand, Reported};
use conductor_core::pull_request::{PullRequestCommand, ReviewReport, VerdictKind};
use conductor_core::rig::RigCommand;
use conductor_core::roster::{GitHubMode, Policy};

use super::{Asked, Place, Report, has_place, translate};
use crate::error::ApiError;
use crate::json::{Limits, Properties, parse};

const ISSUE: &str = "acme/web#4";
const PULL: &str = "acme/web#57";

fn operator() -> Caller {
    Caller::Operator("ada".to_owned())
}

fn agent(id: &str) -> Caller {
    Caller::Agent(Claimant::parse(id).unwrap())
}

fn read(name: &str, caller: &Caller, place: &Place, text: &str) -> Result<Report, ApiError> {
    let event_type = EventType::parse(name).expect("tests name event types");
    let properties = Properties::of(parse(text.as_bytes(), &Limits::API).unwrap()).unwrap();
    translate(event_type, caller, &Policy::built_in(GitHubMode::None), place, properties)
}

/// A report about an issue with a pull request.
#[track_caller]
fn asked(name: &str, caller: &Caller, text: &str) -> Asked {
    read(name, caller, &Place::of(Some(ISSUE), Some(PULL)), text)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .asked
}

#[track_caller]
fn issue_command(name: &str, caller: &Caller, text: &str) -> IssueCommand {
    match asked(name, caller, text) {
        Asked::Issue(issue, command) => {
            assert_eq!(issue.to_string(), ISSUE);
            *command
        }
        other @ (Asked::PullRequest(..) | Asked::Agent(..) | Asked::Rig(..)) => panic!("{name} -> {other:?}"),
    }
}

#[track_caller]
fn pull_command(name: &str, caller: &Caller, text: &str) -> PullRequestCommand {
    match asked(name, caller, text) {
        Asked::PullRequest(pull, command) => {
            assert_eq!(pull.to_string(), PULL);
            command
        }
        other @ (Asked::Issue(..) | Asked::Agent(..) | Asked::Rig(..)) => panic!("{name} -> {other:?}"),
    }
}

#[track_caller]
fn fact(name: &str, text: &str) -> PullRequestEvent {
    let command = pull_command(name, &operator(), text);
    let PullRequestCommand::Record(event) = command else { panic!("{name} -> {command:?}") };
    *event
}

#[track_caller]
fn agent_event(name: &str, text: &str) -> AgentEvent {
    let asked = asked(name, &agent("dev-e-node/ab12c"), text);
    let Asked::Agent(agent, AgentCommand::Report(event)) = asked else { panic!("{name} -> {asked:?}") };
    assert_eq!(agent.to_string(), "dev-e-node");
    *event
}

#[track_caller]
fn rig_event(name: &str, caller: &Caller, text: &str) -> RigEvent {
    let asked = asked(name, caller, text);
    let Asked::Rig(RigCommand::Record(event)) = asked else { panic!("{name} -> {asked:?}") };
    *event
}

/// Everything that any type requires.
const COMPLETE: &str = r#"{
    "title": "t", "branch": "b", "priority": "high", "dependsOn": [], "agentId": "dev-e-node", "cause": "code",
    "passedCount": 1, "failedCount": 0, "totalCount": 1, "command": "rm", "model": "m", "inputTokens": 1,
    "outputTokens": 1, "costUsd": 0.1, "scope": "repo", "kind": "learning", "memoryId": "m1", "query": "q", "hits": 1,
    "usedInOutput": true, "proposalId": "p1", "milestone": "v1", "issueCount": 3
}"#;

#[test]
fn every_type_is_translated_or_refused_as_the_daemons_own() {
    let policy = Policy::built_in(GitHubMode::None);
    let callers = [operator(), agent("dev-e-node"), agent("review-e")];
    for event_type in EventType::all() {
        let name = event_type.as_str();
        let allowed = callers.iter().find(|caller| may_report(&policy, caller, event_type).is_ok());
        match allowed {
            Some(caller) => {
                let read = read(name, caller, &Place::of(Some(ISSUE), Some(PULL)), COMPLETE);
                assert!(read.is_ok(), "{name}: {read:?}");
            }
            None => {
                assert_eq!(Voice::of(event_type), Voice::Daemon, "{name}");
                let refused = read(name, &operator(), &Place::of(Some(ISSUE), Some(PULL)), COMPLETE).unwrap_err();
                assert_eq!(refused.code(), "forbidden", "{name}");
            }
        }
    }
}

#[test]
fn the_stream_that_decides_follows_from_the_type() {
    let policy = Policy::built_in(GitHubMode::None);
    for event_type in EventType::all().filter(|event_type| Voice::of(*event_type) != Voice::Daemon) {
        let callers = [operator(), agent("dev-e-node"), agent("review-e")];
        let caller = callers.iter().find(|caller| may_report(&policy, caller, event_type).is_ok()).unwrap();
        let needs_place =
            matches!(asked(event_type.as_str(), caller, COMPLETE), Asked::Issue(..) | Asked::PullRequest(..));
        assert_eq!(has_place(event_type), needs_place, "{event_type}");
    }
}

#[test]
fn an_approval_carries_what_was_sent_and_says_where_it_came_from() {
    let IssueCommand::Approve { approval: approved, .. } = issue_command(
        "ISSUE_APPROVED",
        &operator(),
        r##"{"title":"Broken","priority":"HIGH","dependsOn":[1,"#2","acme/api#3"],"tools":["fd"],"source":"me","newLife":true}"##,
    ) else {
        panic!("not an approval")
    };
    assert_eq!(approved.title, "Broken");
    assert_eq!(approved.priority.as_str(), "high");
    let on: Vec<String> = approved.depends_on.iter().map(IssueRef::to_string).collect();
    assert_eq!(on, ["acme/web#1", "acme/web#2", "acme/api#3"]);
    assert_eq!((approved.source.as_str(), approved.new_life), ("api", false));
}

#[test]
fn an_approval_without_a_priority_takes_that_of_its_labels() {
    let command = issue_command("ISSUE_APPROVED", &operator(), r#"{"title":"x","labels":["Critical"]}"#);
    assert!(matches!(command, IssueCommand::Approve { approval, .. } if approval.priority == Priority::Critical));
}

#[test]
fn an_assignment_names_whom_it_is_for() {
    let command = issue_command("ISSUE_ASSIGNED", &operator(), r#"{"agentId":"dev-e-node/ab12c"}"#);
    let IssueCommand::Claim(claim) = command else { panic!("{command:?}") };
    assert_eq!((claim.claimant.to_string().as_str(), claim.via), ("dev-e-node/ab12c", ClaimVia::Push));
    let command = issue_command("ISSUE_UNASSIGNED", &operator(), r#"{"reason":"holiday"}"#);
    assert_eq!(command, IssueCommand::Unassign { agent: None, reason: "holiday".to_owned() });
}

#[test]
fn a_holder_reports_with_its_instance_and_its_token() {
    let command = issue_command("WORK_STARTED", &agent("dev-e-node/ab12c"), r#"{"LEASETOKEN":"t","branch":"b"}"#);
    let IssueCommand::Report(report) = command else { panic!("{command:?}") };
    assert_eq!((report.by.to_string().as_str(), report.token.as_deref()), ("dev-e-node/ab12c", Some("t")));
    assert_eq!(report.what, Reported::Started { branch: Some("b".to_owned()) });
}

#[test]
fn stuck_is_about_the_issue_for_a_developer_and_about_the_review_for_a_reviewer() {
    let command = issue_command("AGENT_STUCK", &agent("dev-e-node"), r#"{"reason":"lost"}"#);
    assert!(
        matches!(command, IssueCommand::Report(report) if report.what == Reported::Stuck { reason: "lost".into() })
    );
    let command = pull_command("AGENT_STUCK", &agent("review-e"), r#"{"reason":"quota"}"#);
    let PullRequestCommand::ReviewReport { reviewer, what, .. } = command else { panic!("{command:?}") };
    assert_eq!((reviewer.as_str(), what), ("review-e", ReviewReport::Failed { reason: "quota".to_owned() }));
}

#[test]
fn attempt_is_the_iteration_of_a_dispute() {
    for name in ["attempt", "iteration"] {
        let text = format!(r#"{{"{name}":2,"body":"no","headSha":"C0FFEE"}}"#);
        let command = pull_command("REVIEW_DISPUTED", &agent("review-e"), &text);
        let PullRequestCommand::ReviewReport { what, head_sha, .. } = command else { panic!("{command:?}") };
        let body = Some("no".to_owned());
        assert_eq!(what, ReviewReport::Verdict { kind: VerdictKind::ChangesRequested, body, iteration: Some(2) });
        assert_eq!(head_sha.unwrap().as_str(), "c0ffee");
    }
}

#[test]
fn reason_is_the_environment_of_a_deployment() {
    for (name, text) in [("reason", r#"{"reason":"blue"}"#), ("environment", r#"{"environment":"blue","reason":"x"}"#)]
    {
        let PullRequestEvent::DeployedStaging(deployed) = fact("DEPLOYED_STAGING", text) else { panic!("{name}") };
        assert_eq!(deployed.environment.as_deref(), Some("blue"), "{name}");
        let PullRequestEvent::DeployedProduction(deployed) = fact("DEPLOYED_PRODUCTION", text) else {
            panic!("{name}")
        };
        assert_eq!(deployed.environment.as_deref(), Some("blue"), "{name}");
    }
}

#[test]
fn reason_and_attempt_are_cause_and_retry_count_of_a_smoke_test() {
    for text in [r#"{"reason":"external_dependency","attempt":2}"#, r#"{"cause":"external_dependency","retryCount":2}"#]
    {
        let PullRequestEvent::SmokeFailed(failed) = fact("SMOKE_FAILED", text) else { panic!("{text}") };
        assert_eq!((failed.cause, failed.retry_count), (SmokeCause::ExternalDependency, 2), "{text}");
    }
    let refused = read("SMOKE_FAILED", &operator(), &Place::of(Some(ISSUE), Some(PULL)), r#"{"reason":"rain"}"#);
    assert!(refused.unwrap_err().to_string().contains("cause must be one of"));
}

#[test]
fn the_issue_number_of_a_milestone_is_a_count() {
    for text in [r#"{"milestone":"v1","issueNumber":3}"#, r#"{"title":"v1","issueCount":3}"#] {
        let RigEvent::MilestoneComplete(complete) = rig_event("MILESTONE_COMPLETE", &operator(), text) else {
            panic!("{text}")
        };
        assert_eq!((complete.milestone.as_str(), complete.issue_count), ("v1", 3), "{text}");
    }
}

#[test]
fn the_minutes_of_a_finished_issue_and_clients_clocks_are_kept_beside_it() {
    let place = Place::of(Some(ISSUE), None);
    let report =
        read("ISSUE_DONE", &operator(), &place, r#"{"attempt":12,"timestamp":"2020-01-01T00:00:00Z"}"#).unwrap();
    let finish = IssueCommand::Finish { by: "operator:ada".to_owned(), hand: Hand::Person };
    assert_eq!(report.asked, Asked::Issue(IssueRef::parse(ISSUE).unwrap(), Box::new(finish)));
    assert_eq!(report.extra.get("attempt"), Some(&Value::Int(12)));
    assert_eq!(report.extra.get("timestamp"), Some(&Value::text("2020-01-01T00:00:00Z")));
}

#[test]
fn whoever_reports_is_by_whatever_the_body_says() {
    let PullRequestEvent::Merged(merged) = fact("MERGED", r#"{"by":"somebody","mergeSha":"abcd"}"#) else { panic!() };
    assert_eq!((merged.by.as_deref(), merged.updated_at), (Some("operator:ada"), None));
}

#[test]
fn a_heartbeat_takes_its_instance_from_the_id_and_its_lists_in_any_casing() {
    let text = r#"{"Status":"idle","Providers":[{"Name":"codex","Active":true}],"integrations":[{"NAME":"x"}],"currentIssue":"acme/web#4"}"#;
    let AgentEvent::Heartbeat(heartbeat) = agent_event("HEARTBEAT", text) else { panic!() };
    assert_eq!(heartbeat.instance.as_deref(), Some("ab12c"));
    assert_eq!((heartbeat.providers[0].name.as_str(), heartbeat.providers[0].active), ("codex", true));
    assert_eq!((heartbeat.integrations[0].name.as_str(), heartbeat.current_issue), ("x", Some(4)));
    for none in ["0", "\"\"", "null"] {
        let text = format!(r#"{{"currentIssue":{none}}}"#);
        let AgentEvent::Heartbeat(heartbeat) = agent_event("HEARTBEAT", &text) else { panic!() };
        assert_eq!(heartbeat.current_issue, None, "{none}");
    }
}

#[test]
fn usage_is_work_where_it_names_an_issue() {
    let text = r#"{"repo":"acme/web","issueNumber":4,"model":"m","inputTokens":1,"outputTokens":2,"costUsd":1}"#;
    let AgentEvent::TokenUsage(usage) = agent_event("TOKEN_USAGE", text) else { panic!() };
    assert_eq!((usage.category, usage.issue_number), (UsageCategory::Work, Some(4)));
    let report = read("TOKEN_USAGE", &agent("dev-e-node"), &Place::default(), text).unwrap();
    assert_eq!(report.correlation.map(|issue| issue.to_string()).as_deref(), Some(ISSUE));
}

#[test]
fn what_needs_a_pull_request_or_an_issue_says_so_where_none_is_known() {
    let missing = read("CI_PASSED", &operator(), &Place::of(Some(ISSUE), None), "{}").unwrap_err();
    assert_eq!(missing.code(), "unknown");
    assert!(missing.to_string().contains("prNumber"), "{missing}");
    let missing = read("WORK_STARTED", &agent("dev-e-node"), &Place::of(None, Some(PULL)), "{}").unwrap_err();
    assert!(missing.to_string().contains("issueNumber"), "{missing}");
}
