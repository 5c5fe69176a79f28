//! `calibration` of a reward: what it may be, and what it is when resolved.

use editscale_config::{Calibrated, Calibration, Recipe};
use editscale_study::calibration::{Between, Knot, MonotoneMap};
use insta::assert_snapshot;

use crate::{parse, recipe, report, with_search};

fn with(calibration: &str) -> String {
    let reward = format!("photometric: {{}}}}, calibration: {calibration}");
    with_search("{best_of_n: {samples: 8}}").replace("photometric: {}}", &reward)
}

fn rewards_of(recipe: &Recipe) -> String {
    let yaml = recipe.to_yaml();
    yaml[yaml.find("rewards:").unwrap()..yaml.find("combine:").unwrap()].to_owned()
}

fn map(knots: &[(f64, f64)], between: Between) -> MonotoneMap {
    MonotoneMap::new(knots.iter().map(|(score, value)| Knot { score: *score, value: *value }).collect(), between)
        .unwrap()
}

#[test]
fn knots_are_read_and_written() {
    let recipe = recipe(&with("{knots: [[-1, 1], [0.5, 1], [2, 5.25]], between: step, revision: photometric/1}"));
    let expected = Calibrated {
        map: map(&[(-1.0, 1.0), (0.5, 1.0), (2.0, 5.25)], Between::Steps),
        revision: Some("photometric/1".to_owned()),
    };
    assert_eq!(recipe.rewards()[0].calibration, Some(Calibration::Here(expected)));
    assert_snapshot!(rewards_of(&recipe), @r#"
    rewards:
      -
        model: {photometric: {}}
        weight: 1.0
        name: photometric
        calibration:
          knots: [[-1.0, 1.0], [0.5, 1.0], [2.0, 5.25]]
          between: step
          revision: "photometric/1"
    "#);
    assert_eq!(parse(recipe.to_yaml().as_bytes()).unwrap().0, recipe);
    // A map with thousands of knots is one as well.
    let many: Vec<String> = (0..4096).map(|at| format!("[{at}, {at}]")).collect();
    let text = with(&format!("{{knots: [{}]}}", many.join(", ")));
    let many = crate::recipe(&text);
    assert_eq!(parse(many.to_yaml().as_bytes()).unwrap().0, many);
}

/// A resolved recipe holds what the file held, so that another file makes another recipe.
#[test]
fn a_file_becomes_what_it_holds() {
    let text = with("judge.json");
    let named = recipe(&text);
    assert_eq!(named.rewards()[0].calibration, Some(Calibration::File("judge.json".to_owned())));
    assert_eq!(parse(named.to_yaml().as_bytes()).unwrap().0, named);
    let holding = |value: f64| {
        let read = |path: &str| {
            assert_eq!(path, "judge.json");
            Ok(Calibrated { map: map(&[(0.0, 1.0), (1.0, value)], Between::Lines), revision: None })
        };
        assert_eq!(
            named.judging().with_calibrations(&read).unwrap(),
            named.clone().with_calibrations(&read).unwrap().judging()
        );
        named.clone().with_calibrations(&read).unwrap()
    };
    assert_snapshot!(rewards_of(&holding(5.0)), @r"
    rewards:
      -
        model: {photometric: {}}
        weight: 1.0
        name: photometric
        calibration: {knots: [[0.0, 1.0], [1.0, 5.0]], between: line}
    ");
    assert_ne!(holding(5.0), holding(4.0));
    assert_eq!(parse(holding(5.0).to_yaml().as_bytes()).unwrap().0, holding(5.0));
    let report = named.with_calibrations(&|_| Err("no such file".to_owned())).unwrap_err();
    assert_snapshot!(report.render("recipe.yaml", text.as_bytes()), @r"
    error: cannot use the calibration `judge.json`: no such file
     --> recipe.yaml:3:38
      |
    3 | rewards: [{model: {photometric: {}}, calibration: judge.json}]
      |                                      ^^^^^^^^^^^
      = hint: `editscale bench calibrate` writes one; the path is from the recipe's folder
    ");
}

#[test]
fn mistakes_have_their_places() {
    assert_snapshot!(report(with("{knots: [[0, 1], [1, 3], [2, 2.5]]}")), @r"
    error: a knot must have a higher score than the one before, and a value that is not lower
     --> recipe.yaml:3:76
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, 1], [1, 3], [2, 2.5]]}}]
      |                                                                            ^^^^^^^^
      = hint: order the knots by their scores; of values that fall, fit a map that does not
    ");
    assert_snapshot!(report(with("{knots: [[0, 1], [0, 1]]}")), @r"
    error: a knot must have a higher score than the one before, and a value that is not lower
     --> recipe.yaml:3:68
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, 1], [0, 1]]}}]
      |                                                                    ^^^^^^
      = hint: order the knots by their scores; of values that fall, fit a map that does not
    ");
    assert_snapshot!(report(with("{knots: [[0, 1]]}")), @r"
    error: `knots` has 1 of them: expected 2 to 4096
     --> recipe.yaml:3:59
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, 1]]}}]
      |                                                           ^^^^^^^^
      = hint: write `calibration: judge.json`, or `calibration: {knots: [[0, 1], [1, 5]]}`
    ");
    assert_snapshot!(report(with("{knots: [[0, .nan], [1], [2, x], 3, [4, 5]]}")), @r"
    error: a knot is a score and its value, two finite numbers
     --> recipe.yaml:3:60
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, .nan], [1], [2, x], 3, [4, 5]]}}]
      |                                                            ^^^^^^^^^
      = hint: write `[0.5, 3]`

    error: a knot is a score and its value, two finite numbers
     --> recipe.yaml:3:71
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, .nan], [1], [2, x], 3, [4, 5]]}}]
      |                                                                       ^^^
      = hint: write `[0.5, 3]`

    error: a knot is a score and its value, two finite numbers
     --> recipe.yaml:3:76
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, .nan], [1], [2, x], 3, [4, 5]]}}]
      |                                                                            ^^^^^^
      = hint: write `[0.5, 3]`

    error: a knot is a score and its value, two finite numbers
     --> recipe.yaml:3:84
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {knots: [[0, .nan], [1], [2, x], 3, [4, 5]]}}]
      |                                                                                    ^
      = hint: write `[0.5, 3]`
    ");
    assert_snapshot!(report(with("{between: lines, revision: 5}")), @r"
    error: `calibration` lacks the key `knots`
     --> recipe.yaml:3:38
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {between: lines, revision: 5}}]
      |                                      ^^^^^^^^^^^
      = hint: write `calibration: judge.json`, or `calibration: {knots: [[0, 1], [1, 5]]}`

    error: `between` cannot be the text `lines`: expected one of `line`, `step`
     --> recipe.yaml:3:61
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {between: lines, revision: 5}}]
      |                                                             ^^^^^
      = hint: did you mean `line`?

    error: `revision` cannot be 5: expected a text on one line
     --> recipe.yaml:3:78
      |
    3 | rewards: [{model: {photometric: {}}, calibration: {between: lines, revision: 5}}]
      |                                                                              ^
      = hint: put it in quotation marks if it is a text
    ");
    assert_snapshot!(report(with("[[0, 1], [1, 2]]")), @r"
    error: `calibration` must be the path of a file, or a map with knots
     --> recipe.yaml:3:51
      |
    3 | rewards: [{model: {photometric: {}}, calibration: [[0, 1], [1, 2]]}]
      |                                                   ^^^^^^^^^^^^^^^^
      = hint: write `calibration: judge.json`, or `calibration: {knots: [[0, 1], [1, 5]]}`
    ");
    assert_snapshot!(report(with("")), @r"
    error: `calibration` must be the path of a file, or a map with knots
     --> recipe.yaml:3:38
      |
    3 | rewards: [{model: {photometric: {}}, calibration: }]
      |                                      ^^^^^^^^^^^
      = hint: write `calibration: judge.json`, or `calibration: {knots: [[0, 1], [1, 5]]}`
    ");
}
