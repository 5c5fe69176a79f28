//! Whether what judges is something that the policies did not choose by.

use super::report::{Gold, GoldKind};
use super::runs::{Found, Run};

/// The groups of which a run chose by what is the gold now, in their order.
pub(super) fn choosers(found: &Found, gold: &Gold) -> Vec<String> {
    let chose = |group: usize| found.runs.iter().any(|run| run.group == group && chose_by(run, gold));
    let groups = found.groups.iter().enumerate();
    groups.filter(|(place, _)| chose(*place)).map(|(_, group)| group.name.clone()).collect()
}

fn chose_by(run: &Run, gold: &Gold) -> bool {
    let manifest = &run.record.manifest;
    let judges: Vec<&str> = match gold.kind {
        GoldKind::Judge => gold.rewards.iter().map(|(_, revision)| revision.as_str()).collect(),
        GoldKind::Reward => {
            let named = manifest.rewards.iter().filter(|reward| reward.name == gold.name);
            named.map(|reward| reward.revision.as_str()).collect()
        }
        GoldKind::Proxy => return false,
    };
    let mut counting = manifest.rewards.iter().filter(|reward| counts(&manifest.objective, &reward.name));
    counting.any(|reward| judges.iter().any(|judge| is_same(judge, &reward.revision)))
}

/// Whether a reward of this name counts in an objective: its revision names each with what it counts, and each gate.
pub(super) fn counts(objective: &str, reward: &str) -> bool {
    let does = |word: &str| match word.strip_prefix(reward) {
        None => false,
        Some(rest) => match rest.strip_prefix('*') {
            Some(weight) => weight.parse::<f64>().is_ok_and(|weight| weight != 0.0),
            None => rest.is_empty() || rest.starts_with('.') || rest.starts_with(">="),
        },
    };
    objective.split(' ').any(does)
}

/// Whether two revisions are of one judge: of one kind with the same weights, however it is set, calibrated or rounded.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let what = |revision: &str| -> Vec<String> {
        revision.split([' ', ',']).filter(|word| !word.is_empty()).take(2).map(ToOwned::to_owned).collect()
    };
    let own = |revision: &str| what(revision.split(", calibrated ").next().unwrap_or_default());
    own(one) == own(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_in_an_objective_is_read_from_its_revision() {
        for (objective, reward, expected) in [
            ("weighted/1 photometric*1 kept*0", "photometric", true),
            ("weighted/1 photometric*1 kept*0", "kept", false),
            ("weighted/1 photometric*1", "photo", false),
            ("weighted/1 photometric*1 kept*0 gated/1 kept.preservation>=0.3", "kept", true),
            ("weighted/1 photometric*1 kept*0 gated/1 kept>=0.3", "kept", true),
            ("mean_rank/1 nano photometric", "nano", true),
            ("lower_bound/1 kappa=2 nano*-0.5", "nano", true),
        ] {
            assert_eq!(counts(objective, reward), expected, "{objective}: {reward}");
        }
    }

    #[test]
    fn one_judge_has_many_settings() {
        let nano = "editreward/1 92b33018dd565dae official mean f32";
        assert!(is_same(nano, "editreward/1 92b33018dd565dae exact mean bf16"));
        assert!(!is_same(nano, "editreward/1 0000000000000000 official mean f32"));
        assert!(is_same("photometric/3", "photometric/3, calibrated 0123456789abcdef"));
        assert!(!is_same("photometric/3", "photometric/2"));
    }
}
