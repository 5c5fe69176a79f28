//! Scores to what people would say: a section of a page, and lines of text.

use editscale_page::plot::{Axis, Cloud, Line, LinePoint, Lines, Scatter};
use editscale_page::{Column, Table, count, note};
use maud::{Markup, html};

use super::lines::{columns, digits, value};
use crate::measures::{Bin, Calibration, Errors, PairDoubt, Target};

pub(super) fn section(calibration: &Calibration) -> Markup {
    let people = people(calibration.target);
    editscale_page::section(
        "calibration",
        &format!("From {} to {people}", calibration.said.name()),
        html! {
            (note("A map that never falls, fitted on people's words. What it is worth shows on sources that it was not fitted on."))
            (errors(calibration))
            (map(calibration, people))
            @if !calibration.bins.is_empty() {
                (reliability(&calibration.bins, &format!("value from the other folds: {people}"), &format!("what people said: {people}")))
            }
            @if let Some(doubt) = &calibration.doubt {
                h3 { "What stated deviations are worth" }
                @if let Some(rho) = doubt.error_spearman { p { "Spearman of the stated deviation and the size of the held-out error: " (digits(rho)) ". Above 0, it errs where it doubts." } }
                @if let Some(pairs) = &doubt.pairs { (of_pairs(pairs)) }
            }
        },
    )
}

fn people(target: Target) -> &'static str {
    match target {
        Target::Rating => "people's rating",
        Target::WinProbability => "the probability of being preferred",
    }
}

fn errors(calibration: &Calibration) -> Table {
    let titles = vec![
        Column::text("Error"),
        Column::number("root mean square"),
        Column::number("mean size"),
        Column::number("bias"),
    ];
    let caption =
        format!("{} edits of {} sources.", count(calibration.edits as u64), count(calibration.sources as u64));
    let mut table = Table::new(caption, titles);
    rows(calibration).into_iter().for_each(|row| table.push(row));
    table
}

/// Name, root mean square, mean size and bias.
fn rows(calibration: &Calibration) -> Vec<[String; 4]> {
    let row = |name: &str, errors: &Errors| {
        [name.to_owned(), digits(errors.root_mean_square), digits(errors.mean_absolute), digits(errors.bias)]
    };
    let others =
        [("on other folds", &calibration.held_out), ("the mean of other folds alone", &calibration.mean_alone)];
    let others = others.into_iter().filter_map(|(name, errors)| Some(row(name, errors.as_ref()?)));
    std::iter::once(row("on what it was fitted on", &calibration.in_sample)).chain(others).collect()
}

fn map(calibration: &Calibration, people: &str) -> Markup {
    let points = calibration.knots.iter().map(|knot| LinePoint { x: knot.score, y: knot.value, band: None });
    let lines = Lines {
        alt: format!("The map from score to {people}"),
        x: Axis::linear(calibration.said.name()),
        y: Axis::linear(people),
        lines: vec![Line { name: "the map".to_owned(), points: points.collect(), is_dashed: false }],
        marks: Vec::new(),
    };
    lines.draw().figure("Straight between its knots, level beyond them.")
}

fn reliability(bins: &[Bin], along: &str, up: &str) -> Markup {
    let points = bins.iter().map(|bin| (bin.value, bin.observed)).collect();
    let scatter = Scatter {
        alt: format!("Reliability: {along} against {up}, in bins"),
        x: Axis::linear(along),
        y: Axis::linear(up),
        clouds: vec![Cloud { name: "bins of about equal counts".to_owned(), points }],
        has_diagonal: true,
    };
    scatter.draw().figure("On the line, values are what they say.")
}

fn of_pairs(pairs: &PairDoubt) -> Markup {
    let points = pairs.most_confident.iter().enumerate().map(|(tenth, accuracy)| LinePoint {
        x: (tenth + 1) as f64 / 10.0,
        y: *accuracy,
        band: None,
    });
    let lines = Lines {
        alt: "Accuracy of the most confident share of pairs".to_owned(),
        x: Axis::linear("share of pairs, the most confident first").showing([0.0, 1.0]),
        y: Axis::linear("accuracy"),
        lines: vec![Line { name: "accuracy".to_owned(), points: points.collect(), is_dashed: false }],
        marks: Vec::new(),
    };
    html! {
        @for words in of_pairs_in_words(pairs) { p { (words) "." } }
        (reliability(&pairs.bins, "confidence", "accuracy"))
        (lines.draw().figure("A judge that knows where it errs is better on the pairs of which it is sure."))
    }
}

/// How often the judge is right and how sure it is, and what its confidence is worth.
fn of_pairs_in_words(pairs: &PairDoubt) -> [String; 2] {
    [
        format!(
            "{} decided pairs: mean confidence {}, accuracy {}, expected calibration error {}",
            count(pairs.pairs as u64),
            digits(pairs.confidence),
            digits(pairs.accuracy),
            value(pairs.expected_error)
        ),
        format!(
            "confidence tells right from wrong with an area of {}, margins alone with {}",
            value(pairs.confidence_auc),
            value(pairs.margin_auc)
        ),
    ]
}

pub(super) fn text(calibration: &Calibration) -> String {
    let head = format!(
        "{} to {}: {} edits, {} sources, {} knots\n",
        calibration.said.name(),
        people(calibration.target),
        calibration.edits,
        calibration.sources,
        calibration.knots.len()
    );
    let mut table = vec![["error", "root mean square", "mean size", "bias"].map(str::to_owned).to_vec()];
    table.extend(rows(calibration).into_iter().map(|row| row.to_vec()));
    let mut text = vec![head, columns(&table)];
    if let Some(expected) = calibration.expected_error {
        text.push(format!("  expected calibration error on other folds {}\n", digits(expected)));
    }
    if let Some(doubt) = &calibration.doubt {
        let rho = doubt.error_spearman.map(|rho| format!("  Spearman of stated deviation and error {}\n", digits(rho)));
        text.extend(rho);
        for words in doubt.pairs.iter().flat_map(of_pairs_in_words) {
            text.push(format!("  {words}\n"));
        }
        text.extend(doubt.pairs.as_ref().map(confidence_bins));
    }
    text.concat()
}

/// How often the judge is right in bins of its confidence, and of the most confident shares of pairs.
fn confidence_bins(pairs: &PairDoubt) -> String {
    let mut bins = vec![["confidence in bins", "accuracy", "pairs"].map(str::to_owned).to_vec()];
    bins.extend(pairs.bins.iter().map(|bin| vec![digits(bin.value), digits(bin.observed), bin.count.to_string()]));
    let mut shares = vec![["most confident pairs", "accuracy"].map(str::to_owned).to_vec()];
    let tenths = pairs.most_confident.iter().zip(1..);
    shares.extend(tenths.map(|(accuracy, tenth)| vec![format!("{} %", tenth * 10), digits(*accuracy)]));
    columns(&bins) + &columns(&shares)
}
