//! The networks on libtorch.
//!
//! U-Net and autoencoder are the crate's, which builds those of Stable Diffusion 1 and 2 and what is like them; what it
//! cannot build is refused with the key that says so. The text encoder is written here: the crate's has two sizes only.
//!
//! libtorch's errors come out of the crate as panics. [`guarded`] makes errors of them again.

mod autoencoder;
mod clip;
mod unet;
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::{Device, Tensor};

pub use autoencoder::Autoencoder;
pub use clip::ClipText;
pub use unet::UNet;

/// Numbers as a tensor on a device.
pub(crate) fn tensor(numbers: &[f32], shape: &[i64], device: Device) -> Tensor {
    Tensor::from_slice(numbers).view(shape).to_device(device)
}

/// The numbers of a tensor, in its order.
pub(crate) fn numbers(tensor: &Tensor) -> Result<Vec<f32>, String> {
    let flat = tensor.to_device(Device::Cpu).contiguous().view(-1_i64);
    Vec::<f32>::try_from(&flat).map_err(|error| first_line(&error.to_string()))
}

/// Work without gradients whose panics are errors: libtorch's own words, without its trace.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let done = catch_unwind(AssertUnwindSafe(|| tch::no_grad(work)));
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(first_line(text.unwrap_or("libtorch failed")))
    })
}

/// What libtorch says before its trace, out of the words that the crate puts around it.
fn first_line(text: &str) -> String {
    let said = text.split_once("Torch(\"").map_or(text, |(_, said)| said);
    let end = said.find("\\n").or_else(|| said.find('\n')).unwrap_or(said.len());
    said.get(..end).unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_libtorch_is_an_error_in_its_own_words() {
        let said =
            guarded(|| numbers(&tensor(&[1.0, 2.0], &[2], Device::Cpu).matmul(&tensor(&[1.0], &[1], Device::Cpu))));
        assert!(said.as_ref().is_err_and(|said| said.contains("size") && !said.contains("frame #")), "{said:?}");
        assert_eq!(guarded(|| numbers(&tensor(&[1.0, 2.0], &[2, 1], Device::Cpu))), Ok(vec![1.0, 2.0]));
    }
}
