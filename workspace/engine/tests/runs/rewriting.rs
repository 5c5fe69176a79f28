//! A critic asked about the request before the first edit: paid within the budget, not asked again after a kill, and never the end of
//! a run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::{Budget, CriticName, Decision, Ending, FailureKind, StopReason, Subject, Usd};
use editscale_engine::{CritiqueRecord, StopSignal, read_run, run};
use editscale_search::{Canvases, Reflection};
use editscale_testkit::{FakeCritic, critique};

use crate::consulting::{SIZE, goes_on_after_any_cut, paid, stopped_while_asked, with_critic};
use crate::judged_again::{Played, explore};
use crate::{Scene, World, block_on, carry_out, open_run, rules};

fn reflection() -> Reflection {
    Reflection::new(SIZE, Canvases::Mixed(0.5), None, rules()).unwrap()
}

fn rewriting(critic: FakeCritic) -> Scene {
    let mut scene = with_critic(&World::default(), critic);
    scene.job.search = Arc::new(reflection().rewriting_first());
    scene
}

fn rewrite() -> Decision {
    Decision::Rewrite { critic: CriticName::new("critic").unwrap() }
}

fn rewritings(path: &Path) -> Vec<CritiqueRecord> {
    read_run(path).unwrap().rewritings
}

/// I3, I11: what was written about the request is in the record, and is not asked for twice, wherever the program was killed.
#[test]
fn a_rewriting_goes_on_after_any_cut_without_asking_again() {
    let record = goes_on_after_any_cut(rewriting);
    let [written] = record.rewritings.as_slice() else { panic!("{:?}", record.rewritings) };
    assert_eq!((written.round, written.critic.as_str()), (0, "critic"));
    let told = |index: usize| &*record.candidates[index].proposal.instruction;
    assert_eq!((told(0), told(3)), ("in other words, make it better", "in other words, make it better"));
    assert!(record.candidates[4..].iter().all(|candidate| candidate.proposal.instruction.starts_with("mend")));
    assert_eq!(record.manifest.request.instruction.as_str(), "make it better");
}

/// The critic sees the request alone; and later it holds candidates to the request's own words, whatever their editor was told.
#[test]
fn candidates_are_held_to_the_words_of_the_request() {
    let critic = paid(0);
    let scene = rewriting(critic.clone());
    carry_out(&scene.job, &scene.folder.path().join("run"));
    let questions = critic.questions.lock().unwrap();
    assert!(questions.iter().all(|question| question.request.instruction.as_str() == "make it better"));
    let (first, others) = questions.split_first().unwrap();
    assert!(matches!(first.subject, Subject::Request));
    let Subject::Candidate(reviewed) = &others[0].subject else { panic!("{:?}", others[0]) };
    assert_eq!(&*reviewed.attempt.instruction, "in other words, make it better");
    assert!(others.iter().all(|question| matches!(question.subject, Subject::Candidate(_))));
}

/// A critic that cannot say what is meant costs its call; what is made is what would have been made without it.
#[test]
fn a_rewriting_that_fails_leaves_the_request_as_it_is() {
    for (kind, calls) in [(FailureKind::Unavailable, 3), (FailureKind::Malformed, 1), (FailureKind::Ambiguous, 1)] {
        let mut plain = with_critic(&World::default(), paid(5));
        plain.job.search = Arc::new(reflection());
        let expected = carry_out(&plain.job, &plain.folder.path().join("plain"));
        let mut critic = paid(5);
        critic.writes = Arc::new(move |question, _| match &question.subject {
            Subject::Request => Err(kind),
            Subject::Candidate(reviewed) => Ok(critique(&format!("mend candidate {}", reviewed.attempt.id))),
        });
        let scene = rewriting(critic);
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert_eq!((&outcome.verdict, outcome.failed), (&expected.verdict, 0), "{kind:?}");
        assert_eq!(outcome.ledger.cost.usd.micros, expected.ledger.cost.usd.micros + 5 * calls, "{kind:?}");
        let written: Vec<_> = rewritings(&path).into_iter().map(|record| record.written.unwrap_err().kind).collect();
        assert_eq!(written, [kind]);
        assert_eq!(carry_out(&scene.job, &path), outcome, "replays to the same end");
    }
}

/// A critic that says the request's words again, blanks aside, knows no better ones: so it is told, written down and gone on with.
#[test]
fn the_words_of_the_request_said_again_are_no_better_ones() {
    let mut plain = with_critic(&World::default(), paid(5));
    plain.job.search = Arc::new(reflection());
    let expected = carry_out(&plain.job, &plain.folder.path().join("plain"));
    let mut critic = paid(5);
    critic.writes = Arc::new(|question, _| match &question.subject {
        Subject::Request => Ok(critique(" make it better\n")),
        Subject::Candidate(reviewed) => Ok(critique(&format!("mend candidate {}", reviewed.attempt.id))),
    });
    let scene = rewriting(critic);
    let path = scene.folder.path().join("run");
    assert_eq!(carry_out(&scene.job, &path).verdict, expected.verdict);
    let written: Vec<_> = rewritings(&path).into_iter().map(|record| record.written.unwrap().instruction).collect();
    assert_eq!(written, [None]);
}

/// What the budget denies is in the journal and is the reason for the end, as of other critiques.
#[test]
fn a_rewriting_is_paid_within_the_budget() {
    for (micros, asked) in [(4, 0), (5, 1)] {
        let critic = paid(5);
        let budget = Budget { usd: Some(Usd { micros }), ..Budget::default() };
        let mut scene = with_critic(&World { budget, ..World::default() }, critic.clone());
        scene.job.search = Arc::new(Played(vec![rewrite(), explore(0..2)]));
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert_eq!((critic.asked.load(Ordering::Relaxed), outcome.ledger.cost.usd.micros), (asked, 5 * asked));
        let is_denied = rewritings(&path)[0].written.is_err();
        assert_eq!((is_denied, outcome.verdict.reason == StopReason::Budget), (asked == 0, asked == 0));
    }
}

#[test]
fn a_run_without_the_critic_goes_on() {
    let mut scene = with_critic(&World::default(), paid(0));
    scene.job.ports.critics.clear();
    scene.job.search = Arc::new(Played(vec![rewrite(), explore(0..2)]));
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.ending, outcome.verdict.ranked.len()), (Ending::Search, 2));
}

/// A critic that hangs before the first edit is given up at a stop; the resume asks again, and goes on to the same end.
#[test]
fn a_rewriting_is_asked_for_again_after_a_stop() {
    let mut critic = paid(5);
    critic.delay = Duration::from_secs(3600);
    let mut scene = rewriting(critic.clone());
    let path = scene.folder.path().join("stopped");
    let outcome = stopped_while_asked(&scene, &path, &critic, 1);
    assert_eq!((outcome.ending, outcome.asked, outcome.ledger.cost.usd.micros), (Ending::Cancelled, 0, 5));
    let whole = rewriting(paid(5));
    let expected = carry_out(&whole.job, &whole.folder.path().join("whole"));
    scene.job.ports.critics = vec![Arc::new(paid(5))];
    let outcome = block_on(run(&scene.job, &mut open_run(&scene.job, &path), StopSignal::never())).unwrap();
    assert_eq!((outcome.ending, &outcome.verdict), (Ending::Search, &expected.verdict));
    assert_eq!(outcome.ledger.cost.usd.micros, expected.ledger.cost.usd.micros + 5, "what had left may have been paid");
}

/// What nobody asked for is refused: it would be counted.
#[test]
fn a_journal_holds_no_rewriting_that_no_round_asked_for() {
    let scene = rewriting(paid(5));
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let journal = path.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.contains(r#""decision":{"rewrite":{"critic":"critic"}}"#), "{text}");
    std::fs::write(&journal, text.replacen(r#""round":0,"critic":"critic""#, r#""round":1,"critic":"critic""#, 1))
        .unwrap();
    let error =
        block_on(run(&scene.job, &mut open_run(&scene.job, &path), StopSignal::never())).unwrap_err().to_string();
    assert!(
        error.ends_with("`id` is missing: expected a candidate, as round 1 has no critic rewrite the request"),
        "{error}"
    );
}
