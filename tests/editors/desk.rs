//! A folder to work in, the program run there, and what is read of a run.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use editscale_testkit::{copy_folder, said};
use serde_json::{Value, json};

use crate::pipelines::pipeline;

const PHOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos/coffee.jpg");

/// The size of the picture that is edited; pipelines halve it two or four times.
pub(crate) const SIZE: (u32, u32) = (48, 32);

/// A folder of its own for one test, with a small photograph.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of(SIZE)
    }

    /// With a photograph of this size.
    pub(crate) fn of((width, height): (u32, u32)) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let photo = image::open(PHOTO).unwrap();
        let photo = photo.resize_exact(width, height, image::imageops::FilterType::Triangle);
        photo.save(desk.path("photo.png")).unwrap();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_editscale"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Runs and expects an exit code; hands out stdout and stderr.
    pub(crate) fn expect(&self, code: i32, arguments: &[&str]) -> (String, String) {
        said(code, self.command(arguments).output().unwrap(), arguments)
    }

    /// Edits the photograph by a recipe, and hands out what `--json` prints and what is said beside it.
    pub(crate) fn edit(&self, recipe: &str, run: &str, more: &[&str]) -> (Value, String) {
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", run, "--json"];
        let (out, err) = self.expect(0, &[&arguments, more].concat());
        (serde_json::from_str(&out).unwrap(), err)
    }

    /// Expects the same to fail, and hands out what is said.
    pub(crate) fn fail(&self, code: i32, recipe: &str, run: &str, more: &[&str]) -> String {
        fs::write(self.path("recipe.yaml"), recipe).unwrap();
        let arguments = ["edit", "photo.png", "make it warm", "--recipe", "recipe.yaml", "--run-dir", run];
        self.expect(code, &[&arguments, more].concat()).1
    }

    /// A copy of a pipeline that a test may break.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::remove_dir_all(&folder).ok();
        copy_folder(Path::new(&pipeline(name)), &folder);
        folder
    }
}

pub(crate) fn candidates(run: &Value) -> &[Value] {
    run["candidates"].as_array().unwrap()
}

/// The pictures of all candidates, by digest, in ask order.
pub(crate) fn images(run: &Value) -> Vec<String> {
    candidates(run).iter().map(|candidate| candidate["image"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn different(images: &[String]) -> usize {
    images.iter().collect::<HashSet<_>>().len()
}

/// The largest difference between candidates' pictures of two runs, in levels.
pub(crate) fn levels_off(desk: &Desk, one: (&str, &[String]), other: (&str, &[String])) -> u8 {
    let read = |run: &str, image: &String| image::open(desk.path(run).join(image)).unwrap().to_rgb8().into_raw();
    let pairs = one.1.iter().zip(other.1).map(|(a, b)| (read(one.0, a), read(other.0, b)));
    let off = |(a, b): (Vec<u8>, Vec<u8>)| a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    pairs.map(off).max().unwrap()
}

/// The bytes of a safetensors file of F32 tensors, all standard normal.
pub(crate) fn noise_file(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape) in tensors {
        let numbers = editscale_models::editors::noise::normal(
            editscale_core::Seed::new(99).unwrap(),
            name.len() as u32,
            shape.iter().product(),
        );
        let from = data.len();
        data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let offsets = [from, data.len()];
        header.insert((*name).to_owned(), json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}));
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}
