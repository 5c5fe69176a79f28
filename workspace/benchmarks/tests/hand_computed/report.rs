//! The report: text for a terminal, and a page of which drawings are left out here.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, Said, agreement, calibrate, measure, position};
use editscale_benchmarks::report::{Part, Subject, page, render};
use editscale_benchmarks::{Human, JudgedCase, TwoOrders};
use editscale_curate::Value;
use editscale_study::judges::Preference::{self, First, Second, Tie};

use crate::desk::{case, edit};

const RULES: MeasureRules = MeasureRules { confidence: 0.9, resamples: 200, seed: 4, folds: 3 };

/// Groups of two and three of two models, with parts, deviations and times, one of them not judged; `bend` makes another judge.
fn cases(bend: f64) -> Vec<JudgedCase> {
    let texts = ["A>B", "B>A", "A=B", "C>A>B", "A>B=C"];
    let group = |number: usize| {
        let text = texts[number % texts.len()];
        let size = if text.contains('C') { 3 } else { 2 };
        let candidates = (0..size).map(|at| {
            let place = text.find(char::from(b'A' + at as u8)).unwrap_or(0) / 2;
            let score = ((number * 7 + at * 5) % 11) as f64 / 4.0 - bend * place as f64;
            let mut edit = edit(Some(["quick <b>", "slow"][at % 2]), None, (number != 9).then_some(score));
            edit.sigma = edit.score.map(|_| 0.25 + ((number + at) % 3) as f64 / 4.0);
            edit.said.insert("judge.quality".to_owned(), Value { mean: ((number * 3 + at) % 5) as f64, sigma: None });
            edit.seconds = Some(0.25 * (1 + number % 4) as f64);
            edit
        });
        let mut case = case(&format!("{number:02}"), Human::Ranking(text.to_owned()), candidates.collect());
        case.dataset = Some(["photos", "art"][number % 2].to_owned());
        case
    };
    (0..20).map(group).collect()
}

fn both_orders() -> Vec<TwoOrders> {
    let said: [(Preference, Preference, Preference); 6] = [
        (First, Second, First),
        (First, First, Second),
        (First, First, First),
        (Second, Second, First),
        (Tie, First, First),
        (Second, First, Second),
    ];
    let pair = |(number, (forward, backward, human)): (usize, &(Preference, Preference, Preference))| TwoOrders {
        id: number.to_string(),
        part: "pairs".to_owned(),
        candidates: (0, 1),
        forward: Some(*forward),
        backward: Some(*backward),
        human: Some(*human),
        failure: None,
        seconds: None,
    };
    said.iter().enumerate().map(pair).collect()
}

/// What is within `main`, an element a line, without what is drawn.
fn without_drawings(page: &str) -> String {
    let (_, rest) = page.split_once("<main>").unwrap();
    let (main, _) = rest.split_once("</main>").unwrap();
    let mut parts = main.split("<svg");
    let first = parts.next().unwrap().to_owned();
    let text = parts.fold(first, |text, part| text + "<svg" + part.split_once("</svg>").unwrap().1);
    text.replace('\u{202f}', " ").replace("><", ">\n<")
}

#[test]
fn a_report_of_everything() {
    let (one, two) = (cases(1.0), cases(0.25));
    let measured = measure(Preset::EditRewardBench, &one, &RULES).unwrap();
    let agreed = agreement(&one, &two, &RULES).unwrap();
    let placed = position(&both_orders(), &RULES).unwrap();
    let calibrated = calibrate(&one, &Said::Score, &RULES).unwrap();
    let remarks = ["No picture is in both.".to_owned()];
    let parts = [
        Part::Measured(&measured),
        Part::Calibration(&calibrated),
        Part::Agreement(&agreed, ["sharp", "dull"]),
        Part::Position(&placed),
        Part::Remarks("Shared pictures", &remarks),
    ];
    insta::assert_snapshot!("text", render(&parts));
    let subject = Subject {
        title: "EditReward-Bench".to_owned(),
        lead: "A judge & people".to_owned(),
        facts: vec![("Judge".to_owned(), "sharp".to_owned())],
    };
    let page = page(&subject, &parts);
    insta::assert_snapshot!("page", without_drawings(&page));
    for elsewhere in ["http://", "https://", "src=\"/", "@import", "url(", "<b>"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an anchor is there twice: {ids:?}");
}

#[test]
fn a_report_of_ratings() {
    let rated = |number: usize| {
        let model = ["x", "y"][number % 2];
        let rating = (number * 5 % 7) as f64;
        let edit = edit(Some(model), Some(rating), (number != 3).then_some(rating * 0.5 + (number % 3) as f64));
        let mut case = case(&format!("{number:02}"), Human::Rated, vec![edit]);
        case.instruction = format!("instruction {}", number / 4);
        case
    };
    let cases: Vec<JudgedCase> = (0..16).map(rated).collect();
    let measured = measure(Preset::Imagenhub, &cases, &RULES).unwrap();
    let calibrated = calibrate(&cases, &Said::Score, &RULES).unwrap();
    insta::assert_snapshot!("ratings", render(&[Part::Measured(&measured), Part::Calibration(&calibrated)]));
}

#[test]
fn what_was_not_answered_is_no_sign_of_anything() {
    let unanswered = |pair: TwoOrders| TwoOrders { backward: None, ..pair };
    let pairs: Vec<TwoOrders> = both_orders().into_iter().map(unanswered).collect();
    let text = render(&[Part::Position(&position(&pairs, &RULES).unwrap())]);
    assert!(text.contains("No pair was answered in both orders") && !text.contains("no sign of"), "{text}");
}

#[test]
fn lines_fit_a_terminal() {
    let measured = measure(Preset::EditRewardBench, &cases(1.0), &RULES).unwrap();
    let text = render(&[Part::Measured(&measured)]);
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 120, "{longest}: {text}");
}
