//! What a recipe says of whole data sets, in the words of the crate that carries it out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use editscale_config::{Advantage, DataColumns, Export, PairChoice, Rollout};
use editscale_core::{EditorName, PolicyKind, PolicyWeights};
use editscale_rollout::advantage::AdvantageKind;
use editscale_rollout::drive::PolicyPlan;
use editscale_rollout::export::{BestWorstRules, ExportRules, SftRules};
use editscale_rollout::pairs::{self, PairRules};
use editscale_rollout::queue::Sharding;
use editscale_rollout::{Columns, Edited, Measures, Workshop};

use crate::failure::Misuse;

pub(crate) fn columns(columns: &DataColumns) -> Columns {
    Columns {
        source: columns.source.clone(),
        instruction: columns.instruction.clone(),
        edited: Edited::Unwanted,
        mask: columns.mask.clone(),
        id: columns.id.clone(),
        seed: columns.seed.clone(),
        keep: columns.keep.clone(),
    }
}

pub(super) fn measures(rollout: &Rollout) -> Measures {
    let advantage = match rollout.advantage {
        Advantage::Grpo(grpo) => AdvantageKind::Grpo { floor: grpo.floor, clip: grpo.clip },
        Advantage::LeaveOneOut(_) => AdvantageKind::LeaveOneOut,
        Advantage::Rank(_) => AdvantageKind::Rank,
    };
    Measures { advantage, flat_below: rollout.flat_below, trajectories: rollout.export.trajectories }
}

pub(super) fn export(export: &Export, share: Option<Sharding>) -> ExportRules {
    let own = share.map_or_else(String::new, |share| format!("-{}-of-{}", share.index(), share.count()));
    let choice = |choice| match choice {
        PairChoice::All => pairs::PairChoice::All,
        PairChoice::BestWorst => pairs::PairChoice::BestWorst,
        PairChoice::Adjacent => pairs::PairChoice::Adjacent,
    };
    ExportRules {
        name: format!("rollouts{own}"),
        groups_per_shard: export.groups_per_shard,
        parquet: export.parquet,
        webdataset: export.webdataset,
        trajectories: export.trajectories,
        pairs: export.pairs.map(|pairs| PairRules {
            choice: choice(pairs.choose),
            margin: pairs.margin,
            z_margin: None,
            most: None,
        }),
        best_worst: export.best_worst.map(|best| BestWorstRules { k: best.count }),
        sft: export.sft.map(|sft| SftRules { temperature: sft.temperature, most: None }),
        ..ExportRules::default()
    }
}

/// The weights that the recipe names, where its editor can take them up.
pub(super) fn policy(rollout: &Rollout, workshop: &Workshop) -> Result<Option<PolicyPlan>> {
    let Some(policy) = &rollout.policy else { return Ok(None) };
    let is_meant = |name: &EditorName| policy.editor.as_ref().is_none_or(|meant| meant == name);
    let editor = workshop.editors.iter().find(|editor| is_meant(&editor.card().name));
    let Some(editor) = editor.map(Arc::clone) else {
        let name = policy.editor.as_ref().map(ToString::to_string).unwrap_or_default();
        bail!(Misuse::new(format!("`rollout.policy.editor` is `{name}`: the recipe has no such editor")));
    };
    let kind = match (&policy.adapter, &policy.checkpoint) {
        (Some(adapter), _) => PolicyKind::Adapter(adapter.as_str().into()),
        (None, Some(checkpoint)) => PolicyKind::Checkpoint(checkpoint.as_str().into()),
        (None, None) => PolicyKind::Base,
    };
    let weights = PolicyWeights { version: policy.version.as_str().into(), kind, scale: policy.scale as f32 };
    let is_plain = weights.kind == PolicyKind::Base && policy.follow.is_none();
    let support = editor.adopts();
    if !is_plain {
        let asked = if weights.kind == PolicyKind::Base {
            // Whatever a trainer announces will be an adapter or a checkpoint.
            if support.adapters || support.checkpoints { None } else { support.refusal(&editor.card().name, &weights) }
        } else {
            support.refusal(&editor.card().name, &weights)
        };
        if let Some(refusal) = asked {
            bail!(
                Misuse::new(refusal.to_string())
                    .hint("`flux_kontext` takes up adapters, `sglang_rollout` what its server can load")
            );
        }
    }
    let follow = policy.follow.as_ref().map(PathBuf::from);
    Ok(Some(PolicyPlan { editor, weights, follow, look_every: Duration::from_millis(500) }))
}
