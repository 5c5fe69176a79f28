//! Random calls in random order: the engines and a model of a few lines must answer alike.

use std::sync::Arc;
use std::time::Duration;

use editscale_rollout::queue::{End, GiveBack, Lease, QueueRules, Recorded, ShardQueue, Spent, SqliteQueue, WorkQueue};
use proptest::prelude::*;

use crate::cases::{done, item, spent, work};

const RULES: QueueRules = QueueRules { lease: Duration::from_secs(3600), deliveries: 3 };

#[derive(Debug, Clone)]
enum Call {
    Enter(u64),
    Lease(usize),
    End(usize),
    Stop(usize),
    Again(usize),
    Extend(usize),
    Reopen(u64),
    Restart,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => (1..5_u64).prop_map(Call::Enter),
        6 => (1..4_usize).prop_map(Call::Lease),
        4 => any::<usize>().prop_map(Call::End),
        1 => any::<usize>().prop_map(Call::Stop),
        3 => any::<usize>().prop_map(Call::Again),
        1 => any::<usize>().prop_map(Call::Extend),
        1 => (0..12_u64).prop_map(Call::Reopen),
        1 => Just(Call::Restart),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stand {
    Waiting,
    Leased,
    Done,
    Dead,
}

#[derive(Debug, Clone, Copy)]
struct Modelled {
    stand: Stand,
    deliveries: u32,
}

struct Pair<'a> {
    open: &'a dyn Fn() -> Arc<dyn WorkQueue>,
    queue: Option<Arc<dyn WorkQueue>>,
    items: Vec<Modelled>,
    leases: Vec<Lease>,
    spent: Spent,
}

impl Pair<'_> {
    fn queue(&self) -> Arc<dyn WorkQueue> {
        self.queue.clone().unwrap()
    }

    /// A lease of those that were ever made, and whether it holds.
    fn pick(&self, index: usize) -> Option<(Lease, bool)> {
        let lease = self.leases.get(index % self.leases.len().max(1))?.clone();
        let newest = self.leases.iter().rev().find(|other| other.item == lease.item)?;
        let stands = self.items[lease.item.ordinal as usize].stand == Stand::Leased;
        Some((lease.clone(), stands && newest.token == lease.token))
    }

    async fn make(&mut self, call: Call) {
        match call {
            Call::Enter(count) => {
                let known = self.items.len() as u64;
                self.queue().enter(&work(known.saturating_sub(1)..known + count)).await.unwrap();
                let fresh = Modelled { stand: Stand::Waiting, deliveries: 0 };
                self.items.resize(self.items.len() + count as usize, fresh);
            }
            Call::Lease(most) => self.lease(most).await,
            Call::End(index) => {
                let Some((lease, _)) = self.pick(index) else { return };
                let modelled = &mut self.items[lease.item.ordinal as usize];
                let is_first = !matches!(modelled.stand, Stand::Done | Stand::Dead);
                let recorded = self.queue.as_ref().unwrap().end(&lease, done(lease.item.ordinal, 1)).await.unwrap();
                assert_eq!(recorded == Recorded::First, is_first);
                if is_first {
                    modelled.stand = Stand::Done;
                    self.spent += spent(1);
                }
            }
            Call::Stop(index) => {
                let Some((lease, holds)) = self.pick(index) else { return };
                let answer = self.queue().give_back(&lease, GiveBack::Stopping).await;
                assert_eq!(answer.is_ok(), holds, "{answer:?}");
                if holds {
                    let modelled = &mut self.items[lease.item.ordinal as usize];
                    (modelled.stand, modelled.deliveries) = (Stand::Waiting, modelled.deliveries - 1);
                }
            }
            Call::Again(index) => self.again(index).await,
            Call::Extend(index) => {
                let Some((lease, holds)) = self.pick(index) else { return };
                assert_eq!(self.queue().extend(&[lease]).await[0].is_ok(), holds);
            }
            Call::Reopen(ordinal) => {
                let answer = self.queue().reopen(&item(ordinal)).await;
                assert_eq!(answer.is_ok(), ordinal < self.items.len() as u64, "{answer:?}");
                if let Some(modelled) = self.items.get_mut(ordinal as usize)
                    && matches!(modelled.stand, Stand::Done | Stand::Dead)
                {
                    *modelled = Modelled { stand: Stand::Waiting, deliveries: 0 };
                }
            }
            Call::Restart => self.restart(),
        }
    }

    async fn lease(&mut self, most: usize) {
        let waiting = (0..self.items.len()).filter(|index| self.items[*index].stand == Stand::Waiting);
        let expected: Vec<usize> = waiting.take(most).collect();
        if expected.is_empty() {
            return;
        }
        let leases = self.queue().lease(most).await.unwrap();
        let found: Vec<usize> = leases.iter().map(|lease| lease.item.ordinal as usize).collect();
        assert_eq!(found, expected);
        for lease in leases {
            let modelled = &mut self.items[lease.item.ordinal as usize];
            (modelled.stand, modelled.deliveries) = (Stand::Leased, modelled.deliveries + 1);
            assert_eq!(lease.delivery, modelled.deliveries);
            self.leases.push(lease);
        }
    }

    async fn again(&mut self, index: usize) {
        let Some((lease, holds)) = self.pick(index) else { return };
        let why = GiveBack::Again { after: Duration::ZERO, reason: "away".to_owned(), spent: spent(2) };
        let answer = self.queue().give_back(&lease, why).await;
        assert_eq!(answer.is_ok(), holds, "{answer:?}");
        let modelled = &mut self.items[lease.item.ordinal as usize];
        if holds {
            self.spent += spent(2);
            let dies = modelled.deliveries >= RULES.deliveries;
            modelled.stand = if dies { Stand::Dead } else { Stand::Waiting };
            assert_eq!(answer.unwrap().is_some(), dies);
        }
    }

    /// The worker is killed: what it held is handed out again, or dead. Asking for nothing takes it back.
    fn restart(&mut self) {
        self.queue = None;
        self.queue = Some((self.open)());
        for modelled in &mut self.items {
            if modelled.stand == Stand::Leased {
                let dies = modelled.deliveries >= RULES.deliveries;
                modelled.stand = if dies { Stand::Dead } else { Stand::Waiting };
            }
        }
    }

    async fn compare(&self) {
        self.queue().lease(0).await.unwrap();
        let tallies = self.queue().tallies().await.unwrap();
        let count = |stand| self.items.iter().filter(|modelled| modelled.stand == stand).count() as u64;
        let found = (tallies.entered, tallies.waiting, tallies.leased, tallies.done, tallies.dead, tallies.candidates);
        let (waiting, leased) = (count(Stand::Waiting), count(Stand::Leased));
        let (done, dead) = (count(Stand::Done), count(Stand::Dead));
        assert_eq!(found, (self.items.len() as u64, waiting, leased, done, dead, done * 8));
        assert_eq!(tallies.spent, self.spent);
        let ended = self.queue().ended(0, usize::MAX).await.unwrap();
        let expected = self.items.iter().take_while(|modelled| matches!(modelled.stand, Stand::Done | Stand::Dead));
        assert_eq!(ended.len(), expected.clone().count());
        for ((found, end), modelled) in ended.iter().zip(expected) {
            assert_eq!(*found, item(found.ordinal));
            assert_eq!(matches!(end, End::Dead { .. }), modelled.stand == Stand::Dead);
        }
    }
}

fn hold_to_model(calls: Vec<Call>, open: &dyn Fn() -> Arc<dyn WorkQueue>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (items, leases) = (Vec::new(), Vec::new());
        let mut pair = Pair { open, queue: Some(open()), items, leases, spent: Spent::default() };
        for call in calls {
            pair.make(call).await;
            pair.compare().await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_sqlite_queue_is_like_the_model(calls in prop::collection::vec(call(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.sqlite");
        hold_to_model(calls, &|| Arc::new(SqliteQueue::open(&path, RULES, "model").unwrap()));
    }

    #[test]
    fn a_shard_is_like_the_model(calls in prop::collection::vec(call(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        hold_to_model(calls, &|| Arc::new(ShardQueue::open(folder.path(), RULES, "model").unwrap()));
    }
}
