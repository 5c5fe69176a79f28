//! The two reward heads.

use candle_core::{DType, Result, Tensor};

use crate::layers::{Linear, Scope};
use crate::rewards::editreward::PARTS;
use crate::weights::WeightError;

/// The places of the affine maps in each head: between them stand rectifiers and a dropout, which have no weights.
pub(super) const MAPS: [usize; 3] = [0, 3, 5];

/// Numbers of an answer.
pub(super) const OUTPUTS: usize = 2;

/// A head's answer, or both heads' in one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    /// The mean of the score.
    pub(super) mean: f64,
    /// The logarithm of its standard deviation.
    pub(super) log_sigma: f64,
}

/// One perceptron for each part, in single precision.
#[derive(Debug)]
pub(super) struct Heads([[Linear; 3]; 2]);

impl Heads {
    /// Loads `head_0` and `head_1`; inner widths are the file's.
    pub(super) fn load(scope: &Scope<'_>, width: usize) -> std::result::Result<Self, WeightError> {
        let head = |at: usize| {
            let head = scope.at(format!("head_{at}"));
            let inner = [head.at(MAPS[0]).some_rows("weight")?, head.at(MAPS[1]).some_rows("weight")?];
            let map = |at: usize, inputs: usize, outputs: usize| {
                let map = head.at(MAPS[at]);
                let weight = map.in_type("weight", &[outputs, inputs], DType::F32)?;
                Ok(Linear::new(weight, Some(map.in_type("bias", &[outputs], DType::F32)?)))
            };
            Ok([map(0, width, inner[0])?, map(1, inner[0], inner[1])?, map(2, inner[1], OUTPUTS)?])
        };
        Ok(Self([head(0)?, head(1)?]))
    }

    /// The answers of one head, by its place in [`PARTS`], to rows [rows, width]. A row that is not finite has no finite
    /// answer: a rectifier on its own would make zeros of what is not a number.
    pub(super) fn answer(&self, part: usize, rows: &Tensor) -> Result<Vec<Answer>> {
        debug_assert!(part < PARTS.len(), "a part of the score");
        let [first, second, last] = &self.0[part];
        let rows = rows.to_dtype(DType::F32)?;
        let sums = rows.abs()?.sum(1)?.to_vec1::<f32>()?;
        let inner = first.forward(&rows)?.relu()?;
        let answers = last.forward(&second.forward(&inner)?.relu()?)?.to_vec2::<f32>()?;
        let answer = |(answer, sum): (&Vec<f32>, &f32)| {
            let number = |at: usize| if sum.is_finite() { f64::from(answer[at]) } else { f64::NAN };
            Answer { mean: number(0), log_sigma: number(1) }
        };
        Ok(answers.iter().zip(&sums).map(answer).collect())
    }
}
