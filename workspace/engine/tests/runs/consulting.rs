//! Critics: asked several at a time, paid within the budget, not asked again after a kill, and never the end of a run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::{
    Budget, CandidateId, Canvas, Consulted, Cost, CriticName, Critique, Decision, Earlier, Ending, FailureKind,
    Instruction, Outcome, Reviewed, StopReason, Subject, Usd, Utility,
};
use editscale_engine::{CandidateRecord, CritiqueRecord, Retry, RunRecord, StopSignal, Stopper, read_run, run};
use editscale_search::{Canvases, Reflection, ReflectionSize};
use editscale_testkit::{FakeCritic, critic_card, critique};

use crate::judged_again::{Played, explore};
use crate::stopped::HangsUp;
use crate::{Scene, World, block_on, carry_out, copy_run, open_run, rules, scene};

pub(crate) const SIZE: ReflectionSize = ReflectionSize { samples: 4, width: 2, rounds: 3, show: 2 };

fn consult(who: &[u32], earlier: &[u32]) -> Decision {
    let utility = Utility::new(0.5).unwrap();
    let earlier = earlier.iter().map(|id| Earlier { id: CandidateId(*id), utility });
    Decision::Consult {
        who: who.iter().map(|id| Consulted { id: CandidateId(*id), canvas: Canvas::Source }).collect(),
        earlier: earlier.collect(),
        critic: CriticName::new("critic").unwrap(),
    }
}

pub(crate) fn with_critic(world: &World, critic: FakeCritic) -> Scene {
    let mut scene = scene(world);
    scene.job.ports.critics = vec![Arc::new(critic)];
    scene.job.limits.retry = Retry { attempts: 3, base: Duration::from_millis(1), ..Retry::default() };
    scene
}

fn reflecting(critic: FakeCritic) -> Scene {
    let mut scene = with_critic(&World::default(), critic);
    scene.job.search = Arc::new(Reflection::new(SIZE, Canvases::Mixed(0.5), None, rules()).unwrap());
    scene
}

pub(crate) fn paid(micros: u64) -> FakeCritic {
    let mut card = critic_card("critic");
    card.cost = Cost { tokens: 7, usd: Usd { micros }, ..Cost::default() };
    FakeCritic::new(card)
}

fn critiques(path: &Path) -> Vec<Vec<CritiqueRecord>> {
    read_run(path).unwrap().candidates.into_iter().map(|candidate| candidate.critiques).collect()
}

/// I3, I11: what was written is in the record, and no critique is asked for twice, wherever the program was killed.
#[test]
fn a_reflection_goes_on_after_any_cut_without_asking_again() {
    let record = goes_on_after_any_cut(reflecting);
    assert!(record.rewritings.is_empty());
    let told = |candidate: &&CandidateRecord| candidate.proposal.instruction.starts_with("mend");
    assert_eq!(record.candidates.iter().filter(told).count(), 6);
}

/// Carries a reflection out, and again after every cut of its journal.
pub(crate) fn goes_on_after_any_cut(reflecting: fn(FakeCritic) -> Scene) -> RunRecord {
    let critic = paid(5);
    let whole = reflecting(critic.clone());
    let from = whole.folder.path().join("whole");
    let expected = carry_out(&whole.job, &from);
    let asked = critic.asked.load(Ordering::Relaxed);
    assert!(asked >= 2);
    assert_eq!((expected.asked, expected.failed), (10, 0));
    assert_eq!(expected.ledger.reward_calls, 10 + asked);
    assert_eq!((expected.ledger.cost.usd.micros, expected.ledger.cost.tokens), (5 * asked, 7 * asked));
    let record = read_run(&from).unwrap();
    let of_candidates = record.candidates.iter().flat_map(|candidate| &candidate.critiques);
    let written: Vec<&CritiqueRecord> = record.rewritings.iter().chain(of_candidates).collect();
    assert_eq!(written.len() as u64, asked);
    assert!(
        written.iter().all(|record| record.written.as_ref().is_ok_and(|critique| &*critique.text == "not there yet"))
    );
    assert_eq!(record.manifest.critics[0].revision, "fake/1");
    let lines = std::fs::read_to_string(from.join("journal.jsonl")).unwrap();
    let is_open = |line: &str| line.contains("\"event\":\"critiquing\"");
    for cut in 1..lines.lines().count() {
        let again = paid(5);
        let scene = reflecting(again.clone());
        let path = scene.folder.path().join("cut");
        copy_run(&from, &path, cut);
        let outcome = carry_out(&scene.job, &path);
        assert_eq!(outcome.verdict, expected.verdict, "cut at {cut}");
        // What had left when the program died may have been paid: it is spent, and asked for again.
        let known: Vec<&str> = lines.lines().take(cut).collect();
        let left = known.iter().filter(|line| is_open(line)).count() as u64;
        let answered = known.iter().filter(|line| line.contains("\"event\":\"critiqued\"")).count() as u64;
        assert_eq!(again.asked.load(Ordering::Relaxed), asked - answered, "cut at {cut}");
        assert_eq!(outcome.ledger.reward_calls, expected.ledger.reward_calls + left - answered, "cut at {cut}");
    }
    record
}

#[test]
fn a_critic_is_shown_the_attempt_with_what_its_editor_was_told_and_the_others() {
    let critic = paid(0);
    let mut scene = with_critic(&World::default(), critic.clone());
    scene.job.search = Arc::new(Played(vec![explore(0..3), consult(&[1], &[2, 1, 9])]));
    carry_out(&scene.job, &scene.folder.path().join("run"));
    let questions = critic.questions.lock().unwrap();
    let [question] = questions.as_slice() else { panic!("{questions:?}") };
    let Subject::Candidate(Reviewed { attempt, earlier, .. }) = &question.subject else { panic!("{question:?}") };
    assert_eq!((attempt.id, &*attempt.instruction), (CandidateId(1), "make it better"));
    // Neither the attempt itself nor what was never made.
    let ids: Vec<CandidateId> = earlier.iter().map(|earlier| earlier.attempt.id).collect();
    assert_eq!(ids, [CandidateId(2)]);
    assert_ne!(attempt.image.digest(), earlier[0].attempt.image.digest());
}

/// The budget is kept, whatever runs out; what it denies is in the journal and is the reason for the end.
#[test]
fn critiques_are_paid_within_the_budget() {
    for (budget, asked) in [
        (Budget { usd: Some(Usd { micros: 9 }), ..Budget::default() }, 1),
        (Budget { tokens: Some(14), ..Budget::default() }, 2),
        (Budget { reward_calls: Some(3), ..Budget::default() }, 0),
        (Budget { reward_calls: Some(5), ..Budget::default() }, 2),
    ] {
        let critic = paid(5);
        let mut scene = with_critic(&World { budget, ..World::default() }, critic.clone());
        scene.job.search = Arc::new(Played(vec![explore(0..3), consult(&[0, 1, 2], &[])]));
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert_eq!(critic.asked.load(Ordering::Relaxed), asked, "{budget:?}");
        assert_eq!((outcome.verdict.reason, outcome.failed), (StopReason::Budget, 0), "{budget:?}");
        let failed = critiques(&path).into_iter().flatten().filter(|record| record.written.is_err()).count() as u64;
        assert_eq!(failed, 3 - asked, "{budget:?}");
        assert!(outcome.ledger.reward_calls <= budget.reward_calls.unwrap_or(u64::MAX));
    }
}

/// A critic that dies, talks nonsense or is busy costs critiques, not the run; only what may pass is asked for again.
#[test]
fn a_misbehaving_critic_costs_critiques_and_no_run() {
    for (kind, calls, spent) in [
        (FailureKind::Unavailable, 6, 6),
        (FailureKind::Malformed, 2, 2),
        (FailureKind::Crashed, 2, 2),
        (FailureKind::Ambiguous, 2, 2),
        (FailureKind::Refused, 2, 2),
    ] {
        let mut critic = paid(5);
        critic.writes = Arc::new(move |_, _| Err(kind));
        let mut scene = with_critic(&World::default(), critic.clone());
        scene.job.search = Arc::new(Played(vec![explore(0..2), consult(&[0, 1], &[])]));
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert_eq!(critic.asked.load(Ordering::Relaxed), calls, "{kind:?}");
        assert_eq!((outcome.failed, outcome.verdict.ranked.len()), (0, 2), "{kind:?}");
        assert_eq!(outcome.ledger.cost.usd.micros, 5 * spent, "{kind:?}");
        let written = critiques(&path).into_iter().flatten();
        assert!(written.clone().all(|record| record.written.unwrap_err().kind == kind), "{kind:?}");
        assert_eq!(written.count(), 2);
    }
    let mut critic = paid(5);
    critic.writes = Arc::new(|_, call| if call == 0 { Err(FailureKind::TimedOut) } else { Ok(critique("better")) });
    let mut scene = with_critic(&World::default(), critic);
    scene.job.search = Arc::new(Played(vec![explore(0..1), consult(&[0], &[])]));
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    assert!(critiques(&path)[0][0].written.is_ok());
}

/// Stops a run once its critic works on so many questions.
pub(crate) fn stopped_while_asked(scene: &Scene, path: &Path, critic: &FakeCritic, questions: u64) -> Outcome {
    let (stopper, signal) = Stopper::new();
    let mut directory = open_run(&scene.job, path);
    block_on(async {
        let running = run(&scene.job, &mut directory, signal);
        let stopping = async {
            while critic.under_way.load(Ordering::Relaxed) < questions {
                tokio::task::yield_now().await;
            }
            stopper.stop();
        };
        tokio::join!(running, stopping).0.unwrap()
    })
}

/// A critic that hangs, and does not hear that it is to end, holds up a stop no longer than the grace after it; the resume asks
/// again.
#[test]
fn a_hanging_critic_is_given_up_and_asked_again_after_a_stop() {
    let mut critic = paid(5);
    critic.delay = Duration::from_secs(3600);
    let mut scene = with_critic(&World::default(), critic.clone());
    scene.job.search = Arc::new(Played(vec![explore(0..2), consult(&[0, 1], &[])]));
    let path = scene.folder.path().join("stopped");
    let outcome = stopped_while_asked(&scene, &path, &critic, 2);
    assert_eq!((outcome.ending, outcome.ledger.cost.usd.micros), (Ending::Cancelled, 10), "both may have been paid");
    let prompt = paid(5);
    scene.job.ports.critics = vec![Arc::new(prompt.clone())];
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.ending, outcome.ledger.cost.usd.micros), (Ending::Search, 20));
    assert_eq!(prompt.asked.load(Ordering::Relaxed), 2);
}

/// A critic that cannot be reached while the run is being stopped is asked again by the resume.
#[test]
fn a_critic_that_cannot_be_reached_at_a_stop_is_asked_after_the_resume() {
    let critic = paid(0);
    let mut scene = with_critic(&World::default(), critic.clone());
    scene.job.search = Arc::new(Played(vec![explore(0..2), consult(&[0, 1], &[])]));
    let path = scene.folder.path().join("run");
    let (stopper, signal) = Stopper::new();
    scene.job.ports.critics = vec![Arc::new(HangsUp(critic.card.clone(), stopper))];
    let outcome = block_on(run(&scene.job, &mut open_run(&scene.job, &path), signal)).unwrap();
    assert_eq!(outcome.ending, Ending::Cancelled);
    scene.job.ports.critics = vec![Arc::new(critic.clone())];
    assert_eq!(carry_out(&scene.job, &path).ending, Ending::Search);
    assert_eq!(critic.asked.load(Ordering::Relaxed), 2);
}

/// Where all of the work before it was done in spite of a stop, a critic is not asked any more.
#[test]
fn a_run_that_was_stopped_begins_no_critique() {
    let critic = paid(5);
    let mut scene = with_critic(&World::default(), critic.clone());
    scene.job.search = Arc::new(Played(vec![explore(0..2), consult(&[0, 1], &[])]));
    let (whole, path) = (scene.folder.path().join("whole"), scene.folder.path().join("stopped"));
    carry_out(&scene.job, &whole);
    let lines = std::fs::read_to_string(whole.join("journal.jsonl")).unwrap();
    copy_run(&whole, &path, lines.lines().position(|line| line.contains("\"event\":\"critiquing\"")).unwrap());
    let (stopper, signal) = Stopper::new();
    stopper.stop();
    let asked = critic.asked.load(Ordering::Relaxed);
    let outcome = block_on(run(&scene.job, &mut open_run(&scene.job, &path), signal)).unwrap();
    assert_eq!((outcome.ending, outcome.ledger.cost.usd.micros), (Ending::Cancelled, 0));
    assert_eq!(critic.asked.load(Ordering::Relaxed), asked);
}

/// A satisfied critic ends the plan; nothing but the samples and what it asked for is made.
#[test]
fn a_satisfied_critic_ends_a_reflection() {
    let mut critic = paid(0);
    let satisfied = Critique { text: "as asked".into(), instruction: None, satisfied: true };
    critic.writes = Arc::new(move |_, _| Ok(satisfied.clone()));
    let scene = reflecting(critic);
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.verdict.reason, outcome.asked), (StopReason::Finished, 4));
}

/// Journals of instructions hold any text that an instruction can be.
#[test]
fn what_was_written_is_read_back_as_it_was() {
    let text = "\"brighter\"\n- and warmer \u{1F600}";
    let mut critic = paid(0);
    critic.writes = Arc::new(move |_, _| {
        let instruction = Some(Instruction::new(text).unwrap());
        Ok(Critique { text: "a \"quoted\" {thing}".into(), instruction, satisfied: false })
    });
    let scene = reflecting(critic);
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    let record = read_run(&path).unwrap();
    assert!(record.candidates.iter().any(|candidate| &*candidate.proposal.instruction == text));
    let again = block_on(run(&scene.job, &mut open_run(&scene.job, &path), StopSignal::never())).unwrap();
    assert_eq!(again, outcome);
}

/// At the deadline nothing more is asked, and what is under way and can be paid counts as paid.
#[test]
fn a_critic_that_is_late_is_not_waited_for_beyond_the_grace() {
    let budget = Budget { wall: Some(Duration::from_millis(300)), ..Budget::default() };
    let mut critic = paid(5);
    critic.delay = Duration::from_secs(3600);
    let mut scene = with_critic(&World { budget, ..World::default() }, critic);
    scene.job.search = Arc::new(Played(vec![explore(0..3), consult(&[0, 1, 2], &[])]));
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.ending, outcome.ledger.cost.usd.micros), (Ending::Search, 10), "two slots");
    let kinds = critiques(&path).into_iter().flatten().map(|record| record.written.unwrap_err().kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [FailureKind::Ambiguous, FailureKind::Ambiguous, FailureKind::OverBudget],);
    assert_eq!(carry_out(&scene.job, &path), outcome, "replays to the same end");
}
