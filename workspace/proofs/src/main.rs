//! The studies behind `docs/search.md`. Each is made again by one command.

fn main() -> anyhow::Result<()> {
    anyhow::bail!("name a study")
}
