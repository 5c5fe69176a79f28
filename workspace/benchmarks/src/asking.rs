//! Judges that compare edits with each other, asked about pairs in both orders.

use std::sync::Arc;
use std::time::Instant;

use editscale_core::{EditRequest, Image, RewardItem, RewardName, Score, Watch};
use editscale_curate::judging::{Judges, Loader, Verdict};
use editscale_study::judges::{HumanOrder, Preference};
use futures_util::future::join_all;

use crate::judging::request;
use crate::{Case, Human, TwoOrders};

/// What a set of two is asked with: the share of comparisons whose answer changed with the order, and the share of decided
/// ones that the edit shown first won. Judges of crate `remote` that compare ask in both orders themselves, and say this.
const CHANGED: &str = "position_bias";
const FIRST_WINS: &str = "first_wins";

/// A reward that compares edits, asked about pairs.
#[derive(Debug, Clone)]
pub struct PairJudge {
    /// The reward at work, among others perhaps, which are asked too and not heard.
    pub judges: Judges,
    /// Its name.
    pub reward: RewardName,
    /// What loads pictures.
    pub loader: Loader,
}

impl PairJudge {
    /// Asks about every two candidates of each case, both ways round. All pictures of the cases are in memory meanwhile.
    ///
    /// A judge that asks in both orders itself, and says in its parts what came of it, is asked once; any other is shown the
    /// two in one order and then in the other.
    pub async fn ask(&self, cases: &[Case], watch: &dyn Watch) -> Vec<TwoOrders> {
        let loaded: Vec<Pictures> = join_all(cases.iter().map(|case| self.load(case))).await;
        let asker = Asker { judges: &self.judges, reward: &self.reward, watch };
        let asked = cases.iter().zip(&loaded).flat_map(|(case, pictures)| {
            let count = case.candidates.len();
            let pairs = (0..count).flat_map(move |first| (first + 1..count).map(move |second| (first, second)));
            pairs.map(move |pair| asker.pair(case, pictures, pair))
        });
        join_all(asked).await
    }

    async fn load(&self, case: &Case) -> Pictures {
        let pictures = std::iter::once(&case.source).chain(case.candidates.iter().map(|candidate| &candidate.picture));
        let mut loaded = self.loader.load(pictures.cloned().collect()).await.into_iter();
        let source = loaded.next().map(|source| source.map_err(|problem| format!("the source: {problem}")));
        let source = source.unwrap_or_else(|| Err("the source was not loaded".to_owned()));
        let request = source.and_then(|source| request(&source, &case.instruction));
        let edits = loaded.map(|edit| edit.map(|loaded| loaded.image).map_err(|problem| problem.to_string())).collect();
        Pictures { request, edits }
    }
}

/// The pictures of a case; what cannot be read says why.
struct Pictures {
    request: Result<Arc<EditRequest>, String>,
    edits: Vec<Result<Image, String>>,
}

#[derive(Clone, Copy)]
struct Asker<'a> {
    judges: &'a Judges,
    reward: &'a RewardName,
    watch: &'a dyn Watch,
}

/// The place that won as they stand, and the other way round.
type Places = (Preference, Preference);

impl Asker<'_> {
    async fn pair(self, case: &Case, pictures: &Pictures, pair: (usize, usize)) -> TwoOrders {
        let begun = Instant::now();
        let edit = |place: usize| match pictures.edits.get(place) {
            Some(edit) => edit.clone().map_err(|reason| format!("edit {}: {reason}", place + 1)),
            None => Err(format!("edit {} was not loaded", place + 1)),
        };
        let places = match (pictures.request.clone(), edit(pair.0), edit(pair.1)) {
            (Err(reason), ..) | (_, Err(reason), _) | (.., Err(reason)) => Err(reason),
            (Ok(request), Ok(first), Ok(second)) => self.places(&request, first, second).await,
        };
        let (places, failure) = match places {
            Ok(places) => (Some(places), None),
            Err(reason) => (None, Some(reason)),
        };
        TwoOrders {
            id: case.id.clone(),
            part: case.part.clone(),
            candidates: pair,
            forward: places.map(|(forward, _)| forward),
            backward: places.map(|(_, backward)| backward),
            human: human(case, pair),
            failure,
            seconds: Some(begun.elapsed().as_secs_f64()),
        }
    }

    async fn places(self, request: &Arc<EditRequest>, first: Image, second: Image) -> Result<Places, String> {
        if first.digest() == second.digest() {
            return Err("both edits are the same picture".to_owned());
        }
        let item = |candidate: &Image| RewardItem { request: Arc::clone(request), candidate: candidate.clone() };
        let forward = self.judges.judge_watched(&[item(&first), item(&second)], self.watch).await;
        let said = self.both(&forward)?;
        if let Some(places) = of_parts(&said) {
            return places;
        }
        let backward = self.judges.judge_watched(&[item(&second), item(&first)], self.watch).await;
        let turned = self.both(&backward)?;
        let won = |said: &[Score; 2]| Preference::of(said[0].mean(), said[1].mean());
        Ok((won(&said), won(&turned)))
    }

    /// What the reward said of both.
    fn both(self, verdicts: &[Verdict]) -> Result<[Score; 2], String> {
        let of = |verdict: &Verdict| {
            let said = verdict.card.iter().find(|(name, _)| *name == self.reward);
            let (_, said) = said.ok_or_else(|| format!("`{}` was not asked", self.reward))?;
            said.clone().map_err(|failure| failure.to_string())
        };
        let scores = verdicts.iter().map(of).collect::<Result<Vec<_>, String>>()?;
        <[Score; 2]>::try_from(scores).map_err(|scores| format!("{} answers of 2", scores.len()))
    }
}

/// What a judge that asks in both orders says of a set of two; nothing where it says no such thing.
///
/// One comparison is one answer in each order, so that the shares are 0, a half or 1, and the sign of the difference of the
/// scores tells the rest.
fn of_parts(said: &[Score; 2]) -> Option<Result<Places, String>> {
    use Preference::{First, Second, Tie};
    let [first, second] = said;
    let changed = first.part(CHANGED)?;
    let lead = Preference::of(first.mean(), second.mean());
    Some(match (is(changed, 0.0), is(changed, 1.0), first.part(FIRST_WINS)) {
        (true, _, _) => Ok((lead, lead.turned())),
        (_, true, Some(share)) if is(share, 1.0) => Ok(match lead {
            Tie => (First, First),
            First => (First, Tie),
            Second => (Tie, First),
        }),
        (_, true, Some(share)) if is(share, 0.0) => Ok(match lead {
            Tie => (Second, Second),
            First => (Tie, Second),
            Second => (Second, Tie),
        }),
        _ => Err(format!(
            "the judge asked more than once about two edits (`{CHANGED}` is {changed}): ask it with one comparison"
        )),
    })
}

fn is(share: f64, value: f64) -> bool {
    (share - value).abs() < 1e-9
}

/// What people said of two candidates.
fn human(case: &Case, (first, second): (usize, usize)) -> Option<Preference> {
    match &case.human {
        Human::Ranking(text) => HumanOrder::parse(text, case.candidates.len()).ok()?.preference(first, second),
        Human::Preferred(preference) => (first == 0 && second == 1).then_some(*preference),
        Human::Rated => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test panics")]
mod tests {
    use editscale_core::{Part, PartName};
    use editscale_study::judges::Preference::{First, Second, Tie};

    use super::*;

    fn said(lead: f64, changed: f64, first_wins: Option<f64>) -> [Score; 2] {
        let part = |name: &str, mean: f64| Part::new(PartName::new(name).unwrap(), mean, None).unwrap();
        let parts = || {
            let first = first_wins.map(|share| part(FIRST_WINS, share));
            std::iter::once(part(CHANGED, changed)).chain(first).collect::<Vec<_>>()
        };
        [lead, -lead].map(|mean| Score::new(mean).unwrap().with_parts(parts()))
    }

    #[test]
    fn parts_tell_which_place_won_in_each_order() {
        let cases = [
            (1.0, 0.0, Some(0.5), (First, Second)),
            (-1.0, 0.0, Some(0.5), (Second, First)),
            (0.0, 0.0, None, (Tie, Tie)),
            (0.0, 1.0, Some(1.0), (First, First)),
            (0.0, 1.0, Some(0.0), (Second, Second)),
            (0.5, 1.0, Some(1.0), (First, Tie)),
            (-0.5, 1.0, Some(1.0), (Tie, First)),
            (0.5, 1.0, Some(0.0), (Tie, Second)),
            (-0.5, 1.0, Some(0.0), (Second, Tie)),
        ];
        for (lead, changed, first_wins, expected) in cases {
            assert_eq!(
                of_parts(&said(lead, changed, first_wins)),
                Some(Ok(expected)),
                "{lead} {changed} {first_wins:?}"
            );
        }
        assert!(of_parts(&said(0.0, 0.5, Some(0.5))).unwrap().is_err());
        assert_eq!(of_parts(&[Score::new(1.0).unwrap(), Score::new(0.0).unwrap()]), None);
    }
}
