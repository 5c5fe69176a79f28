//! Prompts with named places: `{{instruction}}`, `{{low}}`, `{{high}}`.

/// A prompt, cut at its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Instruction,
    Low,
    High,
}

/// What goes into the places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) instruction: &'a str,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Prompt {
    /// Cuts a text. A place that is not known is refused; single braces are text.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("has a `{{` that no `}}` closes")?;
            let place = match name.trim() {
                "instruction" => Place::Instruction,
                "low" => Place::Low,
                "high" => Place::High,
                other => {
                    let shown: String = other.chars().take(40).collect();
                    return Err(format!("has a place `{{{{{shown}}}}}`: expected instruction, low or high"));
                }
            };
            pieces.extend([Piece::Text(before.to_owned()), Piece::Place(place)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        if text.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        Ok(Self(pieces))
    }

    /// Whether it speaks of the least or the greatest score.
    pub(crate) fn names_a_range(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Place(Place::Low | Place::High)))
    }

    /// Fills the places, once: what is filled in is not looked at again.
    pub(crate) fn fill(&self, filling: Filling<'_>) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(Place::Instruction) => filling.instruction.to_owned(),
            Piece::Place(Place::Low) => filling.low.to_string(),
            Piece::Place(Place::High) => filling.high.to_string(),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        let prompt = Prompt::new("{{ instruction }}: {\"a\": 1} {{low}}-{{high}}").unwrap();
        let filling = Filling { instruction: "say {{low}}", low: 0.0, high: 10.0 };
        assert_eq!(prompt.fill(filling), "say {{low}}: {\"a\": 1} 0-10");
    }

    #[test]
    fn unknown_places_are_refused() {
        for (text, words) in [("{{prompt}}", "`{{prompt}}`"), ("{{instruction", "no `}}` closes"), (" \n", "is empty")]
        {
            assert!(Prompt::new(text).unwrap_err().contains(words), "{text}");
        }
    }
}
