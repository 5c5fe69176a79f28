//! EditReward (Wu et al., 2025, arXiv 2509.26346): Qwen2.5-VL with two reward heads that judge how well an edit follows the
//! instruction and how good it looks.
//!
//! Follows the released code (TIGER-AI-Lab/EditReward at commit edb027e) to the rounding, traps included: the decoder
//! counts positions plainly instead of spreading them over pictures, frequency tables are rounded to brain floats, and
//! pictures are resized by Pillow's bicubic filter to a size found with Python's rounding. `docs/editreward.md` lists
//! them all.

mod asked;
mod branches;
mod directory;
mod error;
mod heads;
mod kept;
mod memory;
mod model;
#[cfg(feature = "nano")]
mod nano;
mod options;
#[cfg(test)]
mod parity;
mod pass;
mod pictures;
mod prompts;
mod recipe;
mod revision;
mod reward;
mod rows;
mod template;
mod tensors;
mod tokens;
mod tree;
mod verify;

pub use directory::Directory;
pub use error::{JudgeError, PictureFault, Which};
pub use memory::Memory;
pub use model::{EditReward, Estimate, PARTS, Pair, Verdict};
pub use options::{Fusion, Options};
pub use recipe::EditRewardRecipe;
pub use reward::EditRewardModel;
pub use tensors::expected_tensors;
pub use verify::verify;
