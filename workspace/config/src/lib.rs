//! Recipes: from YAML to a checked description of a run, with the place of every mistake.
