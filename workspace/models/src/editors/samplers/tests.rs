//! What samplers have in common, and files that are refused.

use std::fs;
use std::path::PathBuf;

use super::*;

fn config(spacing: Option<Spacing>) -> DiffusionConfig {
    DiffusionConfig {
        kind: None,
        class: String::new(),
        schedule: NoiseSchedule::new(noise_schedule::BetaSchedule::ScaledLinear, 0.00085, 0.012, 1000),
        prediction: Prediction::Epsilon,
        spacing,
        steps_offset: 1,
        clip: None,
        set_alpha_to_one: false,
    }
}

fn samplers(steps: usize) -> Vec<Box<dyn Sampler>> {
    let mut all: Vec<Box<dyn Sampler>> = Vec::new();
    for spacing in [Spacing::Linspace, Spacing::Leading, Spacing::Trailing].map(Some) {
        all.push(Box::new(EulerAncestral::new(&config(spacing), steps)));
        all.push(Box::new(Ddim::new(&config(spacing), steps, 0.0)));
        all.push(Box::new(Ddim::new(&config(spacing), steps, 1.0)));
    }
    for eta in [0.0, 0.7] {
        all.push(Box::new(FlowEuler::new(&FlowConfig::published(), steps, 4096, eta)));
    }
    all
}

#[test]
fn every_schedule_falls_and_every_step_is_finite() {
    for steps in [1, 2, 5, 20, 62, 103, 999] {
        for sampler in samplers(steps) {
            assert_eq!((sampler.steps(), sampler.sigmas().len()), (steps, steps + 1), "{sampler:?}");
            assert!(sampler.sigmas().windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", sampler.sigmas());
            let mut latents: Vec<f32> = [0.5, -1.0, 2.0].iter().map(|value| value * sampler.initial_scale()).collect();
            for step in 0..steps {
                let stepped = sampler.step(step, &latents, &[0.1, -0.2, 0.3], &[1.0, -1.0, 0.5]);
                assert_eq!(stepped.log_probability.is_some(), sampler.adds_noise(step), "{steps} steps, step {step}");
                assert!(stepped.latents.iter().all(|value| value.is_finite()), "{steps} steps, step {step}");
                assert!(stepped.log_probability.is_none_or(f32::is_finite), "{steps} steps, step {step}");
                latents = stepped.latents;
            }
        }
    }
}

/// The first levels of many steps of a large picture all round to 1, where the noise of a stochastic flow has no end.
#[test]
fn a_flow_of_many_steps_and_tokens_is_finite() {
    let flow = FlowEuler::new(&FlowConfig::published(), 1000, 1 << 16, 0.7);
    assert_eq!(flow.sigmas()[1], 1.0);
    for step in 0..1000 {
        let stepped = flow.step(step, &[0.5, -1.0], &[0.1, -0.2], &[1.0, -1.0]);
        assert!(stepped.latents.iter().all(|value| value.is_finite()), "step {step}: {stepped:?}");
        assert_eq!(stepped.log_probability.is_some(), flow.adds_noise(step), "step {step}");
    }
}

/// The share of clean latents and of noise that a sampler's latents are made of before a step, or after the last.
type Mixture<'a> = &'a dyn Fn(usize) -> (f64, f64);

/// Steps that are taken back lead to the distribution of an earlier level, whatever that of the clean latents is: their
/// mean and variance there are those of a mixture at that level.
#[test]
fn what_is_taken_back_is_as_noisy_as_it_should_be() {
    let check = |sampler: &dyn Sampler, mixture: Mixture<'_>| {
        let steps = sampler.steps();
        for from in 0..=steps {
            for to in 0..=from {
                let (factor, std) = sampler.way_back(from, to);
                let ((clean, noise), (signal, level)) = (mixture(from), mixture(to));
                let (expected, label) = (level * level, format!("{sampler:?} from {from} to {to}"));
                assert!((factor * clean - signal).abs() < 1e-5 * (1.0 + signal), "{label}");
                let found = (factor * noise).powi(2) + std * std;
                assert!((found - expected).abs() < 1e-5 * (1.0 + expected), "{label}: {found} for {expected}");
            }
        }
    };
    for steps in [1, 2, 7, 20] {
        let even = Some(Spacing::Leading);
        for eta in [0.0, 1.0] {
            let ddim = Ddim::new(&config(even), steps, eta);
            check(&ddim, &|step| {
                let alpha = f64::from(if step == 0 { ddim.alphas[0].0 } else { ddim.alphas[step - 1].1 });
                (alpha.sqrt(), (1.0 - alpha).sqrt())
            });
            let flow = FlowEuler::new(&FlowConfig::published(), steps, 4096, eta);
            check(&flow, &|step| (1.0 - f64::from(flow.sigmas[step]), f64::from(flow.sigmas[step])));
        }
        for spacing in [Spacing::Linspace, Spacing::Leading, Spacing::Trailing].map(Some) {
            let ancestral = EulerAncestral::new(&config(spacing), steps);
            check(&ancestral, &|step| (1.0, f64::from(ancestral.sigmas()[step])));
        }
    }
}

/// The same in numbers that were drawn: clean latents of mean 0.4 and deviation 0.5, made noisy and taken back.
#[test]
fn drawn_latents_that_are_taken_back_have_the_moments_of_their_level() {
    let (count, from, to) = (200_000, 15, 4);
    let draw = |stream| crate::editors::noise::normal(editscale_core::Seed::new(31).unwrap(), stream, count);
    let clean: Vec<f32> = draw(0).into_iter().map(|value| 0.4 + 0.5 * value).collect();
    for sampler in samplers(20) {
        let name = format!("{sampler:?}");
        // The share of clean latents and of noise, told by the sampler's name and its noise level.
        let mixture = |step: usize| {
            let sigma = sampler.sigmas()[step];
            match name.split(' ').next().unwrap() {
                "Ddim" => (1.0 / (1.0 + sigma * sigma).sqrt(), sigma / (1.0 + sigma * sigma).sqrt()),
                "EulerAncestral" => (1.0, sigma),
                _ => (1.0 - sigma, sigma),
            }
        };
        let (signal, level) = mixture(from);
        let noisy: Vec<f32> = clean.iter().zip(draw(1)).map(|(x, noise)| signal * x + level * noise).collect();
        let back = sampler.taken_back((from, to), &noisy, &draw(2));
        let (signal, level) = mixture(to);
        let mean = back.iter().map(|x| f64::from(*x)).sum::<f64>() / count as f64;
        let power = back.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count as f64;
        let expected = f64::from(signal * signal * 0.25 + level * level);
        assert!((power / expected - 1.0).abs() < 0.02, "{name}: {power} for {expected}");
        assert!((mean - f64::from(signal) * 0.4).abs() < 0.01 * expected.sqrt(), "{name}: {mean}");
    }
}

/// A denoiser that knows the answer leads every deterministic sampler there, whatever it starts from.
#[test]
fn a_perfect_denoiser_is_followed_to_the_end() {
    let clean = [0.7_f32, -0.3];
    for steps in [1, 7, 28] {
        let flow = FlowEuler::new(&FlowConfig::published(), steps, 1024, 0.0);
        let mut latents = vec![1.5_f32, 0.25];
        for step in 0..steps {
            let sigma = flow.sigmas()[step];
            let velocity: Vec<f32> = latents.iter().zip(clean).map(|(x, clean)| (x - clean) / sigma).collect();
            assert!(flow.clean(step, &latents, &velocity).iter().zip(clean).all(|(x, y)| (x - y).abs() < 1e-5));
            latents = flow.step(step, &latents, &velocity, &[]).latents;
        }
        assert!(latents.iter().zip(clean).all(|(x, y)| (x - y).abs() < 1e-5), "{latents:?}");
    }
}

/// Four and eight steps as the authors of Lightning tell them.
#[test]
fn the_levels_of_lightning_depend_on_no_size() {
    let table: [&[f32]; 2] =
        [&[1.0, 0.9, 0.75, 0.5, 0.0], &[1.0, 0.954_545_44, 0.9, 0.833_333_3, 0.75, 0.642_857_13, 0.5, 0.3, 0.0]];
    for (expected, tokens) in table.into_iter().zip([256, 8192]) {
        let flow = FlowEuler::new(&FlowConfig::lightning(), expected.len() - 1, tokens, 0.0);
        assert!(flow.sigmas().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{:?}", flow.sigmas());
    }
}

/// What a schedule without a terminal level is called is part of revisions of earlier versions.
#[test]
fn a_flow_without_a_terminal_level_is_described_as_before() {
    let described = format!("{:?}", FlowConfig::lightning());
    assert!(described.starts_with("FlowConfig { shift: Dynamic {") && !described.contains("terminal"), "{described}");
}

#[test]
fn files_that_ask_for_something_else_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scheduler_config.json");
    let write = |text: &str| fs::write(&file, text).map(|()| PathBuf::from(&file)).unwrap();
    let diffusion = [
        (r#"{"_class_name": "LCMScheduler"}"#, "LCMScheduler"),
        (r"{}", "_class_name"),
        (r#"{"_class_name": "DDIMScheduler", "prediction_type": "sample"}"#, "`prediction_type` `sample`"),
        (r#"{"_class_name": "DDIMScheduler", "rescale_betas_zero_snr": true}"#, "rescale_betas_zero_snr"),
        (r#"{"_class_name": "DDIMScheduler", "trained_betas": [0.1]}"#, "trained_betas"),
        (r#"{"_class_name": "DDIMScheduler", "beta_end": 1.5}"#, "`beta_end` 1.5"),
        (r#"{"_class_name": "DDIMScheduler", "num_train_timesteps": 0}"#, "num_train_timesteps"),
        (r#"{"_class_name": "DDIMScheduler", "num_train_timesteps": "many"}"#, "scheduler_config.json"),
        (r#"{"_class_name": "DDIMScheduler", "timestep_spacing": "odd"}"#, "`timestep_spacing` `odd`"),
        ("[]", "scheduler_config.json"),
    ];
    for (text, expected) in diffusion {
        let said = DiffusionConfig::read(&write(text)).unwrap_err().to_string();
        assert!(said.contains(expected) && said.contains("scheduler_config.json"), "{said}");
    }
    let flow = [
        (r#"{"_class_name": "DDIMScheduler"}"#, "DDIMScheduler"),
        (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_karras_sigmas": true}"#, "use_karras_sigmas"),
        (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": -1}"#, "`shift` -1"),
        (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 2000}"#, "below 1000"),
        (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 1}"#, "`shift_terminal` 1"),
        (r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": -0.5}"#, "`shift_terminal` -0.5"),
        (
            r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true, "base_shift": 1.15,
                "max_shift": 0.5, "time_shift_type": "linear"}"#,
            "linear shift",
        ),
        (
            r#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true, "max_image_seq_len": 256}"#,
            "max_image_seq_len",
        ),
    ];
    for (text, expected) in flow {
        let said = FlowConfig::read(&write(text)).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}
