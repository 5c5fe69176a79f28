//! The small judge that is part of the program.

use super::*;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<NanoCase>,
}

#[derive(Deserialize)]
struct NanoCase {
    name: String,
    source: String,
    edited: String,
    instruction: String,
    exact_inv_freq: NanoScores,
    input_ids_instruction_following: Vec<u32>,
    input_ids_visual_quality: Vec<u32>,
    image_grid_thw: [[usize; 3]; 2],
    reward_index: [usize; 2],
}

#[derive(Deserialize)]
struct NanoScores {
    instruction_following: [f64; 2],
    visual_quality: [f64; 2],
    fused: [f64; 2],
}

fn golden() -> (PathBuf, Golden) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nano");
    let text = fs::read(folder.join("golden.json")).expect("golden cases");
    (folder, serde_json::from_slice(&text).expect("golden cases"))
}

#[test]
fn the_judge_of_the_program_answers_as_it_did_when_it_was_trained() {
    let (folder, golden) = golden();
    let mut judge = EditReward::load(&Directory::Builtin, options(RopeTables::Exact)).expect("the judge");
    assert_eq!(golden.cases.len(), 8);
    for case in golden.cases {
        let tokens = judge.prompts.tokens(&case.instruction).expect("tokens");
        for (part, ids) in
            [&case.input_ids_instruction_following, &case.input_ids_visual_quality].into_iter().enumerate()
        {
            let sizes = case.image_grid_thw.map(|[_, rows, columns]| [rows * 14, columns * 14]);
            let ours = expanded(&tokens[part], &sizes, judge.prompts.picture());
            assert_eq!(ours, ids[..=case.reward_index[part]], "{}", case.name);
        }
        let pair = Pair {
            source: image(&folder.join(&case.source)),
            edited: image(&folder.join(&case.edited)),
            instruction: case.instruction.as_str().into(),
        };
        let verdict = judge_all(&mut judge, &[pair])[0];
        let scores = &case.exact_inv_freq;
        let off = difference(verdict.fused, scores.fused)
            .max(difference(verdict.parts[0], scores.instruction_following))
            .max(difference(verdict.parts[1], scores.visual_quality));
        assert!(off < TOLERANCE / 10.0, "{}: off by {off:e}", case.name);
    }
}
