//! Sizes, pixels, tokens and scores.

use super::*;

#[test]
fn scores_are_those_of_the_official_code() {
    let fusions = [(Fusion::Mean, "mean"), (Fusion::Min, "min"), (Fusion::Sum, "sum")];
    for case in cases() {
        for (tables, mode) in [(RopeTables::Official, "official"), (RopeTables::Exact, "exact")] {
            for (fusion, name) in fusions {
                let mut judge = case.judge(Options { fusion, ..options(tables) });
                let pairs = if fusion == Fusion::Mean { case.pairs() } else { vec![case.pair(&case.pairs[0])] };
                for (verdict, golden) in judge_all(&mut judge, &pairs).iter().zip(&case.pairs) {
                    let off = largest(verdict, &golden.scores[mode], name);
                    let what = format!("{} {mode} {name} {}", case.folder.display(), golden.edited);
                    assert!(off < TOLERANCE, "{what}: off by {off:e}");
                }
            }
        }
    }
}

#[test]
fn pictures_are_prepared_to_the_last_bit() {
    use crate::layers::qwen25_vl::target_size;
    use crate::pictures::{Filter, Size, resize};
    for case in cases() {
        let config = case.directory().config().expect("a config");
        let preparation = pictures::Preparation::load(&case.directory(), &config).expect("a preparation");
        for golden in &case.pairs {
            let pair = case.pair(golden);
            let mut values = Vec::new();
            for (at, picture) in [&pair.source, &pair.edited].into_iter().enumerate() {
                let bytes = picture.read().expect("bytes");
                let pixels =
                    editscale_picture::decode_rgb8(&bytes, &editscale_picture::Limits::default()).expect("pixels");
                let size = Size { height: pixels.height, width: pixels.width };
                let budget = preparation.most_pixels();
                let target = target_size(size, config.vision.token_pixels(), budget, budget).expect("a size");
                let name = format!("{} picture {at} of {}", case.folder.display(), golden.edited);
                assert_eq!([target.height, target.width], golden.sizes[at], "{name}");
                assert_eq!(sha256(&resize(pixels, target, Filter::Bicubic).data), golden.resized_sha256[at], "{name}");
                values.extend(preparation.prepare(picture).expect("patches").patches());
            }
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(sha256(&bytes), golden.pixel_values_sha256, "{} {}", case.folder.display(), golden.edited);
        }
    }
}

#[test]
fn tokens_are_those_of_the_official_code() {
    for case in cases() {
        let judge = case.judge(options(RopeTables::Official));
        for golden in &case.pairs {
            let tokens = judge.prompts.tokens(&golden.instruction).expect("tokens");
            for (part, name) in PARTS.into_iter().enumerate() {
                let prompt = &golden.prompts[name];
                let ids = expanded(&tokens[part], &golden.sizes, judge.prompts.picture());
                assert_eq!(ids, prompt.ids[..=prompt.reward_index], "{} {name}", case.folder.display());
            }
        }
    }
}

#[test]
fn an_unrounded_table_would_be_caught() {
    for case in cases() {
        let mut judge = case.judge(options(RopeTables::Official));
        let checkpoint = case.directory().checkpoint().expect("weights");
        let compute = Compute::cpu();
        let config = case.directory().config().expect("a config");
        judge.decoder =
            SharedDecoder::alone(&checkpoint, &config.text, RopeTables::Exact, &compute).expect("a decoder");
        let verdict = judge_all(&mut judge, &[case.pair(&case.pairs[0])])[0];
        let scores = &case.pairs[0].scores;
        assert!(largest(&verdict, &scores["unrounded_text"], "mean") < TOLERANCE, "{}", case.folder.display());
        assert!(largest(&verdict, &scores["official"], "mean") > 10.0 * TOLERANCE, "{}", case.folder.display());
    }
}

#[test]
fn an_unrounded_table_of_the_tower_would_be_caught() {
    let mut most: f64 = 0.0;
    for case in cases() {
        let mut judge = case.judge(options(RopeTables::Official));
        let checkpoint = case.directory().checkpoint().expect("weights");
        let compute = Compute::cpu();
        let config = case.directory().config().expect("a config");
        judge.vision = SharedTower::alone(&checkpoint, &config.vision, RopeTables::Exact, &compute).expect("a tower");
        let verdict = judge_all(&mut judge, &[case.pair(&case.pairs[0])])[0];
        most = most.max(largest(&verdict, &case.pairs[0].scores["official"], "mean"));
    }
    assert!(most > 10.0 * TOLERANCE, "the largest difference is {most:e}");
}

#[test]
fn rounding_halves_away_from_zero_would_be_caught() {
    use crate::layers::qwen25_vl::target_size;
    use crate::pictures::Size;
    let mut caught = 0;
    for case in cases() {
        let config = case.directory().config().expect("a config");
        let preparation = pictures::Preparation::load(&case.directory(), &config).expect("a preparation");
        let budget = preparation.most_pixels();
        for golden in case.pairs.iter().filter(|golden| golden.sizes != golden.sizes_half_away) {
            let pair = case.pair(golden);
            let ours = [&pair.source, &pair.edited].map(|picture| {
                let size = picture.size();
                let size = Size { height: size.height as usize, width: size.width as usize };
                let target = target_size(size, config.vision.token_pixels(), budget, budget).expect("a size");
                [target.height, target.width]
            });
            assert_ne!(ours, golden.sizes_half_away);
            caught += 1;
        }
    }
    assert!(caught > 0, "no case has a picture whose size would come out differently");
}

#[test]
fn weights_kept_as_stored_give_the_same_scores() {
    for case in cases().iter().filter(|case| ["groups", "halves"].iter().any(|name| case.folder.ends_with(name))) {
        let mut judge = case.judge(Options::on(Compute { kept: Storage::Stored, ..Compute::cpu() }));
        assert_eq!(judge.options.compute.kept, Storage::Stored);
        let verdict = judge_all(&mut judge, &[case.pair(&case.pairs[0])])[0];
        assert!(largest(&verdict, &case.pairs[0].scores["official"], "mean") < TOLERANCE, "{}", case.folder.display());
    }
}

#[test]
fn names_of_both_schemes_load() {
    let schemes = cases().into_iter().map(|case| {
        let Directory::Folder(folder) = case.directory() else { panic!("a folder") };
        Checkpoint::open(&folder, ToOwned::to_owned).expect("weights").facts().any(|(name, _)| name != canonical(name))
    });
    let schemes: Vec<bool> = schemes.collect();
    assert!(schemes.contains(&true) && schemes.contains(&false), "cases of both schemes");
}

#[test]
fn answers_do_not_depend_on_the_cut_or_the_cache() {
    for case in cases() {
        let pairs = case.pairs();
        let whole = judge_all(&mut case.judge(options(RopeTables::Official)), &pairs);
        let cramped = Options { activation_bytes: 1, cache_bytes: 0, ..options(RopeTables::Official) };
        let cut = judge_all(&mut case.judge(cramped), &pairs);
        let mut kept = case.judge(options(RopeTables::Official));
        judge_all(&mut kept, &pairs);
        let again = judge_all(&mut kept, &pairs);
        for other in [&cut, &again] {
            for (one, other) in whole.iter().zip(other) {
                let off = difference(one.fused, [other.fused.mean, other.fused.sigma.ln()]);
                assert!(off < 1e-5, "{}: off by {off:e}", case.folder.display());
            }
        }
    }
}

/// The released prompts belong to their model and are not here. With `EDITSCALE_PROMPTS` naming a folder of them, as a model
/// directory has it, they are read too.
#[test]
fn released_prompts_are_read_to_the_last_byte() {
    let Some(folder) = std::env::var_os("EDITSCALE_PROMPTS").map(PathBuf::from) else {
        println!("skipped: EDITSCALE_PROMPTS does not name a folder with the released prompts");
        return;
    };
    let table = [
        ("instruction_following.txt", "da5bfc26898cc8e0e534a29675ad78c3462d331b7feaebf13bae5aa50195864f"),
        ("visual_quality.txt", "89bbc5c2ac1bbea9c45a0fde298e9a97d1c079170a30780392c577fc1cd8d286"),
    ];
    let tail = fs::read_to_string(folder.join("tail.txt")).expect("the tail");
    assert_eq!(tail.matches(prompts::REWARD_TOKEN).count(), 1);
    let instruction = "Add {a} \"green\" bowl, 100%";
    for (name, digest) in table {
        let text = fs::read_to_string(folder.join(name)).expect("a prompt");
        assert_eq!(sha256(text.as_bytes()), digest, "{name}");
        let filled = prompts::Prompt::parse(&text).expect("a prompt").fill(instruction);
        assert_eq!(filled, text.replace("{text_prompt}", instruction), "{name}");
    }
}
