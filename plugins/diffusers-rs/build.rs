//! Has the program find libtorch where it was found when it was built.

use std::env;

fn main() {
    if let Ok(folder) = env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath={folder}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
