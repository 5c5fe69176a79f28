//! The proportions and resolutions that these models offer instead of sizes.

use std::sync::Arc;

use editscale_core::ImageSize;

/// What is asked for in place of a size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Such as `16:9`.
    pub(crate) aspect: Option<String>,
    /// Such as `2K`.
    pub(crate) resolution: Option<String>,
    /// The size that was wished for.
    pub(crate) wished: Option<ImageSize>,
}

impl Frame {
    /// That another size than the one that was wished for had to be asked for, unless that one came all the same.
    pub(crate) fn lost(&self, made: ImageSize) -> Option<Arc<str>> {
        let wished = self.wished.filter(|wished| *wished != made)?;
        let aspect = self.aspect.as_deref().unwrap_or("its own proportion");
        let at = self.resolution.as_ref().map_or_else(String::new, |resolution| format!(" at {resolution}"));
        Some(format!("the size {wished} is not to be had; {aspect}{at} was asked for").into())
    }
}

/// The proportions of a model: the later ones of the smaller kind offer four extreme ones more.
pub(crate) fn aspects(model: &str) -> Vec<String> {
    let usual = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];
    let extreme = ["1:4", "4:1", "1:8", "8:1"];
    let more = if model.starts_with("gemini-3.1-flash") { &extreme[..] } else { &[] };
    usual.iter().chain(more).map(|text| (*text).to_owned()).collect()
}

/// The resolutions of a model; those before Gemini 3 have one, and do not know the field.
pub(crate) fn resolutions(model: &str) -> Vec<String> {
    let has_one = model.starts_with("gemini-1") || model.starts_with("gemini-2");
    let words = if has_one { &[][..] } else { &["1K", "2K", "4K"] };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Width by height of a text such as `16:9`.
pub(crate) fn proportion(text: &str) -> Option<f64> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    (width > 0 && height > 0).then(|| f64::from(width) / f64::from(height))
}

/// The side of a square of a resolution, in pixels.
pub(crate) fn side(word: &str) -> Option<f64> {
    match word {
        "512" => Some(512.0),
        "1K" => Some(1024.0),
        "2K" => Some(2048.0),
        "4K" => Some(4096.0),
        _ => None,
    }
}

/// What comes nearest to a wish, in proportion and in area. Where the size is left open the model takes the proportion of
/// the picture by itself.
pub(crate) fn nearest(wished: Option<ImageSize>, aspects: &[String], resolutions: &[String]) -> Frame {
    let Some(size) = wished else {
        return Frame { resolution: resolutions.first().cloned(), ..Frame::default() };
    };
    let (width, height) = (f64::from(size.width.max(1)), f64::from(size.height.max(1)));
    let far = |value: Option<f64>, wanted: f64| value.map_or(f64::INFINITY, |value| (value / wanted).ln().abs());
    let by = |list: &[String], distance: &dyn Fn(&str) -> f64| {
        list.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).cloned()
    };
    Frame {
        aspect: by(aspects, &|text| far(proportion(text), width / height)),
        resolution: by(resolutions, &|word| far(side(word), (width * height).sqrt())),
        wished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_proportion_and_resolution_are_taken() {
        for (model, (width, height), aspect, resolution) in [
            ("gemini-2.5-flash-image", (1920, 1080), "16:9", None),
            ("gemini-2.5-flash-image", (1000, 1000), "1:1", None),
            ("gemini-2.5-flash-image", (100, 800), "9:16", None),
            ("gemini-3.1-flash-image", (100, 800), "1:8", Some("1K")),
            ("gemini-3-pro-image", (3000, 2000), "3:2", Some("2K")),
            ("gemini-3-pro-image", (4000, 4000), "1:1", Some("4K")),
            ("gemini-3-pro-image", (1024, 1280), "4:5", Some("1K")),
        ] {
            let wished = Some(ImageSize { width, height });
            let frame = nearest(wished, &aspects(model), &resolutions(model));
            assert_eq!((frame.aspect.as_deref(), frame.resolution.as_deref()), (Some(aspect), resolution), "{model}");
        }
        let open = nearest(None, &aspects("gemini-3-pro-image"), &resolutions("gemini-3-pro-image"));
        assert_eq!((open.aspect, open.resolution.as_deref()), (None, Some("1K")));
        assert_eq!((proportion("0:1"), proportion("wide"), side("8K")), (None, None, None));
    }
}
