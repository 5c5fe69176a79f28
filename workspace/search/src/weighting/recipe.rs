//! How recipes set the temperature: the same three keys wherever weights are exponential.

use editscale_schema::{Absent, Fields, Key, Mistake, Number, Yaml};

use super::Weighting;

/// What the keys are where they are left out.
pub(crate) const ONE_OF_THREE: &str = "exactly one of `temperature`, `target_ess` and `target_kl` is required";

pub(crate) const TEMPERATURE: Key<Number> = Key {
    name: "temperature",
    rule: Number::above(0.0, 1e6),
    absent: Absent::Unset(ONE_OF_THREE),
    meaning: "β in w ∝ exp(utility/β), in units of utility",
};

pub(crate) const TARGET_KL: Key<Number> = Key {
    name: "target_kl",
    rule: Number::from(0.0, 100.0),
    absent: Absent::Unset(ONE_OF_THREE),
    meaning: "β such that the weights are this far from equal weights (KL divergence), in nats",
};

/// Reads the one of the three keys that is given, and reports it where `owner` has none or several of them. How large an
/// effective sample size can be is the owner's to say, by its own key for it.
pub(crate) fn read_weighting(fields: &Fields<'_>, owner: &str, target_ess: &Key<Number>) -> Option<Weighting> {
    let names = [TEMPERATURE.name, target_ess.name, TARGET_KL.name];
    let given: Vec<&str> = names.into_iter().filter(|name| fields.has(name)).collect();
    let temperature = fields.take(&TEMPERATURE).map(Weighting::Temperature);
    let target_ess = fields.take(target_ess).map(Weighting::TargetEss);
    let target_kl = fields.take(&TARGET_KL).map(Weighting::TargetKl);
    match given.as_slice() {
        [_] => {}
        [] => {
            let mistake = Mistake::new(format!("`{owner}` does not say how sharply to draw"))
                .hint("add one of `temperature`, `target_ess`, `target_kl`; `target_ess: 2.0` suits any reward");
            fields.error(fields.at(), mistake);
        }
        [first, second, ..] => {
            let mistake = Mistake::new(format!("`{first}` and `{second}` cannot both be given"))
                .hint("each of them decides the temperature; leave one");
            fields.error(&fields.span_of(second), mistake);
        }
    }
    temperature.or(target_ess).or(target_kl)
}

/// The inverse of [`read_weighting`].
pub(crate) fn write_weighting(weighting: Weighting, target_ess: &Key<Number>) -> Option<(String, Yaml)> {
    match &weighting {
        Weighting::Temperature(value) => TEMPERATURE.write(Some(value)),
        Weighting::TargetEss(value) => target_ess.write(Some(value)),
        Weighting::TargetKl(value) => TARGET_KL.write(Some(value)),
    }
}
