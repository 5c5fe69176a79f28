//! Shared work is done once.

use super::*;

/// What a call has to compute, from the tokens of its prompts alone: every beginning once.
fn tree_of(judge: &EditReward, pairs: &[Pair]) -> Counters {
    #[derive(PartialEq, Eq, Hash, Clone)]
    enum At {
        Token(u32),
        Picture(Digest, usize),
    }
    let mut beginnings = std::collections::HashSet::new();
    let mut pictures = std::collections::HashSet::new();
    for pair in pairs {
        for tokens in judge.prompts.tokens(&pair.instruction).expect("tokens") {
            let ids = |ids: &[u32]| ids.iter().copied().map(At::Token).collect();
            let picture = |picture: &Image| {
                let tokens = judge.preparation.prepare(picture).expect("patches").tokens();
                (0..tokens).map(|at| At::Picture(picture.digest(), at)).collect::<Vec<_>>()
            };
            let (source, edited) = (picture(&pair.source), picture(&pair.edited));
            let sequence = [ids(&tokens.before), source, ids(&tokens.between), edited, ids(&tokens.after)].concat();
            beginnings.extend((1..=sequence.len()).map(|end| sequence[..end].to_vec()));
            pictures.extend([pair.source.digest(), pair.edited.digest()]);
        }
    }
    Counters { image_encodes: pictures.len() as u64, decoder_tokens: beginnings.len() as u64, ..Counters::default() }
}

fn total(verdicts: &[Verdict]) -> Counters {
    verdicts.iter().fold(Counters::default(), |mut total, verdict| {
        total += verdict.counters;
        total
    })
}

#[test]
fn nothing_is_computed_twice() {
    // The shortest sequences, so that the plain count of beginnings stays small: 112-pixel pictures.
    let case = cases().into_iter().find(|case| case.folder.ends_with("budget")).expect("the case");
    let mut judge = case.judge(options(RopeTables::Official));
    let names = ["source.png", "negative.png", "small.png", "square.png"];
    let images: Vec<Image> = names.iter().map(|name| image(&case.folder.join(name))).collect();
    let pair = |source: usize, edited: usize, instruction: &str| Pair {
        source: images[source].clone(),
        edited: images[edited].clone(),
        instruction: instruction.into(),
    };
    let first = [pair(0, 1, "warmer"), pair(0, 2, "warmer"), pair(0, 1, "warmer"), pair(0, 3, "warm tones")];
    let expected = tree_of(&judge, &first);
    assert_eq!(expected.image_encodes, 4, "one source and three edited pictures");
    assert_eq!(total(&judge_all(&mut judge, &first)), expected);

    // A later round on the same source: only what is behind the source is new.
    let later = [pair(0, 1, "colder"), pair(0, 0, "warmer")];
    let all: Vec<Pair> = first.iter().chain(&later).cloned().collect();
    let branches =
        |pairs: &[Pair]| tree_of(&judge, pairs).decoder_tokens - tree_of(&judge, &[pair(0, 1, "x")]).decoder_tokens;
    let tokens = judge.prompts.tokens("x").expect("tokens");
    let stem = tokens[0].before.len() + 12 + tokens[0].between.len();
    let alone = tree_of(&judge, &later).decoder_tokens - stem as u64;
    assert!(branches(&all) > alone, "the rounds share some branches");
    assert_eq!(total(&judge_all(&mut judge, &later)), Counters { decoder_tokens: alone, ..Counters::default() });

    // Another source has the opening in common, and its picture was seen.
    let other = [pair(1, 2, "warmer")];
    let opening = judge.prompts.tokens("x").expect("tokens")[0].before.len() as u64;
    let expected = tree_of(&judge, &other).decoder_tokens - opening;
    assert_eq!(total(&judge_all(&mut judge, &other)), Counters { decoder_tokens: expected, ..Counters::default() });
}

/// The numbers behind a tensor, whether it shows them or not.
fn held(tensor: &Tensor) -> usize {
    match &*tensor.storage_and_layout().0 {
        candle_core::Storage::Cpu(candle_core::CpuStorage::F32(values)) => values.len(),
        _ => panic!("single precision on the processor"),
    }
}

#[test]
fn what_is_kept_holds_on_to_nothing_else() {
    let case = cases().into_iter().find(|case| case.folder.ends_with("budget")).expect("the case");
    let mut judge = case.judge(options(RopeTables::Official));
    let images = ["source.png", "negative.png", "square.png"].map(|name| image(&case.folder.join(name)));
    let pair = |source: &Image, edited: &Image| Pair {
        source: source.clone(),
        edited: edited.clone(),
        instruction: "warmer".into(),
    };
    // Two sources in one part: their rows come out of one pass.
    judge_all(&mut judge, &[pair(&images[0], &images[2]), pair(&images[1], &images[2])]);
    let tokens = &judge.prompts.tokens("warmer").expect("tokens")[0];
    for picture in &images[..2] {
        let kept = judge.pictures.get(&picture.digest()).expect("a kept picture");
        assert_eq!(held(&kept.0), kept.0.elem_count());
        let (before, between) = (tokens.before.clone(), tokens.between.clone());
        let key = kept::SourceKey { before, picture: picture.digest(), between };
        for layer in &judge.sources.get(&key).expect("a kept source").layers {
            assert_eq!(held(&layer.keys), layer.keys.elem_count());
            assert_eq!(held(&layer.values), layer.values.elem_count());
        }
    }
}

#[test]
fn a_cancelled_call_ends_and_leaves_nothing_wrong_behind() {
    let case = cases().into_iter().find(|case| case.folder.ends_with("budget")).expect("the case");
    let right = judge_all(&mut case.judge(options(RopeTables::Official)), &case.pairs());
    let layers = case.directory().config().expect("a config").text.num_hidden_layers;
    // One pair a part, so that some are answered before the rest is cancelled.
    let cramped = Options { activation_bytes: 1, ..options(RopeTables::Official) };
    let mut judge = case.judge(cramped);
    let asked = std::cell::Cell::new(0);
    let mut cancelled = 0;
    for most in 0..20 * layers {
        judge.forget();
        asked.set(0);
        let said = judge.judge(&case.pairs(), &|| {
            asked.set(asked.get() + 1);
            asked.get() > most
        });
        for (said, right) in said.iter().zip(&right) {
            match said {
                Ok(verdict) => assert!(difference(verdict.fused, [right.fused.mean, right.fused.sigma.ln()]) < 1e-5),
                Err(JudgeError::Cancelled) => cancelled += 1,
                Err(error) => panic!("{error}"),
            }
        }
        // What was kept of a call that was cancelled is right.
        let again = judge_all(&mut judge, &case.pairs()[..1]);
        assert!(difference(again[0].fused, [right[0].fused.mean, right[0].fused.sigma.ln()]) < 1e-5);
    }
    assert!(cancelled > 0);
}

#[test]
fn a_broken_picture_costs_its_own_pair_alone() {
    let case = cases().into_iter().find(|case| case.folder.ends_with("budget")).expect("the case");
    let mut judge = case.judge(options(RopeTables::Official));
    let good = case.pair(&case.pairs[0]);
    let bytes: Arc<[u8]> = good.source.read().expect("bytes")[..200].into();
    let broken = Image::new(Digest::from_bytes([7; 32]), MediaType::Png, good.source.size(), Arc::new(bytes));
    let pairs =
        [Pair { edited: broken.clone(), ..good.clone() }, good.clone(), Pair { source: broken, ..good.clone() }];
    let said = judge.judge(&pairs, &never);
    assert!(matches!(said[0], Err(JudgeError::Picture { which: Which::Edited, .. })));
    assert!(matches!(said[2], Err(JudgeError::Picture { which: Which::Source, .. })));
    let alone = judge_all(&mut case.judge(options(RopeTables::Official)), &[good])[0];
    let together = said[1].as_ref().expect("a verdict");
    assert!(difference(together.fused, [alone.fused.mean, alone.fused.sigma.ln()]) < 1e-5);
    // Nothing but broken pairs is no error of its own.
    let all_broken = judge.judge(&pairs[..1], &never);
    assert!(matches!(all_broken[0], Err(JudgeError::Picture { .. })));
}
