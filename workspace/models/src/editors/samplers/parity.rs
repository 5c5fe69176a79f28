//! Parity with diffusers' schedules and with the published stochastic steps: tables that `tests/parity/editors` makes.

use std::fs;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use crate::editors::cases::fixtures;

fn table<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(fixtures().join(name)).expect("a table")).expect("a table")
}

fn written(folder: &tempfile::TempDir, config: &Value) -> std::path::PathBuf {
    let file = folder.path().join("scheduler_config.json");
    fs::write(&file, config.to_string()).unwrap();
    file
}

fn diffusion(settings: &Value, more: &[(&str, Value)]) -> DiffusionConfig {
    let folder = tempfile::tempdir().unwrap();
    let mut config = settings.clone();
    config["_class_name"] = "DDIMScheduler".into();
    more.iter().for_each(|(key, value)| config[*key] = value.clone());
    DiffusionConfig::read(&written(&folder, &config)).unwrap()
}

/// Relative to the largest of the reference.
fn close(what: &str, ours: &[f32], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    let off = ours.iter().zip(theirs).fold(0.0_f64, |most, (a, b)| most.max((f64::from(*a) - b).abs())) / largest;
    assert!(off <= tolerance, "{what}: off by {off}: {ours:?} {theirs:?}");
}

#[derive(Deserialize)]
struct Schedules {
    settings: Settings,
    alphas: Vec<Alphas>,
    euler_ancestral: Vec<EulerRow>,
    ddim: Vec<DdimRow>,
    flow: Vec<FlowRow>,
}

#[derive(Deserialize)]
struct Settings {
    diffusion: Value,
    flow_dynamic: Value,
    flow_static: Value,
    flow_terminal: Value,
    flow_terminal_static: Value,
    flow_lightning: Value,
}

impl Settings {
    fn flow(&self, name: &str) -> &Value {
        match name {
            "flow_dynamic" => &self.flow_dynamic,
            "flow_static" => &self.flow_static,
            "flow_terminal" => &self.flow_terminal,
            "flow_terminal_static" => &self.flow_terminal_static,
            "flow_lightning" => &self.flow_lightning,
            other => panic!("no settings of `{other}`"),
        }
    }
}

#[derive(Deserialize)]
struct Alphas {
    beta_schedule: String,
    at: Vec<usize>,
    alphas: Vec<f64>,
}

#[derive(Deserialize)]
struct EulerRow {
    timestep_spacing: String,
    steps: usize,
    init_noise_sigma: f64,
    timesteps: Vec<f64>,
    sigmas: Vec<f64>,
}

#[derive(Deserialize)]
struct DdimRow {
    timestep_spacing: String,
    steps: usize,
    timesteps: Vec<f64>,
    alphas: Vec<f64>,
    previous_alphas: Vec<f64>,
}

#[derive(Deserialize)]
struct FlowRow {
    scheduler: String,
    tokens: usize,
    steps: usize,
    timesteps: Vec<f64>,
    sigmas: Vec<f64>,
}

#[test]
fn schedules_are_those_of_diffusers() {
    let table: Schedules = table("schedules.json");
    let settings = &table.settings.diffusion;
    for row in &table.alphas {
        let config = diffusion(settings, &[("beta_schedule", row.beta_schedule.as_str().into())]);
        let ours: Vec<f32> = row.at.iter().map(|at| config.schedule.alphas[*at]).collect();
        for (ours, theirs) in ours.iter().zip(&row.alphas) {
            let off = (f64::from(*ours) - theirs).abs() / theirs;
            assert!(off < 3e-6, "{}: {ours} {theirs}", row.beta_schedule);
        }
    }
    for row in &table.euler_ancestral {
        let config = diffusion(settings, &[("timestep_spacing", row.timestep_spacing.as_str().into())]);
        let sampler = EulerAncestral::new(&config, row.steps);
        let what = format!("Euler ancestral, {}, {} steps", row.timestep_spacing, row.steps);
        close(&what, sampler.timesteps(), &row.timesteps, 1e-7);
        close(&what, sampler.sigmas(), &row.sigmas, 2e-6);
        close(&what, &[sampler.initial_scale()], &[row.init_noise_sigma], 2e-6);
    }
    for row in &table.ddim {
        let config = diffusion(settings, &[("timestep_spacing", row.timestep_spacing.as_str().into())]);
        let sampler = Ddim::new(&config, row.steps, 0.0);
        let what = format!("DDIM, {}, {} steps", row.timestep_spacing, row.steps);
        close(&what, sampler.timesteps(), &row.timesteps, 1e-7);
        let (from, to): (Vec<f32>, Vec<f32>) = sampler.alphas.iter().copied().unzip();
        close(&what, &from, &row.alphas, 2e-6);
        close(&what, &to, &row.previous_alphas, 2e-6);
    }
    let folder = tempfile::tempdir().unwrap();
    for row in &table.flow {
        let config = FlowConfig::read(&written(&folder, table.settings.flow(&row.scheduler))).unwrap();
        let sampler = FlowEuler::new(&config, row.steps, row.tokens, 0.0);
        let what = format!("{}, {} tokens, {} steps", row.scheduler, row.tokens, row.steps);
        close(&what, sampler.sigmas(), &row.sigmas, 3e-7);
        let timesteps: Vec<f32> = sampler.timesteps().iter().map(|sigma| sigma * 1000.0).collect();
        close(&what, &timesteps, &row.timesteps, 3e-7);
        if row.scheduler == "flow_lightning" {
            let own = FlowEuler::new(&FlowConfig::lightning(), row.steps, row.tokens, 0.0);
            close(&what, own.sigmas(), &row.sigmas, 3e-7);
        }
    }
}

#[derive(Deserialize)]
struct FlowStep {
    eta: f64,
    sigma: f32,
    next_sigma: f32,
    sample: Vec<f32>,
    velocity: Vec<f32>,
    noise: Vec<f32>,
    moved: Vec<f64>,
    log_probability: f64,
}

#[test]
fn stochastic_flow_steps_are_the_published_ones() {
    for row in table::<Vec<FlowStep>>("flow_sde.json") {
        let eta = row.eta as f32;
        let sampler = FlowEuler { timesteps: vec![row.sigma], sigmas: vec![row.sigma, row.next_sigma], eta };
        let stepped = sampler.step(0, &row.sample, &row.velocity, &row.noise);
        let what = format!("η {eta}, σ {} to {}", row.sigma, row.next_sigma);
        close(&what, &stepped.latents, &row.moved, 2e-6);
        let off = (f64::from(stepped.log_probability.expect("noise")) - row.log_probability).abs();
        assert!(off < 2e-5 * row.log_probability.abs().max(1.0), "{what}: the log-probability is off by {off}");
    }
}

#[derive(Deserialize)]
struct DdimStep {
    steps: usize,
    set_alpha_to_one: bool,
    eta: f64,
    timestep: f32,
    sample: Vec<f32>,
    output: Vec<f32>,
    noise: Vec<f32>,
    clean: Vec<f64>,
    moved: Vec<f64>,
    log_probability: Option<f64>,
}

#[test]
fn stochastic_steps_of_ddim_are_those_of_the_reference() {
    let settings = table::<Schedules>("schedules.json").settings.diffusion;
    for row in table::<Vec<DdimStep>>("ddim_eta.json") {
        let config = diffusion(&settings, &[("set_alpha_to_one", row.set_alpha_to_one.into())]);
        let sampler = Ddim::new(&config, row.steps, row.eta);
        let step = sampler.timesteps().iter().position(|timestep| *timestep == row.timestep).expect("a timestep");
        let what = format!("η {}, timestep {}", row.eta, row.timestep);
        close(&what, &sampler.clean(step, &row.sample, &row.output), &row.clean, 2e-6);
        let stepped = sampler.step(step, &row.sample, &row.output, &row.noise);
        close(&what, &stepped.latents, &row.moved, 1e-5);
        assert_eq!(stepped.log_probability.is_some(), row.log_probability.is_some(), "{what}");
        if let (Some(ours), Some(theirs)) = (stepped.log_probability, row.log_probability) {
            assert!((f64::from(ours) - theirs).abs() < 1e-4 * theirs.abs().max(1.0), "{what}: {ours} {theirs}");
        }
    }
}
