//! Groups of edits whose pairs are spread over rows: put together, and checked for contradictions.

use std::collections::HashMap;

use editscale_core::Digest;
use editscale_engine::digest_of;
use editscale_rollout::{Place, Row, RowPicture};
use editscale_study::judges::{HumanOrder, Preference};

use super::part::Part;
use super::rows::Parts;

/// The most candidates of a group.
const MOST: usize = 8;

/// One row of a group, without its pictures.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) number: u64,
    /// Which two candidates, from 0, the first before the second.
    pub(super) pair: (usize, usize),
    ranking: String,
    instruction: String,
    source: Digest,
    sides: [Side; 2],
}

/// What a row says of one of its two candidates.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    picture: Digest,
    model: Option<String>,
    rating: Option<f64>,
}

/// A group that is whole.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) candidates: usize,
    /// People's order of all candidates.
    pub(super) ranking: String,
    /// Rows that hold all pictures between them, and which candidates to take of each.
    pub(super) rows: Vec<Member>,
}

/// Groups on their way.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// How many candidates all groups have, where the place of the file says it.
    size: Option<usize>,
    open: HashMap<String, Vec<Member>>,
    /// In the order in which they were begun.
    begun: Vec<String>,
}

/// What a group came to, or why it cannot be used.
pub(super) type Told = Result<Group, String>;

impl Groups {
    /// Groups of a part such as `3pair`.
    pub(super) fn new(part: &str) -> Self {
        let size = part.strip_suffix("pair").and_then(|digit| digit.parse().ok());
        Self { size, ..Self::default() }
    }

    /// Adds a row; gives the group that is whole with it. Only rows without their pictures are held.
    pub(super) fn add(&mut self, parts: Parts<'_>, place: &Place, number: u64) -> Result<Option<Told>, String> {
        let member = member(parts, place, number, self.size)?;
        if self.size == Some(2) {
            return Ok(Some(whole(parts.row.id.clone(), vec![member], 2)));
        }
        let id = group_id(&parts.row.id);
        let members = self.open.entry(id.clone()).or_insert_with(|| {
            self.begun.push(id.clone());
            Vec::new()
        });
        if let Some(twice) = members.iter().find(|known| known.pair == member.pair) {
            return Err(format!("{} of the group `{id}` is there twice", pair_name(twice.pair)));
        }
        members.push(member);
        match self.size {
            Some(size) if members.len() == pairs_of(size) => {
                Ok(self.open.remove(&id).map(|members| whole(id, members, size)))
            }
            _ => Ok(None),
        }
    }

    /// What is left when there are no more rows: whole groups of an unknown size, and those that lack rows.
    pub(super) fn finish(&mut self) -> Vec<Told> {
        let begun = std::mem::take(&mut self.begun);
        let left = begun.into_iter().filter_map(|id| self.open.remove(&id).map(|members| (id, members)));
        let size_of = |members: &[Member]| {
            let largest = members.iter().map(|member| member.pair.1 + 1).max().unwrap_or(2);
            self.size.unwrap_or(largest)
        };
        left.map(|(id, members)| {
            let size = size_of(&members);
            whole(id, members, size)
        })
        .collect()
    }
}

/// What the published scripts take for the group of a row: its id up to the first `_`, or ten letters of it.
fn group_id(id: &str) -> String {
    match id.split_once('_') {
        Some((group, _)) => group.to_owned(),
        None => id.chars().take(10).collect(),
    }
}

fn pairs_of(size: usize) -> usize {
    size * size.saturating_sub(1) / 2
}

fn letter(index: usize) -> char {
    u8::try_from(index).map_or('?', |index| char::from(b'A'.saturating_add(index)))
}

fn pair_name((first, second): (usize, usize)) -> String {
    format!("{}vs{}", letter(first), letter(second))
}

fn member(parts: Parts<'_>, place: &Place, number: u64, size: Option<usize>) -> Result<Member, String> {
    let pair = compared(parts.text(Part::Comparison).as_deref(), size)?;
    let [first, second] = parts.row.edited.as_slice() else {
        return Err(format!("expected two pictures after, found {}", parts.row.edited.len()));
    };
    let side = |picture: &RowPicture, model: Part, rating: Part| -> Result<Side, String> {
        Ok(Side { picture: picture_digest(picture), model: parts.text(model), rating: parts.number(rating)? })
    };
    let sides = [side(first, Part::ModelA, Part::RatingA)?, side(second, Part::ModelB, Part::RatingB)?];
    Ok(Member {
        place: place.clone(),
        number,
        pair,
        ranking: parts.ranking()?,
        instruction: parts.row.instruction.clone(),
        source: picture_digest(&parts.row.source),
        sides,
    })
}

/// Which two are compared. Groups of two need not say it.
fn compared(text: Option<&str>, size: Option<usize>) -> Result<(usize, usize), String> {
    let Some(text) = text else {
        let lacking = "expected which two are compared, such as `AvsC`, found none";
        return if size == Some(2) { Ok((0, 1)) } else { Err(lacking.to_owned()) };
    };
    let wrong = || format!("expected which two are compared, such as `AvsC`, found `{text}`");
    let bare: String = text.to_lowercase().chars().filter(|character| !matches!(character, ' ' | '_' | '.')).collect();
    let (first, second) = bare.split_once("vs").ok_or_else(wrong)?;
    let index = |text: &str| match text.as_bytes() {
        [letter @ b'a'..=b'h'] => Some(usize::from(letter - b'a')),
        _ => None,
    };
    let (first, second) = index(first).zip(index(second)).ok_or_else(wrong)?;
    let is_known = second < size.unwrap_or(MOST) && first < second;
    is_known.then_some((first, second)).ok_or_else(wrong)
}

fn picture_digest(picture: &RowPicture) -> Digest {
    match picture {
        RowPicture::Bytes { bytes, .. } => digest_of(bytes),
        RowPicture::File(path) => digest_of(path.to_string_lossy().as_bytes()),
        RowPicture::Address(address) => digest_of(address.as_bytes()),
    }
}

fn whole(id: String, mut members: Vec<Member>, size: usize) -> Told {
    members.sort_by_key(|member| member.pair);
    let refused = |reason: String| format!("the group `{id}` cannot be used: {reason}");
    let lacking: Vec<String> = (0..size)
        .flat_map(|first| (first + 1..size).map(move |second| (first, second)))
        .filter(|pair| members.iter().all(|member| member.pair != *pair))
        .map(pair_name)
        .collect();
    if !lacking.is_empty() {
        return Err(refused(format!("it lacks {}", lacking.join(", "))));
    }
    agree(&members).map_err(refused)?;
    let ranking = order(&members, size).map_err(refused)?;
    Ok(Group { rows: covering(members, size), id, candidates: size, ranking })
}

/// Whether all rows of a group speak of the same pictures.
fn agree(members: &[Member]) -> Result<(), String> {
    let Some(first) = members.first() else { return Ok(()) };
    if members.iter().any(|member| member.instruction != first.instruction) {
        return Err("its rows have different instructions".to_owned());
    }
    if members.iter().any(|member| member.source != first.source) {
        return Err("its rows have different sources".to_owned());
    }
    let mut known: HashMap<usize, &Side> = HashMap::new();
    let sides =
        members.iter().flat_map(|member| [(member.pair.0, &member.sides[0]), (member.pair.1, &member.sides[1])]);
    for (index, side) in sides {
        let before = known.entry(index).or_insert(side);
        if **before != *side {
            let what = if before.picture == side.picture { "models or scores" } else { "pictures" };
            return Err(format!("its rows have different {what} for {}", letter(index)));
        }
    }
    Ok(())
}

/// People's order of all candidates. Of two it stays as it is written, since published code reads the text.
fn order(members: &[Member], size: usize) -> Result<String, String> {
    // Whether the text of two can be read is for the measures to say: published code counts the group either way.
    if let [only] = members {
        return Ok(only.ranking.clone());
    }
    let is_same = members.windows(2).all(|two| matches!(two, [a, b] if a.ranking == b.ranking));
    if let Some(first) = members.first().filter(|member| is_same && HumanOrder::parse(&member.ranking, size).is_ok()) {
        return Ok(first.ranking.clone());
    }
    let verdicts: Vec<((usize, usize), Preference)> =
        members.iter().map(|member| Ok((member.pair, verdict(member)?))).collect::<Result<_, String>>()?;
    let level = |index: usize| {
        let is_beaten = |((first, second), verdict): &&((usize, usize), Preference)| match verdict {
            Preference::First => *second == index,
            Preference::Second => *first == index,
            Preference::Tie => false,
        };
        verdicts.iter().filter(is_beaten).count()
    };
    let levels: Vec<usize> = (0..size).map(level).collect();
    let of = |index: usize| levels.get(index).copied().unwrap_or_default();
    // The better one is beaten by fewer: a smaller level wins.
    let is_so = |((first, second), verdict): &((usize, usize), Preference)| {
        *verdict
            == match of(*first).cmp(&of(*second)) {
                std::cmp::Ordering::Less => Preference::First,
                std::cmp::Ordering::Equal => Preference::Tie,
                std::cmp::Ordering::Greater => Preference::Second,
            }
    };
    if !verdicts.iter().all(is_so) {
        let said: Vec<&str> = members.iter().map(|member| member.ranking.as_str()).collect();
        return Err(format!("its verdicts contradict each other: {}", said.join(", ")));
    }
    Ok(written(&levels))
}

/// What a row says of its two, by their letters in the group.
fn verdict(member: &Member) -> Result<Preference, String> {
    let (first, second) = (letter(member.pair.0), letter(member.pair.1));
    let word: String = member.ranking.chars().filter(|character| !character.is_whitespace()).collect();
    let bare = word.strip_suffix("=Good").or_else(|| word.strip_suffix("=Bad")).unwrap_or(&word);
    let is = |a: char, sign: char, b: char| bare.chars().eq([a, sign, b]);
    match () {
        () if is(first, '>', second) || is(second, '<', first) => Ok(Preference::First),
        () if is(second, '>', first) || is(first, '<', second) => Ok(Preference::Second),
        () if is(first, '=', second) || is(second, '=', first) => Ok(Preference::Tie),
        () => {
            let found = &member.ranking;
            Err(format!("expected `{first}>{second}`, `{second}>{first}` or `{first}={second}`, found `{found}`"))
        }
    }
}

/// Levels as a ranking, such as `B>A=C`.
fn written(levels: &[usize]) -> String {
    let mut order: Vec<(usize, usize)> =
        levels.iter().copied().enumerate().map(|(index, level)| (level, index)).collect();
    order.sort_unstable();
    let mut text = String::new();
    let mut before = None;
    for (level, index) in order {
        match before {
            None => {}
            Some(known) if known == level => text.push('='),
            Some(_) => text.push('>'),
        }
        text.push(letter(index));
        before = Some(level);
    }
    text
}

/// The fewest of the sorted rows that hold all pictures: `AvsB`, `CvsD`, and one more where the number is odd.
fn covering(members: Vec<Member>, size: usize) -> Vec<Member> {
    let is_needed = |(first, second): (usize, usize)| {
        (first % 2 == 0 && second == first + 1) || (size % 2 == 1 && second == size - 1 && first == 0)
    };
    members.into_iter().filter(|member| is_needed(member.pair)).collect()
}

/// The candidates of a group, out of its fetched rows: picture, model and rating of each.
pub(super) fn candidates(group: &Group, rows: &[Row]) -> Vec<Option<crate::Candidate>> {
    let mut found = vec![None; group.candidates];
    for (member, row) in group.rows.iter().zip(rows) {
        let places = [member.pair.0, member.pair.1];
        for ((place, side), picture) in places.into_iter().zip(&member.sides).zip(&row.edited) {
            if let Some(slot) = found.get_mut(place) {
                let (picture, model) = (picture.clone(), side.model.clone());
                *slot = Some(crate::Candidate { picture, model, rating: side.rating });
            }
        }
    }
    found
}
