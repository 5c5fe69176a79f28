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
